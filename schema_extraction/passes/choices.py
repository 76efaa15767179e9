"""What a control offers: options of selects, listboxes and comboboxes; radio buttons as one group."""

from __future__ import annotations

from itertools import islice

from schema_extraction.accname import name_of, spec_name, tidy
from schema_extraction.before import text_before
from schema_extraction.page import Element, Node, Page
from schema_extraction.roles import OPTION_ROLES, role_of
from schema_extraction.text import squash, text_of
from schema_extraction.view import Option

_BESIDE = 6
"""How many levels around a control that opens a list this list is looked for."""

_LISTS = frozenset({"listbox", "menu", "tree", "grid"})


def native_options(element: Element) -> tuple[Option, ...]:
    """The options of a select or datalist, all of them."""
    return tuple(
        Option(
            label=squash(option.get("label")) or squash(option.text) or squash(option.get("value")),
            value=option.get("value") or "",
            selected=option.get("cp-selected") is not None,
            disabled=option.get("disabled") is not None,
        )
        for option in element.iter("option")
    )


def aria_options(element: Element) -> tuple[Option, ...]:
    """The options in an ARIA popup or listbox."""
    found = []
    for node in element.iter():
        if not isinstance(node.tag, str) or role_of(node, node.tag) not in OPTION_ROLES:
            continue
        label = squash(node.get("aria-label")) or text_of(node, naming=True)
        if label:
            found.append(
                Option(
                    label=label,
                    value=node.get("data-value") or node.get("value") or "",
                    selected="true" in (node.get("aria-selected"), node.get("aria-checked")),
                    disabled=node.get("aria-disabled") == "true",
                    ref=node.get("cp-ref") or "",
                )
            )
    return tuple(found)


def list_id(node: Node) -> str | None:
    """The id under which the serialiser writes the hidden list that a control opens without naming it."""
    if node.role != "combobox" or node.get("aria-haspopup") != "listbox":
        return None
    return f"cp-list-{node.get('cp-ref') or ''}"


def _open_beside(page: Page, node: Node) -> Element | None:
    """The open list in the nearest box around a control that holds any, if it is the only one there."""
    for above in islice(node.ancestors(), _BESIDE):
        lists = [found.element for found in page.within(above.element) if found.role == "listbox" and found.tag != "select"]
        if lists:
            return lists[0] if len(lists) == 1 else None
    return None


def _open_lists(page: Page) -> list[Element]:
    return [node.element for node in page.of.values() if node.role == "listbox" and node.tag != "select"]


def popup_of(page: Page, node: Node) -> Element | None:
    """The list that a control opens: named by the control, or inside it, or beside it, or the only open one while expanded."""
    for attribute in ("aria-controls", "aria-owns", "list"):
        for element in page.referred(node.prefix, node.get(attribute)):
            if element.tag == "datalist" or role_of(element, str(element.tag)) in _LISTS:
                return element
            inner = next((e for e in element.iter() if e.get("role") in _LISTS), None)
            if inner is not None:
                return inner
    inside = next((found.element for found in page.within(node.element) if found is not node and found.role in _LISTS), None)
    if inside is not None:
        return inside
    if (name := list_id(node)) is not None and (hidden := page.ids.get((node.prefix, name))) is not None:
        return next((found for found in hidden.iter() if found.get("role") in _LISTS), None)
    if node.role == "combobox" and node.get("aria-expanded") == "true":
        if (beside := _open_beside(page, node)) is not None:
            return beside
        if (open_lists := page.known.get("open lists")) is None:
            open_lists = page.known["open lists"] = _open_lists(page)
        return open_lists[0] if len(open_lists) == 1 else None
    return None


def radio_key(page: Page, node: Node) -> tuple[object, ...]:
    """What the radios of one group have in common."""
    group = next((above for above in node.ancestors() if above.role == "radiogroup"), None)
    if group is not None:
        return ("aria", group.element)
    form = next((above.element for above in node.ancestors() if above.tag == "form"), None)
    name = node.get("name")
    return ("native", node.prefix, form, name) if name else ("single", node.element)


def radio_box(radios: list[Node]) -> Node | None:
    """The innermost named box around all radios of a group."""
    others = [set(radio.ancestors()) for radio in radios[1:]]
    for above in radios[0].ancestors():
        if all(above in other for other in others):
            if above.role == "radiogroup" or above.tag == "fieldset" or above.role == "group":
                return above
            if above.tag in ("form", "body", "main", "section", "dialog"):
                return None
    return None


def radio_name(page: Page, radios: list[Node], box: Node | None) -> str:
    """The name of a radio group: that of its box, else a label in the smallest box around all radios, else the text before."""
    if box is not None and (name := tidy(spec_name(page, box))):
        return name
    others = [set(radio.ancestors()) for radio in radios[1:]]
    around = next((above for above in radios[0].ancestors() if all(above in other for other in others)), None)
    if around is not None and (name := tidy(_label_inside(page, around, radios[0]))):
        return name
    return tidy(text_before(page, around)) if around is not None and around.tag not in ("form", "body", "main") else ""


def _label_inside(page: Page, around: Node, first: Node) -> str:
    """The text of a label that is for no control and stands before the first radio in the box around all of them."""
    for element in around.element.iter():
        if element is first.element:
            break
        if element.tag == "label" and not element.get("for") and not page.has_control(element):
            return text_of(element, naming=True)
    return ""


def radio_options(page: Page, radios: list[Node]) -> tuple[Option, ...]:
    return tuple(
        Option(
            label=name_of(page, radio),
            value=radio.get("value") or "",
            selected="true" in (radio.get("cp-checked"), radio.get("aria-checked")),
            disabled=radio.get("disabled") is not None or radio.get("aria-disabled") == "true",
            ref=radio.get("cp-ref") or "",
        )
        for radio in radios
    )
