"""Fields that pages draw themselves: what stands around a field tells what it holds, offers and complains of.

The box of a field is the largest small one around it that holds no other field.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from schema_extraction.accname import description, label_elements, name_of, others_than, spec_name, tidy
from schema_extraction.before import text_before
from schema_extraction.draft import Draft
from schema_extraction.page import Element, Node, Page
from schema_extraction.roles import CONTROL_ROLES, OPTION_ROLES, TEXT_ROLES
from schema_extraction.text import squash, text_of
from schema_extraction.view import Option

_CHOOSES = re.compile(r"search|select|choose|pick|find|filter", re.IGNORECASE)
FIELD_ROLES = TEXT_ROLES | {"combobox", "listbox", "checkbox", "radio", "switch", "slider", "file"}
LEVELS = 10
"""How far up from a field its box may be."""

_SMALL = 60
_ENDS = frozenset("body main form fieldset table tr section article aside nav header footer dialog cp-frame cp-shadow".split())
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_LISTING = frozenset({"select", "combobox", "dropdown", "autocomplete"})
_WRONG = re.compile(r"(?:^|[\s_-])(?:\w*invalid|error|has-?errors)(?=\s|$)", re.IGNORECASE)
_COMPLAINT = re.compile(r"(?<![a-z])err(?:ors?)?(?![a-z])|invalid|danger", re.IGNORECASE)
_ADVICE = re.compile(r"hint|help|descri|assist", re.IGNORECASE)
_TAKE_OUT = re.compile(r"(?:remove|delete|clear)\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"(?:^|[\s_-])placeholder", re.IGNORECASE)
_TITLE = re.compile(r"(?:^|[\s_-])(?:header|title|heading)(?:$|[\s_-])", re.IGNORECASE)
_LETTERS = re.compile(r"[\W_]+")
_MESSAGE_LIMIT = 240
_ITEM_LIMIT = 80


def crowd(nodes: Iterable[Node]) -> dict[Node, int]:
    """How many of the fields among `nodes` stand in each element around them."""
    found: dict[Node, int] = {}
    for node in nodes:
        for above in islice(node.ancestors(), LEVELS):
            found[above] = found.get(above, 0) + 1
    return found


def is_field(node: Node) -> bool:
    """Whether something can be entered or chosen there."""
    return node.role in FIELD_ROLES and not node.inert


def is_counted(page: Page, node: Node) -> bool:
    """Whether a field stands for itself: lists belong to what opens them, the display of a file to the file's field."""
    if not is_field(node) or (node.role == "listbox" and node.tag != "select"):
        return False
    return not shows_file(page, node)


def box_of(draft: Draft, node: Node) -> Node | None:
    """The box of a field, or None where it shares even the smallest with another."""
    fields = draft.shared.fields
    box: Node | None = None
    for above in islice(node.ancestors(), LEVELS):
        if fields.get(above, 0) > 1 or above.tag in _ENDS:
            break
        inner = list(islice(draft.page.within(above.element), _SMALL + 1))
        if len(inner) > _SMALL or any(found.role == "heading" for found in inner):
            break
        box = above
    return box


def drawings(draft: Draft) -> Iterator[Element]:
    """What is drawn in place of fields here that have no looks of their own."""
    for node in draft.nodes:
        if (
            node.tag == "select"
            and node.attributes
            and (ref := node.get("cp-drawn"))
            and (found := draft.page.refs.get(ref)) is not None
        ):
            yield found


# -- what a field holds -----------------------------------------------------------------------------------------------------
def face_of(node: Node) -> Element | None:
    """What a person sees in place of an invisible text field: the first text beside it."""
    around = node.element.getparent()
    if node.get("cp-drawn") is None or node.tag != "input" or around is None:
        return None
    return next((beside for beside in around if beside is not node.element and text_of(beside)), None)


def shown_in(face: Element) -> str:
    """What is chosen in a field that is drawn, "" while its drawing only says what to do."""
    return "" if _PLACEHOLDER.search(face.get("class") or "") else text_of(face)


def floating_list(draft: Draft, node: Node, box: Node | None) -> Element | None:
    """The list that stands open over the page in a field's box: lines of one kind with a short text each."""
    if box is None:
        return None
    for found in draft.page.within(box.element):
        if found.get("cp-floating") is not None and _is_list(draft.page, found):
            return found.element
    return None


def _is_list(page: Page, node: Node) -> bool:
    lines = list(node.element)
    if squash(node.element.text) or not lines:
        return False
    kinds = {(line.tag, (line.get("class") or "").split()[:1] == (lines[0].get("class") or "").split()[:1]) for line in lines}
    if len(kinds) > 1:
        return False
    for line in lines:
        inner = (found for found in page.within(line) if found.element is not line or found.get("cp-clickable") is None)
        if not 0 < len(text_of(line)) <= _ITEM_LIMIT or any(found.role in CONTROL_ROLES for found in inner):
            return False
    return True


def lines_of(element: Element, chosen: str) -> tuple[Option, ...]:
    """The options in a list that is only drawn."""
    options = []
    for line in element:
        label = text_of(line, naming=True)
        options.append(Option(label=label, value="", selected=label == chosen, ref=line.get("cp-ref") or ""))
    return tuple(options)


