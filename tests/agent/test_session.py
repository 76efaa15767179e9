"""Sessions on a real page, from the first look to the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from agent.desk import Desk
from agent.handoff import Handoff
from agent.runner import Runner, RunState
from agent.settings import Limits
from agent.store import CaseSummary
from agent.worker import Decider
from browser.session import attached, find_page
from policies.feedback import Reason, Verdict
from policies.gate import Gate
from policies.proposal import Decision, History, Policy, Proposal
from policies.scripted import ScriptedPolicy
from policies.trace import Step, read_steps
from schema_extraction.action import Action, CloseCase, Select, Wait, action_value
from schema_extraction.view import View
from tests.agent.app import TinyApp
from tests.agent.script import HandsOff, OpenGate, decide_and_close, named, settings, target

pytestmark = pytest.mark.browser


def steps_of(run_dir: Path) -> list[Step]:
    return list(read_steps(run_dir / "traces"))


def test_certified_steps_run_unattended_to_the_end(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    states: list[RunState] = []

    async def scenario() -> list[CaseSummary]:
        policy = ScriptedPolicy(decide_and_close)
        async with Runner(
            settings(tiny, run_dir, stage="selective"), policy, lambda _: OpenGate(), Desk(), states.append
        ) as run:
            return await run.run(await run.open_cases())

    summaries = portal.call(scenario)
    assert [s.case_id for s in summaries] == ["C-1", "C-2", "C-3"]
    assert all(s.automated and s.critical_unattended == 2 and s.steps == 3 for s in summaries)
    assert set(tiny.closed.values()) == {"Refunded"}
    assert all(change.operator == "" for change in tiny.changes)
    assert states[-1].automated == 3
    steps = [step for step in steps_of(run_dir) if step.case_id == "C-1"]
    assert [step.index for step in steps] == [0, 1, 2]
    assert all(step.outcome and step.outcome.ok and step.ranked and step.decision for step in steps)


def work(
    app: TinyApp,
    run_dir: Path,
    operator: Callable[[Desk, Runner], Awaitable[None]],
    policy: Policy | None = None,
    gate: Decider | None = None,
    **changes: Any,
) -> Callable[[], Awaitable[CaseSummary]]:
    """One case, with an operator at the desk beside it."""

    async def scenario() -> CaseSummary:
        desk = Desk()
        chosen = settings(app, run_dir, **changes)
        async with Runner(chosen, policy or ScriptedPolicy(decide_and_close), lambda _: gate or Gate("copilot"), desk) as run:
            working = asyncio.create_task(operator(desk, run))
            async with asyncio.timeout(60):
                (summary,) = await run.run(["C-1"])
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            assert working.cancelled() or working.exception() is None, working.exception()
        return summary

    return scenario


def test_copilot_accepts_are_carried_out_in_the_operators_name(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    seen: list[Handoff] = []

    async def operator(desk: Desk, run: Runner) -> None:
        async for waiting in desk:
            seen.append(await desk.claim(waiting.id, "kim"))
            await desk.verdict(waiting.id, Verdict(kind="accept", operator="kim"))

    summary = portal.call(work(tiny, run_dir, operator))
    assert (summary.status, summary.handoffs, summary.critical_supervised) == ("completed", 2, 2)
    assert not summary.automated
    assert [(change.what, change.operator) for change in tiny.changes] == [("submit", "kim"), ("close", "kim")]
    first = seen[0]
    assert first.suggestion == "Press 'Submit decision'." and first.target_id and first.devtools
    assert (run_dir / first.screenshot).read_bytes().startswith(b"\xff\xd8")
    judged = [step for step in steps_of(run_dir) if step.verdict]
    assert [step.verdict.kind for step in judged if step.verdict] == ["accept", "accept"]
    assert all(step.actor == "agent" and step.critical and step.outcome and step.outcome.ok for step in judged)


def test_an_edit_is_carried_out_and_recorded_as_the_operators_step(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal
) -> None:
    async def operator(desk: Desk, run: Runner) -> None:
        async for waiting in desk:
            assert waiting.proposal
            if isinstance(waiting.proposal.action, CloseCase):
                edited = waiting.proposal.action.model_copy(update={"resolution": "Refused"})
                verdict = Verdict(kind="edit", operator="kim", reason=Reason.WRONG_VALUE, edited=edited)
                await desk.verdict(waiting.id, verdict)
            else:
                await desk.verdict(waiting.id, Verdict(kind="accept", operator="kim"))

    assert portal.call(work(tiny, run_dir, operator)).status == "completed"
    assert tiny.closed == {"C-1": "Refused"}
    *_, proposed, done = steps_of(run_dir)
    assert proposed.verdict and proposed.verdict.kind == "edit" and proposed.action is None
    assert (done.actor, done.user, done.action) == ("operator", "kim", CloseCase(resolution="Refused"))


def test_after_a_reject_the_operator_works_in_the_page_and_the_session_goes_on(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal
) -> None:
    """The operator joins the very page with another program, over the DevTools endpoint of the hand-off."""

    async def operator(desk: Desk, run: Runner) -> None:
        async for waiting in desk:
            handoff = await desk.claim(waiting.id, "lee")
            assert handoff.proposal
            if handoff.proposal.action.type == "close_case":
                await desk.verdict(handoff.id, Verdict(kind="accept", operator="lee"))
                continue
            await desk.verdict(handoff.id, Verdict(kind="reject", operator="lee", reason=Reason.WRONG_VALUE))
            async with attached(handoff.devtools) as joined:
                page = await find_page(joined, handoff.target_id)
                await page.get_by_label("Amount").fill("20.00")
                await page.get_by_label("Remark").fill("partial")
                await page.get_by_role("button", name="Submit decision").click()
                await desk.wait_ended(handoff.id)

    summary = portal.call(work(tiny, run_dir, operator))
    assert (summary.status, summary.critical_operator, summary.critical_supervised) == ("completed", 1, 1)
    assert tiny.decided["C-1"]["amount"] == "20.00"
    assert [(change.what, change.operator) for change in tiny.changes] == [("submit", "lee"), ("close", "lee")]
    steps = steps_of(run_dir)
    theirs = [step.action for step in steps if step.actor == "operator"]
    assert [action.type for action in theirs if action] == ["fill", "fill", "click"]
    (rejected,) = [step for step in steps if step.verdict and step.verdict.kind == "reject"]
    assert rejected.actor == "agent" and rejected.action is None and rejected.ranked
    assert rejected.verdict and rejected.verdict.reason is Reason.WRONG_VALUE and not rejected.verdict.implicit


@pytest.mark.parametrize(
    ("amount", "kind", "reason"), [("25.50", "accept", None), ("30.00", "reject", Reason.WRONG_VALUE)], ids=["same", "other"]
)
def test_an_operator_who_simply_does_the_step_gives_an_implicit_verdict(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, amount: str, kind: str, reason: Reason | None
) -> None:
    async def operator(desk: Desk, run: Runner) -> None:
        async for waiting in desk:
            page = desk.page(waiting.id)
            assert page
            if await page.page.get_by_role("button", name="Close case").count():
                await page.page.get_by_label("Resolution").select_option("Refunded")
                await page.page.get_by_role("button", name="Close case").click()
            else:
                if amount != "25.50":
                    await page.page.get_by_label("Amount").fill(amount)
                await page.page.get_by_role("button", name="Submit decision").click()

    summary = portal.call(work(tiny, run_dir, operator))
    assert (summary.status, summary.critical_operator) == ("completed", 2)
    assert tiny.decided["C-1"]["amount"] == amount
    assert {change.operator for change in tiny.changes} == {"kim"}
    first, second = (step.verdict for step in steps_of(run_dir) if step.verdict)
    assert first and second and first.implicit and second.implicit
    assert (first.kind, first.reason) == (kind, reason)
    assert second.kind == "accept"


DRAWN_ANEW = """document.addEventListener("input", ({ target }) => {
  const anew = target.cloneNode();
  anew.value = target.value;
  target.replaceWith(anew);
  anew.focus();
  anew.setSelectionRange(anew.value.length, anew.value.length);
})"""


@pytest.mark.parametrize("page_does", ["document.body", DRAWN_ANEW], ids=["as it is", "drawn anew with every key"])
def test_the_agent_goes_on_when_the_operator_has_left_the_field_and_not_before(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal, page_does: str
) -> None:
    async def operator(desk: Desk, run: Runner) -> None:
        handoff = await anext(aiter(desk))
        page = desk.page(handoff.id)
        assert page is not None
        await page.page.evaluate(page_does)
        for key in "30.00":
            await page.page.keyboard.press(key) if key != "3" else await page.page.get_by_label("Amount").press(key)
            for _ in range(3):
                await page.settle()  # as long as the agent would wait
        assert await page.page.get_by_label("Amount").input_value() == "30.00"
        await page.page.keyboard.press("Tab")
        await desk.wait_ended(handoff.id)
        run.stop()

    summary = portal.call(work(tiny, run_dir, operator, gate=HandsOff()))
    assert summary.status == "stopped"
    (step,) = [step for step in steps_of(run_dir) if step.actor == "operator"]
    assert step.action is not None and action_value(step.action) == "30.00"


def test_the_card_in_the_page_takes_the_verdict(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    async def operator(desk: Desk, run: Runner) -> None:
        async for waiting in desk:
            page = desk.page(waiting.id)
            assert page
            await page.page.keyboard.press("Alt+A")

    summary = portal.call(work(tiny, run_dir, operator))
    assert (summary.status, summary.critical_supervised) == ("completed", 2)


def test_a_refused_submission_is_handed_off_in_the_pages_own_words(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal
) -> None:
    tiny.reject_amount = "25.50"
    reasons: list[str] = []

    async def operator(desk: Desk, run: Runner) -> None:
        async for waiting in desk:
            reasons.append(waiting.reason)
            await desk.end_session(waiting.id, "kim")

    summary = portal.call(work(tiny, run_dir, operator, gate=OpenGate()))
    assert summary.status == "ended_by_operator"
    assert len(reasons) == 1 and "Amount is too high." in reasons[0]
    assert tiny.decided == {}


def test_a_policy_that_goes_in_circles_is_stopped(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    codes: list[str] = []

    def again(view: View, history: History) -> Action | None:
        method = named(view, "Method")
        return Select(target=target(method), option="Bank" if len(history) % 2 else "Card") if method else None

    async def operator(desk: Desk, run: Runner) -> None:
        async for waiting in desk:
            codes.append(waiting.decision.code)
            await desk.end_session(waiting.id, "kim")

    summary = portal.call(work(tiny, run_dir, operator, ScriptedPolicy(again), gate=OpenGate()))
    assert summary.status == "ended_by_operator" and codes == ["loop"] and summary.steps < 10


def test_the_step_limit_hands_off(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    codes: list[str] = []

    async def operator(desk: Desk, run: Runner) -> None:
        async for waiting in desk:
            codes.append(waiting.decision.code)
            await desk.give_back(waiting.id)

    summary = portal.call(work(tiny, run_dir, operator, gate=OpenGate(), limits=Limits(steps=2)))
    assert summary.status == "completed" and codes == ["limit"]


def test_a_server_that_is_down_is_handed_off_and_worked_again_when_given_back(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal
) -> None:
    reasons: list[str] = []

    async def operator(desk: Desk, run: Runner) -> None:
        async for waiting in desk:
            reasons.append(waiting.reason)
            tiny.down = False
            await desk.give_back(waiting.id)

    tiny.down = True
    summary = portal.call(work(tiny, run_dir, operator, gate=OpenGate()))
    assert summary.status == "completed" and "500" in reasons[0]


def test_a_wait_goes_on_when_the_page_changes_and_is_handed_off_when_it_does_not(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal
) -> None:
    codes: list[str] = []

    def patient(view: View, history: History) -> Action | None:
        if view.fact("Log") is not None:
            return decide_and_close(view, history)
        return Wait()

    async def operator(desk: Desk, run: Runner) -> None:
        async for waiting in desk:
            codes.append(waiting.decision.code)
            page = desk.page(waiting.id)
            assert page
            await page.page.evaluate("document.querySelector('dl').innerHTML += '<dt>Log</dt><dd>answered</dd>'")
            tiny.facts["C-1"] = "answered"
            await desk.give_back(waiting.id)

    policy = ScriptedPolicy(patient)
    summary = portal.call(work(tiny, run_dir, operator, policy, OpenGate(), limits=Limits(wait_seconds=0.3)))
    assert summary.status == "completed" and codes == ["loop"]
    waits = [step.outcome.result for step in steps_of(run_dir) if step.action == Wait() and step.outcome]
    assert waits == ["no_effect"]


def test_an_evicted_page_comes_back_with_what_was_typed(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    async def scenario() -> dict[str, str]:
        desk, held = Desk(), {}
        chosen = settings(tiny, run_dir, concurrency=1, open_pages=1)
        async with Runner(chosen, ScriptedPolicy(decide_and_close), lambda _: Gate("copilot"), desk) as run:
            running = asyncio.create_task(run.run(["C-1", "C-2"]))
            async with asyncio.timeout(60):
                waiting = aiter(desk)
                first, second = await anext(waiting), await anext(waiting)
                assert desk.page(first.id) is None and desk.page(second.id) is not None
                claimed = await desk.claim(first.id, "kim")
                page = desk.page(claimed.id)
                assert page
                held[claimed.case_id] = await page.page.get_by_label("Amount").input_value()
            run.stop()
            assert {s.status for s in await running} == {"stopped"}
        return held

    assert portal.call(scenario) == {"C-1": "25.50"}


def test_an_audit_looks_like_any_other_handoff(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    class Audit(OpenGate):
        def decide(self, view: View, history: History, ranked: tuple[Proposal, ...], slice: str = "") -> Decision:
            return Decision(kind="hand_off", code="audit", reason="Please check.", score=0.99, tau=0.8, audit=True)

    seen: list[Handoff] = []

    async def operator(desk: Desk, run: Runner) -> None:
        async for waiting in desk:
            seen.append(waiting)
            await desk.end_session(waiting.id, "kim")

    summary = portal.call(work(tiny, run_dir, operator, gate=Audit()))
    assert summary.audits == 1
    (step,) = steps_of(run_dir)
    assert step.decision and step.decision.audit and step.score == 0.99
    shown = seen[0].decision
    assert (shown.code, shown.audit, shown.score, shown.tau, seen[0].step.score) == ("below_threshold", False, None, None, None)
