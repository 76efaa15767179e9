"""What a session carries from one round to the next; rebuilt from the rounds' recorded outputs after a restart."""

from __future__ import annotations

import hashlib
from typing import Literal

from agent.handoff import OperatorAction
from agent.settings import Limits
from agent.verdicts import form_state
from policies.proposal import HistoryItem
from schema_extraction.action import Action, Check, Click, Fill, Select, same_action, target_key
from schema_extraction.view import Frozen, View


def digest(view: View) -> str:
    """Names what a view shows, refs and focus aside: the same page in the same state has the same digest."""
    shown = view.model_copy(update={"focus": "", "busy": False, "controls": (), "title": ""})
    controls = [(c.key, c.disabled, c.invalid, c.expanded) for c in view.controls]
    text = shown.model_dump_json() + repr(controls) + repr(sorted(form_state(view).items()))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


class Taken(Frozen):
    """One action taken, by whom, and on which view."""

    item: HistoryItem
    critical: bool
    digest: str = ""
    answered_for: Literal["nobody", "verdict", "operator"] = "nobody"


def theirs(actions: tuple[OperatorAction, ...]) -> tuple[Taken, ...]:
    """What an operator did, as a session remembers it."""
    return tuple(
        Taken(item=HistoryItem(action=done.action, actor="operator"), critical=done.critical, answered_for="operator")
        for done in actions
    )


class Round(Frozen):
    """What one round, or the end of one hand-off, comes to. This is the output that is recorded with the workflow.

    `went_on`: acted, or waited. `waits`: will wait for the page to change. `handed_off`: `handoff` waits. `completed`: the
    case is closed. `ended`: the operator ended the session. `block`: why the next round must go to an operator.
    """

    kind: Literal["went_on", "waits", "handed_off", "completed", "ended"]
    taken: tuple[Taken, ...] = ()
    handoff: str = ""
    audit: bool = False
    block: str = ""
    helped: bool = False
    seconds: float = 0.0


class Memory(Frozen):
    """`since_help`, `seconds_since_help`: the agent's steps and seconds since an operator last helped. `pending`: what was
    entered but not yet submitted, in order."""

    rounds: int = 0
    taken: tuple[Taken, ...] = ()
    pending: tuple[Action, ...] = ()
    since_help: int = 0
    seconds_since_help: float = 0.0
    handoffs: int = 0
    audits: int = 0
    block: str = ""

    @property
    def history(self) -> tuple[HistoryItem, ...]:
        return tuple(t.item for t in self.taken)

    def after(self, round: Round) -> Memory:
        """The memory with one more round in it."""
        pending = self.pending
        for taken in round.taken:
            pending = _pending(pending, taken)
        return Memory(
            rounds=self.rounds + 1,
            taken=self.taken + round.taken,
            pending=pending,
            since_help=0 if round.helped else self.since_help + len(round.taken),
            seconds_since_help=0.0 if round.helped else self.seconds_since_help + round.seconds,
            handoffs=self.handoffs + (round.kind == "handed_off"),
            audits=self.audits + round.audit,
            block=round.block,
        )

    def over_limit(self, limits: Limits) -> str:
        """Why an operator must look before the agent goes on, or an empty string."""
        if self.since_help >= limits.steps:
            return f"{self.since_help} steps without an operator's help; the limit is {limits.steps}."
        if self.seconds_since_help >= limits.session_seconds:
            spent, most = self.seconds_since_help, limits.session_seconds
            return f"{spent:.0f} s of work without an operator's help; the limit is {most:.0f} s."
        return ""

    def loop(self, action: Action, view: View, limits: Limits) -> str:
        """Why taking `action` on `view` would go round in circles, or an empty string; an operator's step starts afresh."""
        recent: list[Taken] = []
        for taken in reversed(self.taken):
            if taken.answered_for != "nobody" or taken.item.actor == "operator":
                break
            recent.append(taken)
        failed = 0
        for taken in recent:
            outcome = taken.item.outcome
            if outcome is None or outcome.ok or not same_action(taken.item.action, action):
                break
            failed += 1
        # One wait in vain is enough: nobody knows how long the next one would be.
        if failed >= (1 if action.type == "wait" else limits.failures):
            last = recent[0].item.outcome
            return f"Tried without effect{f': {last.message}' if last and last.message else '.'}"
        here = digest(view)
        times = sum(t.digest == here and same_action(t.item.action, action) for t in recent)
        return f"The same action was taken {times} times on the same page." if times >= limits.repeats else ""

    def count(self, answered_for: Literal["nobody", "verdict", "operator"]) -> int:
        """Critical actions that took effect and for which this party answers."""
        taken = (t for t in self.taken if t.critical and t.answered_for == answered_for)
        return sum(t.item.outcome is None or t.item.outcome.result in ("done", "unknown") for t in taken)


def _pending(pending: tuple[Action, ...], taken: Taken) -> tuple[Action, ...]:
    action, outcome = taken.item.action, taken.item.outcome
    if outcome is not None and not outcome.ok:
        return pending
    if taken.critical:
        return ()
    if not isinstance(action, Fill | Select | Check | Click):
        return pending
    if not isinstance(action, Click):
        pending = tuple(p for p in pending if isinstance(p, Click) or target_key(p) != target_key(action))
    return (*pending, action)
