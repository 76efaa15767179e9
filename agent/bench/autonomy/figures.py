"""From cases that were worked to figures: the application's audit log says what happened, traces say who had a part in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from agent.bench.autonomy.results import ByProcess, Live, Saving
from agent.demo import figures
from agent.klm import Handling, Klm, by_hand, with_casepilot
from agent.store import CaseSummary
from fixtures.bpm.judge import CaseVerdict
from policies.calibrate import is_right
from policies.metrics import Estimate, Share, bootstrap, proportion
from policies.trace import Step, by_case

Pair = tuple[Handling, Handling]
"""A case by hand, and with casepilot."""


def live(
    verdicts: Sequence[CaseVerdict],
    summaries: Sequence[CaseSummary],
    steps: Sequence[Step],
    manual: Sequence[Step] | None = None,
) -> Live:
    """Every figure of one run over held-out cases. `manual`: the steps of operators who worked the same cases by hand."""
    run = figures.held_out(verdicts, summaries, steps)
    return Live(
        cases=run.cases,
        session_automation=_estimate(run.session_automation),
        automation_right=_estimate(run.session_automation_correct),
        precision=_estimate(run.unattended_precision),
        silent_wrong=proportion(sum(v.silent_wrong for v in verdicts), len(verdicts)),
        session_risk=_estimate(run.silent_wrong_outcomes),
        wrong=_estimate(run.wrong_outcomes),
        over_caution=_over_caution(steps),
        hand_offs=run.hand_offs,
        hand_offs_by_code=run.hand_offs_by_code,
        audits=run.audits,
        agent_seconds=run.agent_seconds.mean if run.agent_seconds else None,
        saving=saving(verdicts, steps, manual) if manual is not None else None,
    )


def saving(verdicts: Sequence[CaseVerdict], steps: Sequence[Step], manual: Sequence[Step]) -> Saving | None:
    """Handling time of the cases that were worked both ways, or None where there is none. Where casepilot did not bring a case
    to its end, somebody has to do all of it by hand as well."""
    pairs = _pairs(verdicts, steps, manual, Klm())
    if not pairs:
        return None
    canned = _pairs(verdicts, steps, manual, Klm(canned=True))
    return Saving(
        cases=len(pairs),
        by_hand=bootstrap(pairs, lambda some: float(np.mean([hand.seconds for hand, _ in some]))),
        with_casepilot=bootstrap(pairs, lambda some: float(np.mean([ours.seconds for _, ours in some]))),
        saving=bootstrap(pairs, _saved),
        canned_saving=bootstrap(canned, _saved),
        hand_reading=float(np.mean([hand.reading for hand, _ in pairs])),
        casepilot_reading=float(np.mean([ours.reading for _, ours in pairs])),
    )


def by_process(
    verdicts: Sequence[CaseVerdict], replayed: Sequence[CaseVerdict], names: Mapping[str, str], slices: Mapping[str, str]
) -> tuple[ByProcess, ...]:
    """One row a process, the most frequent first. `names` and `slices`: what people call each process, and its slice."""
    rows = figures.processes(verdicts, replayed, {})
    return tuple(
        ByProcess(
            process=names.get(row.process, row.process),
            slice=slices.get(row.process, ""),
            cases=row.cases,
            automated=row.automated,
            silent_wrong=row.silent_wrong,
            replay_closed=row.replay_closed,
        )
        for row in rows
    )


def gain(ours: Sequence[CaseVerdict], theirs: Sequence[CaseVerdict]) -> Estimate:
    """How much larger the share of cases closed unattended is than in another run over the same cases."""
    others = {v.case_id: v.automated for v in theirs}
    pairs = [(v.automated, others[v.case_id]) for v in ours if v.case_id in others]
    return bootstrap(pairs, lambda some: float(np.mean([a for a, _ in some]) - np.mean([b for _, b in some])))


def _over_caution(steps: Sequence[Step]) -> Estimate | None:
    """Of the proposals handed off, blind audits aside, those that were right; a right one that the operator would have done
    another way is that, and one that the environment spoiled says nothing."""
    asked = [s for s in steps if s.decision is not None and s.decision.kind == "hand_off" and not s.decision.audit]
    judged = [is_right(s.verdict, preferences_pass=True) for s in asked if s.verdict is not None and s.ranked]
    told = [right for right in judged if right is not None]
    return proportion(sum(told), len(told)) if told else None


def _pairs(verdicts: Sequence[CaseVerdict], steps: Sequence[Step], manual: Sequence[Step], klm: Klm) -> list[Pair]:
    hand, worked = by_case(manual), by_case(steps)
    pairs = []
    for verdict in verdicts:
        if verdict.case_id in hand:
            alone = by_hand(hand[verdict.case_id], klm)
            helped = with_casepilot(worked.get(verdict.case_id, ()), klm)
            pairs.append((alone, helped if verdict.over else helped + alone))
    return pairs


def _saved(pairs: Sequence[Pair]) -> float | None:
    alone = sum(hand.seconds for hand, _ in pairs)
    return 1.0 - sum(ours.seconds for _, ours in pairs) / alone if alone else None


def _estimate(share: Share) -> Estimate:
    return proportion(share.count, share.total)
