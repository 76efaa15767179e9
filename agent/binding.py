"""An action that was chosen on one view, made ready for another: minutes or hours later, after an eviction or a restart."""

from __future__ import annotations

from schema_extraction.action import Action, Check, Click, Fill, Select, Target
from schema_extraction.match import NoMatch, match
from schema_extraction.view import View


def bound(view: View, action: Action) -> Action | NoMatch:
    """The action on the control of `view` that it means; `NoMatch` with the reason where that is not certain.

    Give it an action with its traits (`match.remembered`) when `view` is not the one that it was chosen on.
    """
    if not isinstance(action, Click | Fill | Select | Check):
        return action
    found = match(action.target, view)
    if isinstance(found, NoMatch):
        return found
    control = found.control
    target = Target(key=control.key, role=control.role, name=control.name, ref=control.ref)
    return action.model_copy(update={"target": target})
