"""What has changed from one view to a later one, in words for the person who made, or missed, the change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from schema_extraction.view import Control, Message, View

MOST_CHARACTERS = 80


def held(control: Control) -> str:
    """What a control holds: on or off, the chosen options, or its text."""
    if control.checked is not None:
        return "on" if control.checked else "off"
    if control.value is not None and control.value.raw:
        return control.value.raw
    return ", ".join(option.label for option in control.options if option.selected)


def differences(before: View, after: View, most: int = 20) -> tuple[str, ...]:
    """One sentence for each thing that differs, the weightiest first; `most` of them, and then how many more.

    What sensitive fields hold is told of neither view.
    """
    found = [
        *_page(before, after),
        *_facts(before, after),
        *_talk(before, after),
        *_fields(before, after),
        *_others(before, after),
    ]
    if len(found) <= most:
        return tuple(found)
    return (*found[:most], f"{len(found) - most} more changes.")


def _page(before: View, after: View) -> Iterator[str]:
    if after.closed and not before.closed:
        yield "The case is closed."
    if after.case_id != before.case_id:
        yield f"The page shows {_case(after)} in place of {_case(before)}."
    elif after.path != before.path:
        yield f"The page is {_short(after.path)} now."
    if after.dialog is not None and after.dialog != before.dialog:
        yield f"A dialog is open: {_short(after.dialog.name or after.dialog.text)}."
    elif before.dialog is not None and after.dialog is None:
        yield f"The dialog {_short(before.dialog.name or before.dialog.text)} has closed."


def _case(view: View) -> str:
    return f"case {view.case_id!r}" if view.case_id else "no case"


def _facts(before: View, after: View) -> Iterator[str]:
    old = {fact.key: fact for fact in before.facts}
    new = {fact.key: fact for fact in after.facts}
    for key, fact in new.items():
        if key not in old:
            yield f"New: {fact.label} is {_short(fact.value.raw)}."
        elif old[key].value.raw != fact.value.raw:
            yield f"{fact.label} is {_short(fact.value.raw)}; it was {_short(old[key].value.raw)}."
    for key in [key for key in old if key not in new]:
        yield f"{old[key].label} is gone; it was {_short(old[key].value.raw)}."


def _talk(before: View, after: View) -> Iterator[str]:
    said = Counter(_message(message) for message in before.messages)
    words = {"inbound": "The customer wrote", "outbound": "Sent to the customer", "note": "New note"}
    for message in after.messages:
        if said[_message(message)]:
            said[_message(message)] -= 1
        else:
            yield f"{words[message.direction]}: {_short(message.text)}"


def _message(message: Message) -> tuple[str, str]:
    return message.direction, " ".join(message.text.split())


def _fields(before: View, after: View) -> Iterator[str]:
    old = {control.key: control for control in before.controls}
    for control in after.controls:
        was = old.get(control.key)
        if was is None or control.sensitive or held(was) == held(control):
            continue
        yield f"{_named(control)} holds {_short(held(control))}; it held {_short(held(was))}."


def _others(before: View, after: View) -> Iterator[str]:
    told = Counter(notice.text for notice in before.notices)
    for notice in after.notices:
        if told[notice.text]:
            told[notice.text] -= 1
        else:
            yield f"The page says: {_short(notice.text)}"
    totals = {table.key: table for table in before.tables}
    for table in after.tables:
        was = totals.get(table.key)
        if was is not None and was.total != table.total:
            yield f"{table.name or 'A table'} has {table.total} rows; it had {was.total}."
    old, new = ({control.key: control for control in view.controls} for view in (before, after))
    for key in [key for key in new if key not in old]:
        yield f"New: {new[key].role} {_named(new[key])}."
    for key in [key for key in old if key not in new]:
        yield f"Gone: {old[key].role} {_named(old[key])}."


def _named(control: Control) -> str:
    return repr(control.name or control.key)


def _short(text: str) -> str:
    folded = " ".join(text.split())
    return repr(folded if len(folded) <= MOST_CHARACTERS else folded[: MOST_CHARACTERS - 1] + "…") if folded else "empty"
