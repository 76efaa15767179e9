"""From what the operator does in a page to what the agent does next, without a verdict: the session resumes on the change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from agent.bench.handoff.office import OPERATOR, Practice, opened_office, outside
from agent.bench.handoff.results import Times
from agent.console.api import Seen
from agent.console.client import ConsoleClient, over
from browser.session import Browser, Page, attached, find_page
from fixtures.operators.formstate import field_of
from fixtures.operators.hands import enter, task_form
from fixtures.operators.operator import Operator
from fixtures.operators.oracle import Oracle
from fixtures.operators.persona import Persona
from policies.gate import Gate
from policies.proposal import Decision, History, Proposal
from policies.trace import Step, read_steps
from schema_extraction.action import target_key
from schema_extraction.view import Frozen, View

PERSON = Persona(username=OPERATOR, display="Operator 1", wording=0, curious=0.0, slips=0.0, fussy=0.0)
Kind = Literal["field", "task"]
KINDS: dict[Kind, str] = {"field": "a field that was entered", "task": "a task that was sent and answered"}

WATCH = """(entered) => {
  const note = (globalThis.benchNote = { at: 0, entered, panel: document.querySelector("#case") });
  if (globalThis.benchWatches) return;
  globalThis.benchWatches = true;
  const take = () => (globalThis.benchNote.at ||= Date.now());
  addEventListener("input", () => globalThis.benchNote.entered && take(), true);
  new MutationObserver(() => {
    const { entered, panel } = globalThis.benchNote;
    if (!entered && panel && !panel.isConnected) take();
  }).observe(document, { childList: true, subtree: true });
}"""
"""Notes when the page's DOM changed by the operator's doing: a field takes its new value (`entered`), or the application's
answer puts a new panel in the place of the one that the operator has sent."""
NOTED = "() => globalThis.benchNote.at"


class Change(Frozen):
    """`at`: when the DOM changed, by the page's own clock."""

    session: str
    kind: Kind
    at: datetime


class EveryOther:
    """A gate of one session that hands off one step, lets the next pass, and so on, so that every hand-off is followed by
    something that the agent does."""

    def __init__(self) -> None:
        self._handed_off = False
        self._gate = Gate("copilot")

    def decide(self, view: View, history: History, ranked: tuple[Proposal, ...], slice: str = "") -> Decision:
        if not ranked or ranked[0].action.type == "wait":
            return self._gate.decide(view, history, ranked, slice)
        self._handed_off = not self._handed_off
        kind = "hand_off" if self._handed_off else "execute"
        return Decision(kind=kind, code="copilot", reason="Every other step is yours.")


async def measure(folder: Path, practice: Practice, changes: int, count: Callable[[], None]) -> tuple[Times, ...]:
    """The operator's program joins each page at its DevTools address and does the step there. `count` is called for every
    change; there may be fewer than `changes` when the cases are over before.

    Raises:
        RunError: the operator's program died.
    """
    gates: dict[str, EveryOther] = {}

    def each(session: str) -> EveryOther:
        return gates.setdefault(session, EveryOther())

    async with opened_office(folder, practice, each, concurrency=2, open_pages=len(practice.cases)) as office:
        async with outside(change, office, changes, count=count) as changing:
            running = asyncio.create_task(office.runner.run(practice.cases))
            try:
                made = await changing
            finally:
                office.runner.stop()
                await running
    steps = [step for step in read_steps(folder / "run" / "traces") if step.actor == "agent"]
    taken = [(one, following) for one in made if (following := _next(steps, one)) is not None]
    times = [1000 * (step.time - one.at).total_seconds() for one, step in taken]
    by_kind = {kind: [ms for ms, (one, _) in zip(times, taken, strict=True) if one.kind == kind] for kind in KINDS}
    return (
        Times.of("operator's change to the agent's next action", times),
        *(Times.of(f"  {words}", by_kind[kind]) for kind, words in KINDS.items()),
    )


def _next(steps: list[Step], change: Change) -> Step | None:
    """What the agent did first after a change: the step whose action its hands began with; None where it only waited for the
    customer, or asked."""
    later = [step for step in steps if step.session == change.session and step.time > change.at]
    first = min(later, key=lambda step: step.time, default=None)
    if first is None or first.action is None or first.action.type == "wait" or first.decision is None:
        return None
    return first if first.decision.kind == "execute" else None


def change(address: str, token: str, db: Path, wanted: int, progress: Callable[[int, int], None]) -> list[Change]:
    """The operator's program, in a process of its own."""
    return asyncio.run(_change(address, token, db, wanted, progress))


async def _change(address: str, token: str, db: Path, wanted: int, progress: Callable[[int, int], None]) -> list[Change]:
    oracle = Oracle(db)
    operator, made = Operator(PERSON, oracle), list[Change]()
    try:
        async with ConsoleClient(address, token) as console, AsyncExitStack() as stack:
            browser: Browser | None = None
            async for event in console.events(lambda: progress(0, wanted)):
                if event.name == "state" and over(event.data):
                    break
                if event.name != "handoff" or event.data["change"] != "shown":
                    continue
                seen = await console.handoff(event.data["id"])
                if seen.card.state == "ended" or not seen.target:
                    continue
                if browser is None:
                    browser = await stack.enter_async_context(attached(seen.card.devtools, guest=True))
                done = await _step(operator, seen, await find_page(browser, seen.target))
                if done is None:
                    await console.give_up(seen.card.id)
                    continue
                made.append(done)
                progress(len(made), wanted)
                if len(made) >= wanted:
                    break
    finally:
        oracle.close()
    return made


async def _step(operator: Operator, seen: Seen, page: Page) -> Change | None:
    """Do what the hand-off is for in the page; None when it is nothing that a person would do there."""
    card, step = seen.card, operator.oracle.step(seen.card.case_id)
    if step.task is None or card.action is None:
        return None
    await page.evaluate(WATCH, not card.critical)
    if card.critical:
        await operator.do_step(page, card.case_id)
    else:
        field = field_of(seen.view, step.task, target_key(card.action))
        if field is None:
            return None
        await enter(task_form(page, step.task), field, field.accept[0])
    at = await page.evaluate(NOTED)
    kind: Kind = "task" if card.critical else "field"
    return Change(session=card.session, kind=kind, at=datetime.fromtimestamp(at / 1000, UTC))
