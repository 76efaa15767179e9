"""What drafting and checking know of a page: its view without a profile, its conversation, the dialogs it keeps ready."""

from __future__ import annotations

import re

from browser.photo import HiddenDialog
from schema_extraction.profile import ControlPattern
from schema_extraction.talk import Talk
from schema_extraction.view import Control, Frozen, View

_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
TEXT_ROLES = frozenset({"textbox", "searchbox"})
CHOICE_ROLES = frozenset({"combobox", "listbox", "radiogroup"})


class Seen(Frozen):
    """One page as it was read. `via`: the link that led there from a case, when it is no case page itself."""

    url: str
    view: View
    talk: Talk | None = None
    dialogs: tuple[HiddenDialog, ...] = ()
    via: str = ""


def escaped(text: str) -> str:
    """A regular expression for a text as it is; blanks and hyphens stay readable."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def literal(text: str) -> str:
    """The same, but numbers that stand by themselves match any number, as in `Inbox 2`."""
    return re.sub(r"(?<= )\d+(?= |$)", lambda _: r"\d+", escaped(text))


def pattern_of(control: Control, controls: tuple[Control, ...]) -> ControlPattern:
    """The pattern that matches a control and, where its section can tell it apart, no other of the page."""
    pattern = ControlPattern(role=control.role, name=literal(control.name))
    twins = [one for one in controls if one is not control and pattern.matches(one)]
    if twins and control.section and any(one.section != control.section for one in twins):
        return pattern.model_copy(update={"section": literal(control.section)})
    return pattern


def shown(control: Control) -> str:
    """`button 'Send'`."""
    return f"{control.role} {control.name!r}"
