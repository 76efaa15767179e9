"""A causal language model in this process: prompts read once, forks answered together, sessions in one batch.

A question costs one pass. Behind the tokens of the prompt that are not cached yet come the tokens of its trie, each of which
sees the prompt and its own ancestors alone (tree attention, as in SpecInfer, Miao et al. 2024), so that every fork is answered
at once. Keys and values of a policy's prompt are kept; the next prompt goes on from the longest beginning that it shares with
one of them.

A critic may go on from the policy's keys and values instead of reading the page again: its adapter then weighs only the tokens
behind the page (as in Activated LoRA, Greenewald et al. 2025), in training as in use.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, GenerationConfig

from policies.causal_lm.errors import ContextError
from policies.causal_lm.language import Language
from policies.causal_lm.scoring import Answers, Counts, Question, Role, Written
from policies.causal_lm.trie import Fork, Tokens
from policies.errors import ModelError

Layers = list[tuple[Tensor, Tensor]]
"""Keys and values (1, heads, tokens, width) of every layer."""
LEAST_SHARED = 8
CACHED_TOKENS = 32_768
BATCH_TOKENS = 16_384
TOLERANCE = 0.02


@dataclass(eq=False)
class Kept:
    """A prompt whose keys and values are kept."""

    prompt: Tensor
    layers: Layers


@dataclass
class Tree:
    """The tokens between a prompt and its forks, each once: `tokens`, the place of the `parents` (-1: the prompt's end),
    `depths` from 0; `ends`: the place of each fork, -1 where it comes right after the prompt."""

    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, forks: Sequence[Fork]) -> Tree:
        tree = cls()
        places: dict[Tokens, int] = {(): -1}
        for fork in forks:
            for length in range(1, len(fork.path) + 1):
                path = fork.path[:length]
                if path not in places:
                    places[path] = len(tree.tokens)
                    tree.tokens.append(path[-1])
                    tree.parents.append(places[path[:-1]])
                    tree.depths.append(length - 1)
            tree.ends.append(places[fork.path])
        return tree


@dataclass
class Piece:
    """One row of a batch: tokens `new` behind `past` tokens of `layers`, and a tree below."""

    new: Tokens
    past: int
    layers: Layers
    tree: Tree


class Engine:
    """Answers questions with a model. `roles`: the adapter of each role, None for the base model as it is.

    Raises:
        ModelError: the model's attention cannot be asked in this way.
    """

    width = 0

    def __init__(self, model: Any, roles: dict[Role, str | None], cached_tokens: int = CACHED_TOKENS) -> None:
        self.model = model.eval()
        self.roles = roles
        self.cached_tokens = cached_tokens
        self.counts = Counts()
        self._kept: list[Kept] = []
        self._active: Role | None = None
        self._lock = threading.Lock()
        self.longest = int(getattr(model.config, "max_position_embeddings", 0) or 0)
        _refuse_windows(model.config)

    @property
    def device(self) -> torch.device:
        found: torch.device = self.model.device
        return found

    def score(self, questions: Sequence[Question]) -> list[Answers]:
        """See `scoring.Scorer`. Safe to call from several threads."""
        for question in questions:
            if self.longest and len(question.prompt) >= self.longest:
                raise ContextError(
                    f"Expected a prompt of fewer than {self.longest} tokens, met {len(question.prompt)}. Lower `budget`."
                )
        with self._lock, torch.inference_mode():
            started = time.perf_counter()
            answers: dict[int, Answers] = {}
            own = [i for i, question in enumerate(questions) if not question.shared]
            for role in dict.fromkeys(questions[i].role for i in own):
                self.activate(role)
                for some in _batches([i for i in own if questions[i].role == role], questions):
                    answers |= zip(some, self._read([questions[i] for i in some], keep=role == "policy"), strict=True)
            if going_on := [i for i, question in enumerate(questions) if question.shared]:
                self._prepare([questions[i] for i in going_on])
                pasts = [self._longest_shared(q.prompt[: q.shared])[1] for q in (questions[i] for i in going_on)]
                self.activate("critic")
                found = self._go_on([questions[i] for i in going_on], pasts)
                answers |= zip(going_on, found, strict=True)
            self.counts.seconds += time.perf_counter() - started
            return [answers[i] for i in range(len(questions))]

    def write(self, prompt: Tokens, most: int, language: Language) -> Written:
        """See `scoring.Scorer`. Safe to call from several threads."""
        if self.longest and len(prompt) + most > self.longest:
            raise ContextError(
                f"Expected a prompt and an answer of at most {self.longest} tokens, met {len(prompt)} and {most}. "
                "Lower `budget`."
            )
        settings = GenerationConfig(
            max_new_tokens=most,
            do_sample=False,
            repetition_penalty=1.0,
            eos_token_id=language.end,
            pad_token_id=language.end,
            return_dict_in_generate=True,
            output_logits=True,
        )
        with self._lock, torch.inference_mode():
            started = time.perf_counter()
            self.activate("policy")
            past, layers = self._longest_shared(prompt[:-1])
            asked = torch.tensor([prompt], device=self.device)
            output = self.model.generate(
                input_ids=asked,
                attention_mask=torch.ones_like(asked),
                past_key_values=DynamicCache(layers) if past else DynamicCache(),
                generation_config=settings,
            )
            found = output.sequences[0, len(prompt) :]
            rows = torch.log_softmax(torch.cat(output.logits).float(), -1)
            probability = float(rows.gather(1, found[:, None]).mean().exp())
            self.counts.prompt += len(prompt)
            self.counts.reused += past
            self.counts.computed += len(prompt) - past + len(found)
            self.counts.forwards += len(found)
            self.counts.seconds += time.perf_counter() - started
        tokens: list[int] = found.tolist()
        whole = tokens[-1] == language.end
        return Written(language.decode(tokens[:-1] if whole else tokens), whole, probability)

    def activate(self, role: Role) -> None:
        """Weigh with the adapter of a role from now on.

        Raises:
            ModelError: the model has no such role.
        """
        if role not in self.roles:
            raise ModelError(f"Expected a model with a {role}, met one without. Train it with `casepilot {_COMMANDS[role]}`.")
        if role == self._active:
            return
        adapter = self.roles[role]
        if hasattr(self.model, "peft_config"):
            if adapter is None:
                self.model.base_model.disable_adapter_layers()
            else:
                if self._active is None or self.roles[self._active] is None:
                    self.model.base_model.enable_adapter_layers()
                self.model.set_adapter(adapter, inference_mode=True)
        self._active = role

    def forget(self) -> None:
        """Drop what is kept of earlier prompts."""
        self._kept.clear()

    def check(self, sample: Tokens) -> None:
        """Compare answers below a kept prompt with those of plain passes.

        Raises:
            ModelError: they differ, as with attention that heeds no mask or no positions.
        """
        half = max(len(sample) // 2, 1)
        prompt, rest = sample[:half], sample[half : half + 3]
        children = tuple(dict.fromkeys(sample))[:8]
        forks = (Fork((), children), *(Fork((token,), children) for token in dict.fromkeys(rest)))
        found = self.score([Question(prompt, forks)])[0]
        again = self.score([Question(prompt, forks)])[0]
        plain = [self.score([Question((*prompt, *fork.path), (Fork((), children),))])[0][0] for fork in forks]
        self.forget()
        for one, other, true in zip(found, again, plain, strict=True):
            if max(abs(a - c) + abs(b - c) for a, b, c in zip(one, other, true, strict=True)) > 50 * TOLERANCE * self._coarse():
                raise ModelError(
                    f"Expected the same answers with and without a cache, met others: {type(self.model).__name__} does not "
                    f"take a "
                    "mask of its own. Use a model with plain causal attention."
                )

    def _coarse(self) -> float:
        return 1.0 if self.model.dtype in (torch.bfloat16, torch.float16) else 0.05

    def _prepare(self, questions: Sequence[Question]) -> None:
        """Have the policy read the pages that the critic goes on from, where that is not done."""
        pages = [q.prompt[: q.shared] for q in questions]
        unread = [page for page in dict.fromkeys(pages) if self._longest_shared(page)[0] < len(page)]
        if unread:
            self.activate("policy")
            asked = [Question(page, ()) for page in unread]
            for some in _batches(range(len(asked)), asked):
                self._read([asked[i] for i in some], keep=True)

    def _read(self, questions: Sequence[Question], keep: bool) -> list[Answers]:
        pieces = []
        for question in questions:
            past, layers = self._longest_shared(question.prompt[:-1]) if keep else (0, [])
            self.counts.prompt += len(question.prompt)
            self.counts.reused += past
            pieces.append(Piece(question.prompt[past:], past, layers, Tree.of(question.forks)))
        logits, layers_of = self._forward(pieces)
        if keep:
            for question, piece, own in zip(questions, pieces, layers_of, strict=True):
                self._keep(question.prompt, piece, own)
        return [
            _answers(question.forks, piece.tree, own) for question, piece, own in zip(questions, pieces, logits, strict=True)
        ]

    def _go_on(self, questions: Sequence[Question], pasts: Sequence[Layers]) -> list[Answers]:
        pieces = [
            Piece(q.prompt[q.shared :], q.shared, layers, Tree.of(q.forks)) for q, layers in zip(questions, pasts, strict=True)
        ]
        for question in questions:
            self.counts.prompt += len(question.prompt)
            self.counts.reused += question.shared
        logits, _ = self._forward(pieces)
        return [_answers(q.forks, piece.tree, own) for q, piece, own in zip(questions, pieces, logits, strict=True)]

    def _forward(self, pieces: Sequence[Piece]) -> tuple[list[Tensor], list[Layers]]:
        """One pass. Gives, a row each, logits (1 + tree, vocabulary) from the prompt's last token on, and new keys and values.

        Rows are padded on the left, in the past and in what is new, so that all trees end together."""
        width = max(len(piece.new) + len(piece.tree.tokens) for piece in pieces)
        past = max(piece.past for piece in pieces)
        rows = len(pieces)
        ids = torch.zeros(rows, width, dtype=torch.long)
        places = torch.zeros(rows, width, dtype=torch.long)
        seen = torch.zeros(rows, width, past + width, dtype=torch.bool)
        for row, piece in enumerate(pieces):
            new, tree = len(piece.new), piece.tree
            start = width - new - len(tree.tokens)
            ids[row, start:] = torch.tensor([*piece.new, *tree.tokens])
            length = piece.past + new
            places[row, start : start + new] = torch.arange(piece.past, length)
            places[row, start + new :] = torch.tensor([length + depth for depth in tree.depths], dtype=torch.long)
            seen[row, start:, past - piece.past : past] = True
            prompt = slice(past + start, past + start + new)
            seen[row, start : start + new, prompt] = torch.ones(new, new, dtype=torch.bool).tril()
            seen[row, start + new :, prompt] = True
            for place, parent in enumerate(tree.parents):
                at = start + new + place
                if parent >= 0:
                    seen[row, at, past + start + new :] = seen[row, start + new + parent, past + start + new :]
                seen[row, at, past + at] = True
            pads = torch.arange(start)
            seen[row, pads, past + pads] = True  # a row that sees nothing would be no number
        device = self.device
        lowest = torch.finfo(self.model.dtype).min
        mask = torch.where(seen[:, None], 0.0, lowest).to(device=device, dtype=self.model.dtype)
        keep = 1 + max(len(piece.tree.tokens) for piece in pieces)
        output = self.model(
            input_ids=ids.to(device),
            attention_mask=mask,
            position_ids=places.to(device),
            past_key_values=_cache(pieces, past),
            use_cache=True,
            logits_to_keep=keep,
        )
        self.counts.computed += sum(len(piece.new) + len(piece.tree.tokens) for piece in pieces)
        self.counts.forks += sum(len(piece.tree.ends) for piece in pieces)
        self.counts.forwards += 1
        logits, layers = [], []
        for row, piece in enumerate(pieces):
            logits.append(output.logits[row, keep - 1 - len(piece.tree.tokens) :].float())
            start = past + width - len(piece.new) - len(piece.tree.tokens)
            part = slice(start, start + len(piece.new))
            layers.append(
                [
                    (one.keys[row : row + 1, :, part], one.values[row : row + 1, :, part])
                    for one in output.past_key_values.layers
                ]
            )
        return logits, layers

    def _longest_shared(self, prompt: Tokens) -> tuple[int, Layers]:
        """The longest beginning of a prompt that is kept, and its keys and values."""
        asked = torch.tensor(prompt)
        best, found = 0, None
        for kept in self._kept:
            size = min(len(kept.prompt), len(asked))
            differs = (kept.prompt[:size] != asked[:size]).nonzero()
            shared = int(differs[0]) if len(differs) else size
            if shared > best:
                best, found = shared, kept
        if found is None or best < LEAST_SHARED:
            return 0, []
        self._kept.remove(found)
        self._kept.append(found)  # what was used last is dropped last
        return best, [(keys[:, :, :best], values[:, :, :best]) for keys, values in found.layers]

    def _keep(self, prompt: Tokens, piece: Piece, layers: Layers) -> None:
        if piece.layers:
            layers = [(torch.cat([a, c], 2), torch.cat([b, d], 2)) for (a, b), (c, d) in zip(piece.layers, layers, strict=True)]
        else:
            layers = [(keys.clone(), values.clone()) for keys, values in layers]
        mine = torch.tensor(prompt)
        # A prompt that this one goes on from is not needed beside it.
        self._kept = [k for k in self._kept if len(k.prompt) > len(mine) or not torch.equal(k.prompt, mine[: len(k.prompt)])]
        self._kept.append(Kept(mine, layers))
        while len(self._kept) > 1 and sum(len(k.prompt) for k in self._kept) > self.cached_tokens:
            self._kept.pop(0)


_COMMANDS: dict[Role, str] = {"policy": "train --base", "critic": "critic"}


def _answers(forks: Sequence[Fork], tree: Tree, logits: Tensor) -> Answers:
    """`logits` (1 + tree, vocabulary) -> log-probabilities of every fork's children."""
    if not forks:
        return []
    rows = torch.log_softmax(logits[[1 + end for end in tree.ends]], -1)
    return [rows[i, list(fork.children)].tolist() for i, fork in enumerate(forks)]


def _cache(pieces: Sequence[Piece], past: int) -> DynamicCache:
    """The past of a batch, padded on the left."""
    if not past:
        return DynamicCache()
    count = next(len(piece.layers) for piece in pieces if piece.layers)
    layers = []
    for number in range(count):
        known = next(piece.layers[number] for piece in pieces if piece.layers)
        if len(pieces) == 1:
            layers.append(known)
            continue
        both = []
        for part in (0, 1):
            rows = known[part].new_zeros(len(pieces), known[part].shape[1], past, known[part].shape[3])
            for row, piece in enumerate(pieces):
                if piece.past:
                    rows[row, :, past - piece.past :] = piece.layers[number][part][0]
            both.append(rows)
        layers.append((both[0], both[1]))
    return DynamicCache(layers)


def _batches(places: Sequence[int], questions: Sequence[Question]) -> list[list[int]]:
    """Questions of like length together, at most `BATCH_TOKENS` tokens with padding in a batch."""
    found: list[list[int]] = []
    longest = 0
    for place in sorted(places, key=lambda i: len(questions[i].prompt)):
        longest = len(questions[place].prompt) + sum(len(fork.path) for fork in questions[place].forks)
        if not found or longest * (len(found[-1]) + 1) > BATCH_TOKENS:
            found.append([])
        found[-1].append(place)
    return found


def _refuse_windows(config: Any) -> None:
    kinds = set(getattr(config, "layer_types", None) or ()) - {"full_attention"}
    if kinds:
        raise ModelError(
            f"Expected a model whose every layer sees the whole prompt, met {', '.join(sorted(kinds))} in "
            f"{config.model_type!r}. "
            "Use one with full attention, such as Qwen2.5 or Llama 3."
        )
