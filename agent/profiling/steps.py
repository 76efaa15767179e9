"""Composite actions by their controls: the reply and its button, the resolution and the button that closes, the team and the
button that transfers; and the dialogs that ask again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.profiling.seen import CHOICE_ROLES, TEXT_ROLES, Seen, escaped, pattern_of
from agent.profiling.words import (
    ATTACH,
    CLOSE,
    DISMISS,
    NEVER_A_REPLY,
    NOT_A_CASE,
    NOT_A_REPLY,
    OUTCOME,
    OVER,
    RECEIVER,
    REPLY,
    SEND,
    TRANSFER,
    WRITE,
)
from browser.photo import HiddenDialog
from schema_extraction.profile import Composite, ControlPattern, Part
from schema_extraction.view import Control, Frozen


class StepGuess(Frozen):
    """A composite action on one page. `button`: the words of what sends it; `asks`: the title of the dialog that asks again;
    `via`: the link that leads to the page from a case."""

    action: Composite
    parts: tuple[Part, ...]
    button: str
    asks: str = ""
    via: str = ""
    sure: bool = True


def _buttons(page: Seen) -> list[tuple[int, Control]]:
    return [(at, one) for at, one in enumerate(page.view.controls) if one.role == "button" and one.name and not one.readonly]


def _value(control: Control, pattern: re.Pattern[str]) -> bool:
    return control.role in CHOICE_ROLES | TEXT_ROLES and pattern.search(control.name) is not None and not control.sensitive


def _made(page: Seen, action: Composite, value: tuple[str, Control] | None, button: Control, sure: bool = True) -> StepGuess:
    controls = page.view.controls
    parts = []
    if value is not None:
        name, control = value
        pattern = pattern_of(control, controls)
        parts.append(Part(name=name, kind="value", control=pattern))
    parts.append(Part(name="submit", kind="click", control=pattern_of(button, controls)))
    asks = _asks(button.name, page.dialogs)
    if asks is not None:
        dialog, yes = asks
        parts.append(
            Part(
                name="confirm",
                kind="click",
                control=ControlPattern(role="button", name=escaped(yes)),
            )
        )
    title = asks[0].title if asks else ""
    return StepGuess(action=action, parts=tuple(parts), button=button.name, asks=title, via=page.via, sure=sure)


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"\w{4,}", text.casefold())} - {"case", "ticke", "this", "task"}


def _asks(button: str, dialogs: Sequence[HiddenDialog]) -> tuple[HiddenDialog, str] | None:
    """The dialog that a button's words speak of, with its button that says yes."""
    for dialog in dialogs:
        yes = [name for name in dialog.buttons if not DISMISS.search(name)]
        if yes and _stems(button) & (_stems(dialog.title) | _stems(" ".join(yes))):
            return dialog, next((name for name in yes if _stems(name) & _stems(button)), yes[0])
    return None


def sending(page: Seen) -> StepGuess | None:
    """Where a reply is written, and the button that sends it."""
    talk = page.talk.name if page.talk else ""
    best: tuple[float, int] = (0.0, -1)
    for at, one in enumerate(page.view.controls):
        if one.role not in TEXT_ROLES or one.sensitive or one.disabled or one.role == "searchbox":
            continue
        said = f"{one.name} {one.hint}"
        if NEVER_A_REPLY.search(one.name) or NOT_A_REPLY.search(one.name) and not REPLY.search(one.name):
            continue
        score = 3.0 * bool(REPLY.search(said)) + 1.5 * bool(WRITE.search(said))
        score += 2.0 * bool(talk and one.section == talk) + 1.0 * bool(REPLY.search(one.section))
        if score >= 1.5 and score > best[0]:
            best = score, at
    if best[1] < 0:
        return None
    text = page.view.controls[best[1]]
    after = [one for at, one in _buttons(page) if at > best[1]]
    near = [one for one in after if one.section == text.section] or after
    fit = [one for one in near if SEND.search(one.name) and not ATTACH.search(one.name)]
    fit = fit or [one for one in after if (SEND.search(one.name) or one.critical) and not ATTACH.search(one.name)]
    sent = [one for one in fit if one.critical] or fit
    if not sent:
        return None
    return _made(page, "send_message", ("text", text), min(sent[:3], key=lambda one: len(one.name)), sure=best[0] >= 3)


def _before(page: Seen, at: int, pattern: re.Pattern[str]) -> Control | None:
    """The nearest value before a button that stands in the same section and fits."""
    button = page.view.controls[at]
    for one in reversed(page.view.controls[:at]):
        if one.section != button.section:
            return None
        if one.role == "button" and one.critical:
            return None
        if _value(one, pattern):
            return one
    return None


def closing(page: Seen) -> StepGuess | None:
    """The resolution and the button that closes the case; else a list of states with one that ends it."""
    for at, one in _buttons(page):
        if CLOSE.search(one.name) and not NOT_A_CASE.search(one.name) and not DISMISS.search(one.name) and len(one.name) <= 40:
            value = _before(page, at, OUTCOME)
            return _made(page, "close_case", ("resolution", value) if value else None, one)
    for at, one in enumerate(page.view.controls):
        if _value(one, OUTCOME) and any(OVER.search(option.label) for option in one.options):
            after = [
                other for place, other in _buttons(page) if place > at and other.critical and not ATTACH.search(other.name)
            ]
            if after:
                return _made(page, "close_case", ("resolution", one), after[0], sure=False)
    return None


def transferring(page: Seen) -> StepGuess | None:
    """The team and the button that hands the case over."""
    for at, one in _buttons(page):
        if TRANSFER.search(one.name) and one.critical and (value := _before(page, at, RECEIVER)) is not None:
            return _made(page, "transfer_case", ("team", value), one)
    return None


def step_guesses(pages: Sequence[Seen]) -> dict[Composite, StepGuess]:
    """The composite actions, each from the first page that has it; case pages come before those they lead to."""
    found: dict[Composite, StepGuess] = {}
    for page in pages:
        for guess in (sending(page), closing(page), transferring(page)):
            if guess is not None:
                found.setdefault(guess.action, guess)
    return found
