"""Controls: everything that can be operated now, with its state. What lies behind a modal dialog cannot."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

from lxml import etree

from schema_extraction.accname import description, label_elements, tidy
from schema_extraction.draft import Draft
from schema_extraction.page import Element, Node, Page
from schema_extraction.passes.choices import (
    aria_options,
    native_options,
    popup_of,
    radio_box,
    radio_key,
    radio_name,
    radio_options,
)
from schema_extraction.passes.fields import (
    FIELD_ROLES,
    Drawn,
    box_title,
    complains_of,
    field_name,
    in_floating_list,
    is_field,
    naming_elements,
    read_field,
    shows_file,
)
from schema_extraction.passes.operable import clicks_within, decorates, is_clicked, sorts
from schema_extraction.roles import CONTROL_ROLES, TEXT_ROLES
from schema_extraction.text import count_of, squash, text_of
from schema_extraction.values import value
from schema_extraction.view import Control, Format, Option, Value

_ERROR = re.compile(r"err|invalid|feedback|problem|warn|danger", re.IGNORECASE)
_FORMATTED = TEXT_ROLES | {"combobox", "slider", "file"}
_ANY = Format()
_READ = CONTROL_ROLES | {"columnheader"}
_CLICKABLE_LIMIT = 80
_SAID_LIMIT = 1000
_FOCUSED = etree.XPath("boolean(descendant::*[@cp-focus])")


def _flag(node: Node, name: str) -> bool:
    return node.get(name) is not None or node.get(f"aria-{name}") == "true"


def _disabled(node: Node) -> bool:
    return _flag(node, "disabled") or (node.parent is not None and node.parent.disables)


def _truth(text: str | None) -> bool | None:
    return None if text not in ("true", "false", "mixed") else text == "true"


def _checked(node: Node) -> bool | None:
    if node.role in ("checkbox", "radio", "switch", "menuitemcheckbox", "menuitemradio"):
        return _truth(node.get("cp-checked") or node.get("aria-checked")) or False
    if node.role in ("tab", "treeitem"):
        return _truth(node.get("aria-selected"))
    return _truth(node.get("aria-pressed"))


def _expanded(node: Node) -> bool | None:
    if node.tag == "summary":
        return node.parent is not None and node.parent.get("open") is not None
    return _truth(node.get("aria-expanded"))


def _format(node: Node) -> Format:
    kind = ""
    if node.tag == "input":
        kind = (node.get("type") or "text").lower()
    elif node.tag == "textarea":
        kind = "textarea"
    elif node.role in TEXT_ROLES:
        kind = "richtext"
    if node.role not in _FORMATTED:
        return _ANY
    return Format(
        type=kind,
        pattern=node.get("pattern") or "",
        min=node.get("min") or node.get("aria-valuemin") or "",
        max=node.get("max") or node.get("aria-valuemax") or "",
        min_length=count_of(node.get("minlength")),
        max_length=count_of(node.get("maxlength")),
    )


def options_of(page: Page, node: Node) -> tuple[Option, ...]:
    """What a select, listbox or combobox offers, also while its popup is closed."""
    if node.tag == "select":
        return page.once("options", node.element, native_options)
    if node.role == "listbox":
        return page.once("options", node.element, aria_options)
    if node.role == "combobox" or node.get("list"):
        popup = popup_of(page, node)
        if popup is not None:
            return page.once("options", popup, native_options if popup.tag == "datalist" else aria_options)
    return ()


def _chosen(options: Iterable[Option]) -> str:
    """The label of what is chosen; an option without a value stands for nothing chosen."""
    return ", ".join(option.label for option in options if option.selected)


def value_of(node: Node, options: tuple[Option, ...], name: str, naming: Container[Element] = ()) -> Value | None:
    """What a control holds, or None for those that hold nothing, such as buttons. `naming`: elements that name it."""
    typed_text = node.get("cp-value")
    if node.tag == "select":
        return value(_chosen(option for option in options if option.value), "choice")
    if node.role == "listbox":
        return value(_chosen(options), "choice")
    if node.role == "combobox":
        if node.tag == "input" or typed_text is not None:
            raw = squash(typed_text)
        else:
            raw = _chosen(options) or text_of(node.element, skip=naming)
            # What is shown while nothing is chosen ("Choose...") is no value, nor is a caption.
            if not options and raw == name:
                raw = ""
            if options and raw not in {option.label for option in options}:
                raw = ""
        return value(raw, "choice" if options else name)
    if node.role in TEXT_ROLES or node.role == "file":
        hint = f"{name} phone" if node.get("type") == "tel" else name
        return value(typed_text or squash(node.get("aria-valuetext") or node.get("aria-valuenow")), hint)
    if node.role == "slider":
        return value(squash(typed_text or node.get("aria-valuetext") or node.get("aria-valuenow")), name)
    return None


def _saying(element: Element) -> str:
    return text_of(element, naming=True)[:_SAID_LIMIT]


def _said(page: Page, node: Node, invalid: bool) -> tuple[str, str, list[Element]]:
    """Hint and error message of a field, and the elements that say them."""
    if not invalid and "aria-describedby" not in node.attributes:
        return "", "", []
    hints: list[str] = []
    errors: list[str] = []
    read = description(page, node)
    error_elements = page.referred(node.prefix, node.get("aria-errormessage")) if invalid else []
    for element in read:
        text = page.once("said", element, _saying)
        marks = f"{element.get('class') or ''} {element.get('id') or ''}"
        if element.get("role") == "alert" or (invalid and (_ERROR.search(marks) or len(read) == 1)):
            errors.append(text)
        elif text:
            hints.append(text)
    errors += [page.once("said", element, _saying) for element in error_elements]
    if not any(errors) and (native := node.get("cp-invalid")):
        errors.append(native)
    return squash(" ".join(hints)), squash(" ".join(dict.fromkeys(errors))), [*read, *error_elements]


def _hint(node: Node, described: str, name: str) -> str:
    texts = [described, squash(node.get("placeholder") or node.get("aria-placeholder")), squash(node.get("title"))]
    return " ".join(dict.fromkeys(text for text in texts if text and text != name))


def _control(draft: Draft, node: Node) -> tuple[Control, list[Element]]:
    """A control, and the elements that speak of it."""
    page = draft.page
    drawn = read_field(draft, node) if is_field(node) else Drawn()
    options = drawn.options or options_of(page, node)
    header = sorts(node)
    name = tidy(text_of(node.element)) if header else drawn.name or field_name(page, node, options)
    if node.role in FIELD_ROLES:
        name = box_title(draft, node, name)
    if node.get("cp-clickable") is not None:
        inner = () if header else clicks_within(page, node)
        name = (tidy(text_of(node.element, skip=inner, naming=True)) if inner else name)[:_CLICKABLE_LIMIT]
    sensitive = node.get("cp-sensitive") is not None or (node.get("type") or "").lower() == "password"
    invalid = drawn.invalid or node.get("aria-invalid") in ("true", "grammar", "spelling") or node.get("cp-invalid") is not None
    described, message, read = _said(page, node, invalid)
    message, described = message or drawn.message, described or drawn.hint
    read += drawn.read
    draft.claim(*read)
    drawn_value = value(drawn.value, "choice" if drawn.role else name) if drawn.value is not None else None
    control = Control(
        ref=drawn.ref or node.get("cp-ref") or "",
        key="",
        role="button" if header else drawn.role or node.role,
        name=name,
        section=node.section,
        frame=node.frame,
        value=value("") if sensitive else drawn_value or value_of(node, options, name, naming_elements(page, node)),
        options=options,
        checked=_checked(node),
        required=_flag(node, "required") or drawn.required,
        disabled=_disabled(node),
        readonly=_flag(node, "readonly"),
        invalid=invalid,
        message=message,
        hint=_hint(node, described, name),
        format=_format(node),
        sensitive=sensitive,
        expanded=_expanded(node),
        href=node.get("href") or "" if node.role == "link" else "",
    )
    return control, read


def _read_once(draft: Draft, node: Node) -> Control:
    """A control, read again only when something that it was read from has changed."""
    memo = node.remembers()
    if (known := memo.get("control")) is None:
        begin, restless = len(draft.claimed), draft.restless
        draft.restless = False
        control, read = _control(draft, node)
        known = control, read, [element for element, _ in draft.claimed[begin:]]
        if node.role != "file" and not draft.restless:  # the name of a file may be shown by another field
            memo["control"] = known
        draft.restless |= restless
    else:
        draft.claim(*known[2])
    control, read, _ = known
    draft.described.update(dict.fromkeys(read, len(draft.controls)))
    return control


def _radio_group(draft: Draft, radios: list[Node]) -> Control:
    """Radios as one control; its ref is that of the first radio."""
    page = draft.page
    box = radio_box(radios)
    name = radio_name(page, radios, box)
    options = radio_options(page, radios)
    first = radios[0]
    carrier = box or first
    section = box.section if box is not None else first.section
    if not description(page, carrier):
        carrier = next((node for node in radios if description(page, node)), carrier)
    invalid = any(node.get("aria-invalid") == "true" or node.get("cp-invalid") is not None for node in (carrier, *radios))
    invalid = invalid or any(complains_of(page, node) for node in (carrier, *radios))
    described, message, read = _said(page, carrier, invalid)
    message = message or next((node.get("cp-invalid") or "" for node in radios if node.get("cp-invalid")), "")
    draft.claim(*read)
    draft.described.update(dict.fromkeys(read, len(draft.controls)))
    if box is not None and box.tag == "fieldset" and (legend := box.element.find("legend")) is not None:
        draft.claim(legend)
    if box is not None:
        draft.claim(*page.referred(box.prefix, box.get("aria-labelledby")))
    return Control(
        ref=first.get("cp-ref") or "",
        key="",
        role="radiogroup",
        name=name,
        section=section,
        frame=first.frame,
        value=value(_chosen(options), "choice"),
        options=options,
        required=_flag(carrier, "required") or any(_flag(radio, "required") for radio in radios),
        disabled=all(_disabled(radio) for radio in radios),
        readonly=_flag(carrier, "readonly"),
        invalid=invalid,
        message=message,
        hint=described,
    )


def _operable(draft: Draft, node: Node, popups: set[Element]) -> bool:
    page = draft.page
    if not (node.role in CONTROL_ROLES or sorts(node)) or node.inert or node.tag == "option":
        return False
    if popups and (node.element in popups or any(above.element in popups for above in node.ancestors())):
        return False
    if node.element in draft.shared.drawings or (node.role == "textbox" and shows_file(page, node)):
        return False
    if node.get("cp-clickable") is not None:
        if in_floating_list(draft, node):
            return False
        return is_clicked(page, node)
    return not decorates(page, node)


def read_controls(draft: Draft) -> None:
    """Read every operable element; radios of a group make one control, a popup list belongs to the control that opens it."""
    page, popups = draft.page, draft.shared.popups
    for node in draft.nodes:
        if node.role not in _READ:
            continue
        if node.inert and node.role in CONTROL_ROLES:
            # Behind a dialog: out of reach, and its caption is no prose either.
            draft.claim(node.element, *label_elements(page, node), *page.referred(node.prefix, node.get("aria-labelledby")))
        if not _operable(draft, node, popups):
            continue
        radios = draft.shared.radios[radio_key(page, node)] if node.role == "radio" else [node]
        if node is not radios[0]:
            continue
        control = _radio_group(draft, radios) if node.role == "radio" else _read_once(draft, node)
        for seat in radios:
            draft.claim(seat.element, *label_elements(page, seat), *page.referred(seat.prefix, seat.get("aria-labelledby")))
            for element in page.referred(seat.prefix, seat.get("aria-errormessage")):
                draft.described.setdefault(element, len(draft.controls))
            if seat.get("cp-focus") is not None or (len(seat.element) and _FOCUSED(seat.element)):
                draft.focus = len(draft.controls)
        if control.message:
            draft.messaged.append(len(draft.controls))
        draft.controls.append(control)
        draft.seats.append(node)
    draft.claim(*draft.opens, *draft.drawings)
