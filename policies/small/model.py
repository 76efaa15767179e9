"""The small policy's network: a transformer over what can be acted on, reading the rest of the view, with two pointers.

Targets (and one row for the view as a whole) attend to one another and to all other elements; only they are updated from
layer to layer, which costs about a third of full self-attention and loses nothing: facts need not read one another. The
target pointer scores the targets (Vinyals et al. 2015); the value pointer scores the candidates of one target, given what
the target has read. Numbers enter by thermometer and piecewise-linear codes (Gorishniy et al. 2022) with edges at round
numbers, where rules have theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from policies.small import columns as f
from schema_extraction.view import Frozen

AMOUNTS = (
    *(0, 1, 2, 3, 4, 5, 7, 10, 14, 15, 20, 21, 25, 30, 40, 45, 50, 60, 70, 75, 80, 90, 100, 120, 150, 180, 200, 250, 300),
    *(365, 400, 500, 600, 750, 800, 1000, 1500, 2000, 2500, 5000, 10000),
)
DAYS = (
    *(-365, -180, -90, -60, -30, -14, -7, -3, -1, 0, 1, 2, 3, 5, 7, 10, 14, 21, 28, 30, 45, 60, 75, 90, 100, 120, 150),
    *(180, 270, 365, 730),
)


class NetConfig(Frozen):
    """`width` d, `layers`, `heads`, `hidden`: of the transformer. `words`: size of the lexicon. `text`: of the encoder."""

    width: int = 128
    layers: int = 3
    heads: int = 4
    hidden: int = 256
    dropout: float = 0.1
    words: int = 0
    text: int = 384


@dataclass
class Batch:
    """B views as tensors. T: 1 + most targets; C: most other elements; V: most candidates; U: distinct texts.

    `origin` in `value_ids` counts rows of the own block first (0..T-1), then of the rest (T..), -1 for none.
    """

    texts: Tensor  # (U, text) float
    own_ids: Tensor  # (B, T, len(IDS)) int
    own_numbers: Tensor  # (B, T, 2)
    own_flags: Tensor  # (B, T, len(FLAGS))
    own_mask: Tensor  # (B, T) bool, true where there is a row
    rest_ids: Tensor  # (B, C, len(IDS))
    rest_numbers: Tensor  # (B, C, 2)
    rest_flags: Tensor  # (B, C, len(FLAGS))
    rest_mask: Tensor  # (B, C)

    def double(self) -> Batch:
        """The same in float64, for a network in float64."""
        return replace(
            self,
            texts=self.texts.double(),
            own_numbers=self.own_numbers.double(),
            own_flags=self.own_flags.double(),
            rest_numbers=self.rest_numbers.double(),
            rest_flags=self.rest_flags.double(),
        )


@dataclass
class ValueBatch:
    """Candidates of N targets: `view` (N,) the batch row and `target` (N,) the own row each belongs to."""

    view: Tensor
    target: Tensor
    ids: Tensor  # (N, V, len(VALUE_IDS))
    numbers: Tensor  # (N, V, 2)
    flags: Tensor  # (N, V, len(VALUE_FLAGS))
    mask: Tensor  # (N, V)

    def double(self) -> ValueBatch:
        """The same in float64, for a network in float64."""
        return replace(self, numbers=self.numbers.double(), flags=self.flags.double())


def number_code(x: Tensor, edges: Tensor) -> Tensor:
    """(..., n) real numbers with NaN for none -> (..., 3 * edges): at least the edge, above the edge, share of the bin."""
    known = ~torch.isnan(x).unsqueeze(-1)
    x = torch.nan_to_num(x).unsqueeze(-1)
    width = torch.diff(edges, append=edges[-1:] * 2)
    share = ((x - edges) / width).clamp(0, 1)
    return torch.cat([x >= edges, x > edges, share], dim=-1) * known


class Numbers(nn.Module):
    """(..., 2) number and days -> (..., d)."""

    amounts: Tensor
    days: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("amounts", torch.tensor(AMOUNTS, dtype=torch.float32), persistent=False)
        self.register_buffer("days", torch.tensor(DAYS, dtype=torch.float32), persistent=False)
        self.project = nn.Linear(3 * (len(AMOUNTS) + len(DAYS)), width, bias=False)

    def forward(self, numbers: Tensor) -> Tensor:
        code = torch.cat([number_code(numbers[..., 0], self.amounts), number_code(numbers[..., 1], self.days)], dim=-1)
        return self.project(code)  # type: ignore[no-any-return]


class ElementEncoder(nn.Module):
    """Rows of a view -> (..., d). Its parts are added, then mixed by a small MLP, so that a label can qualify a number."""

    def __init__(self, config: NetConfig, word: nn.Embedding) -> None:
        super().__init__()
        d = config.width
        self.word = word
        self.kind = nn.Embedding(len(f.KINDS), d)
        self.role = nn.Embedding(len(f.ROLES) + 8, d)
        self.literal = nn.Linear(d, d, bias=False)
        self.label = nn.Linear(config.text, d, bias=False)
        self.value = nn.Linear(config.text, d, bias=False)
        self.section = nn.Linear(config.text, d, bias=False)
        self.flags = nn.Linear(len(f.FLAGS), d)
        self.numbers = Numbers(d)
        self.norm = nn.LayerNorm(d)
        self.mix = nn.Sequential(nn.Linear(d, config.hidden), nn.GELU(), nn.Linear(config.hidden, d))
        self.out = nn.LayerNorm(d)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, texts: Tensor, ids: Tensor, numbers: Tensor, flags: Tensor) -> Tensor:
        """`texts` (U, text): all texts of the batch, projected once each."""
        kind, role, word, literal, label, value, section = ids.unbind(-1)
        x = self.kind(kind) + self.role(role) + self.word(word) + self.literal(self.word(literal))
        x = x + self.label(texts)[label] + self.value(texts)[value] + self.section(texts)[section]
        x = self.norm(x + self.flags(flags) + self.numbers(numbers))
        return self.out(x + self.dropout(self.mix(x)))  # type: ignore[no-any-return]


class Layer(nn.Module):
    """Pre-norm transformer layer whose queries are the own rows and whose keys are own rows and the rest."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        d = config.width
        self.heads = config.heads
        self.norm = nn.LayerNorm(d)
        self.query = nn.Linear(d, d)
        self.key_value = nn.Linear(d, 2 * d)
        self.out = nn.Linear(d, d)
        self.feed = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, config.hidden), nn.GELU(), nn.Linear(config.hidden, d))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, rest: Tensor, mask: Tensor) -> Tensor:
        """`x` (B, T, d), `rest` (B, C, d), `mask` (B, T + C) -> (B, T, d)."""
        b, t, d = x.shape
        y = self.norm(x)
        q = self.query(y).view(b, t, self.heads, -1).transpose(1, 2)
        k, v = (
            part.view(b, -1, self.heads, d // self.heads).transpose(1, 2)
            for part in self.key_value(torch.cat([y, rest], dim=1)).chunk(2, dim=-1)
        )
        read = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        x = x + self.dropout(self.out(read.transpose(1, 2).reshape(b, t, d)))
        return x + self.dropout(self.feed(x))  # type: ignore[no-any-return]


class PolicyNet(nn.Module):
    """See the module. `read` a batch once, then point.

    What rules and ear say also enters the logits directly, in a measure (`trust`) that is learned: with few cases the network
    would otherwise rather remember than believe them.
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        d = config.width
        self.config = config
        self.word = nn.Embedding(config.words + 1, d, padding_idx=0)
        self.elements = ElementEncoder(config, self.word)
        self.layers = nn.ModuleList([Layer(config) for _ in range(config.layers)])
        self.norm = nn.LayerNorm(d)
        self.target = nn.Sequential(nn.Linear(d, d), nn.GELU(), nn.Linear(d, 1))
        self.trust = nn.Parameter(torch.tensor([2.0, 2.0, 2.0]))
        self.value_text = nn.Linear(config.text, d, bias=False)
        self.value_label = nn.Linear(config.text, d, bias=False)
        self.value_source = nn.Embedding(len(f.SOURCES), d)
        self.value_form = nn.Embedding(len(f.FORMS), d)
        self.value_flags = nn.Linear(len(f.VALUE_FLAGS) + 4, d)
        self.value_numbers = Numbers(d)
        self.value_origin = nn.Linear(d, d, bias=False)
        self.value_norm = nn.LayerNorm(d)
        self.value_query = nn.Linear(d, d)
        self.value_score = nn.Sequential(nn.Linear(3 * d, d), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(d, 1))
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.1)
        with torch.no_grad():
            self.word.weight[0].zero_()

    def read(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What every own row has read (B, T, d), and the encoded rest (B, C, d)."""
        x = self.elements(batch.texts, batch.own_ids, batch.own_numbers, batch.own_flags)
        rest = self.elements(batch.texts, batch.rest_ids, batch.rest_numbers, batch.rest_flags)
        mask = torch.cat([batch.own_mask, batch.rest_mask], dim=1)
        for layer in self.layers:
            x = layer(x, rest, mask)
        return self.norm(x), rest

    def targets(self, x: Tensor, batch: Batch) -> Tensor:
        """Logits of the targets (B, T - 1), -inf where there is none."""
        logits: Tensor = self.target(x[:, 1:]).squeeze(-1)
        logits = logits + self.trust[0] * batch.own_flags[:, 1:, f.FLAGS.index("uptake")]
        return logits.masked_fill(~batch.own_mask[:, 1:], -torch.inf)

    def values(self, x: Tensor, rest: Tensor, batch: Batch, of: ValueBatch) -> tuple[Tensor, Tensor]:
        """Logits of the candidates (N, V), -inf where there is none, and their vectors (N, V, d)."""
        text, label, source, form, word, origin = of.ids.unbind(-1)
        rows = torch.cat([x, rest], dim=1)[of.view]  # (N, T + C, d)
        index = origin.clamp(min=0).unsqueeze(-1).expand(-1, -1, rows.shape[-1])
        from_row = torch.gather(rows, 1, index) * (origin >= 0).unsqueeze(-1)
        flags = torch.cat([of.flags, self._likeness(batch, of, text, label)], dim=-1)
        c = self.value_text(batch.texts)[text] + self.value_label(batch.texts)[label] + self.value_source(source)
        c = c + self.value_form(form) + self.word(word) + self.value_flags(flags) + self.value_numbers(of.numbers)
        c = self.value_norm(c + self.value_origin(from_row))
        q = self.value_query(x[of.view, of.target]).unsqueeze(1).expand_as(c)
        logits: Tensor = self.value_score(torch.cat([q, c, q * c], dim=-1)).squeeze(-1)
        logits = logits + self.trust[1] * of.flags[..., f.VALUE_FLAGS.index("rule")]
        logits = logits + self.trust[2] * of.flags[..., f.VALUE_FLAGS.index("heard")]
        return logits.masked_fill(~of.mask, -torch.inf), c

    def _likeness(self, batch: Batch, of: ValueBatch, text: Tensor, label: Tensor) -> Tensor:
        """(N, V, 4): cosine of the candidate with the customer's closest sentence, with the closest of the last message, with
        the closest prose of the page, and of its label with the target's."""
        said = batch.rest_ids[of.view, :, f.IDS.index("value")]  # (N, C)
        marks = batch.rest_flags[of.view]
        cosine = batch.texts[text] @ batch.texts[said].transpose(1, 2)  # (N, V, C)
        prose = batch.rest_ids[of.view, :, f.IDS.index("kind")] == f.KINDS.index("section")
        rows = (marks[..., f.FLAGS.index("inbound")] > 0, marks[..., f.FLAGS.index("last_inbound")] > 0, prose)
        near = [(cosine * row.unsqueeze(1)).amax(-1) for row in rows]
        name = batch.texts[batch.own_ids[of.view, of.target, f.IDS.index("label")]].unsqueeze(1)  # (N, 1, text)
        return torch.stack([*near, (batch.texts[label] * name).sum(-1)], dim=-1) * 2.0
