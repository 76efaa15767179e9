"""The small critic: would an operator accept what the policy proposes?

A logistic regression on what the policy's reading says of its own proposal: how sure it was of target and value, of every
value entered since the last critical action, what rules and ear say of the value, how familiar the view is; and a few
directions of the frozen vectors of target, value and view. A few hundred verdicts with a tenth of rejections bear no more.
See `policies.small.verdicts` for how it is learned.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from policies.proposal import History, Proposal, is_critical
from policies.small.policy import Ranked, Reading, SmallPolicy
from schema_extraction.action import same_action, target_key
from schema_extraction.view import View

Floats = npt.NDArray[np.float64]

TYPES = ("click", "send_message", "close_case", "transfer_case")
PROVENANCES = ("option", "template", "constant", "fact", "message", "cell")
CONFIDENCE = ("log_p_target", "log_p_value", "log_least_p", "log_joint_p")
BASE = (
    *CONFIDENCE,
    *("margin", "entropy", "log_least_session", "by_operator", "novelty", "most_novelty", "invalid", "seen", "sources"),
    *("rule", "heard", "rule_doubt", "heard_doubt", "steps", "first_message"),
    *(f"type {name}" for name in TYPES),
    *(f"from {name}" for name in PROVENANCES),
)


@dataclass(frozen=True)
class Weights:
    """A logistic regression over some `columns` of the features `BASE` and over `directions` (k, 3d) of the vectors, from their
    `centre` (3d,). All are standardised by `mean` and `scale` (len(columns) + k,) and weighed by `slope`; then comes `bias`."""

    columns: npt.NDArray[np.int64]
    directions: Floats
    centre: Floats
    mean: Floats
    scale: Floats
    slope: Floats
    bias: Floats

    def __call__(self, features: Floats, vectors: Floats) -> Floats:
        """(n, len(BASE)), (n, 3d) -> probabilities (n,)."""
        x = np.concatenate([features[:, self.columns], (vectors - self.centre) @ self.directions.T], axis=1)
        z = ((x - self.mean) / self.scale) @ self.slope + self.bias
        scores: Floats = 1.0 / (1.0 + np.exp(-np.clip(z, -30.0, 30.0)))
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
        plain = {field.name: getattr(self.weights, field.name).tolist() for field in fields(self.weights)}
        return json.dumps(plain | {"columns": [BASE[i] for i in self.weights.columns]})


def load(file: Path, policy: SmallPolicy) -> SmallCritic:
    """Read what `to_json` gave. Raises KeyError or ValueError when it does not fit."""
    plain = json.loads(file.read_text(encoding="utf-8"))
    columns = np.array([BASE.index(name) for name in plain.pop("columns")], np.int64)
    arrays = {name: np.array(value, np.float64) for name, value in plain.items()}
    arrays["directions"] = arrays["directions"].reshape(-1, len(arrays["centre"]))
    return SmallCritic(policy, Weights(columns=columns, **arrays))


def describe(policy: SmallPolicy, view: View, history: History, ranked: Sequence[Proposal]) -> tuple[Floats, Floats] | None:
    """The features (len(BASE),) and vectors (3d,) of the first proposal, or None when the policy does not propose it."""
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
    since = next((n for n, item in enumerate(reversed(history)) if is_critical(view, item.action)), len(history))
    recent = history[len(history) - since :]
    # What a field holds now is its last entry; an operator's own is not in doubt.
    entered = {target_key(item.action): item for item in recent if item.action.type in ("fill", "select", "check")}
    values = [_p(item.probability) for item in entered.values() if item.actor == "agent"]
    session = [_p(item.probability) for item in history if item.actor == "agent"]
    key, slot = entry.choice.key, entry.candidate.slot if entry.candidate else ""
    p = np.array(reading.p_targets)
    named = {
        "log_p_target": _log_odds(entry.p_target),
        "log_p_value": _log_odds(entry.p_value),
        "log_least_p": _log_odds(min([entry.p_target * entry.p_value, *values])),
        "log_joint_p": _log_odds(entry.p_target * entry.p_value * math.prod(values)),
        "margin": entry.margin,
        "entropy": float(-(p * np.log(p + 1e-9)).sum()),
        "log_least_session": _log_odds(min([1.0, *session])),
        "by_operator": float(any(item.actor == "operator" for item in recent)),
        "novelty": min(proposal.novelty, 3.0),
        "most_novelty": min(max([proposal.novelty, *(item.novelty or 0.0 for item in recent)]), 3.0),
        "invalid": float(sum(c.invalid for c in view.controls) + sum(n.kind in ("alert", "validation") for n in view.notices)),
        "seen": math.log1p(policy.known.lexicon.prior(key, slot)[1]) if slot else 0.0,
        "sources": math.log(entry.sources),
        "rule": _log_odds(entry.rule) if entry.rule is not None else 0.0,
        "heard": _log_odds(entry.heard) if entry.heard is not None else 0.0,
        "rule_doubt": float(entry.rule is not None and entry.rule < 0.7),
        "heard_doubt": float(entry.heard is not None and entry.heard < 0.7),
        "steps": math.log1p(len(history)),
        "first_message": float(len(view.messages) <= 1),
        f"type {proposal.action.type}": 1.0,
    }
    if entry.candidate is not None:
        named[f"from {entry.candidate.provenance.source}"] = 1.0
    return np.array([named.get(name, 0.0) for name in BASE], np.float64)


def _p(probability: float | None) -> float:
    return 1.0 if probability is None else probability


def _log_odds(p: float) -> float:
    p = min(max(p, 0.002), 0.998)
    return math.log(p / (1 - p))
