"""The profile: everything casepilot is told about one BPM UI, read from a YAML file. No other code knows the UI."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, field_validator

from schema_extraction.errors import ProfileError
from schema_extraction.view import Control, Frozen


class ControlPattern(Frozen):
    """Matches controls by role and accessible name; `name` is a regular expression that must match the whole name."""

    role: str = ""
    name: str = ""
    section: str = ""

    @field_validator("name", "section")
    @classmethod
    def _compiles(cls, value: str) -> str:
        re.compile(value)
        return value

    def matches(self, control: Control) -> bool:
        return (
            (not self.role or self.role == control.role)
            and (not self.name or re.fullmatch(self.name, control.name) is not None)
            and (not self.section or re.fullmatch(self.section, control.section) is not None)
        )


class Login(Frozen):
    """Where and how to sign in. User name and password come from the environment or the command line, never from here."""

    path: str
    username: ControlPattern
    password: ControlPattern
    submit: ControlPattern


class WorkList(Frozen):
    """The page that lists open cases; a case is any link on it whose address has a case id.

    `next`: regular expression for the words of the link to the list's next page (a link with `rel="next"` is one anyway).
    """

    path: str
    next: str = r"(?i)^(next|next page|older|[›»>→]+)$"


class ClosedWhen(Frozen):
    """The case is over when the fact with label `fact` has one of `values`."""

    fact: str
    values: tuple[str, ...]


class CasePage(Frozen):
    """`path` holds `{case_id}`; `id` is a regular expression whose first group finds the case id in an address."""

    path: str
    id: str
    closed_when: ClosedWhen


class MessageRegion(Frozen):
    """The region with the conversation, and how its entries tell who speaks.

    `inbound`, `outbound`: regular expressions that match the author or the class/aria text of an entry.
    """

    region: ControlPattern
    inbound: str
    outbound: str = ""


class Part(Frozen):
    """One step of a composite action: `value` takes the action's value, `click` presses a control (maybe in a dialog).

    `page`: regular expression found in the address of the pages where the control is that part, for applications in which one
    button, such as "Update", sends now a message and now something else. Empty: wherever the control is.
    """

    name: str
    kind: Literal["value", "click"]
    control: ControlPattern
    page: str = ""

    @field_validator("page")
    @classmethod
    def _compiles(cls, value: str) -> str:
        re.compile(value)
        return value

    def on(self, url: str) -> bool:
        """Whether the part may be on the page at this address."""
        return not self.page or re.search(self.page, url) is not None


class SliceField(Frozen):
    """The fact whose value names the slice of a case."""

    fact: str


class Profile(Frozen):
    """See `fixtures/bpm/profile.yaml` for an example of every field."""

    name: str
    base_url: str
    login: Login | None = None
    work_list: WorkList | None = None
    case: CasePage | None = None
    messages: MessageRegion | None = None
    composites: dict[Literal["send_message", "close_case", "transfer_case"], tuple[Part, ...]] = Field(default_factory=dict)
    critical: tuple[ControlPattern, ...] = ()
    reversible: tuple[ControlPattern, ...] = ()
    ignore: tuple[ControlPattern, ...] = ()
    """Controls that are never a target, such as navigation and sign-out."""
    may_miss: tuple[re.Pattern[str], ...] = ()
    """Regular expressions for what may be missing from a view without harm, such as the frame of an advertisement."""
    slice: SliceField | None = None
    operator_header: str = ""
    """Request header that tells the application which operator stands behind a request during a takeover or after an
    accept, so that its own audit log can tell unattended work from supervised work. Empty: none is sent."""
    requests_per_second: float = 20.0

    def case_id(self, url: str) -> str | None:
        """The case id in an address, or None."""
        found = re.search(self.case.id, url) if self.case else None
        return found.group(1) if found else None


def load_profile(path: Path | str) -> Profile:
    """Read and check a profile.

    Raises:
        ProfileError: the file is missing, is not YAML, or does not fit the model; the message names the field.
    """
    path = Path(path)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(
            f"Cannot read profile {str(path)!r}: {error.strerror}. Give --profile an existing YAML file."
        ) from error
    except yaml.YAMLError as error:
        raise ProfileError(f"Profile {str(path)!r} is not valid YAML: {error}") from error
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        raise ProfileError(f"Profile {str(path)!r}, field {where!r}: {first['msg']}.") from error
