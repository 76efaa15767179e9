"""What happens to a page between two looks: the same page with its data, markup, labels or place of things changed.

A mutation works on a page whose controls carry their identity in `data-true-id`, and leaves that with the control, wherever
this goes. What it adds carries an identity of its own. It says whether there was anything to change.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from agent.bench.forms import MARK
from agent.bench.wording import BUTTONS, FIELDS, LINKS

Tree = Any
"""The root of a page as lxml.html parsed it."""
HEADS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "legend", "caption", "thead", "summary"})
DATA = "data-row"
NAMING = ("aria-label", "placeholder", "title")
REFERRING = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "aria-errormessage", "form", "list")


def marked(root: Tree) -> list[Tree]:
    """The elements of controls, in document order; of radios of a group the first."""
    first: dict[str, Tree] = {}
    for element in root.iter():
        if isinstance(element.tag, str) and element.get(MARK):
            first.setdefault(element.get(MARK), element)
    return list(first.values())


def _holds(element: Tree) -> set[str]:
    return {inner.get(MARK) for inner in element.iter() if isinstance(inner.tag, str) and inner.get(MARK)}


def in_row(element: Tree) -> bool:
    """Whether a control stands in a row of data."""
    return any(above.get(DATA) is not None for above in (element, *element.iterancestors()))


def block(control: Tree) -> Tree:
    """The largest box that holds this control and no other."""
    found = control
    for above in control.iterancestors():
        if (
            above.tag in ("body", "main", "form", "table")
            and above.get("class") != "form"
            or _holds(above) != {control.get(MARK)}
        ):
            break
        if any(inner.tag in HEADS - {"legend"} for inner in above) or above.get("class") == "part":
            break
        found = above
    return found


def unit(control: Tree) -> list[Tree]:
    """The block of a control with the label or text that stands before it."""
    found = [block(control)]
    before = found[0].getprevious()
    while before is not None and isinstance(before.tag, str) and before.tag in ("label", "span") and not _holds(before):
        found.insert(0, before)
        before = before.getprevious()
    return found


def _movable(root: Tree) -> list[Tree]:
    """Controls that stand in a form or box of their own kind: no rows of data, no options of a popup, no dialogs."""
    return [
        control
        for control in marked(root)
        if not in_row(control)
        and control.get("role") != "tab"
        and next(control.iterancestors("dialog"), None) is None
        and block(control).tag not in ("body", "main", "form", "td", "tr")
    ]


def _take(elements: list[Tree]) -> None:
    for element in elements:
        parent, before = element.getparent(), element.getprevious()
        if element.tail and element.tail.strip():
            if before is not None:
                before.tail = (before.tail or "") + element.tail
            else:
                parent.text = (parent.text or "") + element.tail
        element.tail = None
        parent.remove(element)


def reload(root: Tree, rng: Random) -> bool:
    """The same page again, with other things typed into it."""
    for control in marked(root):
        if control.tag == "input" and control.get("type") in (None, "text"):
            control.set("value", rng.choice(("", "7", "seen", "O-1")))
    return True


def reorder(root: Tree, rng: Random) -> bool:
    """Siblings in another order: fields in their section, buttons in their bar, links in the navigation."""
    parents: dict[Tree, list[list[Tree]]] = {}
    for control in _movable(root):
        found = unit(control)
        parents.setdefault(found[-1].getparent(), []).append(found)
    done = False
    for parent, units in parents.items():
        runs: list[list[list[Tree]]] = [[]]
        for child in list(parent):
            if child.tag in HEADS:
                runs.append([])
            runs[-1] += [found for found in units if found[-1] is child]
        for run in runs:
            if len(run) < 2:
                continue
            done = True
            shuffled = rng.sample(run, len(run))
            anchors = []
            for found in run:
                anchor = found[0].makeelement("cp-place")
                found[0].addprevious(anchor)
                anchors.append(anchor)
                _take(found)
            for anchor, found in zip(anchors, shuffled, strict=True):
                for element in found:
                    anchor.addprevious(element)
                anchor.getparent().remove(anchor)
    return done


def reorder_sections(root: Tree, rng: Random) -> bool:
    """Whole sections change places."""
    parts = [e for e in root.iter("fieldset", "section", "div") if (e.get("class") or "").split()[:1] in (["part"], ["card"])]
    groups: dict[Tree, list[Tree]] = {}
    for part in parts:
        groups.setdefault(part.getparent(), []).append(part)
    done = False
    for parent, found in groups.items():
        if len(found) > 1:
            place = parent.index(found[0])
            _take(found)
            for element in rng.sample(found, len(found)):
                parent.insert(place, element)
            done = True
    return done


def _said(root: Tree) -> str:
    """All that the page says, in texts and in labels that are attributes."""
    return " ".join([*root.itertext(), *root.xpath("//@aria-label"), *root.xpath("//@placeholder")])


def _new_field(root: Tree, rng: Random, like: Tree, name: str) -> Tree:
    box = like.makeelement("div", {"class": "field"})
    label = box.makeelement("label")
    label.text = name
    number = f"new-{rng.randrange(10**9)}"
    label.set("for", number)
    box.append(label)
    box.append(box.makeelement("input", {"id": number, "type": rng.choice(("text", "number", "date")), MARK: number}))
    return box


def add(root: Tree, rng: Random) -> bool:
    """New fields and buttons among the old ones, under names that the page did not have."""
    said = _said(root)
    places = [c for c in _movable(root) if block(c).tag in ("div", "p", "section", "fieldset", "button", "label", "input")]
    if not places:
        return False
    for concept in rng.sample([c for c in (*FIELDS, *BUTTONS) if c.label not in said], rng.randrange(1, 5)):
        beside = block(rng.choice(places))
        new = _new_field(root, rng, beside, concept.label)
        if beside.tag == "button" or concept.kind == "button":
            new = beside.makeelement("button", {"type": "button", MARK: f"new-{rng.randrange(10**9)}"})
            new.text = concept.label
        (unit(_marked_in(beside))[0]).addprevious(new)
    return True


def _marked_in(element: Tree) -> Tree:
    return next(inner for inner in element.iter() if isinstance(inner.tag, str) and inner.get(MARK))


def add_twin(root: Tree, rng: Random) -> bool:
    """A second control of the same name in the same place, before the first."""
    places = [c for c in _movable(root) if c.get("type") != "radio" and "".join(block(c).itertext()).strip()]
    if not places:
        return False
    chosen = rng.choice(places)
    found = unit(chosen)
    for element in reversed([deepcopy(e) for e in found]):
        suffix = f"-{rng.randrange(10**9)}"
        for inner in element.iter():
            if isinstance(inner.tag, str):
                for name in ("id", MARK, "for", "aria-labelledby", "aria-controls"):
                    if inner.get(name):
                        inner.set(name, inner.get(name) + suffix)
        element.tail = None
        found[0].addprevious(element)
        found = [element, *found]
    # Every copied element had a suffix of its own: make the label speak for the copied field again.
    copies = found[: len(found) // 2]
    for copy in copies:
        if copy.tag == "label" and copy.get("for") and copy is not copies[-1]:
            copy.set("for", next((e.get("id") for e in copies[-1].iter() if e.get("id")), ""))
    return True


def remove(root: Tree, rng: Random) -> bool:
    """Some controls are gone."""
    places = _movable(root)
    if len(places) < 3:
        return False
    for control in rng.sample(places, min(rng.randrange(1, 4), len(places) - 2)):
        _take([e for e in unit(control) if e.getparent() is not None])
    return True


def move(root: Tree, rng: Random) -> bool:
    """A few controls now stand in another section."""
    places = _movable(root)
    above = (block(control).getparent() for control in places)
    parents = list(dict.fromkeys(box for box in above if box.tag in ("fieldset", "section", "div", "form")))
    if len(parents) < 2 or not places:
        return False
    done = False
    for control in rng.sample(places, min(2, len(places))):
        found = unit(control)
        here = [p for p in parents if p is not found[-1].getparent() and not any(p is e or p in e.iter() for e in found)]
        if here:
            _take(found)
            rng.choice(here).extend(found)
            done = True
    return done


def replace(root: Tree, rng: Random) -> bool:
    """Some controls gave way to others of the same build that ask for or do something else, at the same place."""
    said = _said(root)
    done = False
    places = _movable(root)
    for control in rng.sample(places, min(rng.randrange(1, 4), len(places))):
        if control.get("type") == "radio":
            text = "".join("".join(e.itertext()) for e in block(control).iter("legend")).strip()
        else:
            text = _label_text(root, control) or " ".join("".join(control.itertext()).split())
        pool = {"button": BUTTONS, "a": LINKS}.get(control.tag, FIELDS)
        fresh = [c for c in pool if c.label not in said]
        around = unit(control)
        if not fresh:
            continue
        new = rng.choice(fresh)
        said += new.label
        if not text or not rewrite(around, text.rstrip(":"), new.label):
            continue
        identity = f"new-{rng.randrange(10**9)}"
        for element in (e for one in around for e in one.iter() if isinstance(e.tag, str)):
            if element.get(MARK):
                element.set(MARK, identity)
            if (
                rng.random() < 0.8
                and (element.tag == "option" or element.get("role") == "option")
                and (element.text or "") != "Choose…"
            ):
                element.text = rng.choice([o for c in FIELDS for o in c.options])
            for rule in ("pattern", "min", "max", "value", "aria-describedby"):
                if element.get(rule) and element.tag == "input" and element.get("type") not in ("radio", "checkbox"):
                    del element.attrib[rule]
        done = True
    return done


def rewrite(elements: list[Tree], text: str, new: str) -> bool:
    """Put `new` where a text or a naming attribute within `elements` says `text`."""
    done = False
    for element in (inner for one in elements for inner in one.iter() if isinstance(inner.tag, str)):
        if element.tag in ("option", "textarea") or element.get("role") == "option":
            continue
        for attribute in NAMING:
            if (element.get(attribute) or "").strip() == text:
                element.set(attribute, new)
                done = True
        for where in ("text", "tail") if element not in elements else ("text",):
            held = getattr(element, where) or ""
            if held.strip().rstrip(":") == text:
                setattr(element, where, held.replace(text, new))
                done = True
    return done


def wrap(root: Tree, rng: Random) -> bool:
    """More boxes around fields and controls, as a new component library brings them."""
    for control in _movable(root):
        for element in dict.fromkeys((block(control), control)):
            if element.tag in ("li", "tr", "td", "option") or rng.random() < 0.4:
                continue
            for _ in range(rng.randrange(1, 3)):
                box = element.makeelement(rng.choice(("div", "span")) if element is control else "div", {"class": "wrap"})
                tail, element.tail = element.tail, None
                element.addprevious(box)
                box.append(element)
                box.tail = tail
                element = box
    return True


def random_ids(root: Tree, rng: Random) -> bool:
    """Every id and form name is another, as frameworks make them anew at each build or load."""
    given: dict[str, str] = {}

    def other(name: str) -> str:
        return given.setdefault(name, f"r{rng.randrange(16**8):08x}")

    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        for attribute in ("id", *REFERRING):
            if held := element.get(attribute):
                element.set(attribute, " ".join(other(name) for name in held.split()))
        if (name := element.get("name")) and element.tag not in ("meta", "iframe"):
            element.set("name", other(f"name {name}"))
    return True


def class_hashes(root: Tree, rng: Random) -> bool:
    """Every class is a hash, as CSS modules make them; list items keep theirs, by which a profile tells who wrote an entry."""
    for element in root.iter():
        if isinstance(element.tag, str) and element.get("class") and element.tag != "li":
            element.set("class", " ".join(f"c-{rng.randrange(16**5):05x}" for _ in element.get("class").split()))
    return True


def other_widget(root: Tree, rng: Random) -> bool:
    """Selects become ARIA comboboxes, check boxes and buttons styled boxes, text fields rich-text editors."""
    done = False
    for control in marked(root):
        if in_row(control) or rng.random() < 0.4:
            continue
        number = control.get("id") or f"w{rng.randrange(10**9)}"
        kept = {name: value for name, value in control.attrib.items() if name.startswith("aria-") or name == MARK}
        name = _label_text(root, control)
        if control.tag == "select" and name:
            held = [o for o in control.iter("option") if o.get("value") != ""]
            new = control.makeelement("div", {**kept, "role": "combobox", "tabindex": "0", "aria-controls": f"{number}-o"})
            new.set("aria-haspopup", "listbox")
            new.set("aria-label", name)
            new.text = next((o.text for o in held if o.get("selected") is not None), "Choose…")
            popup = control.makeelement("ul", {"role": "listbox", "id": f"{number}-o", "hidden": "hidden"})
            for option in held:
                item = popup.makeelement("li", {"role": "option"})
                item.text = option.text
                popup.append(item)
            control.addprevious(new)
            control.addprevious(popup)
        elif control.tag == "input" and control.get("type") == "checkbox" and name:
            new = control.makeelement("span", {**kept, "role": rng.choice(("checkbox", "switch")), "tabindex": "0"})
            new.set("aria-checked", str(control.get("checked") is not None).lower())
            new.set("aria-label", name)
            control.addprevious(new)
        elif control.tag == "button" and not control.get("role"):
            new = control.makeelement("div", {**kept, "role": "button", "tabindex": "0"})
            new.text, children = control.text, list(control)
            new.extend(children)
            control.addprevious(new)
        elif control.tag == "textarea" and name:
            new = control.makeelement("div", {**kept, "role": "textbox", "contenteditable": "true"})
            new.set("aria-label", name)
            new.text = control.text
            control.addprevious(new)
        else:
            continue
        new.tail, control.tail = control.tail, None
        control.getparent().remove(control)
        done = True
    return done


def _label_text(root: Tree, control: Tree) -> str:
    """What labels a native control, by its markup."""
    if control.get("aria-label"):
        return str(control.get("aria-label"))
    by_id = {e.get("id"): e for e in root.iter() if isinstance(e.tag, str) and e.get("id")}
    labels = [by_id[name] for name in (control.get("aria-labelledby") or "").split() if name in by_id]
    labels += [e for e in root.iter("label") if e.get("for") and e.get("for") == control.get("id")]
    labels += [e for e in control.iterancestors("label")][:1]
    if not labels and control.getparent().tag == "td":
        labels = [e for e in control.getparent().getparent() if e.tag == "th"]
    return (
        " ".join("".join(t for t in labels[0].xpath(".//text()[not(ancestor::select or ancestor::textarea)]")).split())
        if labels
        else ""
    )


def _rows_of(root: Tree) -> list[list[Tree]]:
    groups: dict[Tree, list[Tree]] = {}
    for element in root.iter():
        if isinstance(element.tag, str) and element.get(DATA) is not None:
            groups.setdefault(element.getparent(), []).append(element)
    return [found for found in groups.values() if len(found) > 1]


def add_row(root: Tree, rng: Random) -> bool:
    """A new row of data before the others."""
    groups = _rows_of(root)
    for found in groups:
        new = deepcopy(found[rng.randrange(len(found))])
        number = f"O-{rng.randrange(100_000, 999_999)}"
        for inner in new.iter():
            for name in (MARK, "id", "for", "aria-labelledby", "aria-controls"):
                if inner.get(name):
                    inner.set(name, f"{inner.get(name)}-{number}")
            if inner.get("href"):
                inner.set("href", f"/orders/{number}")
            if inner.tag == "a" or inner.get("class") == "what" or (inner.tag == "td" and (inner.text or "").startswith("O-")):
                inner.text = number
        new.tail = None
        found[0].addprevious(new)
    return bool(groups)


def remove_row(root: Tree, rng: Random) -> bool:
    """The first row of data is gone."""
    groups = _rows_of(root)
    for found in groups:
        _take(found[:1])
    return bool(groups)


def reorder_rows(root: Tree, rng: Random) -> bool:
    """Rows of data in another order."""
    groups = _rows_of(root)
    for found in groups:
        parent, place = found[0].getparent(), found[0].getparent().index(found[0])
        _take(found)
        for element in found:
            parent.insert(place, element)  # each before the last one: turned round
    return bool(groups)


Mutation = Callable[[Tree, Random], bool]
