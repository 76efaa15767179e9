"""Fits the weights of `schema_extraction.match` and certifies its threshold, each on base pages of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from agent.bench.identity import Case, cases, draws
from agent.bench.versions import KINDS, bases, look
from policies.thresholds import Certificate, certify
from schema_extraction.likeness import FEATURES
from schema_extraction.match import Weights, eligible, likenesses

TARGET, DELTA = 0.99, 0.05
PER_VERSION = 3
STRENGTH = 1.0
"""L2 penalty on the weights, in units of one target's log-likelihood."""

Progress = Callable[[int, int], None]


def _learning_cases(forms: int, seed: int, progress: Progress) -> list[Case]:
    found: list[Case] = []
    part = bases("fit", forms)
    for number, base in enumerate(part):
        progress(number, len(part))
        before = look(base.html)
        for kind in KINDS:
            rng = Random(f"fit {seed} {base.name} {kind}")
            undecided = [case for case in cases(base, kind, rng, before) if case.undecided]
            found += rng.sample(undecided, min(PER_VERSION, len(undecided)))
    return found


def fit(found: list[Case], strength: float = STRENGTH) -> tuple[dict[str, float], float]:
    """Maximum likelihood of a conditional logit with a 'none of them' of utility 0: weights by feature, and the constant."""
    rows: list[NDArray[np.float64]] = []
    starts, truths = [0], []
    for case in found:
        controls = eligible(case.target, case.after.view)
        if not controls:
            continue
        rows.append(np.array(likenesses(case.target, controls, case.now)))
        keys = [control.key for control in controls]
        truths.append(starts[-1] + keys.index(case.true) if case.true in keys else -1)
        starts.append(starts[-1] + len(controls))
    x = np.column_stack([np.concatenate(rows), np.ones(starts[-1])])
    first, chosen = np.array(starts[:-1]), np.array([t for t in truths if t >= 0])
    group = np.repeat(np.arange(len(first)), np.diff(starts))

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = x @ w
        total = np.logaddexp(np.logaddexp.reduceat(z, first), 0.0)
        p = np.exp(z - total[group])
        penalty = strength * float(w[:-1] @ w[:-1]) / 2
        gradient = p @ x - x[chosen].sum(axis=0)
        gradient[:-1] += strength * w[:-1]
        return float(total.sum() - z[chosen].sum()) + penalty, gradient

    w = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x
    return {name: round(float(value), 4) for name, value in zip(FEATURES, w, strict=False)}, round(float(w[-1]), 4)


def certified(model: Weights, forms: int, seed: int, progress: Progress) -> Certificate:
    """The lowest score whose matches are right in at least 99% of cases, on one target of each page of the second part."""
    part = bases("certify", forms)
    scores, right = [], []
    for number, case in enumerate(draws(part, seed)):
        progress(number, len(part))
        if best := case.best(model):
            scores.append(best.score)
            right.append(best.control.key == case.true)
    progress(len(part), len(part))
    return certify(scores, right, target=TARGET, delta=DELTA, action_class="match")


def learn(forms: int = 180, certify_forms: int = 3600, seed: int = 1, progress: Progress = lambda done, total: None) -> Weights:
    """Weights and threshold, from pages that `identity.run` does not measure on."""
    found = _learning_cases(forms, seed, progress)
    weights, constant = fit(found)
    model = Weights(weights=weights, constant=constant, tau=None)
    certificate = certified(model, certify_forms, seed, progress)
    words = f"{certificate.describe()}; {certificate.count} targets of as many pages; weights fitted to {len(found)} others"
    return model.model_copy(update={"tau": certificate.tau, "certificate": words})


def write(model: Weights, path: Path, command: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = model.model_copy(update={"written_by": command}).model_dump_json(indent=1)
    path.write_text(text + "\n", encoding="utf-8")
