"""Which clicks leave the page, which look so and do not, and which controls are never part of a case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agent.profiling.links import local
from agent.profiling.seen import Seen, literal, pattern_of
from agent.profiling.words import ACTS, ATTACH, DISMISS, SHOWS, SIGN_OUT
from schema_extraction.profile import ControlPattern
from schema_extraction.view import Control, Frozen, View

_ACTING = re.compile(r"[?&](?:action|do|cmd|op)=(?!respond|reply|comment|display|show|view|edit)\w", re.IGNORECASE)


class ClickGuess(Frozen):
    """A pattern with the reason for it."""

    pattern: ControlPattern
    why: str


def ignored(
    listing: View | None, listing_url: str, cases: Sequence[Seen], wanted: Iterable[ControlPattern]
) -> list[ClickGuess]:
    """Controls that stand on the work list and on every case alike: the frame of the application. Also sign-out, and links
    to other sites."""
    wanted = list(wanted)
    if not cases:
        return []
    frames = [{(one.role, literal(one.name), _address(one, case.url)) for one in case.view.controls} for case in cases]
    if listing is not None:
        frames.append({(one.role, literal(one.name), _address(one, listing_url)) for one in listing.controls})
    common = set.intersection(*frames) if listing is not None else set()
    by_role: dict[str, dict[str, None]] = {}
    outside: dict[str, None] = {}
    signs_out: ControlPattern | None = None
    for case in cases:
        for one in case.view.controls:
            if not one.name or any(pattern.matches(one) for pattern in wanted):
                continue
            if SIGN_OUT.search(one.name):
                signs_out = ControlPattern(role=one.role, name=literal(one.name))
            elif one.role in ("link", "button", "searchbox", "menuitem") and (
                (one.role, literal(one.name), _address(one, case.url)) in common
            ):
                by_role.setdefault(one.role, {}).setdefault(literal(one.name))
            elif one.role == "link" and one.href and "://" in one.href and local(one.href, case.url) is None:
                outside.setdefault(literal(one.name))
    found = [
        ClickGuess(
            pattern=ControlPattern(role=role, name="|".join(names)),
            why="on the work list and on every case that was opened: the application's own navigation",
        )
        for role, names in by_role.items()
    ]
    if outside:
        found.append(ClickGuess(pattern=ControlPattern(role="link", name="|".join(outside)), why="leads to another site"))
    if signs_out is not None:
        found.append(ClickGuess(pattern=signs_out, why="ends the session"))
    return found


def _address(control: Control, url: str) -> str:
    return (local(control.href, url) or control.href) if control.href else ""


def _unique(guesses: Iterable[ClickGuess]) -> list[ClickGuess]:
    return list({guess.pattern: guess for guess in reversed(list(guesses))}.values())[::-1]


def critical(cases: Sequence[Seen], done: Iterable[ControlPattern]) -> list[ClickGuess]:
    """Buttons that send a form, and buttons and links whose words or addresses say that they act. `done`: what composite
    actions and `ignore` name already."""
    done = list(done)
    found = []
    for case in cases:
        for one in case.view.controls:
            if one.role not in ("button", "link", "menuitem") or not one.name or any(p.matches(one) for p in done):
                continue
            if one.critical:
                found.append(ClickGuess(pattern=pattern_of(one, case.view.controls), why="sends a form"))
            elif one.role != "link" and ACTS.search(one.name) and not (DISMISS.search(one.name) or ATTACH.search(one.name)):
                found.append(ClickGuess(pattern=pattern_of(one, case.view.controls), why="its words say that it acts"))
            elif one.role == "link" and _ACTING.search(one.href):
                found.append(ClickGuess(pattern=pattern_of(one, case.view.controls), why="its address says that it acts"))
            elif one.role == "link" and ACTS.search(one.name) and len(one.name.split()) <= 3 and not re.search(r"\d", one.name):
                found.append(ClickGuess(pattern=pattern_of(one, case.view.controls), why="its words say that it acts"))
    return sorted(_unique(found), key=lambda guess: guess.why)


def reversible(cases: Sequence[Seen], done: Iterable[ControlPattern]) -> list[ClickGuess]:
    """Tabs, buttons that show or hide something, and those that close a dialog."""
    done = list(done)
    found: list[ClickGuess] = []
    if any(one.role == "tab" for case in cases for one in case.view.controls):
        found.append(ClickGuess(pattern=ControlPattern(role="tab"), why="a tab shows what is there already"))
    shows: dict[str, None] = {}
    for case in cases:
        for one in case.view.controls:
            if one.role == "button" and not one.critical and SHOWS.search(one.name) and not any(p.matches(one) for p in done):
                shows.setdefault(literal(one.name))
    if shows:
        found.append(ClickGuess(pattern=ControlPattern(role="button", name="|".join(shows)), why="shows or hides something"))
    backs = dict.fromkeys(
        literal(name) for case in cases for box in case.dialogs for name in box.buttons if DISMISS.search(name)
    )
    if backs:
        found.append(
            ClickGuess(pattern=ControlPattern(role="button", name="|".join(backs)), why="closes a dialog and does nothing")
        )
    return found
