"""Texts that operators write again and again, with slots where they name something from the page.

`delexicalise` finds in a sent text what the view offers (facts, spans, cells, filled controls) and cuts it there;
`learn` groups drafts with the same wording and settles, by vote over the cases, which source each slot takes; a template
`fill`s its slots on a new view. Filling a template on the view it came from gives the text back.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations

from policies.sources import Source
from schema_extraction.view import Frozen

_PARTICULAR = re.compile(r"\d{3,}|@|\d[.,/-]\d|(?<=[a-z,;] )[A-Z][a-z]+ [A-Z][a-z]+")


class Template(Frozen):
    """`pieces` and `slots` alternate: piece, slot, piece, ..., piece. `cases`: in how many cases it was written. `meaning`:
    the id that templates share which say the same in other words (see `policies.wordings`)."""

    pieces: tuple[str, ...]
    slots: tuple[str, ...] = ()
    cases: int = 0
    meaning: str = ""

    @property
    def id(self) -> str:
        return blake2b("\0".join((*self.pieces, *self.slots)).encode(), digest_size=6).hexdigest()

    @property
    def text(self) -> str:
        """The template as a person may read it, slots in braces."""
        names = [f"{{{slot.split('/')[-1].removeprefix('fact:').removeprefix('span:')}}}" for slot in self.slots]
        return "".join(piece + name for piece, name in zip(self.pieces, [*names, ""], strict=True))

    def fill(self, values: dict[str, str]) -> str | None:
        """The text with its slots filled from `values` (slot to text), or None when the view lacks one of them."""
        if any(slot not in values for slot in self.slots):
            return None
        texts = [*(values[slot] for slot in self.slots), ""]
        return "".join(piece + text for piece, text in zip(self.pieces, texts, strict=True))


@dataclass(frozen=True)
class Draft:
    """One text cut at what the view offers. `choices[i]` are the slots that hold the text cut out at i, best first."""

    case_id: str
    pieces: tuple[str, ...]
    texts: tuple[str, ...]
    choices: tuple[tuple[str, ...], ...]

    def without(self, places: Iterable[int]) -> Draft:
        """The draft with the cuts at `places` undone."""
        dropped = set(places)
        pieces, texts, choices = [self.pieces[0]], [], []
        for index, text in enumerate(self.texts):
            if index in dropped:
                pieces[-1] += text + self.pieces[index + 1]
            else:
                texts.append(text)
                choices.append(self.choices[index])
                pieces.append(self.pieces[index + 1])
        return Draft(self.case_id, tuple(pieces), tuple(texts), tuple(choices))


def values(found: Sequence[Source]) -> dict[str, str]:
    """Slot to text, for `Template.fill`."""
    return {source.slot: source.text for source in found}


def fold(text: str) -> str:
    """`text` with white space folded, as texts are compared."""
    return " ".join(text.split())


def delexicalise(text: str, found: Sequence[Source], case_id: str = "") -> Draft:
    """Cut `text` at every source it names, longest first, at word boundaries and with the same case of letters."""
    text = text.strip()
    named: dict[str, list[str]] = defaultdict(list)
    for source in found:
        if _telling(source) and source.text in text:
            named[source.text].append(source.slot)
    pieces, texts, choices = [""], [], []
    if named:
        ordered = sorted(named, key=len, reverse=True)
        pattern = re.compile(r"(?<!\w)(?:" + "|".join(re.escape(name) for name in ordered) + r")(?!\w)")
        end = 0
        for match in pattern.finditer(text):
            pieces[-1] += text[end : match.start()]
            pieces.append("")
            texts.append(match.group())
            choices.append(tuple(named[match.group()]))
            end = match.end()
        pieces[-1] += text[end:]
    else:
        pieces = [text]
    return Draft(case_id, tuple(pieces), tuple(texts), tuple(choices))


def _telling(source: Source) -> bool:
    """Whether a source is worth a slot: not so short or so plain that it stands in a sentence by chance."""
    text = source.text
    if any(c.isdigit() for c in text) or len(text.split()) > 1:
        return True
    return any(c.isupper() for c in text) and (len(text) >= 3 or source.form in ("first", "last"))


def learn(drafts: Iterable[Draft], min_cases: int = 2) -> tuple[Template, ...]:
    """Templates written in at least `min_cases` cases, or in fewer where what stands between the slots is free of numbers,
    addresses and names, so that nothing of a single customer stays; most common first."""
    groups: dict[tuple[str, ...], list[Draft]] = defaultdict(list)
    for draft in drafts:
        groups[draft.pieces].append(draft)
    _undo_chance_cuts(groups)
    templates: list[Template] = []
    for pieces, group in groups.items():
        templates += _settle(pieces, group, 1 if _general(pieces) else min_cases)
    return tuple(sorted(templates, key=lambda t: (-t.cases, t.pieces, t.slots)))


def _general(pieces: Iterable[str]) -> bool:
    """Whether a wording holds nothing that tells a customer apart."""
    return not any(_PARTICULAR.search(piece) for piece in pieces)


def _cases(group: Iterable[Draft]) -> int:
    return len({draft.case_id for draft in group})


def _undo_chance_cuts(groups: dict[tuple[str, ...], list[Draft]]) -> None:
    """Move drafts whose cut fell on a word of the wording itself to the group that has this word uncut.

    Two signs: the same text at the cut in every one of three or more cases, or a more common group that differs only by
    the cut.
    """
    for pieces in sorted(groups, key=len, reverse=True):
        group = groups[pieces]
        size = _cases(group)
        same = [i for i in range(len(pieces) - 1) if size >= 3 and len({draft.texts[i] for draft in group}) == 1]
        kept = []
        for draft in group:
            target = draft.without(same) if same else None
            if target is None and size < 3:
                places = range(len(draft.texts))
                options = (draft.without(c) for n in (1, 2) for c in combinations(places, n))
                target = next((o for o in options if _cases(groups.get(o.pieces, ())) >= size), None)
            if target is None:
                kept.append(draft)
            else:
                groups.setdefault(target.pieces, []).append(target)
        groups[pieces] = kept


def _settle(pieces: tuple[str, ...], group: list[Draft], min_cases: int) -> Iterable[Template]:
    """Choose a source for every slot so that most drafts are given back; what is left is settled again."""
    while _cases(group) >= min_cases:
        slots: list[str] = []
        agreeing = group
        for place in range(len(pieces) - 1):
            order: dict[str, int] = {}
            votes: Counter[str] = Counter()
            for draft in agreeing:
                for rank, slot in enumerate(draft.choices[place]):
                    votes[slot] += 1
                    order[slot] = min(rank, order.get(slot, rank))
            slot = min(votes, key=lambda s: (-votes[s], order[s], s))
            slots.append(slot)
            agreeing = [draft for draft in agreeing if slot in draft.choices[place]]
        if _cases(agreeing) >= min_cases:
            yield Template(pieces=pieces, slots=tuple(slots), cases=_cases(agreeing))
        chosen = set(map(id, agreeing))
        group = [draft for draft in group if id(draft) not in chosen]
