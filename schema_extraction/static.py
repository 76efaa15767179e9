"""A plain HTML file as a snapshot, without a browser.

No style sheet is applied: an element counts as visible unless its markup hides it (hidden, inert, aria-hidden, an inline
`display: none`, a closed dialog or details, the contents of script and template). The result is in the same form as what the
in-page serialiser writes.
"""

from __future__ import annotations

import codecs
import re
from datetime import date
from itertools import islice
from pathlib import Path

from lxml import etree, html

from schema_extraction.errors import SnapshotError
from schema_extraction.roles import CONTROL_ROLES, implicit
from schema_extraction.snapshot import FrameSnapshot, Snapshot
from schema_extraction.text import squash, text_of, tooltip

Element = etree._Element

_SKIP = frozenset("script style noscript template head link meta title base canvas video audio object embed".split())
_HIDING = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_POPUPS = ("aria-controls", "aria-owns", "list")
# What XML cannot hold.
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_SECRET = re.compile(r"(?:^|\s)(?:current-password|new-password|one-time-code|cc-csc)(?:\s|$)", re.IGNORECASE)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_GONE = "cp-gone"
_TAG = re.compile(r"<[A-Za-z!]")
_NAME = re.compile(r"[a-z_][a-z0-9_.-]*")


def _hidden(element: Element) -> bool:
    tag = element.tag
    if not isinstance(tag, str) or tag in _SKIP:
        return True
    if element.get("hidden") is not None or element.get("inert") is not None or element.get("aria-hidden") == "true":
        return True
    if tag == "dialog" and element.get("open") is None:
        return True
    if tag == "input" and (element.get("type") or "").lower() == "hidden":
        return True
    style = element.get("style")
    if style and _HIDING.search(style):
        return True
    parent = element.getparent()
    return parent is not None and parent.tag == "details" and parent.get("open") is None and tag != "summary"


def _clean(body: Element) -> None:
    """Leave out names that XML cannot hold, and marks like ours that the page bears itself."""
    for element in body.iter("*"):
        kept = {
            name: value for name, value in element.items() if _NAME.fullmatch(str(name)) and not str(name).startswith("cp-")
        }
        if len(kept) < len(element.attrib):
            # Not one by one: names in braces, as templates leave them, cannot be asked for.
            element.attrib.clear()
            element.attrib.update(kept)
        if not _NAME.fullmatch(element.tag) or element.tag.startswith("cp-"):
            element.tag = "cp-element"


def _drop_hidden(body: Element) -> None:
    """Take out what nobody sees, with the texts that follow left where they are."""
    for element in list(body.iter("*")):
        if element is not body and _hidden(element):
            _keep_tip(element)
            element.tag = _GONE
        elif element.tag == "details" and element.get("open") is None:
            element.text = None
            for child in element:
                child.tail = None
    etree.strip_elements(body, _GONE, with_tail=False)


