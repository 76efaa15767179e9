"""What became of a critical action whose process died before it could tell, judged by looking at the page again."""

from __future__ import annotations

from collections import Counter

from schema_extraction.action import Action, Click, CloseCase, Outcome, SendMessage, TransferCase
from schema_extraction.match import NoMatch, match, seen
from schema_extraction.view import View


def settled_state(view: View) -> tuple[object, ...]:
    """What a fresh load of the page shows that only a critical action changes: not what is typed, nor what customers write."""
    return (
        view.case_id,
        view.closed,
        tuple(sorted((fact.key, fact.value.raw) for fact in view.facts)),
        tuple(m.text for m in view.messages if m.direction == "outbound"),
        tuple(sorted(control.key for control in view.controls)),
        tuple((table.key, table.total) for table in view.tables),
    )


def _sent(view: View, text: str) -> int:
    folded = " ".join(text.split())
    return Counter(" ".join(m.text.split()) for m in view.messages if m.direction == "outbound")[folded]


def _gone(before: View, action: Click, fresh: View) -> bool:
    """Whether the control is on the page no longer, not even under another name."""
    there = fresh.control(action.target.key) is not None
    return not there and isinstance(match(seen(action.target, before), fresh), NoMatch)


def judge(before: View, action: Action, fresh: View) -> Outcome:
    """`done`, `not_sent` or `unknown`. `before` is the view the action was made for, `fresh` the page loaded anew.

    `done` needs evidence of the action itself; `not_sent` needs the page to be in every respect as it was; all else is
    `unknown` and goes to an operator.
    """
    match action:
        case SendMessage() if _sent(fresh, action.text) > _sent(before, action.text):
            return Outcome(result="done", message="The message stands in the conversation.")
        case CloseCase() | TransferCase() if fresh.closed and not before.closed:
            return Outcome(result="done", message="The case is closed.")
        case Click() if fresh.closed and not before.closed:
            return Outcome(result="done", message="The case is closed.")
        case Click() if _gone(before, action, fresh) and settled_state(fresh) != settled_state(before):
            return Outcome(result="done", message="The page has moved on and the control is gone.")
    if settled_state(fresh) == settled_state(before):
        return Outcome(result="not_sent", message="The page is as it was before the action.")
    return Outcome(result="unknown", message="The page has changed, but it does not show whether the action took effect.")
