"""What the profile adds: composite parts, critical clicks, controls that are never a target."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from schema_extraction.draft import Draft, Mark
from schema_extraction.page import Node, Page
from schema_extraction.profile import ControlPattern, Profile
from schema_extraction.view import Control


def _any(patterns: Iterable[ControlPattern], control: Control) -> bool:
    return any(pattern.matches(control) for pattern in patterns)


def _form(page: Page, node: Node) -> Node | None:
    if owner := node.get("form"):
        return next((page.of[element] for element in page.referred(node.prefix, owner) if element in page.of), None)
    return next((above for above in node.ancestors() if above.tag == "form"), None)


def submits(page: Page, node: Node) -> bool:
    """Whether pressing a control sends a form off. Searches (GET forms) and buttons that only close a dialog do not."""
    kind = (node.get("type") or "").lower()
    if not ((node.tag == "button" and kind in ("", "submit")) or (node.tag == "input" and kind in ("submit", "image"))):
        return False
    form = _form(page, node)
    return form is not None and (form.get("method") or "").lower() not in ("get", "dialog") and form.get("role") != "search"


def apply_profile(draft: Draft) -> None:
    """Note which parts each control may be, whether it is critical, and whether it is to be left out. Without a profile, form
    submits are critical."""
    profile = draft.profile
    for place, (control, node) in enumerate(zip(draft.controls, draft.seats, strict=True)):
        critical = submits(draft.page, node)
        if profile is None:
            draft.marks.append(Mark(critical=critical))
            continue
        for composite, parts in profile.composites.items():
            draft.fitting += [(f"{composite}.{part.name}", place) for part in parts if part.control.matches(control)]
        draft.marks.append(
            Mark(
                critical=critical or _any(profile.critical, control),
                reversible=_any(profile.reversible, control),
                ignored=_any(profile.ignore, control),
            )
        )


Seat = tuple[Draft, int]


def parts_of(profile: Profile | None, drafts: Iterable[Draft], url: str) -> dict[Seat, str]:
    """The part that a control is on the page at `url`. Of several that fit, the first that is not disabled is meant."""
    if profile is None:
        return {}
    fitting: dict[str, list[Seat]] = {}
    for draft in drafts:
        for name, place in draft.fitting:
            fitting.setdefault(name, []).append((draft, place))
    found: dict[Seat, str] = {}
    for composite, parts in profile.composites.items():
        for part in parts:
            if not part.on(url):
                continue
            name = f"{composite}.{part.name}"
            free = [seat for seat in fitting.get(name, ()) if seat not in found]
            operable = [(draft, place) for draft, place in free if not draft.controls[place].disabled] or free
            if operable:
                found[operable[0]] = name
    return found


def clicks_of(profile: Profile | None) -> frozenset[str]:
    """The parts that are clicked to send a composite action off."""
    if profile is None:
        return frozenset()
    return frozenset(
        f"{composite}.{part.name}" for composite, found in profile.composites.items() for part in found if part.kind == "click"
    )


def assign(draft: Draft, parts: Mapping[Seat, str], clicks: Container[str]) -> None:
    """Say of each control here which part it is, and whether a click on it leaves the page."""
    for place, (control, mark) in enumerate(zip(draft.controls, draft.marks, strict=True)):
        part = parts.get((draft, place), "")
        critical = part in clicks or (mark.critical and not mark.reversible)
        if control.part != part or control.critical != critical:
            draft.controls[place] = control.but(part=part, critical=critical)
