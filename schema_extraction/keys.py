"""Stable keys: what a control, fact or table is called in every snapshot, session and release, with no case data in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from schema_extraction.view import Fact

_TOKEN = re.compile(r"[^\W_]+(?:['’.,/@:#_-]+[^\W_]+)*")

_PERSONAL = re.compile(r"\b(?:name|customer|client|contact|holder|address|street|city|user|username|login)\b", re.IGNORECASE)


_FIELDS = frozenset(
    {"textbox", "searchbox", "spinbutton", "combobox", "listbox", "radiogroup", "checkbox", "switch", "slider", "file"}
)


@lru_cache(maxsize=8192)
def slug(text: str, numbered: bool = False) -> str:
    """Lower-case words joined by hyphens; words with digits (ids, counts, amounts, dates) are left out.

    `numbered`: numbers of one or two digits stay, unless they stand in brackets, as counts do: "Address line 2".
    """
    words = []
    for found in _TOKEN.finditer(text):
        word = found.group()
        if any(character.isdigit() for character in word):
            bracketed = text.count("(", 0, found.start()) > text.count(")", 0, found.start())
            if not numbered or bracketed or not re.fullmatch(r"\d{1,2}", word):
                continue
        words.append(word)
    return re.sub(r"[\W_]+", "-", " ".join(words).casefold()).strip("-")[:60]


class Keys:
    """Gives out keys; the same parts get ordinals 0, 1, 2 in document order.

    `private`: texts of this case, such as the customer's name, which are cut out of section and name.
    """

    def __init__(self, private: Iterable[str] = ()) -> None:
        self.private = frozenset(text for text in private if text)
        phrases = sorted(self.private, key=len, reverse=True)
        self._private = re.compile("|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in phrases)) if phrases else None
        self._stems: dict[tuple[str, str, str, str], str] = {}
        self._count: dict[str, int] = {}

    def restart(self) -> None:
        """Begin with the ordinals again."""
        self._count.clear()

    def public(self, text: str, numbered: bool = False) -> str:
        return slug(self._private.sub(" ", text) if self._private else text, numbered)

    def stem(self, frame: str, section: str, role: str, name: str) -> str:
        """A key but for its ordinal."""
        parts = (frame, section, role, name)
        stem = self._stems.get(parts)
        if stem is None:
            # The number in a field's label tells it from the next; that on a button, link or tab is mostly a count or an id.
            words = self.public(name, numbered=role in _FIELDS)
            stem = self._stems[parts] = "/".join((slug(frame), self.public(section), role, words))
        return stem

    def ordinal(self, stem: str) -> int:
        """The next one with this stem."""
        ordinal = self._count.get(stem, 0)
        self._count[stem] = ordinal + 1
        return ordinal

    def key(self, frame: str, section: str, role: str, name: str) -> str:
        stem = self.stem(frame, section, role, name)
        return f"{stem}/{self.ordinal(stem)}"


def private_texts(facts: Iterable[Fact], case_id: str | None) -> set[str]:
    """Texts that belong to the case, not to the interface: its id, and the ids, addresses and names of people among its facts.

    Other values are left alone: a status "Open" is no reason to rename the section "Open tasks".
    """
    found = {case_id} if case_id else set()
    for fact in facts:
        personal = fact.value.kind == "text" and _PERSONAL.search(fact.label) and len(fact.value.raw) > 2
        if fact.value.kind in ("id", "email", "phone") or personal:
            found.add(fact.value.raw)
    return found
