"""The small critic: would an operator accept what the policy proposes?

A logistic regression on what the policy's reading says of its own proposal: how sure it was of target and value, of every
value entered since the last critical action, what rules and ear say of the value, how familiar the view is; and a few
directions of the frozen vectors of target, value and view. A few hundred verdicts with a tenth of rejections bear no more.
Which features and how strongly they are held back is chosen by cross-validation by case.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from policies.calibrate import Judged
from policies.errors import FeedbackError
from policies.feedback import critic_label
from policies.proposal import History, Proposal, is_critical
from policies.small.policy import Ranked, Reading, SmallPolicy
from schema_extraction.action import same_action
from schema_extraction.view import View

Floats = npt.NDArray[np.float64]

TYPES = ("click", "send_message", "close_case", "transfer_case")
PROVENANCES = ("option", "template", "constant", "fact", "message", "cell")
CONFIDENCE = ("log_p_target", "log_p_value", "log_least_p")
BASE = (
    *CONFIDENCE,
    *("margin", "entropy", "log_least_session", "by_operator", "novelty", "most_novelty", "invalid", "seen", "sources"),
    *("rule", "heard", "rule_doubt", "heard_doubt", "steps", "first_message"),
    *(f"type {name}" for name in TYPES),
    *(f"from {name}" for name in PROVENANCES),
)
DIRECTIONS = 8
FOLDS = 5


@dataclass(frozen=True)
class SmallCritic:
    """`weights` over the columns of `BASE` named in `columns` and over `directions` (k, 3d) of the policy's vectors;
    everything is standardised with `mean` and `scale` first."""

    policy: SmallPolicy
    columns: tuple[int, ...]
    directions: Floats
    centre: Floats
    mean: Floats
    scale: Floats
    weights: Floats
    bias: float

    def score(self, view: View, history: History, ranked: tuple[Proposal, ...]) -> float:
        """Probability in [0, 1] that an operator accepts `ranked[0]`; 0 for what the policy itself would not propose here."""
        found = describe(self.policy, view, history, ranked)
        if found is None:
            return 0.0
        row, vector = found
        x = np.concatenate([row[list(self.columns)], self.directions @ (vector - self.centre)])
        z = float(((x - self.mean) / self.scale) @ self.weights) + self.bias
        return 1.0 / (1.0 + math.exp(-max(min(z, 30.0), -30.0)))

    def to_json(self) -> str:
        arrays = ("directions", "centre", "mean", "scale", "weights")
        plain = {name: getattr(self, name).tolist() for name in arrays}
        return json.dumps({"columns": [BASE[i] for i in self.columns], "bias": self.bias, **plain})


def load(file: Path, policy: SmallPolicy) -> SmallCritic:
    """Read what `to_json` gave. Raises KeyError or ValueError when it does not fit."""
    plain = json.loads(file.read_text(encoding="utf-8"))
    columns = tuple(BASE.index(name) for name in plain["columns"])
    arrays = {name: np.array(plain[name], np.float64) for name in ("centre", "mean", "scale", "weights")}
    directions = np.array(plain["directions"], np.float64).reshape(-1, len(arrays["centre"]))
    return SmallCritic(policy, columns, directions, bias=float(plain["bias"]), **arrays)


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
    values = [_p(item.probability) for item in recent if item.actor == "agent" and item.action.type != "click"]
    session = [_p(item.probability) for item in history if item.actor == "agent"]
    key, slot = entry.choice.key, entry.candidate.slot if entry.candidate else ""
    p = np.array(reading.p_targets)
    named = {
        "log_p_target": _log_odds(entry.p_target),
        "log_p_value": _log_odds(entry.p_value),
        "log_least_p": _log_odds(min([entry.p_target * entry.p_value, *values])),
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


def learn_critic(
    policy: SmallPolicy,
    judged: Sequence[Judged],
    strengths: Sequence[float],
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[SmallCritic, dict[str, float]]:
    """A critic from verdicts, and how it did on cases it had not seen.

    Raises:
        FeedbackError: nothing was accepted, or nothing rejected.
    """
    rows, vectors, labels, cases, confidence = [], [], [], [], []
    for count, item in enumerate(judged, start=1):
        verdict = item.step.verdict
        label = critic_label(verdict) if verdict is not None else None
        found = describe(policy, item.step.view, item.history, item.step.ranked) if label is not None else None
        if label is not None and found is not None:
            rows.append(found[0])
            vectors.append(found[1])
            labels.append(label)
            cases.append(item.step.case_id)
            confidence.append(item.confidence)
        if progress:
            progress(count, len(judged))
    y = np.array(labels)
    if not len(y) or (y > 0.5).all() or (y < 0.5).all():
        raise FeedbackError(
            f"Expected accepted and rejected proposals to learn from, met {len(y)} verdicts that all say the same. "
            "Run more cases with `casepilot run --stage copilot`."
        )
    x, v = np.stack(rows), np.stack(vectors)
    folds = _folds(cases)
    best: tuple[float, tuple[int, ...], int, float] | None = None
    for columns, size in (
        (tuple(BASE.index(name) for name in CONFIDENCE), 0),
        (tuple(range(len(BASE))), 0),
        (tuple(range(len(BASE))), DIRECTIONS),
    ):
        for strength in strengths:
            loss = _log_loss(_cross_fit(x, v, y, folds, columns, size, strength), y)
            # A larger model has to earn its place.
            if best is None or loss < best[0] * 0.99:
                best = (loss, columns, size, strength)
    assert best is not None
    loss, columns, size, strength = best
    critic = _fit(policy, x, v, y, columns, size, strength)
    scores = _cross_fit(x, v, y, folds, columns, size, strength)
    metrics = {
        "verdicts": float(len(y)),
        "accepted": float((y > 0.5).mean()),
        "log_loss": loss,
        "auroc": _auroc(scores, y),
        "confidence_auroc": _auroc(np.array(confidence), y),
        "strength": strength,
        "features": float(len(columns) + size),
    }
    return critic, metrics


def _folds(cases: Sequence[str]) -> npt.NDArray[np.int64]:
    order = {case: index for index, case in enumerate(sorted(set(cases)))}
    return np.array([order[case] % FOLDS for case in cases])


def _fit(
    policy: SmallPolicy, x: Floats, v: Floats, y: Floats, columns: tuple[int, ...], size: int, strength: float
) -> SmallCritic:
    from sklearn.linear_model import LogisticRegression

    centre = v.mean(0)
    directions = np.zeros((0, v.shape[1]))
    if size:
        directions = np.linalg.svd(v - centre, full_matrices=False)[2][:size]
    z = np.concatenate([x[:, list(columns)], (v - centre) @ directions.T], axis=1)
    mean, scale = z.mean(0), np.maximum(z.std(0), 1e-3)
    z = (z - mean) / scale
    # A soft label is both an acceptance and a rejection, weighted.
    doubled, answers = np.concatenate([z, z]), np.repeat([1, 0], len(y))
    weights = np.concatenate([y, 1 - y])
    kept = weights > 0
    model = LogisticRegression(C=strength, max_iter=2000).fit(doubled[kept], answers[kept], sample_weight=weights[kept])
    return SmallCritic(policy, columns, directions, centre, mean, scale, model.coef_[0], float(model.intercept_[0]))


def _cross_fit(
    x: Floats, v: Floats, y: Floats, folds: npt.NDArray[np.int64], columns: tuple[int, ...], size: int, strength: float
) -> Floats:
    """The score of every verdict by a critic that has not seen its case."""
    scores = np.full(len(y), y.mean())
    for fold in range(FOLDS):
        out = folds == fold
        seen = y[~out]
        if not out.any() or not len(seen) or (seen == 1).all() or (seen == 0).all():
            continue
        model = _fit(None, x[~out], v[~out], seen, columns, size, strength)  # type: ignore[arg-type]
        z = np.concatenate([x[out][:, list(columns)], (v[out] - model.centre) @ model.directions.T], axis=1)
        scores[out] = 1 / (1 + np.exp(-(((z - model.mean) / model.scale) @ model.weights + model.bias)))
    return scores


def _log_loss(scores: Floats, y: Floats) -> float:
    p = np.clip(scores, 1e-6, 1 - 1e-6)
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())


def _auroc(scores: Floats, y: Floats) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y > 0.5, scores))
