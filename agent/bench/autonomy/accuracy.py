"""Step accuracy on recorded cases, with intervals; and how long proposing and scoring take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from agent.bench.autonomy.results import Accuracy
from policies.calibrate import histories
from policies.derive.fields import USES
from policies.evaluate import StepRow
from policies.metrics import Estimate, bootstrap, proportion
from policies.proposal import Critic, Policy, is_critical
from policies.trace import Step

Rows = Sequence[Sequence[StepRow]]


def cases_of(rows: Iterable[StepRow]) -> list[list[StepRow]]:
    """Rows by case."""
    found: dict[str, list[StepRow]] = {}
    for row in rows:
        found.setdefault(row.case_id, []).append(row)
    return list(found.values())


def accuracy(rows: Sequence[StepRow], seed: int = 0) -> Accuracy:
    """All figures of `Accuracy` from rows of at least one step."""
    cases = cases_of(rows)

    def of(part: Callable[[StepRow], bool], among: Callable[[StepRow], bool] = lambda row: True) -> Estimate:
        return share_of_steps(cases, part, among, seed)

    return Accuracy(
        cases=len(cases),
        steps=len(rows),
        tool=of(lambda row: row.type),
        target=of(lambda row: row.type and row.target),
        value=of(lambda row: row.value, lambda row: row.type and row.target and row.has_value),
        step=of(lambda row: row.right),
        true=true_share(rows, seed),
        case=proportion(sum(all(row.true for row in case) for case in cases), len(cases)),
        top3=of(lambda row: row.top3),
        by_action={name: true_share([r for r in rows if r.action == name], seed) for name in sorted({r.action for r in rows})},
        by_use={
            name: step_share([r for r in rows if r.use == name], seed) for name in USES if any(r.use == name for r in rows)
        },
        by_process={
            name: true_share([r for r in rows if r.process == name], seed) for name in sorted({r.process for r in rows})
        },
    )


def step_share(rows: Sequence[StepRow], seed: int = 0) -> Estimate:
    """The share of steps that are right in everything."""
    return share_of_steps(cases_of(rows), lambda row: row.right, lambda row: True, seed)


def true_share(rows: Sequence[StepRow], seed: int = 0) -> Estimate:
    """The share of steps that are right by the truth of their case, of those where somebody knows."""
    return share_of_steps(cases_of(rows), lambda row: row.true is True, lambda row: row.true is not None, seed)


def share_of_steps(cases: Rows, part: Callable[[StepRow], bool], among: Callable[[StepRow], bool], seed: int = 0) -> Estimate:
    """The share of steps with `part` of those with `among`, bootstrapped by case."""
    counts = [(sum(part(r) and among(r) for r in case), sum(among(r) for r in case)) for case in cases]

    def ratio(some: Sequence[tuple[int, int]]) -> float | None:
        hits, total = np.sum(np.array(some), axis=0)
        return float(hits / total) if total else None

    found = bootstrap(counts, ratio, seed=seed)
    return found.model_copy(update={"count": sum(hit for hit, _ in counts), "total": sum(total for _, total in counts)})


def milliseconds(policy: Policy, critic: Critic, steps: Iterable[Step], most: int) -> list[float]:
    """How long it took to propose on each of up to `most` recorded views and, where the first proposal is critical, to score
    that."""
    taken: list[float] = []
    for step, history in histories(steps):
        if len(taken) == most:
            break
        started = time.perf_counter()
        ranked = policy.propose(step.view, history)
        if ranked and is_critical(step.view, ranked[0].action):
            critic.score(step.view, history, ranked)
        taken.append(1000 * (time.perf_counter() - started))
    return taken
