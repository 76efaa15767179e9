"""The sign-in form: found by its password field."""

from __future__ import annotations

from urllib.parse import urlsplit

from agent.profiling.seen import TEXT_ROLES, pattern_of
from agent.profiling.words import SIGN_IN
from schema_extraction.profile import Login
from schema_extraction.view import Control, View


def asks(view: View) -> bool:
    """Whether a page wants a password."""
    return any(control.sensitive for control in view.controls)


def login_of(view: View) -> Login | None:
    """The sign-in form of a page; None where there is no password field, no text field before it or no button after it."""
    controls = view.controls
    at = next((place for place, control in enumerate(controls) if control.sensitive), None)
    if at is None:
        return None
    password = controls[at]
    before = [one for one in controls[:at] if one.role in TEXT_ROLES and not one.disabled]
    user = next((one for one in reversed(before) if one.section == password.section), before[-1] if before else None)
    submit = _submit(controls[at + 1 :])
    if user is None or submit is None:
        return None
    return Login(
        path=urlsplit(view.path).path or "/",
        username=pattern_of(user, controls),
        password=pattern_of(password, controls).model_copy(update={"role": ""}),
        submit=pattern_of(submit, controls),
    )


def _submit(after: tuple[Control, ...]) -> Control | None:
    buttons = [one for one in after if one.role == "button" and one.name]
    worded = [one for one in buttons if SIGN_IN.search(one.name)]
    sending = [one for one in buttons if one.critical]
    both = [one for one in worded if one.critical]
    return next(iter([*both, *sending, *worded]), None)
