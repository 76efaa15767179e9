"""What the profile adds: composite parts, critical clicks, controls that are never a target."""

from __future__ import annotations

from collections.abc import Iterable

from schema_extraction.draft import Draft
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


def _parts(profile: Profile, controls: list[Control]) -> dict[str, str]:
    """The part that a control is, by its key. Of several that fit, the first that is not disabled is meant."""
    found: dict[str, str] = {}
    for composite, parts in profile.composites.items():
        for part in parts:
            fitting = [control for control in controls if part.control.matches(control) and control.key not in found]
            if fitting:
                operable = [control for control in fitting if not control.disabled] or fitting
                found[operable[0].key] = f"{composite}.{part.name}"
    return found


def apply_profile(draft: Draft) -> None:
    """Mark parts and critical controls and drop those to be ignored. Without a profile, form submits are critical."""
    profile = draft.profile
    parts = _parts(profile, draft.controls) if profile else {}
    clicks = (
        {
            f"{composite}.{part.name}"
            for composite, found in profile.composites.items()
            for part in found
            if part.kind == "click"
        }
        if profile
        else set()
    )
    kept: list[Control] = []
    seats: list[Node] = []
    for control, node in zip(draft.controls, draft.seats, strict=True):
        part = parts.get(control.key, "")
        if profile and not part and _any(profile.ignore, control):
            continue
        critical = part in clicks or bool(profile and _any(profile.critical, control)) or submits(draft.page, node)
        if profile and part not in clicks and _any(profile.reversible, control):
            critical = False
        kept.append(control.model_copy(update={"part": part, "critical": critical}) if part or critical else control)
        seats.append(node)
    draft.controls, draft.seats = kept, seats
