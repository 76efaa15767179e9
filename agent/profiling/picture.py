"""What a profile says, drawn over pictures of the pages: boxes with labels, coloured by what they are for."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from agent.profiling.links import acting
from agent.profiling.seen import Seen
from browser.photo import Box, Photo, drawn, photo, places
from browser.session import Browser, Page
from schema_extraction.profile import ControlPattern, Profile, compiled
from schema_extraction.view import Control, Frozen

Kind = Literal["login", "case", "fact", "region", "inbound", "outbound", "part", "critical", "reversible", "ignored"]

LEGEND: dict[Kind, tuple[str, str]] = {
    "login": ("#2563eb", "sign-in"),
    "case": ("#0d9488", "link to a case"),
    "fact": ("#0f172a", "fact that the profile names"),
    "region": ("#7c3aed", "conversation"),
    "inbound": ("#a855f7", "message of the customer"),
    "outbound": ("#16a34a", "message of ours"),
    "part": ("#ea580c", "part of a composite action"),
    "critical": ("#dc2626", "critical click"),
    "reversible": ("#64748b", "click that only shows something"),
    "ignored": ("#9ca3af", "ignored: never a target"),
}
"""Colour of each kind of box, and its words."""

WIDTH = 1280
MARGIN = 90
"""Pixels of a page that are shown below its lowest box, except those of links in a list."""
LIST_HEIGHT = 620
"""What is shown of a page with nothing but links to cases."""
TEXT = 70
"""So many characters of a message are looked for on the page."""


class Shot(Frozen):
    """A page with the boxes of its controls, facts and messages, in the order of its view."""

    title: str
    seen: Seen
    photo: Photo
    controls: tuple[Box | None, ...]
    facts: tuple[Box | None, ...]
    messages: tuple[Box | None, ...]
    region: Box | None


class Mark(Frozen):
    """A box to draw. Those without a label are told apart by their colour alone."""

    kind: Kind
    label: str
    box: Box


async def shoot(page: Page, seen: Seen, title: str) -> Shot:
    """Take the picture of a page that has just been read.

    Raises:
        PageError: the page is gone.
    """
    view, talk = seen.view, seen.talk
    found = await places(
        page,
        refs=[control.ref for control in view.controls],
        texts=[message.text.split("\n")[0][:TEXT] for message in view.messages],
        pairs=[(fact.label, fact.value.raw) for fact in view.facts],
        region=(talk.role, talk.name) if talk is not None and talk.role else None,
    )
    taken = await photo(page)
    return Shot(
        title=title,
        seen=seen,
        photo=taken,
        controls=found.refs,
        facts=found.pairs,
        messages=found.texts,
        region=found.region,
    )


def _any(patterns: Iterable[ControlPattern], control: Control) -> bool:
    return any(pattern.matches(control) for pattern in patterns)


def _kind(profile: Profile, control: Control, taken: set[str], listing: bool) -> tuple[Kind, str] | None:
    """What a control is to the profile; a part of a composite is the first control that fits."""
    for action, parts in profile.composites.items():
        for part in parts:
            label = f"{action}: {part.name}"
            if label not in taken and part.control.matches(control):
                taken.add(label)
                return "part", label
    if _any(profile.ignore, control):
        return "ignored", ""
    if _any(profile.critical, control):
        return "critical", "critical"
    if _any(profile.reversible, control):
        return "reversible", ""
    if (
        control.role == "link"
        and control.href
        and not acting(control.href)
        and listing
        and profile.case is not None
        and compiled(profile.case.id).search(control.href)
    ):
        return "case", ""
    if (
        control.role == "link"
        and listing
        and profile.work_list is not None
        and compiled(profile.work_list.next).search(control.name)
    ):
        return "case", "next page"
    return ("critical", "sends a form") if control.critical else None


def marks(profile: Profile, shot: Shot) -> Iterator[Mark]:
    """What to draw over a page."""
    view = shot.seen.view
    signing = profile.login is not None and any(control.sensitive for control in view.controls)
    taken: set[str] = set()
    listing = profile.work_list is not None and view.path == profile.work_list.path
    if shot.region is not None and profile.messages is not None:
        yield Mark(kind="region", label="messages", box=shot.region)
    for message, box in zip(view.messages, shot.messages, strict=True):
        if box is not None and message.direction != "note":
            yield Mark(kind=message.direction, label=message.direction, box=box)
    named = {
        label.casefold(): words
        for label, words in (
            (profile.case.closed_when.fact if profile.case and profile.case.closed_when else "", "closed_when"),
            (profile.slice.fact if profile.slice else "", "slice"),
        )
    }
    for fact, box in zip(view.facts, shot.facts, strict=True):
        if box is not None and (words := named.pop(fact.label.casefold(), "")):
            yield Mark(kind="fact", label=words, box=box)
    for control, box in zip(view.controls, shot.controls, strict=True):
        if box is None:
            continue
        if signing and profile.login is not None:
            for name in ("username", "password", "submit"):
                pattern: ControlPattern = getattr(profile.login, name)
                if pattern.matches(control):
                    yield Mark(kind="login", label=f"login: {name}", box=box)
            continue
        if (told := _kind(profile, control, taken, listing)) is not None:
            yield Mark(kind=told[0], label=told[1], box=box)


def _height(shot: Shot, some: Sequence[Mark]) -> float:
    """How much of a page is shown, in its own pixels."""
    lowest = max((mark.box.top + mark.box.height for mark in some if mark.kind not in ("case", "ignored")), default=0)
    if any(mark.kind == "case" for mark in some):
        lowest = max(lowest, LIST_HEIGHT - MARGIN)
    return min(shot.photo.height, max(lowest + MARGIN, 300))


def html(profile: Profile, shots: Sequence[Shot], title: str) -> str:
    """A page of its own with all pictures, their boxes and a legend."""
    environment = Environment(loader=PackageLoader("agent"), autoescape=True, undefined=StrictUndefined)
    drawn_marks = [list(marks(profile, shot)) for shot in shots]
    counts = {kind: sum(mark.kind == kind for some in drawn_marks for mark in some) for kind in LEGEND}
    return environment.get_template("profile.html").render(
        title=title,
        width=WIDTH,
        legend=[(kind, colour, words, counts[kind]) for kind, (colour, words) in LEGEND.items() if counts[kind]],
        colours=LEGEND,
        pages=[
            {
                "title": shot.title,
                "url": shot.seen.url,
                "source": "data:image/jpeg;base64," + base64.b64encode(shot.photo.jpeg).decode(),
                "scale": WIDTH / shot.photo.width,
                "height": _height(shot, some) * WIDTH / shot.photo.width,
                "marks": [mark for mark in some if mark.box.top < _height(shot, some)],
            }
            for shot, some in zip(shots, drawn_marks, strict=True)
        ],
    )


async def picture(browser: Browser, profile: Profile, shots: Sequence[Shot], title: str) -> bytes:
    """The same as a PNG.

    Raises:
        PageError: the browser is gone.
    """
    return await drawn(browser, html(profile, shots, title), WIDTH + 48)
