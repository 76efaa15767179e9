"""The columns of the arrays that stand for a view and for candidate values (see `elements` and `values`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

KINDS = (
    *("view", "click", "fill", "select", "check", "send_message", "close_case", "transfer_case"),
    *("fact", "message", "cell", "section", "notice", "dialog", "held", "past"),
)
ROLES = (
    *("", "button", "link", "tab", "menuitem", "textbox", "searchbox", "spinbutton", "combobox", "listbox", "radiogroup"),
    *("checkbox", "switch", "radio"),
)
SOURCES = ("message", "fact", "cell", "option", "template", "constant", "derived", "generated", "operator")
FORMS = ("", "raw", "normal", "first", "last", "0", "0.00")
IDS = ("kind", "role", "word", "literal", "label", "value", "section")
FLAGS = (
    *("filled", "required", "invalid", "checked", "critical", "expanded", "options", "next", "acted", "again"),
    *("latest", "before_latest", "inbound", "outbound", "note", "last_message", "last_inbound", "busy", "dialog"),
    *("some_required_empty", "some_empty", "some_invalid", "place", "age", "steps", "since_critical", "sent"),
    *("uptake", "has_uptake"),
)
HISTORY_FLAGS = ("acted", "again", "latest", "before_latest", "steps", "since_critical", "sent")
VALUE_IDS = ("text", "label", "source", "form", "word", "origin")
VALUE_FLAGS = (
    *("prior", "seen", "shape", "rule", "has_rule", "heard", "has_heard"),
    *("same_as_fact", "label_chosen", "mentioned", "mentioned_last", "row_mentioned", "long"),
)


class Texts:
    """Gives every distinct text an index; 0 is the empty text."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {"": 0}

    def __call__(self, text: str) -> int:
        return self.index.setdefault(text, len(self.index))

    @property
    def all(self) -> list[str]:
        return list(self.index)