def lists_choices(node: Node, box: Node | None) -> bool:
    """Whether a text field, or an icon beside it, is drawn as one that offers choices."""
    if box is None:
        return False
    around = node.element.getparent()
    beside = [] if around is None else [found for found in around if found.tag in ("span", "i", "svg", "div")]
    inner = [above.element for above in node.ancestors() if above is box or box in above.ancestors()]
    for element in (*inner, *(found for found in beside if not text_of(found))):
        marks = element.get("class")
        if marks and any(part.lower() in _LISTING for part in _PARTS.findall(marks)):
            return True
    return False


def tokens_before(draft: Draft, node: Node, box: Node | None) -> tuple[list[str], bool]:
    """The texts of the tokens that a text field holds, and whether each can be taken out by a button."""
    page = draft.page
    tokens = [beside for beside in node.element.itersiblings(preceding=True) if beside.get("data-value") is not None]
    if tokens:
        return [_without_controls(page, token) for token in reversed(tokens)], False
    if box is None:
        return [], False
    found = []
    for inner in page.within(box.element):
        if inner is node:
            break
        if inner.role == "button" and _TAKE_OUT.match(name_of(page, inner)):
            token = inner.element.getparent()
            text = _without_controls(page, token) if token is not None and token is not box.element else ""
            if text:
                found.append(text)
    return found, bool(found)


def _without_controls(page: Page, element: Element) -> str:
    return text_of(element, skip={found.element for found in page.within(element) if found.role in CONTROL_ROLES})


# -- names ------------------------------------------------------------------------------------------------------------------
def field_name(page: Page, node: Node, options: tuple[Option, ...]) -> str:
    """The name of a control; not what it holds, where that is read out with it."""
    if node.role == "combobox" and (value := value_element(page, node, options)) is not None:
        referred = page.referred(node.prefix, node.get("aria-labelledby"))
        named = [element for element in others_than(node, referred) if element is not value]
        return tidy(" ".join(text_of(element, naming=True) for element in named))
    return name_of(page, node)


def box_title(draft: Draft, node: Node, name: str) -> str:
    """What names a field: the title of its box rather than its `name` attribute in words, where it is alone in the box."""
    page = draft.page
    if not name or not name.islower() or _LETTERS.sub("", name) != _LETTERS.sub("", node.get("name") or "").lower():
        return name
    if spec_name(page, node) or text_before(page, node) or node.get("placeholder"):
        return name
    for above in islice(node.ancestors(), LEVELS):
        if draft.shared.fields.get(above, 0) > 1 or above.tag in ("body", "main"):
            break
        first = above.element[0]
        if node.element in first.iter() or not _TITLE.search(first.get("class") or ""):
            continue
        if 0 < len(title := tidy(_without_controls(page, first) or text_of(first))) <= _ITEM_LIMIT:
            return title
    return name


def value_element(page: Page, node: Node, options: Iterable[Option]) -> Element | None:
    """Which of the elements that name a control, and stand in it, says what it holds."""
    referred = page.referred(node.prefix, node.get("aria-labelledby"))
    chosen = {option.label for option in options if option.selected}
    if len(referred) < 2 or not chosen:
        return None
    inside = [element for element in referred if node.element in element.iterancestors()]
    return next((element for element in reversed(inside) if text_of(element) in chosen), None)


def naming_elements(page: Page, node: Node) -> set[Element]:
    """The elements that name a control by their id."""
    ids = node.get("aria-labelledby")
    if not ids:
        return set()
    return set(page.referred(node.prefix, node.get("aria-labelledby")))


def _is_display(node: Node) -> bool:
    return node.tag == "input" and node.role == "textbox" and node.get("tabindex") == "-1"


def _nearby(page: Page, node: Node) -> Iterator[Node]:
    """What stands in the boxes around a field of a file, the nearest first."""
    for above in islice(node.ancestors(), 4):
        if above.tag in _ENDS:
            return
        yield from islice(page.within(above.element), _SMALL)


def display_of(page: Page, node: Node) -> Node | None:
    """The text field, out of the order of tabs, that only shows which file was chosen."""
    return next((found for found in _nearby(page, node) if _is_display(found)), None)


def shows_file(page: Page, node: Node) -> bool:
    """Whether a text field only shows which file was chosen."""
    return _is_display(node) and any(found.role == "file" for found in _nearby(page, node))


def in_floating_list(draft: Draft, node: Node) -> bool:
    """Whether a clickable line belongs to the list of a field that stands open over the page."""
    over = node.parent
    if over is None or over.get("cp-floating") is None or not _is_list(draft.page, over):
        return False
    for above in islice(over.ancestors(), LEVELS):
        if above.tag in _ENDS:
            return False
        if draft.shared.fields.get(above) == 1:
            return True
    return False


# -- complaints -------------------------------------------------------------------------------------------------------------
def is_marked_wrong(node: Node, box: Node | None) -> bool:
    """Whether a field's box, or anything between it and the field, says that what it holds is refused."""
    if box is None:
        return False
    for above in node.ancestors():
        if above.get("aria-invalid") == "true" or _WRONG.search(above.get("class") or ""):
            return True
        if above is box:
            return False
    return False


