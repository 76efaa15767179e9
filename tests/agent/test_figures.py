"""The demonstration's figures, from verdicts of the judge and steps."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

from agent.demo import figures
from agent.demo.pipeline import TRACES
from fixtures.bpm.judge import CaseVerdict, Submission
from policies.feedback import Reason, Verdict
from policies.proposal import Decision, Proposal
from policies.trace import Step, read_steps
from schema_extraction.action import Click, Target
from schema_extraction.view import View


def submission(right: bool = True, operator: str = "", doubled: bool = False) -> Submission:
    return Submission(
        time="", account="agent1", operator=operator, task="t", action="complete_task", right=right, doubled=doubled, why=""
    )


def case(name: str, *submissions: Submission, over: bool = True, ended_right: bool = True) -> CaseVerdict:
    return CaseVerdict(
        case_id=name, split="test", process="refund", over=over, ended_right=ended_right, submissions=tuple(submissions)
    )


def step(kind: str | None, code: str = "below_threshold", audit: bool = False) -> Step:
    click = Click(target=Target(key="k", name="Complete task"))
    return Step(
        case_id="C-1",
        session="s",
        index=0,
        actor="agent",
        view=View(path="/", today=date(2026, 1, 1)),
        critical=True,
        ranked=(Proposal(action=click, probability=0.9),),
        decision=Decision.model_validate({"kind": "hand_off", "code": code, "reason": "", "audit": audit}),
        verdict=Verdict.model_validate({"kind": kind, "operator": "op1", "reason": None if kind == "accept" else Reason.OTHER})
        if kind
        else None,
    )


def test_only_work_without_an_operator_counts_as_unattended() -> None:
    verdicts = [
        case("C-1", submission(), submission()),
        case("C-2", submission(), submission(operator="op1")),
        case("C-3", submission(right=False)),
        case("C-4", submission(), over=False),
    ]
    run = figures.held_out(verdicts, [], [])
    assert (run.session_automation.count, run.session_automation.total) == (2, 4)
    assert run.session_automation_correct.count == 1
    assert (run.unattended_precision.count, run.unattended_precision.total) == (4, 5)
    assert (run.silent_wrong_outcomes.count, run.silent_wrong_outcomes.total) == (1, 2)


def test_a_doubled_action_is_a_wrong_one() -> None:
    assert figures.agent_part(case("C-1", submission(), submission(doubled=True))) == [True, False]


def test_over_caution_leaves_audits_out() -> None:
    run = figures.held_out([case("C-1")], [], [step("accept"), step("reject"), step("accept", "audit", audit=True)])
    assert run.over_caution is not None
    assert (run.over_caution.count, run.over_caution.total, run.audits, run.hand_offs) == (1, 2, 1, 3)


def test_gallery_shows_each_kind_of_hand_off_once() -> None:
    steps = [step("accept"), step("accept"), step("reject")]
    shown = figures.gallery(steps, {"s.0": "held-out/screenshots/a.png"})
    assert [one.verdict for one in shown] == ["accept", "reject: other"]


def test_shipped_traces_read_and_do_not_share_cases() -> None:
    cases = {}
    for split in ("train", "test"):
        with gzip.open(TRACES / split / "recorded.jsonl.gz", "rt", encoding="utf-8") as lines:
            written = sum(1 for _ in lines)
        steps = list(read_steps(Path(TRACES / split)))
        assert len(steps) == written > 500
        assert all(s.actor == "operator" and s.view.focus == "" for s in steps)
        cases[split] = {s.case_id for s in steps}
    assert len(cases["train"]) >= 300 and not cases["train"] & cases["test"]
