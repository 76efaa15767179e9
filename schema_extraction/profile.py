"""The profile: everything casepilot is told about one BPM UI, read from a YAML file. No other code knows the UI."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from schema_extraction.errors import ProfileError
from schema_extraction.faults import faults_of, told
from schema_extraction.places import read_yaml
from schema_extraction.view import Control, Frozen


class PatternError(ValueError):
    """A regular expression that cannot be used. `at`: the character, counted from 0, at which it goes wrong."""

    def __init__(self, text: str, at: int = 0) -> None:
        super().__init__(text)
        self.at = at


@cache
def compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """A regular expression of a profile, compiled when it is first used."""
    return re.compile(pattern, flags)


def _regex(value: str) -> str:
    try:
        compiled(value)
    except re.error as error:
        at = error.pos or 0
        raise PatternError(
            f"'{value}' is no regular expression: {error.msg} at its character {at + 1}; correct it, "
            "or put a backslash before a character that is meant as it is",
            at,
        ) from error
    return value


def _with_group(value: str) -> str:
    if not compiled(value).groups:
        raise PatternError(f"'{value}' has no group; put the case id in brackets, as in '/cases/(\\d+)'")
    return value


def _case_path(value: str) -> str:
    if "{case_id}" not in value:
        raise PatternError(f"expected an address with {{case_id}} in it, such as '/cases/{{case_id}}', met {value!r}")
    return value


def _address(value: str) -> str:
    if not re.match(r"[a-z][a-z\d+.-]*://", value):
        raise PatternError(f"expected an address such as 'https://desk.example', met {value!r}; begin it with https://")
    return value.rstrip("/")


Regex = Annotated[str, AfterValidator(_regex), Field(json_schema_extra={"format": "regex"})]


class _Told(Frozen):
    """Base of the profile's records: the text under each field describes it, here and in the JSON schema."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class ControlPattern(_Told):
    """Matches controls, as `casepilot extract` prints them. What is left out matches anything."""

    role: str = Field(default="", examples=["button"])
    """ARIA role: button, link, textbox, combobox, checkbox, tab, ..."""
    name: Regex = Field(default="", examples=["Send"])
    """Regular expression that must match the whole accessible name."""
    section: Regex = Field(default="", examples=["Conversation"])
    """Regular expression that must match the whole name of the section that the control stands in."""

    def matches(self, control: Control) -> bool:
        return (
            (not self.role or self.role == control.role)
            and (not self.name or compiled(self.name).fullmatch(control.name) is not None)
            and (not self.section or compiled(self.section).fullmatch(control.section) is not None)
        )


class Login(_Told):
    """Where and how to sign in. User name and password come from the environment or the command line, never from here."""

    path: str = Field(examples=["/login"])
    """Address of the page with the sign-in form, relative to `base_url`."""
    username: ControlPattern = Field(examples=["{role: textbox, name: User name}"])
    """The field for the user name."""
    password: ControlPattern = Field(examples=["{name: Password}"])
    """The field for the password."""
    submit: ControlPattern = Field(examples=["{role: button, name: Sign in}"])
    """The button that signs in."""


class WorkList(_Told):
    """The page that lists open cases; a case is any link on it whose address has a case id."""

    path: str = Field(examples=["/work"])
    """Address of the list's first page, relative to `base_url`."""
    next: Regex = r"(?i)^(next|next page|older|[›»>→]+)$"
    """Regular expression for the words of the link to the list's next page (a link with `rel="next"` is one anyway)."""


class ClosedWhen(_Told):
    """The case is over when the fact with label `fact` has one of `values`."""

    fact: str = Field(examples=["Status"])
    """Label of the fact, letter case aside."""
    values: tuple[str, ...] = Field(examples=["[Closed, Transferred]"])
    """What it says of a case that is over, letter case aside."""


class CasePage(_Told):
    """Where a case is, and how to tell which one it is."""

    path: Annotated[str, AfterValidator(_case_path)] = Field(examples=["/cases/{case_id}"])
    """Address of a case's page with `{case_id}` in place of its id, relative to `base_url`."""
    id: Annotated[Regex, AfterValidator(_with_group)] = Field(examples=[r"/cases/(C-\d+)"])
    """Regular expression whose first group finds the case id in an address."""
    closed_when: ClosedWhen | None = Field(default=None, examples=["{fact: Status, values: [Closed]}"])
    """What tells that the case is over. Without it no case is known to be over, and every session ends at an operator."""


