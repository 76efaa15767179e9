"""Arrays of single views to the padded tensors of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from policies.small.columns import FLAGS, HISTORY_FLAGS, IDS, KINDS, VALUE_FLAGS, VALUE_IDS
from policies.small.elements import Elements
from policies.small.model import Batch, ValueBatch
from policies.small.values import Values

Table = npt.NDArray[np.float32]
Array = npt.NDArray[np.int32] | npt.NDArray[np.float32]

_ID = {name: index for index, name in enumerate(IDS)}
_TEXTS = [_ID["label"], _ID["value"], _ID["section"]]
_VALUE_TEXTS = [VALUE_IDS.index("text"), VALUE_IDS.index("label")]
_ORIGIN = VALUE_IDS.index("origin")
_HISTORY = [FLAGS.index(name) for name in HISTORY_FLAGS]


@dataclass(frozen=True)
class Noise:
    """What training hides at random so that nothing rests on one clue: the identity of an element (`word`), the wording of
    values that are no usual ones (names, cities: nobody is to be remembered), and what was done before (`history`). `text`:
    length of the random vector added to every text, so that other ways to say a thing are met too."""

    word: float = 0.08
    value: float = 0.3
    history: float = 0.08
    text: float = 0.5


def pad_views(views: Sequence[Elements]) -> Batch:
    """A batch of `views` that still lacks its `texts`."""
    own = [view.own for view in views]
    rest = [len(view.ids) - view.own for view in views]
    t, c = max(own), max(1, *rest)
    return Batch(
        texts=torch.empty(0),
        own_ids=_pad([view.ids[: view.own] for view in views], t, 0, len(IDS)).long(),
        own_numbers=_pad([view.numbers[: view.own] for view in views], t, np.nan, 2),
        own_flags=_pad([view.flags[: view.own] for view in views], t, 0, len(FLAGS)),
        own_mask=_mask(own, t),
        rest_ids=_pad([view.ids[view.own :] for view in views], c, 0, len(IDS)).long(),
        rest_numbers=_pad([view.numbers[view.own :] for view in views], c, np.nan, 2),
        rest_flags=_pad([view.flags[view.own :] for view in views], c, 0, len(FLAGS)),
        rest_mask=_mask(rest, c),
    )


def pad_values(of: Sequence[tuple[int, int, Values]], views: Sequence[Elements]) -> ValueBatch:
    """The candidates `of` (view, target row, values) in a batch of `views`."""
    t = max(view.own for view in views)
    v = max([1, *(len(values.ids) for _, _, values in of)])
    ids = _pad([values.ids for _, _, values in of], v, 0, len(VALUE_IDS)).long()
    for row, (view, _, _) in enumerate(of):
        shift = t - views[view].own
        ids[row, :, _ORIGIN] += shift * (ids[row, :, _ORIGIN] >= views[view].own)
    return ValueBatch(
        view=torch.tensor([view for view, _, _ in of], dtype=torch.long),
        target=torch.tensor([target for _, target, _ in of], dtype=torch.long),
        ids=ids,
        numbers=_pad([values.numbers for _, _, values in of], v, np.nan, 2),
        flags=_pad([values.flags for _, _, values in of], v, 0, len(VALUE_FLAGS)),
        mask=_mask([len(values.ids) for _, _, values in of], v),
    )


def collate(views: Sequence[Elements], of: Sequence[tuple[int, int, Values]], table: Table) -> tuple[Batch, ValueBatch]:
    """A batch of `views` with candidates. Texts are rows of `table` (n, text); the batch gets only those it uses."""
    batch, values = pad_views(views), pad_values(of, views)
    parts = [(batch.own_ids, _TEXTS), (batch.rest_ids, _TEXTS), (values.ids, _VALUE_TEXTS)]
    used, place = torch.unique(torch.cat([ids[..., columns].flatten() for ids, columns in parts]), return_inverse=True)
    start = 0
    for ids, columns in parts:
        size = ids[..., columns].numel()
        ids[..., columns] = place[start : start + size].view(ids[..., columns].shape)
        start += size
    batch.texts = torch.from_numpy(table[used.numpy()])
    return batch, values


def blur(batch: Batch, noise: Noise, generator: torch.Generator) -> None:
    """Hide things in `batch` at random, in place."""
    for ids in (batch.own_ids, batch.rest_ids):
        hidden = torch.rand(ids.shape[:2], generator=generator) < noise.word
        ids[..., _ID["word"]] *= ~hidden
        fact = (ids[..., _ID["kind"]] == KINDS.index("fact")) & (ids[..., _ID["literal"]] == 0)
        ids[..., _ID["value"]] *= ~(fact & (torch.rand(ids.shape[:2], generator=generator) < noise.value))
    spoken = (batch.texts != 0).any(-1, keepdim=True)
    batch.texts += spoken * torch.randn(batch.texts.shape, generator=generator) * (noise.text / batch.texts.shape[-1] ** 0.5)
    forgotten = torch.rand(len(batch.own_flags), generator=generator) < noise.history
    for flag in _HISTORY:
        batch.own_flags[forgotten, :, flag] = 0.0
    batch.own_ids[forgotten, 0, _ID["literal"]] = 0


def _pad(arrays: Sequence[Array], length: int, fill: float, width: int) -> Tensor:
    out = np.full((len(arrays), length, width), fill, arrays[0].dtype if arrays else np.float32)
    for row, array in enumerate(arrays):
        out[row, : len(array)] = array
    return torch.from_numpy(out)


def _mask(lengths: Sequence[int], length: int) -> Tensor:
    return torch.arange(length)[None, :] < torch.tensor(lengths, dtype=torch.long)[:, None]
