"""What the drafts of a page need to know of each other before they are read."""

from __future__ import annotations

from schema_extraction.draft import Draft, Shared
from schema_extraction.passes.choices import list_id, popup_of, radio_key
from schema_extraction.passes.fields import crowd, drawings, is_counted
from schema_extraction.passes.history import entries_of, may_hold
from schema_extraction.passes.messages import is_conversation
from schema_extraction.roles import CONTROL_ROLES

_IDREFS = frozenset(
    "for form list headers aria-labelledby aria-describedby aria-errormessage aria-controls aria-owns aria-details "
    "aria-activedescendant".split()
)

_SWAYED = CONTROL_ROLES | {"columnheader", "dialog", "alertdialog"}


def survey(draft: Draft) -> None:
    """Note the conversation, the lists that comboboxes open, the radio buttons, and whether anything here is at work."""
    page = draft.page
    wanted = draft.profile.messages if draft.profile else None
    roled = [node for node in draft.nodes if node.role]
    draft.conversation = next(
        (node for node in (draft.nodes if wanted else roled) if is_conversation(page, node, wanted)), None
    )
    draft.histories = may_hold(draft.nodes) if wanted is None else []
    attributed = [node for node in draft.nodes if node.attributes]
    opened = (popup_of(page, node) for node in attributed if node.role == "combobox")
    draft.opens = [popup for popup in opened if popup is not None]
    draft.restless = any(
        node.role == "combobox"
        and node.get("aria-expanded") == "true"
        and not (node.get("aria-controls") or node.get("aria-owns"))
        for node in attributed
    )
    draft.radios = [node for node in roled if node.role == "radio" and not node.inert]
    draft.drawings = list(drawings(draft))
    draft.fields = [node for node in roled if node.operated and is_counted(draft.page, node)]
    draft.swayed = [node for node in roled if node.role in _SWAYED]
    draft.swayed_by = [node.inert for node in draft.swayed]
    draft.busy = any(node.get("aria-busy") == "true" for node in attributed)


def links(draft: Draft) -> set[tuple[str, str]]:
    """The ids, by frame, that elements here name or label."""
    if draft.links is None:
        draft.links = {
            (node.prefix, identity)
            for node in draft.nodes
            if node.attributes
            for name in _IDREFS & node.attributes.keys()
            for identity in node.attributes[name].split()
        }
        for node in draft.nodes:
            if (name := list_id(node)) is not None:
                draft.links.add((node.prefix, name))
    return draft.links


def share(shared: Shared) -> None:
    """Put together what the drafts have noted. The first conversation of the page is the one, else the first history."""
    shared.conversation = next((draft.conversation for draft in shared.drafts if draft.conversation is not None), None)
    shared.history = False
    if shared.conversation is None:
        boxes = dict.fromkeys(box for draft in shared.drafts for box in draft.histories)
        page = shared.drafts[0].page if shared.drafts else None
        shared.conversation = next((box for box in boxes if page is not None and entries_of(page, box)), None)
        shared.history = shared.conversation is not None
    shared.popups = {popup for draft in shared.drafts for popup in draft.opens}
    shared.drawings = {drawing for draft in shared.drafts for drawing in draft.drawings}
    drawn, front = shared.drawings, [draft for draft in shared.drafts if not draft.hidden]
    shared.fields = crowd(node for draft in front for node in draft.fields if not drawn or node.element not in drawn)
    shared.radios = {}
    for draft in shared.drafts:
        for node in draft.radios:
            shared.radios.setdefault(radio_key(draft.page, node), []).append(node)
