"""Actions and proposals in the words that an operator reads."""

from __future__ import annotations

from policies.proposal import Proposal
from schema_extraction.action import (
    Action,
    AskOperator,
    Check,
    Click,
    CloseCase,
    Done,
    Fill,
    Select,
    SendMessage,
    Target,
    TransferCase,
)
from schema_extraction.view import View


def _named(target: Target) -> str:
    return repr(target.name or target.key)


def _worked_out(action: Fill | Select) -> str:
    return f" = {action.provenance.formula}" if action.provenance.formula else ""


def describe(action: Action) -> str:
    """One imperative sentence, e.g. ``Fill 'Payout' with '4180.00' = Amount claimed 4,430.00 less Excess 250.00.``"""
    match action:
        case Click():
            return f"Press {_named(action.target)}."
        case Fill():
            return f"Fill {_named(action.target)} with {action.value!r}{_worked_out(action)}."
        case Select():
            return f"Choose {action.option!r} in {_named(action.target)}{_worked_out(action)}."
        case Check():
            return f"{'Tick' if action.checked else 'Clear'} {_named(action.target)}."
        case SendMessage():
            written = " what the language model wrote" if action.provenance.source == "generated" else ""
            return f"Send to the customer{written}: {action.text}"
        case CloseCase():
            return f"Close the case as {action.resolution!r}." if action.resolution else "Close the case."
        case TransferCase():
            return f"Transfer the case to {action.team!r}." if action.team else "Transfer the case."
        case Done():
            return "Nothing is left to do."
        case AskOperator():
            return action.question or "Ask an operator."
        case _:
            return "Wait until the page changes."


def alternatives(ranked: tuple[Proposal, ...], most: int = 3) -> list[str]:
    """The next best proposals in words, each with its probability."""
    return [f"{describe(p.action)} ({p.probability:.0%})" for p in ranked[1 : 1 + most]]


def anchor(view: View, action: Action) -> str | None:
    """The ref to highlight for an action: its control, or the first part of its composite that is on the page."""
    if isinstance(action, Click | Fill | Select | Check):
        control = view.control(action.target.key)
    else:
        control = next((c for c in view.controls if c.part.startswith(f"{action.type}.")), None)
    return control.ref if control else None
