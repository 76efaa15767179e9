"""Whether what a text says in particular stands on the page: numbers, dates, sums, ids, addresses, names.

A text is cut where it names a value of the page (`policies.templates.delexicalise`). In what is left, a word with a digit, an
address, a number word or a capital letter must be grounded in another way: it stands on the page as it is, or its whole
sentence stands in a past reply that was shown for this page. A capital letter may also begin a sentence with a common
word, or belong to the organisation's own wording. Doubt counts against the text.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Sequence

from policies.sources import Source, read_spans, sentences
from policies.templates import delexicalise, fold
from schema_extraction.spans import NOT_NAME
from schema_extraction.view import View

CUT = "\ufffc"
"""Stands in a text for a value that was cut out."""
AROUND = ".,;:!?()[]\"'“”‘’«»…–—*#"
"""What may stand around a word and says nothing. A sign, a unit or a currency does not: -5, 5% and €5 are other than 5."""
ENDS = (".", "!", "?", ":")
SIGNS = "@%$€£¥."
"""What makes a word an address or a sum. A full stop at its end is no part of it."""
COUNTS = frozenset(
    """two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
    twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million dozen twice
    tomorrow yesterday tonight""".split()
)
"""Words that promise as a number or a date does. `one` and `today` are too common to."""
DAYS = frozenset(name.casefold() for name in (*calendar.day_name, *calendar.month_name)) - {"may"}
ORDINARY = NOT_NAME - DAYS
"""Words that may begin any sentence."""


class Ground:
    """What a text for one page may name: `found`, the page's values; `wording`, the words of the organisation's own texts, see
    `words`; and any sentence of the `shown` past replies, which this page fills."""

    def __init__(self, view: View, found: Sequence[Source], wording: frozenset[str], shown: Iterable[str]) -> None:
        self.found = found
        self.page = words(_texts(view))
        self.capitals = self.page | wording
        self.plain = ORDINARY | {word.casefold() for word in self.capitals}
        self.sentences = {fold(sentence) for text in shown for sentence in sentences(text)}

    def lacking(self, text: str) -> tuple[str, ...]:
        """The words of `text` that say something in particular which stands nowhere; a cut in them is shown as `CUT`."""
        unsaid = [sentence for sentence in sentences(text) if fold(sentence) not in self.sentences]
        return tuple(word for sentence in unsaid for word in self._lacking(sentence))

    def _lacking(self, sentence: str) -> Iterator[str]:
        rest = CUT.join(delexicalise(sentence, self.found).pieces)
        initial = True
        for chunk in rest.split():
            word = chunk.strip(AROUND)
            if not (self._alone(word) if CUT in word else self._known(word, initial)):
                yield word
            initial = chunk.endswith(ENDS)
        for start, end, _ in read_spans(rest):  # names and user names that are written small
            yield from (word for word in words([rest[start:end]]) if CUT not in word and word.casefold() not in self.plain)

    def _alone(self, word: str) -> bool:
        """Whether a value that was cut out stands for itself, with nothing that changes what it says."""
        return word.removesuffix("'s").removesuffix("’s") == CUT

    def _known(self, word: str, initial: bool) -> bool:
        if word in self.page:
            return True
        if any(c.isnumeric() or c in SIGNS for c in word) or any(part in COUNTS for part in word.casefold().split("-")):
            return False
        if not any(c.isupper() for c in word) or word == "I" or word.startswith(("I'", "I’")):
            return True
        return word in self.capitals or (initial and word.casefold() in self.plain)


def words(texts: Iterable[str]) -> frozenset[str]:
    """The words of texts, without what stands around them."""
    return frozenset(word for text in texts for chunk in text.split() if (word := chunk.strip(AROUND)))


def _texts(view: View) -> Iterator[str]:
    """Every text that the page shows, secrets left out."""
    yield view.title
    yield view.slice
    yield view.case_id or ""
    for section in view.sections:
        yield from (section.name, section.text)
    for fact in view.facts:
        yield from (fact.label, fact.value.raw)
    for table in view.tables:
        yield from (table.name, *table.headers, *(cell.raw for row in table.rows for cell in row.cells))
    for message in view.messages:
        yield from (message.author, message.text)
    for control in view.controls:
        yield from (control.name, *(option.label for option in control.options))
        if control.value is not None and not control.sensitive:
            yield control.value.raw
    yield from (notice.text for notice in view.notices)
    if view.dialog is not None:
        yield from (view.dialog.name, view.dialog.text)