class MessageRegion(_Told):
    """The region with the conversation, and how its entries tell who speaks. Without it a log, a feed or a history of dated
    entries is taken for the conversation."""

    region: ControlPattern = Field(examples=["{role: log, name: Conversation}"])
    """The region by its ARIA role and name."""
    inbound: Regex = Field(examples=["inbound|customer"])
    """Regular expression that matches the author or the class/aria text of an entry of the customer's, letter case aside."""
    outbound: Regex = Field(default="", examples=["outbound|agent"])
    """The same for ours; without it all that is not inbound is ours."""


class Part(_Told):
    """One step of a composite action."""

    name: str = Field(examples=["text"])
    """What the step is called in messages and traces."""
    kind: Literal["value", "click"] = Field(examples=["click"])
    """`value` takes the action's value (text, option); `click` presses a control, which may stand in a dialog."""
    control: ControlPattern = Field(examples=["{role: button, name: Send}"])
    """The control."""
    page: Regex = Field(default="", examples=["/reply/"])
    """Regular expression found in the address of the pages where the control is that part, for applications in which one
    button, such as "Update", sends now a message and now something else. Empty: wherever the control is."""

    def on(self, url: str) -> bool:
        """Whether the part may be on the page at this address."""
        return not self.page or re.search(self.page, url) is not None


class SliceField(_Told):
    """What names the kind of a case."""

    fact: str = Field(examples=["Process"])
    """Label of the fact whose value names the slice of a case."""


Composite = Literal["send_message", "close_case", "transfer_case"]
CriticKind = Literal["full", "typed"]


class Profile(_Told):
    """What casepilot is told about one UI; `fixtures/bpm/profile.yaml` is an example."""

    name: str = Field(examples=["my-desk"])
    """A short name, kept in every view and trace."""
    base_url: Annotated[str, AfterValidator(_address)] = Field(examples=["https://desk.example"])
    """Where the application is; all paths are relative to it."""
    login: Login | None = None
    """How to sign in."""
    work_list: WorkList | None = None
    """The page with the links to open cases."""
    case: CasePage | None = None
    """The page of one case."""
    messages: MessageRegion | None = None
    """The conversation with the customer."""
    composites: dict[Composite, tuple[Part, ...]] = Field(default_factory=dict)
    """Which controls make up sending a message, closing and transferring a case: parts in order, dialogs included."""
    critical: tuple[ControlPattern, ...] = ()
    """Clicks that leave the page: they send, submit, close, transfer or pay. Submit buttons of forms are so anyway."""
    reversible: tuple[ControlPattern, ...] = ()
    """Clicks that look critical and are not, such as a button that only opens a panel."""
    ignore: tuple[ControlPattern, ...] = ()
    """Controls that are never a target, such as navigation and sign-out."""
    may_miss: tuple[Regex, ...] = ()
    """Regular expressions for what may be missing from a view without harm, such as the frame of an advertisement."""
    slice: SliceField | None = None
    """The fact that names the kind of case."""
    critic: CriticKind = "full"
    """`typed` where strangers write the texts of the application: critical steps are then judged by a critic that reads none of
    them (typed values, history, kind of action, where values came from) and that nobody can talk round."""
    operator_header: str = ""
    """Request header that tells the application which operator stands behind a request during a takeover or after an
    accept, so that its own audit log can tell unattended work from supervised work. Empty: none is sent."""
    requests_per_second: float = Field(default=20.0, gt=0)
    """How fast all pages of a run together may ask the application for something."""

    def case_id(self, url: str) -> str | None:
        """The case id in an address, or None."""
        found = compiled(self.case.id).search(url) if self.case else None
        return found.group(1) if found else None


def parse_profile(text: str, name: str) -> Profile:
    """The profile in a YAML text; `name` is what messages call its source.

    Raises:
        ProfileError: it is not YAML, or does not fit the model; the message names line and column of every fault.
    """
    source = read_yaml(text)
    faults = list(source.faults)
    made: Profile | None = None
    if source.data is not None:
        try:
            made = Profile.model_validate(source.data)
        except ValidationError as error:
            faults += faults_of(error, Profile, source)
    elif not faults:
        raise ProfileError(f"Profile {name!r} is empty. Draft one with `casepilot profile init URL`.")
    if made is None or faults:
        raise ProfileError(told(f"Profile {name!r}", faults))
    return made


def load_profile(path: Path | str) -> Profile:
    """Read and check a profile.

    Raises:
        ProfileError: the file is missing, is not YAML, or does not fit the model; the message names every fault's line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProfileError(
            f"Cannot read profile {str(path)!r}: {error.strerror}. Give --profile an existing YAML file, "
            "or draft one with `casepilot profile init URL`."
        ) from error
    except UnicodeDecodeError as error:
        raise ProfileError(f"Profile {str(path)!r} is not UTF-8 text: {error.reason}. Save it as UTF-8.") from error
    return parse_profile(text, str(path))
