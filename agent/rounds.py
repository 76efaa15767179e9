"""One round of a session: observe, propose, decide, then carry out and verify, or hand off; and the end of a hand-off.

Each of the two functions is one durable step: its `Round` is recorded, and after a crash an unfinished one runs again from
the start. So both look before they act, and a critical action has its intent written before and its outcome after.
"""

from __future__ import annotations

import time
from datetime import date

from loguru import logger

from agent.binding import bound
from agent.handoff import Ending, Handoff
from agent.intents import judge
from agent.live import Live
from agent.memory import Memory, Round, Taken, digest, theirs
from agent.words import describe
from policies.feedback import Verdict
from policies.proposal import Decision, HistoryItem, Proposal, is_critical
from policies.trace import Step
from schema_extraction.action import Action, Outcome
from schema_extraction.errors import CasepilotError
from schema_extraction.match import NoMatch, remembered
from schema_extraction.view import View


async def work(live: Live, memory: Memory) -> Round:
    """One observe-decide-act round."""
    started = time.monotonic()
    live.pending = memory.pending
    try:
        round = await _work(live, memory)
    except CasepilotError as error:
        # The application is out of reach, or refuses the login: nothing that the agent could do about it.
        logger.warning("{}: {}", live.session, error)
        round = await _blocked(live, memory, str(error))
    except Exception as error:
        # A session never crashes on what it did not foresee: it asks an operator, and the log has the whole story.
        logger.opt(exception=error).error("{}: unforeseen", live.session)
        round = await _blocked(
            live, memory, f"Unforeseen {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        )
    seconds = time.monotonic() - started
    live.worker.store.worked(live.session, seconds)
    return round.model_copy(update={"seconds": seconds})


async def _work(live: Live, memory: Memory) -> Round:
    key = f"{live.session}.{memory.rounds}"
    if (earlier := await _recover(live, key)) is not None:
        return earlier
    view = await live.observe()
    if view.closed:
        return Round(kind="completed")
    if live.wanted:
        return await _taken_over(live, memory, view)
    limits = live.worker.settings.limits
    if view.busy:
        busy = _refusal("blocked", f"The page stays busy for {limits.busy_seconds:.0f} s.")
        return await _hand_off(live, memory, view, (), busy)
    if view.case_id != live.case_id:
        lost = _refusal("blocked", f"The case does not open; the page is {view.path!r}.")
        return await _hand_off(live, memory, view, (), lost)
    ranked, decision = await live.worker.think(live, view, memory.history)
    decision = _sobered(memory, view, ranked, decision, live)
    if live.wanted:
        return await _taken_over(live, memory, view)
    if decision.kind == "hand_off":
        return await _hand_off(live, memory, view, ranked, decision)
    proposal = ranked[0]
    critical = is_critical(view, proposal.action)
    step = live.new_step(
        view, ranked=ranked, critical=critical, score=decision.score, decision=decision, action=proposal.action
    )
    if proposal.action.type == "wait":
        live.wait = step
        return Round(kind="waits")
    outcome = await _carry_out(live, key, step, view)
    live.write(step.model_copy(update={"outcome": outcome}))
    return _went_on(step, outcome)


async def wait(live: Live, memory: Memory) -> Round:
    """Wait for the page to change, as the policy proposed in the round before. Holds no slot meanwhile."""
    step, live.wait = live.wait, None
    if step is None or step.action is None or live.page is None:
        return Round(kind="went_on")  # the process has changed since, and with it the page: look again
    seconds = live.worker.settings.limits.wait_seconds
    try:
        changed = await live.changed(seconds)
    except CasepilotError as error:
        logger.info("{}: {}", live.session, error)
        changed = True
    outcome = Outcome(result="done") if changed else Outcome(result="no_effect", message=f"Nothing changed in {seconds:g} s.")
    live.write(step.model_copy(update={"outcome": outcome}))
    return _went_on(step, outcome)


def _sobered(memory: Memory, view: View, ranked: tuple[Proposal, ...], decision: Decision, live: Live) -> Decision:
    """The decision after the session's own guards, which know what the gate does not: what has been tried so far."""
    limits = live.worker.settings.limits
    if memory.block:
        return _refusal("blocked", memory.block)
    if limit := memory.over_limit(limits):
        return _refusal("limit", limit)
    if decision.kind == "hand_off" or not ranked:
        return decision
    if ranked[0].action.type == "done":
        return _refusal("asked", "I see nothing left to do, but the case is still open.")
    if loop := memory.loop(ranked[0].action, view, limits):
        return _refusal("loop", loop)
    return decision


def _refusal(code: str, reason: str) -> Decision:
    return Decision.model_validate({"kind": "hand_off", "code": code, "reason": reason})


async def _carry_out(live: Live, key: str, step: Step, view: View) -> Outcome:
    action = step.action
    assert action is not None
    if not step.critical:
        return await live.perform(view, action)
    live.worker.store.intend(key, step)
    outcome = await live.perform(view, action)
    live.worker.store.resolve(key, outcome)
    return outcome


async def _recover(live: Live, key: str) -> Round | None:
    """What became of the critical action that this very round had begun before its process died; None if there was none."""
    intent = live.worker.store.intent(key)
    if intent is None:
        return None
    step, outcome = intent.step, intent.outcome
    assert step.action is not None
    if outcome is None:
        fresh = await live.fresh()
        outcome = judge(step.view, step.action, fresh)
        logger.info("{}: {} before the restart: {}", live.session, describe(step.action), outcome.result)
        live.worker.store.resolve(key, outcome)
    live.write(step.model_copy(update={"outcome": outcome}))
    return _went_on(step, outcome)


def _went_on(step: Step, outcome: Outcome) -> Round:
    action = step.action
    assert action is not None
    block = ""
    if outcome.result == "refused":
        block = f"The page refused: {outcome.message or describe(action)}"
    elif outcome.result == "unknown":
        block = f"It is not known whether this took effect: {describe(action)} {outcome.message}".strip()
    return Round(kind="went_on", taken=(_taken(step, action, outcome),), block=block)


def _taken(step: Step, action: Action, outcome: Outcome | None) -> Taken:
    proposal = step.ranked[0] if step.ranked else None
    item = HistoryItem(
        action=action if step.critical else remembered(step.view, action),
        actor="agent",
        probability=proposal.probability if proposal else None,
        novelty=proposal.novelty if proposal else None,
        outcome=outcome,
    )
    answered = "verdict" if step.verdict else "nobody"
    return Taken.model_validate(
        {"item": item, "critical": step.critical, "digest": digest(step.view), "answered_for": answered}
    )


async def _hand_off(live: Live, memory: Memory, view: View, ranked: tuple[Proposal, ...], decision: Decision) -> Round:
    """Put the step down as waiting. It is shown in the page and announced by the workflow, also after a restart."""
    critical = bool(ranked) and is_critical(view, ranked[0].action)
    handoff = Handoff(
        id=f"{live.session}.{memory.rounds}",
        session=live.session,
        case_id=live.case_id,
        step=live.new_step(view, ranked=ranked, critical=critical, score=decision.score, decision=decision),
        suggestion=describe(ranked[0].action) if ranked else "",
        taken_by=live.wanted if decision.code == "takeover" else "",
    )
    live.worker.store.open_handoff(handoff)
    if handoff.taken_by:
        live.worker.store.claim(handoff.id, handoff.taken_by)
    live.worker.desk.opened(handoff)
    return Round(kind="handed_off", handoff=handoff.id, audit=decision.audit)


async def _taken_over(live: Live, memory: Memory, view: View) -> Round:
    """An operator wants to drive: the agent stops here, with nothing to propose."""
    return await _hand_off(live, memory, view, (), _refusal("takeover", f"{live.wanted} takes over."))


async def _blocked(live: Live, memory: Memory, reason: str) -> Round:
    view = View(path="", case_id=live.case_id, today=date.today())
    return await _hand_off(live, memory, view, (), _refusal("blocked", reason))


async def conclude(live: Live, memory: Memory, handoff_id: str, ending: Ending) -> Round:
    """Carry out what the operator accepted, or take note of what the operator did; the proposal's step goes to the trace."""
    started = time.monotonic()
    live.pending = memory.pending
    handoff, _, _ = live.worker.store.handoff(handoff_id)
    try:
        round = await _conclude(live, handoff, ending)
    except CasepilotError as error:
        logger.warning("{}: {}", live.session, error)
        live.handoff = None
        live.write(handoff.step.model_copy(update={"verdict": ending.verdict}))
        round = Round(kind="went_on", block=str(error))
    seconds = time.monotonic() - started
    live.worker.store.worked(live.session, seconds)
    return round.model_copy(update={"seconds": seconds, "helped": True})


async def _conclude(live: Live, handoff: Handoff, ending: Ending) -> Round:
    step = handoff.step.model_copy(update={"verdict": ending.verdict})
    done = theirs(ending.actions)
    if ending.kind == "verdict" and ending.verdict is not None:
        round = await _accepted(live, handoff, step, ending.verdict)
        return round.model_copy(update={"taken": done + round.taken})
    await live.withdraw()
    if handoff.proposal is None and not done:
        await live.close()  # there was nothing to do on that page; look at a new one
    live.write(step)
    return Round(kind="ended" if ending.kind == "ended" else "went_on", taken=done)


async def _accepted(live: Live, handoff: Handoff, step: Step, verdict: Verdict) -> Round:
    """The operator said yes, perhaps to an edited action: the agent carries it out in the operator's name."""
    action = verdict.edited if verdict.kind == "edit" and verdict.edited else handoff.step.ranked[0].action
    intent = live.worker.store.intent(handoff.id)
    if intent is not None:
        outcome = intent.outcome
        if outcome is None:
            outcome = judge(intent.step.view, intent.step.action or action, await live.fresh())
            live.worker.store.resolve(handoff.id, outcome)
    else:
        view = await live.observe()
        await live.withdraw(verdict.operator)
        # The page may be another by now: what is done is the same step on the control that is meant there, or none.
        doing = remembered(handoff.view, action)
        doing = doing if isinstance(found := bound(view, doing), NoMatch) else found
        acting = step.model_copy(update={"action": doing, "view": view, "critical": is_critical(view, doing)})
        try:
            outcome = await _carry_out(live, handoff.id, acting, view)
        finally:
            await live.act_for(None)
    if verdict.kind == "edit":
        # The proposal keeps its verdict; what was really done is the operator's own step.
        live.write(step)
        live.write(
            live.new_step(
                handoff.view, actor="operator", user=verdict.operator, action=action, critical=step.critical, outcome=outcome
            )
        )
    else:
        live.write(step.model_copy(update={"action": action, "outcome": outcome}))
    round = _went_on(step.model_copy(update={"action": action}), outcome)
    if outcome.result != "not_sent":
        return round
    # Who said yes thinks that it is done, and would wonder why they are asked the same again.
    return round.model_copy(
        update={"block": f"What you said yes to was not done: {describe(action)}. {outcome.message}".strip()}
    )
