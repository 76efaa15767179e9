"""The baseline that a user would otherwise pick, robotic process automation: replay the most similar recorded case.

The case is picked at the start, by TF-IDF cosine similarity of what the page says, and its actions are done again in order.
Where RPA would be set up with variables, so is this: a recorded value that stood in a fact, table cell or filled field is read
again from there, and one that was taken from a message is read from the same kind of span in the same message. All else is
literal. Where the recorded case had heard more from the customer, the robot waits; where control, option or source is missing
or an action failed, it stops and asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer

from policies.errors import TraceError
from policies.gate import Gate
from policies.proposal import CRITICAL_CLASSES, History, Proposal
from policies.scripted import FixedCritic
from policies.sources import Source, sources
from policies.thresholds import Certificate, Thresholds
from policies.trace import Step, by_case, read_steps
from schema_extraction.action import (
    Action,
    AskOperator,
    Check,
    Click,
    CloseCase,
    Fill,
    Select,
    SendMessage,
    Target,
    TransferCase,
    Wait,
)
from schema_extraction.match import Match, match, seen
from schema_extraction.render import render
from schema_extraction.view import Control, View

PATIENCE = 3
"""Waits in a row for a message that the recorded case had by now."""
SHORTEST_VARIABLE = 3
"""Shorter values inside a recorded text are not taken for variables."""


class ReplayPolicy:
    """A `Policy` that replays. It remembers which recording each case id follows, and reads its place off the history.

    Args:
        traces: recorded steps, or the folder that holds them; only operators' own actions are used.

    Raises:
        TraceError: no recorded case has an action.
    """

    def __init__(self, traces: Path | Iterable[Step]) -> None:
        steps = read_steps(traces) if isinstance(traces, Path) else traces
        recorded = (s for s in steps if s.actor == "operator" and s.action is not None)
        self.recordings: list[tuple[Step, ...]] = [tuple(case) for case in by_case(recorded).values()]
        if not self.recordings:
            raise TraceError("No recorded case to replay. Record some with `casepilot record`.")
        self._words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")
        self._starts = self._words.fit_transform([render(case[0].view) for case in self.recordings])
        self._followed: dict[str, int] = {}

    def propose(self, view: View, history: History) -> tuple[Proposal, ...]:
        action = self._next(view, history)
        return (Proposal(action=action, probability=1.0),)

    def most_similar(self, view: View) -> int:
        """The index of the recording whose first view is most like this one."""
        similarity = self._starts @ self._words.transform([render(view)]).T
        return int(similarity.toarray().ravel().argmax())

    def _next(self, view: View, history: History) -> Action:
        name = view.case_id or view.path
        if not history or name not in self._followed:
            self._followed[name] = self.most_similar(view)
        recording = self.recordings[self._followed[name]]
        last = history[-1] if history else None
        if last is not None and last.actor == "agent" and last.outcome is not None and not last.outcome.ok:
            if not isinstance(last.action, Wait):
                return AskOperator(question=f"The recorded step did not work: {last.outcome.message or last.outcome.result}")
        place = sum(
            item.actor == "operator" or item.outcome is None or item.outcome.ok
            for item in history
            if not isinstance(item.action, Wait)
        )
        if place >= len(recording):
            return AskOperator(question="The recorded case is over and this one is not.")
        step = recording[place]
        if _heard(step.view) > _heard(view):
            waited = 0
            for item in reversed(history):
                if not isinstance(item.action, Wait):
                    break
                waited += 1
            return (
                Wait()
                if waited < PATIENCE
                else AskOperator(question="The customer has not written what the recording waits for.")
            )
        return _bound(step, view)


def replay_gate() -> Gate:
    """A gate that lets everything run, as RPA does."""
    certificates = tuple(
        Certificate(action_class=name, target=0.0, delta=1.0, tau=0.0, count=0, passing=0, accepted=0, precision_lower=0.0)
        for name in CRITICAL_CLASSES
    )
    return Gate(
        "selective", Thresholds(certificates=certificates), FixedCritic(1.0), audit_rate=0.0, novelty_limit=float("inf")
    )


def _heard(view: View) -> int:
    return sum(m.direction == "inbound" for m in view.messages)


def _bound(step: Step, view: View) -> Action:
    """The recorded action on the present view: its target found again by key or by a certified match, its value read again
    from where it came."""
    action = step.action
    match action:
        case Click() | Fill() | Select() | Check():
            control = view.control(action.target.key)
            if control is None and isinstance(found := match(seen(action.target, step.view), view), Match):
                control = found.control
            if control is None or control.disabled:
                return AskOperator(
                    question=f"The recorded control {action.target.name or action.target.key!r} cannot be used here."
                )
            target = Target(key=control.key, role=control.role, name=control.name, ref=control.ref)
            if isinstance(action, Select) and not _has(control, action.option):
                return AskOperator(question=f"{control.name or control.key!r} has no option {action.option!r}.")
            if isinstance(action, Fill):
                source = _source(step.view, action)
                value = action.value if source is None else _again(source, view)
                if value is None:
                    return AskOperator(question=f"Nothing on the page to fill {control.name or control.key!r} from.")
                return action.model_copy(update={"target": target, "value": value})
            return action.model_copy(update={"target": target})
        case SendMessage():
            return action.model_copy(update={"text": _rewritten(action.text, step.view, view)})
        case CloseCase() | TransferCase():
            part, value = ("resolution", action.resolution) if isinstance(action, CloseCase) else ("team", action.team)
            control = view.part(action.type, part)
            if control is not None and value and not _has(control, value):
                return AskOperator(question=f"{control.name or part!r} has no option {value!r}.")
            return action
        case None:
            raise AssertionError("recordings hold steps with an action only")
        case _:
            return action


def _has(control: Control, option: str) -> bool:
    """Whether an option can be chosen; controls that do not list their options are given the benefit of the doubt."""
    return not control.options or any(o.label == option and not o.disabled for o in control.options)


def _source(view: View, action: Fill) -> Source | None:
    """Where the recorded value stood on the recorded view; what the trace says of it goes first."""
    same = [s for s in sources(view) if s.text == action.value and s.origin != f"control:{action.target.key}"]
    stated = action.provenance
    return next(
        (s for s in same if (s.provenance.source, s.provenance.where) == (stated.source, stated.where)),
        same[0] if same else None,
    )


def _again(source: Source, view: View) -> str | None:
    """The value that stands in the same place on another view, or None."""
    found = sources(view)
    if source.provenance.source == "message":
        return next((s.text for s in found if (s.origin, s.kind, s.form) == (source.origin, source.kind, source.form)), None)
    return next((s.text for s in found if s.slot == source.slot), None)


def _rewritten(text: str, recorded: View, view: View) -> str:
    """A recorded text with the facts of the recorded case in it replaced by those of this one."""
    now = {s.slot: s.text for s in sources(view) if s.provenance.source == "fact"}
    variables: dict[str, str] = {}
    for source in sources(recorded):
        if source.slot in now and len(source.text) >= SHORTEST_VARIABLE:
            variables.setdefault(source.text, now[source.slot])
    if not variables:
        return text
    longest_first = sorted(variables, key=len, reverse=True)
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\w)")
    return pattern.sub(lambda found: variables[found.group()], text)
