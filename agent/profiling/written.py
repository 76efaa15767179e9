"""A profile as the YAML file that a person will read and correct: fields in order, each with the reason for it above."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

import yaml

from schema_extraction.profile import ControlPattern, Profile, parse_profile

WIDTH = 118
_PLAIN = re.compile(r"[A-Za-z/][\w /{}.@=-]*[\w/.}-]|[A-Za-z/]|https?://[\w.:/-]+")

Notes = Mapping[str, Sequence[str]]
"""Comments by field: "login", "case.closed_when", "composites.send_message", "critical[0]", and "" for the top of the file."""

_EXAMPLES = {
    "login": "login:\n  path: /login\n  username: {role: textbox, name: User name}\n  password: {name: Password}\n"
    "  submit: {role: button, name: Sign in}",
    "work_list": "work_list:\n  path: /work",
    "case": "case:\n  path: /cases/{case_id}\n  id: /cases/(\\d+)\n  closed_when: {fact: Status, values: [Closed]}",
    "messages": "messages:\n  region: {role: log, name: Conversation}\n  inbound: customer\n  outbound: agent",
    "composites": "composites:\n  send_message:\n    - {name: text, kind: value, control: {role: textbox, name: Reply}}\n"
    "    - {name: submit, kind: click, control: {role: button, name: Send}}",
    "critical": "critical:\n  - {role: button, name: Approve payment}",
    "reversible": "reversible:\n  - {role: tab}",
    "ignore": "ignore:\n  - {role: button, name: Sign out}",
    "slice": "slice: {fact: Category}",
}


def scalar(text: str) -> str:
    """A text as YAML writes it in a flow: plain where that is safe, else in single quotes."""
    if _PLAIN.fullmatch(text) and "{" not in text and ": " not in text and yaml.safe_load(text) == text:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10_000).strip()


def _pattern(pattern: ControlPattern) -> str:
    said = {name: value for name, value in pattern.model_dump().items() if value}
    return "{" + ", ".join(f"{name}: {scalar(value)}" for name, value in said.items()) + "}"


def _comment(notes: Iterable[str], indent: str = "") -> Iterator[str]:
    for note in notes:
        yield from textwrap.wrap(note, WIDTH - len(indent), initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   ")


def _fields(profile: Profile, notes: Notes, name: str) -> Iterator[str]:
    """The lines of one field, without the comment above it; none where it is empty."""
    if name == "login" and (login := profile.login):
        yield "login:"
        yield f"  path: {scalar(login.path)}"
        for part in ("username", "password", "submit"):
            yield f"  {part}: {_pattern(getattr(login, part))}"
    elif name == "work_list" and (listing := profile.work_list):
        yield "work_list:"
        yield f"  path: {scalar(listing.path)}"
        if "next" in listing.model_fields_set:
            yield f"  next: {scalar(listing.next)}"
    elif name == "case" and (case := profile.case):
        yield "case:"
        yield f"  path: {scalar(case.path)}"
        yield f"  id: {scalar(case.id)}"
        yield from _comment(notes.get("case.closed_when", ()), "  ")
        if case.closed_when:
            values = ", ".join(scalar(value) for value in case.closed_when.values)
            yield f"  closed_when: {{fact: {scalar(case.closed_when.fact)}, values: [{values}]}}"
        else:
            yield "  # closed_when: {fact: Status, values: [Closed]}"
    elif name == "messages" and (messages := profile.messages):
        yield "messages:"
        yield f"  region: {_pattern(messages.region)}"
        yield f"  inbound: {scalar(messages.inbound)}"
        if messages.outbound:
            yield f"  outbound: {scalar(messages.outbound)}"
    elif name == "composites" and profile.composites:
        yield "composites:"
        for action, parts in profile.composites.items():
            yield from _comment(notes.get(f"composites.{action}", ()), "  ")
            yield f"  {action}:"
            for one in parts:
                yield f"    - {{name: {scalar(one.name)}, kind: {one.kind}, control: {_pattern(one.control)}}}"
    elif name in ("critical", "reversible", "ignore") and (patterns := getattr(profile, name)):
        yield f"{name}:"
        told = ""
        for number, pattern in enumerate(patterns):
            note = " ".join(notes.get(f"{name}[{number}]", ()))
            if note and note != told:
                yield from _comment([note], "  ")
            told = note
            yield f"  - {_pattern(pattern)}"
    elif name == "slice" and profile.slice:
        yield f"slice: {{fact: {scalar(profile.slice.fact)}}}"


def written(profile: Profile, notes: Notes) -> str:
    """The file. It holds every field: those that nothing was found for as an example behind `#`.

    Raises:
        AssertionError: what was written is not read back as the same profile, which would be a fault in here.
    """
    lines = [*_comment(notes.get("", ())), f"name: {scalar(profile.name)}", f"base_url: {scalar(profile.base_url)}"]
    for name, example in _EXAMPLES.items():
        lines += ["", *_comment(notes.get(name, ()))]
        field = list(_fields(profile, notes, name))
        lines += field or [f"# {line}" for line in example.splitlines()]
    text = "\n".join(lines) + "\n"
    again = parse_profile(text, "draft")
    if again != profile:
        raise AssertionError(f"The draft is read back otherwise than it was meant: {again!r} for {profile!r}")
    return text
