"""ARIA roles: the explicit one, else the implicit one of the element (HTML-AAM)."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

Element = etree._Element

TEXT_ROLES = frozenset({"textbox", "searchbox", "spinbutton"})
CONTROL_ROLES = frozenset(
    "button link checkbox radio switch textbox searchbox combobox listbox menuitem menuitemcheckbox menuitemradio tab slider "
    "spinbutton treeitem file".split()
)
OPERATED_ROLES = CONTROL_ROLES - {"link"}
TABLE_ROLES = frozenset({"table", "grid", "treegrid"})
OPTION_ROLES = frozenset({"option", "menuitem", "menuitemcheckbox", "menuitemradio", "treeitem"})
NAMED_BY_CONTENT = frozenset(
    "button link option menuitem menuitemcheckbox menuitemradio tab checkbox radio switch treeitem heading cell gridcell "
    "columnheader rowheader row tooltip".split()
)
REGION_ROLES = frozenset(
    "region form search navigation complementary banner contentinfo main dialog alertdialog tabpanel group radiogroup log feed "
    "toolbar".split()
)

HANDLED = frozenset({"handler", "icon"})
"""What cp-clickable says of elements with a handler of clicks."""

_BY_TAG = {
    "article": "article",
    "aside": "complementary",
    "button": "button",
    "dd": "definition",
    "dialog": "dialog",
    "dt": "term",
    "fieldset": "group",
    "form": "form",
    "h1": "heading",
    "h2": "heading",
    "h3": "heading",
    "h4": "heading",
    "h5": "heading",
    "h6": "heading",
    "hr": "separator",
    "img": "img",
    "li": "listitem",
    "main": "main",
    "meter": "meter",
    "nav": "navigation",
    "ol": "list",
    "option": "option",
    "output": "status",
    "progress": "progressbar",
    "section": "region",
    "summary": "button",
    "table": "table",
    "td": "cell",
    "textarea": "textbox",
    "time": "time",
    "tr": "row",
    "ul": "list",
}
_INPUTS = {
    "button": "button",
    "checkbox": "checkbox",
    "color": "textbox",
    "file": "file",
    "image": "button",
    "number": "spinbutton",
    "radio": "radio",
    "range": "slider",
    "reset": "button",
    "search": "searchbox",
    "submit": "button",
}
# What these are otherwise matters less than that they can be clicked.
_CLICKED = frozenset({"img", "listitem"})
_BARE = {tag: "" for tag in "a b br div em i label p small span strong u".split()} | _BY_TAG | {"svg": "img"}
"""Roles that tags have by themselves, without any attribute."""

_OUTER = frozenset({"article", "aside", "main", "nav", "section"})


def _page_level(element: Element) -> bool:
    """Whether a header or footer belongs to the page, not to an article or section of it."""
    return not any(above.tag in _OUTER for above in element.iterancestors())


def _input(element: Element) -> str:
    kind = (element.get("type") or "text").lower()
    if kind == "hidden":
        return ""
    role = _INPUTS.get(kind, "textbox")
    return "combobox" if element.get("list") and role in ("textbox", "searchbox") else role


def implicit(element: Element, tag: str) -> str:
    """The role that an element has by its tag, or "" for none."""
    if tag == "input":
        return _input(element)
    if tag == "a":
        return "link" if element.get("href") is not None else ""
    if tag == "select":
        many = element.get("multiple") is not None
        return "listbox" if many else "combobox"
    if tag == "th":
        return "rowheader" if element.get("scope") in ("row", "rowgroup") else "columnheader"
    if tag in ("header", "footer"):
        return {"header": "banner", "footer": "contentinfo"}[tag] if _page_level(element) else ""
    if tag == "svg":
        return "img"
    return _BY_TAG.get(tag, "")


def role_of(element: Element, tag: str, attributes: Mapping[str, str] | None = None) -> str:
    """The role of an element, or "". A clickable element without a role counts as a button, as does an image or an item of a
    list that has a handler of clicks; an editor counts as a textbox.
    `attributes`: the element's, where they are at hand."""
    if attributes is not None and not attributes:
        return _BARE[tag] if tag in _BARE else implicit(element, tag)
    explicit = element.get("role")
    if explicit:
        first = explicit.split()[0].lower() if explicit.strip() else ""
        if first in ("none", "presentation"):
            return ""
        if first:
            # A button that opens a list of choices is used like a select.
            return "combobox" if first == "button" and element.get("aria-haspopup") == "listbox" else first
    if element.get("contenteditable") in ("", "true", "plaintext-only") and tag != "body":
        return "textbox"
    role = implicit(element, tag)
    if role == "button" and element.get("aria-haspopup") == "listbox":
        return "combobox"
    clickable = element.get("cp-clickable")
    if clickable is not None and (not role or (role in _CLICKED and clickable in HANDLED)):
        return "button"
    return role
