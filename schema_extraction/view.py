"""The structured view of a page: what the policy, the critic, the operator and the trace all see.

Every model is frozen and goes to JSON and back unchanged. `VIEW_VERSION` changes whenever a field changes its meaning;
a model trained on another version is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date as Date
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

VIEW_VERSION = 1

_set = object.__setattr__

ValueKind = Literal["text", "number", "money", "date", "id", "email", "phone", "choice"]


class Frozen(BaseModel):
    """Base of all records: immutable, hashable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def but(self, **update: Any) -> Self:
        """A copy with other values, which are not validated; it takes a tenth of the time of `model_copy`."""
        made = object.__new__(type(self))
        known = self.__pydantic_fields_set__
        values = self.__dict__.copy()
        values.update(update)
        _set(made, "__dict__", values)
        _set(made, "__pydantic_fields_set__", known if known.issuperset(update) else known | update.keys())
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made


class Value(Frozen):
    """What a control, fact or cell holds. `normal` is the canonical text (ISO date, plain decimal, lower-case e-mail).

    `number` is set for number and money (in units of the currency); `date` for dates.
    """

    raw: str
    kind: ValueKind = "text"
    normal: str = ""
    number: float | None = None
    date: Date | None = None


class Option(Frozen):
    """One choice of a select, listbox, menu or radio group. `ref` is that of the radio or ARIA option; a native select's
    options have none."""

    label: str
    value: str = ""
    selected: bool = False
    disabled: bool = False
    ref: str = ""


class Format(Frozen):
    """What the control says it accepts (HTML constraint attributes)."""

    type: str = ""
    pattern: str = ""
    min: str = ""
    max: str = ""
    min_length: int | None = None
    max_length: int | None = None


class Control(Frozen):
    """Anything on the page that can be operated.

    `ref` names the element in this snapshot only. `key` is stable across snapshots, sessions and releases and is made of
    frame, section, role, name and ordinal. `part` is set by the profile when the control belongs to a composite action,
    as `"<composite>.<part>"`, e.g. `"send_message.text"`. `critical` marks a click that leaves the page.
    """

    ref: str
    key: str
    role: str
    name: str = ""
    section: str = ""
    frame: str = ""
    value: Value | None = None
    options: tuple[Option, ...] = ()
    checked: bool | None = None
    required: bool = False
    disabled: bool = False
    readonly: bool = False
    invalid: bool = False
    message: str = ""
    hint: str = ""
    format: Format = Format()
    sensitive: bool = False
    expanded: bool | None = None
    href: str = ""
    critical: bool = False
    part: str = ""


class Fact(Frozen):
    """A read-only label with a value."""

    key: str
    label: str
    value: Value
    section: str = ""


class Message(Frozen):
    """One chat entry. `direction`: inbound is the customer's, outbound ours, note an internal or system line."""

    author: str
    direction: Literal["inbound", "outbound", "note"]
    text: str
    time: str = ""


class Row(Frozen):
    """One visible table row. `href` is the first link in it."""

    cells: tuple[Value, ...]
    href: str = ""


class Table(Frozen):
    """`total` is the number of rows the table has, which may exceed the rows shown in this window; `first` is the place of the
    window's first row among them."""

    key: str
    name: str = ""
    section: str = ""
    headers: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    total: int = 0
    first: int = 0


class Notice(Frozen):
    """An alert, status line, validation message or toast. `control` is the key of the field it speaks of, if any."""

    kind: Literal["alert", "status", "validation", "toast"]
    text: str
    control: str = ""


class Section(Frozen):
    """A named region of the page with the prose in it that is neither fact, control, message nor table."""

    name: str
    text: str = ""


class Dialog(Frozen):
    """An open dialog. `native` is the browser's own alert/confirm/prompt; `page` one drawn by the application."""

    name: str
    kind: Literal["page", "native"] = "page"
    text: str = ""


class View(Frozen):
    """The page as a person would see it at one moment. `today` is the day of the capture; dates are read against it. `missing`:
    what could not be read, in words; empty where all of the page is here."""

    version: int = VIEW_VERSION
    path: str
    title: str = ""
    profile: str = ""
    case_id: str | None = None
    slice: str = ""
    today: Date
    sections: tuple[Section, ...] = ()
    controls: tuple[Control, ...] = ()
    facts: tuple[Fact, ...] = ()
    messages: tuple[Message, ...] = ()
    tables: tuple[Table, ...] = ()
    notices: tuple[Notice, ...] = ()
    dialog: Dialog | None = None
    busy: bool = False
    focus: str = ""
    closed: bool = False
    missing: tuple[str, ...] = ()

    def control(self, key: str) -> Control | None:
        """The control with this stable key, or None."""
        return next((c for c in self.controls if c.key == key), None)

    def part(self, composite: str, part: str) -> Control | None:
        """The control that the profile made `part` of `composite`, or None if it is not on this page."""
        return next((c for c in self.controls if c.part == f"{composite}.{part}"), None)

    def fact(self, label: str) -> Fact | None:
        """The first fact with this label, compared without case."""
        return next((f for f in self.facts if f.label.casefold() == label.casefold()), None)

    def operable(self) -> Iterator[Control]:
        """Controls that can take an action now."""
        return (c for c in self.controls if not c.disabled and not c.readonly)
