"""The page of one session: opened when it is needed, shown to an operator when a step is handed off, evicted when pages run
short, and opened again with what was typed but not yet submitted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from loguru import logger

from agent.binding import bound
from agent.console.fields import edited, entries
from agent.errors import ConsoleError
from agent.handoff import Handoff, OperatorAction
from agent.intents import settled_state
from agent.memory import Memory, Round, theirs
from agent.verdicts import changed_fields, holds
from agent.words import alternatives, anchor
from browser.errors import BrowserError
from browser.page import CasePage
from browser.session import target_id
from policies.feedback import Reason, Verdict
from policies.proposal import explained, is_critical
from policies.trace import Step, TraceWriter, read_steps
from schema_extraction.action import Action, Outcome, action_value, same_action, target_key
from schema_extraction.match import NoMatch, remembered
from schema_extraction.view import View

if TYPE_CHECKING:
    from agent.takeover import Hold
    from agent.worker import Worker

Phase = Literal["queued", "working", "waiting"]


class Live:
    """One session in this process. `wait`: the step that waits for the page to change. `steps`: what the operator has done in
    the present hand-off. `wanted`: the operator who wants to drive; `hold`: who does. `standing`: set while the session stands
    still in a hand-off."""

    def __init__(self, worker: Worker, session: str, case_id: str) -> None:
        self.worker = worker
        self.session = session
        self.case_id = case_id
        self.phase: Phase = "queued"
        self.page: CasePage | None = None
        self.pending: tuple[Action, ...] = ()
        self.wait: Step | None = None
        self.handoff: Handoff | None = None
        self.operator = ""
        self.wanted = ""
        self.standing = asyncio.Event()
        self.hold: Hold | None = None
        self.rejected: Verdict | None = None
        self.steps: list[tuple[View, Action]] = []
        self._asked = asyncio.Event()
        self._earlier: list[tuple[View, Action]] = []
        self._named: str | None = None
        self._presenting = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._trace: TraceWriter | None = None

    # The page

    async def observe(self) -> View:
        """The case's page as it is now, settled and not busy for as long as the limits allow.

        Raises:
            PageError, SignInError: the application cannot be reached, or wants a login that it then refuses.
        """
        page = await self._opened()
        view = await self._quiet(page)
        if view.case_id != self.case_id and not view.closed:
            logger.info("{}: the page is {!r}, not the case; opening it again", self.session, view.path)
            await page.open_case(self.case_id)
            view = await self._restored(page)
        if view.case_id != self.case_id and not view.closed:
            await self.worker.sign_in_again(page)
            await page.open_case(self.case_id)
            view = await self._restored(page)
        return view

    async def fresh(self) -> View:
        """The case's page loaded anew, with nothing typed into it."""
        pending, self.pending = self.pending, ()
        try:
            await self.close()
            return await self.observe()
        finally:
            self.pending = pending

    async def perform(self, view: View, action: Action) -> Outcome:
        """Carry out `action` on the control of `view` that it means."""
        if self.hold is not None:
            return Outcome(result="not_sent", message=f"{self.hold.operator} drives the page; wait until it is given back.")
        page = await self._opened()
        found = bound(view, action)
        if isinstance(found, NoMatch):
            return Outcome(result="not_sent", message=found.reason)
        return await page.perform(view, found)

    async def changed(self, timeout: float) -> bool:
        """Wait until the page changes or an operator wants to drive it, at most `timeout` seconds; True when it has changed.

        Raises:
            PageError: the page is gone.
        """
        page = await self._opened()
        changing, asked = asyncio.ensure_future(page.changed(timeout)), asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({changing, asked}, return_when=asyncio.FIRST_COMPLETED)
            return changing.done() and changing.result()
        finally:
            for task in (changing, asked):
                task.cancel()
            await asyncio.gather(changing, asked, return_exceptions=True)

    def want(self, operator: str) -> None:
        """An operator wants to drive: the session comes to a stop at its next step. An empty name: nobody does any more."""
        self.wanted = operator
        if operator:
            self._asked.set()
        else:
            self._asked.clear()

    @property
    def evictable(self) -> bool:
        """Whether the page merely waits for an operator: nobody, the agent included, is doing anything in it."""
        waits = self.phase == "waiting" and self.handoff is not None and not self._presenting.locked()
        return waits and self.page is not None and not self.operator and not self.steps

    async def close(self) -> None:
        """Close the page and forget it; the next look opens another."""
        page, self.page = self.page, None
        if page is not None:
            try:
                await page.close()
            except BrowserError as error:
                logger.info("{}: closing the page: {}", self.session, error)
            self.worker.takeovers.tell(self.session)
        if self.handoff is not None:
            self.worker.desk.moved(self.handoff.model_copy(update={"page_url": "", "devtools": "", "target_id": ""}))

    async def _opened(self) -> CasePage:
        if self.page is None or self.page.page.is_closed():
            await self.worker.make_room(self)
            self.page = await self.worker.take_page()
            self._named = None
            self.page.recorder.on_step, self.page.recorder.on_held = self.on_step, self.on_held
            self.worker.takeovers.tell(self.session)
            try:
                await self.page.open_case(self.case_id)
                await self._restored(self.page)
            except BrowserError:
                # What stands there is an error page at the case's address; the next look has to try afresh.
                await self.close()
                raise
        return self.page

    async def _quiet(self, page: CasePage) -> View:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.worker.settings.limits.busy_seconds
        view = await page.view()
        while view.busy and (left := deadline - loop.time()) > 0:
            await page.changed(left)
            view = await page.view()
        return view

    async def _restored(self, page: CasePage) -> View:
        """Enter again what was entered but not submitted, and check that the page holds it."""
        view = await self._quiet(page)
        if view.case_id != self.case_id:
            return view
        for action in self.pending:
            found = bound(view, action)
            if isinstance(found, NoMatch):
                logger.info("{}: not entered again: {}", self.session, found.reason)
                continue
            if _holds(view, found):
                continue
            outcome = await page.perform(view, found)
            logger.info("{}: entered again {}: {} {}", self.session, target_key(action), outcome.result, outcome.message)
            view = await self._quiet(page)
        return view

    async def end(self) -> None:
        """Give the page to the next session and close the trace: this session is over, here at least."""
        self.handoff = None
        page, self.page = self.page, None
        if page is not None:
            await self.worker.give_page(page)
        if self._trace is not None:
            self._trace.close()
            self._trace = None

    # The trace

    def write(self, step: Step) -> None:
        if self._trace is None:
            self._trace = TraceWriter(self.worker.settings.run_dir / "traces", self.session)
        self._trace.write(step)

    def new_step(self, view: View, **fields: object) -> Step:
        """A step of this session with the next index."""
        settings = self.worker.settings
        return Step.model_validate(
            {
                "case_id": self.case_id,
                "session": self.session,
                "index": self.worker.store.next_index(self.session),
                "stage": settings.stage,
                "actor": "agent",
                "user": settings.credentials.username if settings.credentials else "",
                "view": view,
                **fields,
            }
        )

    # The operator's side

    def take_up(self, handoff: Handoff, memory: Memory) -> None:
        """In a new process: what an operator had done in a hand-off that is open still. It is in the trace; what was not
        submitted is entered again.

        Raises:
            TraceError: the session's trace cannot be read.
        """
        path = self.worker.settings.run_dir / "traces" / f"{self.session}.jsonl"
        if self._trace is not None or not path.exists():
            return
        later = (step for step in read_steps(path) if step.actor == "operator" and step.index > handoff.step.index)
        self._earlier = [(step.view, step.action) for step in later if step.action is not None]
        self.steps = list(self._earlier)
        self.pending = memory.after(Round(kind="went_on", taken=theirs(self.acted()))).pending

    async def present(self, handoff: Handoff) -> bool:
        """Show a hand-off in its page, opening that if need be; False when the page is no longer as it was handed off."""
        async with self._presenting:
            if self.page is not None and self.handoff is not None and self.handoff.id == handoff.id:
                return True  # somebody who claimed it and the session itself both wanted it shown
            return await self._present(handoff)

    async def _present(self, handoff: Handoff) -> bool:
        opened = self.page is None
        view = await self.observe()
        before = handoff.view
        self.steps = list(self._earlier)
        if opened and self._moved_on(before, view):
            logger.info("{}: the page differs from the one handed off in {}", self.session, handoff.id)
            return False
        page = await self._opened()
        shown = handoff.model_copy(
            update={
                "page_url": page.page.url,
                "devtools": self.worker.devtools,
                "target_id": await target_id(page.page),
                "screenshot": f"screenshots/{handoff.id}.jpg" if self.worker.settings.pictures else "",
            }
        )
        self.handoff, self.rejected = shown, None
        await self.act_for(self.operator or self.worker.settings.operator)
        if not shown.taken_by and not self.worker.desk.masked:
            await self._card(page, shown, anchor(view, shown.proposal.action) if shown.proposal else None)
        await self.take_picture(shown, view)
        await (page.recorder.resume() if page.recorder.started else page.recorder.start())
        page.page.once("close", self._page_closed)
        self.worker.desk.moved(shown)
        return True

    async def take_picture(self, handoff: Handoff, view: View) -> None:
        """Write the picture of a hand-off's page, with the field of the suggestion that operators see outlined.

        Raises:
            PageError: the page is gone.
        """
        page = self.page
        if page is None or not handoff.screenshot:
            return
        proposal = self.worker.desk.as_shown(handoff).proposal
        ref = anchor(view, proposal.action) if proposal else None
        picture = self.worker.settings.run_dir / handoff.screenshot
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(await page.screenshot(ref))

    def _moved_on(self, before: View, view: View) -> bool:
        """Whether a page that was opened anew shows something else than was handed off and than the operator entered."""
        own = {target_key(action) for _, action in self._earlier}
        others = [key for key in changed_fields(before, view) if key not in own]
        sent = any(is_critical(seen, action) for seen, action in self._earlier)
        return bool(others) or sent or settled_state(before) != settled_state(view)

    async def withdraw(self, operator: str | None = None) -> None:
        """The hand-off is over: the page is the agent's again, who goes on in the name of `operator`, if one is given."""
        self.handoff, self.rejected, self.operator = None, None, ""
        self._earlier = []
        if self.page is None or self.page.page.is_closed():
            return
        await asyncio.gather(self.page.recorder.pause(), self.page.overlay.hide(), self.act_for(operator))

    async def act_for(self, operator: str | None) -> None:
        """Name to the application who stands behind what is done in the page from now on; None: nobody but the agent."""
        if self.page is not None and not self.page.page.is_closed() and operator != self._named:
            await self.page.set_operator(operator)
            self._named = operator

    def acted(self) -> tuple[OperatorAction, ...]:
        return tuple(
            OperatorAction(action=remembered(view, action), critical=is_critical(view, action)) for view, action in self.steps
        )

    def on_step(self, view: View, action: Action) -> None:
        """The recorder saw somebody do something in the page."""
        handoff = self.handoff
        if handoff is None:
            logger.warning("{}: {} was done in the page while the agent had it", self.session, target_key(action))
            return
        action = explained(action, handoff.ranked)
        critical = is_critical(view, action)
        self.steps.append((view, action))
        user = self.operator or self.worker.settings.operator
        self.write(self.new_step(view, actor="operator", user=user, action=action, critical=critical))
        self.worker.takeovers.tell(self.session)
        if self._ends(handoff, view, action) and self._ending is None:
            self._ending = self.worker.spawn(self._finish(handoff))

    def on_held(self, view: View, action: Action) -> None:
        """The recorder saw somebody do something that may be a part of more: where it would end the hand-off, that is known as
        soon as the page is at rest."""
        if self.handoff is not None and self._ends(self.handoff, view, action) and self._looking is None:
            self._looking = self.worker.spawn(self._look(target_key(action)))

    def _ends(self, handoff: Handoff, view: View, action: Action) -> bool:
        """Whether the agent goes on after the operator has done this. Whoever drives says themselves when they are through."""
        own = handoff.proposal is not None and target_key(action) == target_key(handoff.proposal.action)
        return self.hold is None and (is_critical(view, action) or (own and not handoff.critical))

    async def _look(self, key: str) -> None:
        page = self.page
        try:
            # A field that the operator is in still, though it was drawn anew meanwhile, is not finished.
            if page is not None and (await page.view()).focus != key:
                await page.recorder.look()
        except BrowserError as error:
            logger.info("{}: {}", self.session, error)
        finally:
            self._looking = None

    async def _finish(self, handoff: Handoff) -> None:
        try:
            if self.page is not None:
                await self.page.view()
        except BrowserError as error:
            logger.info("{}: {}", self.session, error)
        finally:
            self._ending = None
        await self.worker.desk.acted(handoff.id)

    async def _card(self, page: CasePage, handoff: Handoff, ref: str | None, problem: str = "") -> None:
        """Show the card of a hand-off in its page; where the suggestion enters a value, that can be edited in it."""
        action = handoff.proposal.action if handoff.proposal else None
        entry = entries(handoff)[0] if action is not None and action_value(action) is not None else None
        await page.overlay.show(
            ref,
            handoff.suggestion,
            handoff.reason,
            alternatives(handoff.ranked),
            self._pressed,
            edit=entry.model_dump() if entry else None,
            problem=problem,
        )

    async def _edited(self, handoff: Handoff, operator: str, value: str) -> None:
        """Another value came from the card in the page."""
        action = handoff.proposal.action if handoff.proposal else None
        try:
            changed = edited(handoff, "", value)
        except ConsoleError as error:
            if self.page is not None:
                ref = anchor(await self.page.view(), action) if action else None
                await self._card(self.page, handoff, ref, str(error))
            return
        if action is not None and same_action(changed, action):
            await self.worker.desk.verdict(handoff.id, Verdict(kind="accept", operator=operator))
            return
        reason = Reason.WRONG_WORDING if changed.type == "send_message" else Reason.WRONG_VALUE
        verdict = Verdict(kind="edit", operator=operator, reason=reason, edited=changed)
        await self.worker.desk.verdict(handoff.id, verdict)

    def _pressed(self, kind: str, argument: str | None) -> None:
        """A verdict from the card in the page. `argument`: the reason of a reject, the value of an edit."""
        if self.handoff is None:
            return
        operator = self.operator or self.worker.settings.operator
        if kind == "edit":
            self.worker.spawn(self._edited(self.handoff, operator, argument or ""))
            return
        reason = argument
        why = Reason(reason) if reason else Reason.OTHER if kind == "reject" else None
        verdict = Verdict(kind="accept" if kind == "accept" else "reject", operator=operator, reason=why)
        self.worker.spawn(self.worker.desk.verdict(self.handoff.id, verdict))

    def _page_closed(self, _: object) -> None:
        if self.handoff is not None and self.page is not None and not self.worker.stopping:
            self.page = None
            self.worker.spawn(self.worker.desk.give_back(self.handoff.id, note="The page was closed."))


def _holds(view: View, action: Action) -> bool:
    """Whether the page already holds what the action would enter."""
    value = action_value(action)
    return value is not None and holds(view, target_key(action), value)
