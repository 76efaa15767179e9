"""From what the operator does in a page to what the agent does next, without a verdict: the session resumes on the change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from loguru import logger

from agent.bench.handoff.office import Practice, at_work, opened_office, outside
from agent.bench.handoff.results import Times
from agent.console.answers import Answer
from agent.console.api import Seen
from agent.console.client import ConsoleClient, over
from agent.errors import EndedError
from browser.errors import BrowserError
from browser.session import Browser, Page, attached, find_page
from fixtures.bpm.truth import FieldTruth, TaskTruth
from fixtures.operators.formstate import field_of
from fixtures.operators.hands import enter, task_form
from fixtures.operators.operator import PATIENCE_MS, at_the_page
from fixtures.operators.oracle import Oracle
from policies.gate import Gate
from policies.proposal import Decision, History, Proposal
from policies.trace import Step, read_steps
from schema_extraction.action import Check, Click, Fill, Select, target_key
from schema_extraction.view import Frozen, View

Kind = Literal["field", "task"]
KINDS: dict[Kind, str] = {"field": "a field that was entered", "task": "a task that was sent and answered"}

WATCH = """(entered) => {
  const note = (globalThis.benchNote = { at: 0, entered, panel: document.querySelector("#case") });
  if (globalThis.benchWatches) return;
  globalThis.benchWatches = true;
  const take = () => (globalThis.benchNote.at ||= Date.now());
  addEventListener("change", () => globalThis.benchNote.entered && take(), true);
  new MutationObserver(() => {
    const { entered, panel } = globalThis.benchNote;
    if (!entered && panel && !panel.isConnected) take();
  }).observe(document, { childList: true, subtree: true });
}"""
"""Notes when the page's DOM changed by the operator's doing: a field has its new value and is left (`entered`), or the
application's answer puts a new panel in the place of the one that the operator has sent."""
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

    async with opened_office(folder, practice, each, concurrency=1) as office:
        async with outside(change, office, changes, len(practice.cases), count=count) as changing:
            async with at_work(office.runner, practice.cases, singly=True):
                made = await changing
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


def change(address: str, token: str, db: Path, wanted: int, cases: int, progress: Callable[[int, int], None]) -> list[Change]:
    """The operator's program, in a process of its own."""
    return asyncio.run(_change(address, token, db, wanted, cases, progress))


async def _change(
    address: str, token: str, db: Path, wanted: int, cases: int, progress: Callable[[int, int], None]
) -> list[Change]:
    oracle, made = Oracle(db), list[Change]()
    try:
        async with ConsoleClient(address, token) as console, AsyncExitStack() as stack:
            browser: Browser | None = None
            async for event in console.events(lambda: progress(0, wanted)):
                if event.name == "state" and over(event.data, cases):
                    break
                if event.name != "handoff" or event.data["change"] != "shown":
                    continue
                seen = await console.handoff(event.data["id"])
                if seen.card.state == "ended" or not seen.target:
                    continue
                if browser is None:
                    browser = await stack.enter_async_context(attached(seen.card.devtools, guest=True))
                try:
                    done = await _step(oracle, seen, await find_page(browser, seen.target))
                except BrowserError as error:
                    logger.warning("{}: {}", seen.card.id, error)  # not measured
                    done = None
                if done is None:
                    with suppress(EndedError):
                        await console.answer(seen.card.id, Answer(kind="accept"))
                    continue
                made.append(done)
                progress(len(made), wanted)
                if len(made) >= wanted:
                    break
    finally:
        oracle.close()
    return made


async def _step(oracle: Oracle, seen: Seen, page: Page) -> Change | None:
    """Do what the hand-off is for in the page, where that is a single gesture; None where it is not."""
    card, step = seen.card, oracle.step(seen.card.case_id)
    action = card.action
    if step.task is None or action is None or not isinstance(action, Click | Fill | Select | Check):
        return None
    await page.evaluate(WATCH, not card.critical)
    with at_the_page(card.case_id):
        if card.critical:
            await task_form(page, step.task).get_by_role("button", name=action.target.name).click()
        elif (field := _native(seen.view, step.task, target_key(action))) is not None:
            await enter(task_form(page, step.task), field, field.accept[0])
            await page.keyboard.press("Tab")
        else:
            return None
        noted = await page.wait_for_function(NOTED, timeout=PATIENCE_MS)
    kind: Kind = "task" if card.critical else "field"
    return Change(session=card.session, kind=kind, at=datetime.fromtimestamp(await noted.json_value() / 1000, UTC))


def _native(view: View, task: TaskTruth, key: str) -> FieldTruth | None:
    """The field that a control is, where the browser itself tells the page of its change: not of one in a shadow root."""
    field = field_of(view, task, key)
    return field if field is not None and field.widget not in ("combobox", "money") else None