def take_out(element: Element) -> None:
    """Take an element out and leave the text that follows it where it was."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
        element.tail = None
    parent.remove(element)


def _keep_tip(element: Element) -> None:
    """Leave the tooltip of a hidden ornament in a link or button, as the serialiser does."""
    if element.get("aria-hidden") != "true" or next(element.iterancestors("a", "button"), None) is None:
        return
    if tip := tooltip(element):
        element.addprevious(etree.Element("img", {"cp-tip": tip}))


def _state(element: Element, number: int) -> None:
    """Write the state that markup alone gives."""
    tag = element.tag
    editor = element.get("contenteditable") in ("", "true", "plaintext-only") and tag != "body"
    role = (element.get("role") or "").split()
    if tag == "input":
        kind = (element.get("type") or "text").lower()
        if kind in ("checkbox", "radio"):
            element.set("cp-checked", "true" if element.get("checked") is not None else "false")
        elif kind == "password" or _SECRET.search(element.get("autocomplete") or ""):
            element.set("cp-sensitive", "true")
            if element.get("value") is not None:
                del element.attrib["value"]
        else:
            element.set("cp-value", element.get("value") or "")
    elif tag == "textarea" or editor:
        element.set("cp-value", (element.text or "") if tag == "textarea" else text_of(element, lines=True))
        for child in list(element):
            element.remove(child)
        element.text = None
    elif tag == "select":
        options = list(element.iter("option"))
        chosen = [option for option in options if option.get("selected") is not None]
        if not chosen and element.get("multiple") is None:
            chosen = options[:1]
        for option in options:
            if option.get("value") is None:
                option.set("value", squash(option.text))
        for option in chosen:
            option.set("cp-selected", "true")
        element.set("cp-value", (chosen[0].get("value") or "") if chosen else "")
    if (
        editor
        or tag == "label"
        or (role and role[0] in CONTROL_ROLES | {"option"})
        or implicit(element, str(tag)) in CONTROL_ROLES
    ):
        element.set("cp-ref", f"e{number}")


def _keep_popups(body: Element, root: Element) -> None:
    """Move hidden lists that a control points to behind the body, as the serialiser does."""
    wanted = {name for element in body.iter() for attribute in _POPUPS for name in (element.get(attribute) or "").split()}
    for element in [node for node in body.iter() if node.get("id") in wanted]:
        listed = element.tag == "datalist" or element.get("role") in ("listbox", "menu", "tree")
        if listed and (element.tag == "datalist" or any(_hidden(node) for node in (element, *element.iterancestors()))):
            take_out(element)
            for name in ("hidden", "aria-hidden", "style", "inert"):
                if element.get(name) is not None:
                    del element.attrib[name]
            etree.SubElement(root, "cp-popup").append(element)


def _keep_lists(body: Element, root: Element) -> list[tuple[Element, Element]]:
    """Move hidden lists beside a control that opens a list without naming it behind the body; gives each with its control."""
    found: list[tuple[Element, Element]] = []
    for opener in [node for node in body.iter() if node.get("aria-haspopup") == "listbox"]:
        if opener.get("aria-controls") or opener.get("aria-owns"):
            continue
        for box in islice(opener.iterancestors(), 6):
            if sum(node.get("aria-haspopup") == "listbox" for node in box.iter()) > 1:
                break
            lists = [node for node in box.iter() if node.get("role") == "listbox"]
            if len(lists) == 1 and any(_hidden(node) for node in (lists[0], *lists[0].iterancestors())):
                take_out(lists[0])
                popup = etree.SubElement(root, "cp-popup")
                popup.append(lists[0])
                found.append((popup, opener))
            if lists:
                break
    return found


def _background(body: Element) -> None:
    """Mark what lies outside an open modal dialog."""
    modal = [node for node in body.iter() if node.get("aria-modal") == "true"]
    if not modal:
        return
    path = {modal[-1], *modal[-1].iterancestors()}
    for element in path - {modal[-1]}:
        for child in element:
            if child not in path and isinstance(child.tag, str) and child.tag != "cp-popup":
                child.set("cp-inert", "true")


def _mend(head: Element | None, body: Element) -> None:
    """Put right what the parser does otherwise than HTML says: body contents left in the head, and terms nested in terms."""
    stray = [] if head is None else [child for child in head if child.tag not in _SKIP]
    for index, element in enumerate(stray):
        body.insert(index, element)
    for element in list(body.iter("dt", "dd")):
        above = element.getparent()
        while above is not None and above.tag in ("dt", "dd"):
            above.addnext(element)
            above = element.getparent()


def _parsed(markup: str) -> tuple[Element, list[str]]:
    """The root of a page's tree, and in words what the parser left out.

    Raises:
        SnapshotError: there is no element in it.
    """
    markup = CONTROL_CHARACTERS.sub("", markup)
    if not _TAG.search(markup):
        raise SnapshotError(f"Expected HTML, met {markup[:40]!r} without a single element; capture the page again.")
    # Encoded here, so that a wrong charset in the markup itself does not matter.
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.document_fromstring(markup.encode("utf-8"), parser=parser)
    except etree.ParserError as error:
        raise SnapshotError(f"Expected HTML, met {markup[:40]!r} ({error}); capture the page again.") from error
    ends = [entry.line for entry in parser.error_log if entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT]
    return root, [f"all that follows line {ends[0]}, where elements are nested too deep to be parsed"] if ends else []


def _title(parsed: Element) -> str:
    """What the head calls the page; parsers leave the title of some pages in the body, where drawings have one as well."""
    found = parsed.find("head/title")
    if found is None:
        found = next((title for title in parsed.iter("title") if next(title.iterancestors("svg"), None) is None), None)
    return text_of(found) if found is not None else ""


def _prepared(parsed: Element, today: date) -> str:
    """A page's tree, which is used up, in the form that the in-page serialiser writes."""
    root = etree.Element("html", {"cp-date": today.isoformat()})
    body = parsed.find("body")
    if body is None:
        body = etree.SubElement(root, "body")
    root.append(body)
    _mend(parsed.find("head"), body)
    _clean(body)
    _keep_popups(body, root)
    lists = _keep_lists(body, root)
    _drop_hidden(body)
    # A list, since an editor loses its contents on the way.
    for number, element in enumerate(list(root.iter("*")), start=1):
        _state(element, number)
    for popup, opener in lists:
        popup.set("id", f"cp-list-{opener.get('cp-ref') or ''}")
    _background(body)
    return etree.tostring(root, encoding="unicode")


def prepare(markup: str, today: date) -> tuple[str, list[str]]:
    """Plain HTML in the form that the in-page serialiser writes, and in words what is missing from it.

    Raises:
        SnapshotError: there is no element in it.
    """
    root, missing = _parsed(markup)
    return _prepared(root, today), missing


def snapshot_of_html(markup: str, url: str = "", today: date | None = None) -> Snapshot:
    """A snapshot of an HTML text; `today` is the day that its dates are read against (default: the present one).

    Raises:
        SnapshotError: there is no element in it.
    """
    today = today or date.today()
    parsed, missing = _parsed(markup)
    title = _title(parsed)
    frame = FrameSnapshot(url=url, html=_prepared(parsed, today))
    return Snapshot(url=url, title=title, today=today, frames=(frame,), missing=tuple(missing))


def decoded(data: bytes) -> str:
    """The text of a page: by its byte order mark, as UTF-8 where it is that, else by the charset that it names, else as
    Windows-1252, as browsers do. Bytes that mean nothing there become U+FFFD."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        named = _CHARSET.search(data[:1024])
    # Charsets whose ASCII is not ASCII cannot have written the name in it.
    if named and not named[1].lower().startswith((b"utf", b"ucs")):
        try:
            return data.decode(named[1].decode("ascii"), "replace")
        except (LookupError, UnicodeError):
            pass  # no charset that is known here
    return data.decode("utf-8" if named and named[1].lower() in (b"utf-8", b"utf8") else "cp1252", "replace")


def snapshot_of_file(path: Path | str, today: date | None = None) -> Snapshot:
    """A snapshot of an HTML file.

    Raises:
        SnapshotError: the file cannot be read or has no element in it.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SnapshotError(f"Cannot read {str(path)!r}: {error.strerror}. Give an existing HTML file.") from error
    return snapshot_of_html(decoded(data), path.resolve().as_uri(), today)
