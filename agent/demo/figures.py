"""From what the demonstration left on disk to its figures: the application's audit log says what happened, traces say why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from agent.results import HandOffShown, HeldOutRun, ProcessResult, Spread, WrongOutcome
from agent.store import CaseSummary
from agent.words import describe
from fixtures.bpm.cases import FIRST_NUMBER, generate_case
from fixtures.bpm.judge import CaseVerdict
from fixtures.bpm.truth import CaseTruth
from policies.feedback import Verdict
from policies.metrics import Share, share
from policies.trace import Step, by_case
from schema_extraction.action import Action, SendMessage

CONFIDENCE = 0.9
GALLERY = 6


def agent_part(verdict: CaseVerdict) -> list[bool]:
    """Right or wrong for each critical action that ran with no operator behind it; a doubled one is wrong."""
    return [one.right and not one.doubled for one in verdict.submissions if not one.by_operator]


def held_out(verdicts: Sequence[CaseVerdict], summaries: Sequence[CaseSummary], steps: Sequence[Step]) -> HeldOutRun:
    """Every figure of one run over held-out cases.

    `verdicts` come from the judge, one a case; `steps` are the run's traces. A proposal that was handed off counts as right
    when the operator accepted it.
    """
    automated = [v for v in verdicts if v.automated]
    unattended = [right for v in verdicts for right in agent_part(v)]
    over = [v for v in verdicts if v.over]
    asked = [s for s in steps if s.decision is not None and s.decision.kind == "hand_off"]
    judged = [s.verdict.kind == "accept" for s in asked if s.verdict is not None and not _is_audit(s)]
    return HeldOutRun(
        cases=len(verdicts),
        session_automation=_share(len(automated), len(verdicts)),
        session_automation_correct=_share(sum(v.outcome_right for v in automated), len(verdicts)),
        unattended_precision=_share(sum(unattended), len(unattended)),
        silent_wrong_outcomes=_share(sum(v.silent_wrong for v in verdicts), len(automated)),
        wrong_outcomes=_share(sum(not v.outcome_right for v in over), len(over)),
        over_caution=_share(sum(judged), len(judged)) if judged else None,
        hand_offs=len(asked),
        hand_offs_by_code=dict(Counter(s.decision.code for s in asked if s.decision is not None).most_common()),
        audits=sum(_is_audit(s) for s in asked),
        agent_seconds=Spread.of([s.agent_seconds for s in summaries]),
    )


def processes(
    verdicts: Sequence[CaseVerdict], replayed: Sequence[CaseVerdict], names: dict[str, str]
) -> tuple[ProcessResult, ...]:
    """One row a process, the most frequent first. `names`: what each process is called on the page."""
    found = []
    for process, count in Counter(v.process for v in verdicts).most_common():
        mine = [v for v in verdicts if v.process == process]
        found.append(
            ProcessResult(
                process=names.get(process, process),
                cases=count,
                automated=sum(v.automated for v in mine),
                silent_wrong=sum(v.silent_wrong for v in mine),
                replay_closed=sum(v.automated and v.outcome_right for v in replayed if v.process == process),
            )
        )
    return tuple(found)


def silent_wrong(verdicts: Iterable[CaseVerdict], names: dict[str, str]) -> tuple[WrongOutcome, ...]:
    """What went wrong with nobody looking, in the judge's words."""
    return tuple(
        WrongOutcome(
            case_id=v.case_id,
            process=names.get(v.process, v.process),
            expected="right entries, the right message and the right end",
            found="; ".join(f"{one.task}: {one.why}" for one in v.wrong) or "doubled or ended wrongly",
        )
        for v in verdicts
        if v.silent_wrong
    )


def acceptance(steps: Iterable[Step]) -> dict[str, Share]:
    """Proposals of critical actions accepted as they were, by type of action."""
    counts: dict[str, list[bool]] = {}
    for step in steps:
        if step.verdict is not None and step.critical and step.ranked:
            counts.setdefault(step.ranked[0].action.type, []).append(step.verdict.kind == "accept")
    return {name: _share(sum(flags), len(flags)) for name, flags in sorted(counts.items())}


def reasons(steps: Iterable[Step]) -> dict[str, int]:
    """Why proposals were not accepted, most frequent first."""
    found = (s.verdict.reason for s in steps if s.verdict is not None and s.verdict.kind != "accept" and s.verdict.reason)
    return {str(reason): count for reason, count in Counter(found).most_common()}


def right_message(truth: Callable[[Step], CaseTruth]) -> Callable[[Step, Action], bool]:
    """Whether a proposed message is right though the operator worded it otherwise, by the `truth` of the step's case."""

    def right(step: Step, action: Action) -> bool:
        if not isinstance(action, SendMessage):
            return False
        titles = {section.name for section in step.view.sections}
        due = [task for task in truth(step).tasks.values() if task.kind == "message" and task.title in titles]
        return any(task.right_reply(action.text) for task in due)

    return right


def truly_right(seed: int) -> Callable[[Step, Action], bool]:
    """`right_message` by the truth of the recorded test cases, which is made again from the seed."""
    truths: dict[str, CaseTruth] = {}

    def truth(step: Step) -> CaseTruth:
        if step.case_id not in truths:
            index = int(step.case_id.removeprefix("C-")) - FIRST_NUMBER["test"]
            truths[step.case_id] = generate_case(seed, "test", index, step.view.today).truth
        return truths[step.case_id]

    return right_message(truth)


def handling(steps: Iterable[Step]) -> Spread | None:
    """Seconds from the first to the last recorded step of a case."""
    return Spread.of([(case[-1].time - case[0].time).total_seconds() for case in by_case(steps).values() if len(case) > 1])


def gallery(steps: Sequence[Step], screenshots: dict[str, str]) -> tuple[HandOffShown, ...]:
    """A few hand-offs, as different as they come: by code, then by what the operator said.

    `screenshots`: paths by session and index of the step.
    """
    shown: dict[tuple[str, str], HandOffShown] = {}
    for step in steps:
        key = f"{step.session}.{step.index}"
        if step.decision is None or step.decision.kind != "hand_off" or key not in screenshots:
            continue
        said = _said(step.verdict)
        shown.setdefault(
            (step.decision.code, said.split(":")[0]),
            HandOffShown(
                case_id=step.case_id,
                process=step.view.slice,
                action=step.ranked[0].action.type if step.ranked else "",
                suggestion=describe(step.ranked[0].action) if step.ranked else "",
                reason=step.decision.reason,
                code=step.decision.code,
                verdict=said,
                score=step.score,
                tau=step.decision.tau,
                screenshot=screenshots[key],
            ),
        )
    return tuple(list(shown.values())[:GALLERY])


def _is_audit(step: Step) -> bool:
    return step.decision is not None and step.decision.audit


def _share(count: int, total: int) -> Share:
    return share(count, total, confidence=CONFIDENCE)


def _said(verdict: Verdict | None) -> str:
    if verdict is None:
        return "operator did the step"
    why = f": {verdict.reason.replace('_', ' ')}" if verdict.reason else ""
    return verdict.kind + why
