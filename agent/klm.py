"""Handling time by the Keystroke-Level Model, from recorded steps and hand-offs: a practised person's time, waiting left out.

A step is written as a string of operators: K a key, P pointing with the mouse, B pressing or releasing its button, H a hand
moved between keyboard and mouse, M a moment of thought. Their seconds are those of Card, Moran and Newell (The
keystroke-level model for user performance time with interactive systems, CACM 23(7), 1980); B is Kieras's (2001). K is their
average skilled typist, 55 words a minute; a slower one would only make work by hand dearer. Reading is silent reading of
English non-fiction, 238 words a minute (Brysbaert, How many words do we read per minute?, Journal of Memory and Language 109,
2019).

By hand, a person reads what is new on the page before each step and does it. With casepilot, a person only meets hand-offs:
notices one, reads the page as far as it is new, the suggestion and its reason, gives a verdict, and does what was rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from agent.words import describe
from policies.trace import Step
from schema_extraction.action import Action, Check, Click, CloseCase, Fill, Select, SendMessage, TransferCase
from schema_extraction.view import Frozen, View

PRESS = "MPBB"
"""Find something and press it."""
CHOOSE = "MPBBPBB"
"""Find a list, open it and press the option."""
NOTICE = "MPBB"
"""See that a hand-off waits and open it."""
ACCEPT = "MPBB"
REJECT = "MPBBPBB"
"""Press reject and a reason."""


class Klm(Frozen):
    """Seconds of each operator. `canned`: messages are picked from a list of replies and not typed, as a desk may offer."""

    k: float = 0.20
    p: float = 1.10
    b: float = 0.10
    h: float = 0.40
    m: float = 1.35
    words_per_minute: float = 238.0
    canned: bool = False

    def seconds(self, operators: str) -> float:
        """Raises KeyError for what is no operator."""
        table = {"K": self.k, "P": self.p, "B": self.b, "H": self.h, "M": self.m}
        return sum(table[one] for one in operators)

    def reading(self, words: int) -> float:
        """Seconds to read so many words."""
        return 60.0 * words / self.words_per_minute

    def method(self, action: Action) -> str:
        """The operators of one action, done by a person."""
        match action:
            case Click() | Check():
                return PRESS
            case Select():
                return PRESS if action.target.role in ("radio", "radiogroup") else CHOOSE
            case Fill():
                return PRESS + _typed(action.value)
            case SendMessage():
                return CHOOSE + "PBB" if self.canned else PRESS + _typed(action.text) + "PBB"
            case CloseCase() | TransferCase():
                return CHOOSE + "PBB" + PRESS  # the option, the button, the confirmation
            case _:
                return ""


class Handling(Frozen):
    """Seconds of a person's time on one case."""

    reading: float = 0.0
    acting: float = 0.0

    @property
    def seconds(self) -> float:
        return self.reading + self.acting

    def __add__(self, other: Handling) -> Handling:
        return Handling(reading=self.reading + other.reading, acting=self.acting + other.acting)


def by_hand(steps: Sequence[Step], klm: Klm = Klm()) -> Handling:
    """What the operator of a recorded case needed: `steps` are those of one case, in order."""
    seen: set[str] = set()
    reading = acting = 0.0
    for step in steps:
        if step.action is None:
            continue
        reading += klm.reading(_unread(_texts(step.view, checking=False), seen))
        acting += klm.seconds(klm.method(step.action))
    return Handling(reading=reading, acting=acting)


def with_casepilot(steps: Sequence[Step], klm: Klm = Klm()) -> Handling:
    """What operators needed in a case that the agent worked, from the steps of its session, in order; 0 without hand-offs."""
    seen: set[str] = set()
    reading = acting = 0.0
    for step in steps:
        if step.actor == "operator":
            acting += klm.seconds(klm.method(step.action)) if step.action is not None else 0.0
        elif step.decision is not None and step.decision.kind == "hand_off":
            card = [describe(step.ranked[0].action) if step.ranked else "", step.decision.reason]
            reading += klm.reading(_unread(_texts(step.view, checking=True), seen) + _words(card))
            acting += klm.seconds(NOTICE + _answer(step))
    return Handling(reading=reading, acting=acting)


def _answer(step: Step) -> str:
    """The operators of a verdict. An edit is accepted after the correction, which has a step of its own."""
    if step.verdict is None or step.verdict.implicit:
        return ""  # nothing was pressed: the operator simply did the step
    return REJECT if step.verdict.kind == "reject" else ACCEPT


def _typed(text: str) -> str:
    return "H" + "K" * len(text) + "H"


def _texts(view: View, checking: bool) -> Iterator[str]:
    """What a person reads on a view. Who checks another's work also reads what was entered and written."""
    yield from (message.text for message in view.messages if checking or message.direction != "outbound")
    yield from (f"{fact.label} {fact.value.raw}" for fact in view.facts)
    yield from (notice.text for notice in view.notices)
    yield from (" ".join(cell.raw for cell in row.cells) for table in view.tables for row in table.rows)
    yield from (section.text for section in view.sections)
    for control in view.controls:
        held = f" {control.value.raw}" if checking and control.value is not None and not control.sensitive else ""
        yield f"{control.name}{held} {control.message}"
    if view.dialog is not None:
        yield view.dialog.text


def _unread(texts: Iterable[str], seen: set[str]) -> int:
    """Words of the texts that were not there before; from now on they are."""
    new = [text for text in dict.fromkeys(texts) if text not in seen]
    seen.update(new)
    return _words(new)


def _words(texts: Iterable[str]) -> int:
    return sum(len(text.split()) for text in texts)
