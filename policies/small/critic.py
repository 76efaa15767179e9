"""The small critic: would an operator accept what the policy proposes?

A logistic regression on what is known of a proposal (see `policies.small.features`), and on a few directions of the frozen
vectors of target, value and view. A few hundred verdicts with a tenth of rejections bear no more. See
`policies.small.verdicts` for how it is learned.

`TypedCritic` is the one for applications whose text strangers write: it reads no word of a case and does not ask the policy,
which does, so that nobody can talk it round.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from policies.derive.comparisons import Comparison
from policies.derive.derived import contradicted
from policies.proposal import History, Proposal
from policies.small import features as f
from policies.small.policy import Ranked, Reading, SmallPolicy
from policies.small.rules import Rules
from schema_extraction.action import same_action
from schema_extraction.view import View

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """A logistic regression over some `columns` of the features and over `directions` (k, 3d) of the vectors, from their
    `centre` (3d,). All are standardised by `mean` and `scale` (len(columns) + k,) and weighed by `slope`; then comes `bias`."""

    columns: npt.NDArray[np.int64]
    directions: Floats
    centre: Floats
    mean: Floats
    scale: Floats
    slope: Floats
    bias: Floats

    def __call__(self, features: Floats, vectors: Floats) -> Floats:
        """(n, features), (n, 3d) -> probabilities (n,), to nine decimals, which are the same on every processor."""
        x = np.concatenate([features[:, self.columns], (vectors - self.centre) @ self.directions.T], axis=1)
        z = ((x - self.mean) / self.scale) @ self.slope + self.bias
        scores: Floats = np.round(1.0 / (1.0 + np.exp(-np.clip(z, -30.0, 30.0))), 9)
        return scores


@dataclass(frozen=True)
class SmallCritic:
    """Reads with `policy`, which it was learned for, and weighs with `weights`."""

    policy: SmallPolicy
    weights: Weights

    def score(self, view: View, history: History, ranked: tuple[Proposal, ...]) -> float:
        """Probability in [0, 1] that an operator accepts `ranked[0]`; 0 for what the policy itself would not propose here."""
        found = describe(self.policy, view, history, ranked)
        return float(self.weights(found[0][None], found[1][None])[0]) if found is not None else 0.0

    def to_json(self) -> str:
        return _to_json(self.weights, f.NAMES)


@dataclass(frozen=True)
class TypedCritic:
    """Weighs typed state, history, kind of action and provenance, and what `rules` over typed literals say of the form."""

    weights: Weights
    rules: Rules | None = None
    comparisons: tuple[Comparison, ...] = ()

    def score(self, view: View, history: History, ranked: tuple[Proposal, ...]) -> float:
        """Probability in [0, 1] that an operator accepts `ranked[0]`, whatever anybody wrote; 0 for none."""
        if not ranked:
            return 0.0
        found = f.typed(view, history, ranked, self.rules, self.comparisons)
        return float(self.weights(found[None], np.zeros((1, 0)))[0])

    def to_json(self) -> str:
        return _to_json(self.weights, f.TYPED_NAMES)


def _to_json(weights: Weights, names: Sequence[str]) -> str:
    plain = {field.name: getattr(weights, field.name).tolist() for field in fields(weights)}
    return json.dumps(plain | {"columns": [names[i] for i in weights.columns]})


def load(file: Path, policy: SmallPolicy) -> SmallCritic:
    """Read what `to_json` gave. Raises KeyError or ValueError when it does not fit."""
    return SmallCritic(policy, _read(file, f.NAMES))


def load_typed(file: Path, policy: SmallPolicy) -> TypedCritic:
    """The same for the critic that reads no text; of the policy it takes the rules over typed literals."""
    return TypedCritic(_read(file, f.TYPED_NAMES), policy.known.typed, policy.known.comparisons)


def _read(file: Path, names: Sequence[str]) -> Weights:
    plain = json.loads(file.read_text(encoding="utf-8"))
    columns = np.array([names.index(name) for name in plain.pop("columns")], np.int64)
    arrays = {name: np.array(value, np.float64) for name, value in plain.items()}
    arrays["directions"] = arrays["directions"].reshape(len(plain["directions"]), len(arrays["centre"]))
    return Weights(columns=columns, **arrays)


def describe(policy: SmallPolicy, view: View, history: History, ranked: Sequence[Proposal]) -> tuple[Floats, Floats] | None:
    """The features (len(NAMES),) and vectors (3d,) of the first proposal, or None when the policy does not propose it."""
    if not ranked:
        return None
    reading = policy.read(view, history)
    if reading is None:
        return None
    for proposal, entry in zip(reading.proposals, reading.ranked, strict=True):
        if same_action(proposal.action, ranked[0].action):
            parts = [entry.target_vector, entry.value_vector, reading.view_vector]
            d = len(entry.target_vector)
            vector = np.concatenate([np.zeros(d) if part is None else part.numpy().astype(np.float64) for part in parts])
            return _features(policy, view, history, proposal, entry, reading), vector
    return None


def _features(policy: SmallPolicy, view: View, history: History, proposal: Proposal, entry: Ranked, reading: Reading) -> Floats:
    stretch = f.Stretch.of(view, history)
    # What a field holds now is its last entry; an operator's own is not in doubt.
    values = [_p(item.probability) for item in stretch.entered.values() if item.actor == "agent"]
    session = [_p(item.probability) for item in history if item.actor == "agent"]
    key, slot = entry.choice.key, entry.candidate.slot if entry.candidate else ""
    p = np.array(reading.p_targets)
    named = f.structure(view, history, proposal.action, stretch)
    named |= f.full_review(view, proposal.action, stretch, policy.known, reading.opinion)
    named |= {
        "log_p_target": f.log_odds(entry.p_target),
        "log_p_value": f.log_odds(entry.p_value),
        "log_least_p": f.log_odds(min([entry.p_target * entry.p_value, *values])),
        "log_joint_p": f.log_odds(entry.p_target * entry.p_value * math.prod(values)),
        "margin": entry.margin,
        "entropy": float(-(p * np.log(p + 1e-9)).sum()),
        "log_least_session": f.log_odds(min([1.0, *session])),
        "novelty": min(proposal.novelty, 3.0),
        "most_novelty": min(max([proposal.novelty, *(item.novelty or 0.0 for item in stretch.recent)]), 3.0),
        "invalid": float(sum(c.invalid for c in view.controls) + sum(n.kind in ("alert", "validation") for n in view.notices)),
        "seen": math.log1p(policy.known.lexicon.prior(key, slot)[1]) if slot else 0.0,
        "sources": math.log(entry.sources),
        "rule": f.log_odds(entry.rule) if entry.rule is not None else 0.0,
        "heard": f.log_odds(entry.heard) if entry.heard is not None else 0.0,
        "rule_doubt": float(entry.rule is not None and entry.rule < 0.7),
        "heard_doubt": float(entry.heard is not None and entry.heard < 0.7),
        "formula_doubt": float(len(contradicted(view, history, policy.memory.derived))),
        "first_message": float(len(view.messages) <= 1),
    }
    if entry.candidate is not None:
        named[f"from {entry.candidate.provenance.source}"] = 1.0
    return np.array([named.get(name, 0.0) for name in f.NAMES], np.float64)


def _p(probability: float | None) -> float:
    return 1.0 if probability is None else probability
