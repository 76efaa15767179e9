"""A view as compact text that a person can read."""

from __future__ import annotations

from collections.abc import Iterator

from schema_extraction.view import Control, Fact, Table, Value, View

_ROWS = 20
_OPTIONS = 12


def _value(value: Value) -> str:
    shown = repr(value.raw)
    if value.kind in ("text", "choice") or value.normal == value.raw:
        return shown
    return f"{shown} ({value.kind} {value.normal})"


def _control(control: Control) -> str:
    words = [f"[{control.ref or '-'}]", control.role, repr(control.name)]
    if control.sensitive:
        words.append("= (secret)")
    elif control.value is not None and control.value.raw:
        words.append(f"= {_value(control.value)}")
    if control.checked is not None:
        words.append("checked" if control.checked else "not checked")
    if control.expanded is not None:
        words.append("expanded" if control.expanded else "collapsed")
    words += [name for name in ("required", "disabled", "readonly", "invalid", "critical") if getattr(control, name)]
    if control.part:
        words.append(f"<{control.part}>")
    if control.options:
        labels = [option.label for option in control.options[:_OPTIONS]]
        more = len(control.options) - len(labels)
        words.append("{" + " | ".join(labels) + (f" | and {more} more" if more else "") + "}")
    if control.message:
        words.append(f"! {control.message}")
    if control.hint:
        words.append(f"({control.hint})")
    if control.href:
        words.append(f"-> {control.href}")
    return " ".join(words)


def _table(table: Table) -> Iterator[str]:
    above = f", from row {table.first + 1}" if table.first else ""
    yield f"  {table.name or 'Table'}, {table.total} rows{above}: " + " | ".join(table.headers)
    for row in table.rows[:_ROWS]:
        yield "    " + " | ".join(cell.raw for cell in row.cells) + (f" -> {row.href}" if row.href else "")
    left = table.total - table.first - min(len(table.rows), _ROWS)
    if left > 0:
        yield f"    and {left} more"


def _head(view: View) -> Iterator[str]:
    yield f"{view.title or '(no title)'}  {view.path}  {view.today.isoformat()}"
    state = [
        f"case {view.case_id}" if view.case_id else "",
        f"slice {view.slice}" if view.slice else "",
        "closed" if view.closed else "",
        "busy" if view.busy else "",
        f"focus {view.focus}" if view.focus else "",
    ]
    if any(state):
        yield "  " + ", ".join(word for word in state if word)
    if view.dialog:
        yield f"DIALOG ({view.dialog.kind}) {view.dialog.name}: {view.dialog.text}"
    for words in view.missing:
        yield f"MISSING {words}"
    for notice in view.notices:
        yield f"{notice.kind.upper()} {notice.text}" + (f" [{notice.control}]" if notice.control else "")


def render(view: View) -> str:
    """The view, section by section, with the conversation at the end. One line a control, fact or table row."""
    lines = list(_head(view))
    named = [section.name for section in view.sections]
    placed: tuple[Fact | Table | Control, ...] = (*view.facts, *view.tables, *view.controls)
    rest = dict.fromkeys(item.section for item in placed if item.section not in named)
    texts = {section.name: section.text for section in view.sections}
    for name in [*rest, *named]:
        body: list[str] = ["  " + line for line in texts.get(name, "").splitlines()]
        body += [f"  {fact.label}: {_value(fact.value)}" for fact in view.facts if fact.section == name]
        for table in view.tables:
            if table.section == name:
                body += _table(table)
        body += ["  " + _control(control) for control in view.controls if control.section == name]
        lines += [f"# {name}" if name else "#", *body] if body or name else []
    if view.messages:
        lines.append("# Messages")
    arrows = {"inbound": ">", "outbound": "<", "note": "-"}
    for message in view.messages:
        who = " ".join(part for part in (message.time, message.author) if part)
        lines.append(f"  {arrows[message.direction]} {who}: " + message.text.replace("\n", "\n    "))
    return "\n".join(lines) + "\n"