def below(draft: Draft, node: Node, box: Node | None, skip: Container[Element]) -> Iterator[tuple[Element, str]]:
    """Elements with text that follow a field in its box, outside labels, controls and lists."""
    at: Node | None = node
    while box is not None and at is not None and at is not box:
        for beside in at.element.itersiblings():
            if (text := _remark(draft.page, beside, skip)) and len(text) <= _MESSAGE_LIMIT:
                yield beside, text
        at = at.parent


def _remark(page: Page, element: Element, skip: Container[Element]) -> str:
    """What an element says below a field."""
    if element in skip or "icon" in (element.get("class") or ""):
        return ""
    inner = [found for found in page.within(element)]
    if any(found.role in CONTROL_ROLES or found.tag == "label" or found.get("cp-floating") is not None for found in inner):
        return ""
    if any(found.role in OPTION_ROLES or found.role == "listbox" or found.tabled for found in inner):
        return ""
    return text_of(element, skip={found.element for found in inner if "icon" in (found.get("class") or "")})


def _marks(element: Element) -> Iterator[str]:
    for found in element.iter():
        yield f"{found.get('class') or ''} {found.get('id') or ''}"


def complains(element: Element) -> bool:
    """Whether an element, or one in it, is marked as telling an error."""
    return any(_COMPLAINT.search(marks) for marks in _marks(element))


def advises(element: Element) -> bool:
    """Whether an element, or one in it, is marked as help for a field."""
    return any(_ADVICE.search(marks) for marks in _marks(element))


def asterisk(page: Page, node: Node) -> bool:
    """Whether a label of a field shows the mark of what is required."""
    return any(label.get("cp-required") is not None for label in label_elements(page, node))


def complains_of(page: Page, node: Node) -> bool:
    """Whether an element that describes a field is there for all to see and tells an error."""
    return any(
        element in page.of and text_of(element) and _COMPLAINT.search(f"{element.get('class') or ''} {element.get('id') or ''}")
        for element in description(page, node)
    )


# -- all of it --------------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Drawn:
    """What the looks of a field tell beyond what its element says; empty where they tell nothing. `value` is None there.
    `read`: elements that were read as its message or hint."""

    role: str = ""
    ref: str = ""
    name: str = ""
    value: str | None = None
    options: tuple[Option, ...] = ()
    required: bool = False
    invalid: bool = False
    message: str = ""
    hint: str = ""
    read: list[Element] = field(default_factory=list)


def read_field(draft: Draft, node: Node) -> Drawn:
    """What stands around a field says of it."""
    page = draft.page
    found = Drawn(required=asterisk(page, node), invalid=complains_of(page, node))
    if node.role == "file" and (display := display_of(page, node)) is not None:
        found.name = tidy(spec_name(page, node)) or name_of(page, display)
        found.value = node.get("cp-value") or display.get("cp-value") or ""
        draft.claim(display.element, *label_elements(page, display), *naming_elements(page, display))
    if node.role in ("checkbox", "radio", "switch", "slider"):
        return found
    box = box_of(draft, node)
    if box is None:
        return found
    if node.tag == "input" and node.role in ("textbox", "searchbox"):
        _read_choices(draft, node, box, found)
    _read_remarks(draft, node, box, found)
    return found


def _read_choices(draft: Draft, node: Node, box: Node, found: Drawn) -> None:
    """Whether a text field is drawn as one with choices, with what it holds and offers."""
    page = draft.page
    face = face_of(node)
    tokens, removable = tokens_before(draft, node, box)
    if removable and _CHOOSES.search(node.get("placeholder") or "") is None:
        tokens, removable = [], False  # what one types is added to a list
    floating = floating_list(draft, node, box)
    if tokens:
        found.value = ", ".join(tokens)
        if node.parent is not None and not spec_name(page, node):
            found.name = tidy(text_before(page, node.parent))
    if face is not None:
        found.ref, found.value = node.get("cp-drawn") or "", shown_in(face)
        draft.claim(face)
    if floating is not None:
        found.options = lines_of(floating, found.value if found.value is not None else node.get("cp-value") or "")
        draft.claim(floating)
    if face is not None or removable or floating is not None or lists_choices(node, box):
        found.role = "combobox"


def _read_remarks(draft: Draft, node: Node, box: Node, found: Drawn) -> None:
    """The complaint about what a field holds, or the advice for it, that stands below it."""
    wrong = is_marked_wrong(node, box)
    remarks = list(below(draft, node, box, set(description(draft.page, node))))
    complaints = [remark for remark in remarks if complains(remark[0])]
    if wrong and not complaints:
        complaints = [remark for remark in remarks if not advises(remark[0])] or remarks
    advice = [remark for remark in remarks if remark not in complaints and advises(remark[0])]
    found.invalid = found.invalid or wrong or bool(complaints)
    found.message = " ".join(text for _, text in complaints)
    found.hint = " ".join(text for _, text in advice)
    found.read = [element for element, _ in complaints + advice]
