"""The causal LM as a writer: behind the page come past replies of like situations, and the answer is the next message.

    past replies:
    - Done, {Full name first}. Order {Order number} is cancelled.
    - We have cancelled order {Order number}, {Full name first}.
    reply:

Values of the page stand in braces by the names that actions use for them, in past replies as in the answer: a model that names
cannot mistype. It may spell them, too. Either way nothing is offered that does not stand on the page
(`policies.replies.grounding`).
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from loguru import logger

from policies.causal_lm.errors import ContextError, ServerError
from policies.causal_lm.language import Language
from policies.causal_lm.line import Line
from policies.causal_lm.menu import Menu, source_names
from policies.causal_lm.policy import CausalPolicy, Reach
from policies.causal_lm.prompt import Prompt, prompt
from policies.proposal import History
from policies.replies.drafting import Drafted
from policies.replies.grounding import CUT, Ground
from policies.replies.replies import Replies, Suggestion
from policies.sources import Source
from policies.templates import Template, fold
from policies.templates import values as slot_texts
from schema_extraction.view import View

ASKED = (
    "Write the next message to the customer as we would, instead of an action. Name values of the page in braces, as the past "
    "replies do; say nothing in particular that is not on the page. reply:"
)
ASKED_BRIEFLY = "reply:"
LONGEST = 2000
"""Characters of a message."""
_NAMED = re.compile(r"\{([^{}]*)\}")
_AGAIN = re.compile(r"\b(\w+\W+\w[^\n]{0,80}?)(?:\W+\1\b){2,}", re.IGNORECASE)
"""Words that follow each other three times, as models write that have come to no end."""
_UNREADABLE = frozenset(f"{{}}<>{CUT}\ufffd")


class CausalDrafter:
    """Has the model of `policy` draft replies. `counts`: how many were offered, and how many dropped for which reason. Safe to
    call from several threads."""

    def __init__(self, policy: CausalPolicy) -> None:
        self.policy = policy
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def draft(self, view: View, history: History, alike: Sequence[Suggestion], replies: Replies) -> Drafted | None:
        """A reply for this view, or None, with the reason in the log: also where the model did not answer.

        Raises:
            ModelError: see `policies.causal_lm.errors`.
        """
        found = self._draft(view, history, alike, replies)
        with self._lock:
            self.counts["offered" if isinstance(found, Drafted) else found] += 1
            total = sum(self.counts.values())
            if isinstance(found, str):
                logger.info("draft dropped: {} ({} of {} drafts so far)", found, self.counts[found], total)
        return found if isinstance(found, Drafted) else None

    def _draft(self, view: View, history: History, alike: Sequence[Suggestion], replies: Replies) -> Drafted | str:
        """What was drafted, or why there is nothing to offer."""
        policy, reach = self.policy, self.policy.reach
        try:
            reading = policy.read(view, history)
            if reading is None:
                return "no action is possible"
            shown = [replies.template(one.template) for one in alike[: reach.alike]]
            asked = question(view, history, reading.menu, shown, policy.language, reach)
            written = policy.scorer.write(asked.tokens, reach.drafted, policy.language)
        except ContextError:
            return "the page is over the budget"
        except ServerError as error:
            logger.warning("no draft: {}", error)
            return "the model did not answer"
        if not written.whole:
            return f"it did not end within {reach.drafted} tokens"
        offered = reading.menu.sources
        text = filled(written.text, offered)
        if text is None:
            return "it names a value that the page does not have"
        if len(text) > LONGEST:
            return "it is too long"
        if not readable(text):
            return "it is empty or unreadable"
        if _AGAIN.search(text):
            return "it says the same over and over"
        ground = Ground(view, offered, replies.wording, (one.text for one in alike[: reach.alike]))
        if ground.lacking(text):
            return "it says in particular what stands nowhere on the page"
        return Drafted(text=text, probability=written.probability)


def question(view: View, history: History, menu: Menu, shown: Sequence[Template], language: Language, reach: Reach) -> Prompt:
    """The prompt of a draft: the page as the policy reads it, then the `shown` past replies.

    Raises:
        ContextError: see `policies.causal_lm.prompt.prompt`.
    """
    behind = tuple(lines(menu.sources, shown, reach.spelt))
    return prompt(view, history, menu, language, reach.budget, reach.spelt, behind)


def lines(found: Sequence[Source], shown: Sequence[Template], spelt: bool) -> Iterator[Line]:
    """What comes behind a page. `spelt`: see `policies.causal_lm.prompt.lines`."""
    yield Line("past replies:")
    for template in shown:
        if (text := named(template, found)) is not None:
            yield Line(f"- {fold(text)}", "aside")
    yield Line(ASKED if spelt else ASKED_BRIEFLY)


def named(template: Template, found: Sequence[Source]) -> str | None:
    """A past reply with the names of its values in braces; None where the page lacks one of them, or braces would mislead."""
    if any("{" in piece or "}" in piece for piece in template.pieces):
        return None
    return template.fill({slot: f"{{{name}}}" for name, slot in slots(found).items()})


def filled(text: str, found: Sequence[Source]) -> str | None:
    """What a model wrote, with the values of the page in place of their names; None where it names what is not there."""
    texts, known = slot_texts(found[::-1]), slots(found)
    if any(name not in known for name in _NAMED.findall(text)):
        return None
    return _NAMED.sub(lambda match: texts[known[match[1]]], text).strip()


def slots(found: Sequence[Source]) -> Mapping[str, str]:
    """The slot that each name stands for, as `policies.causal_lm.menu.value_name` names values."""
    names = source_names(tuple(found))
    known: dict[str, str] = {}
    for source in found:
        slot, _, form = source.slot.rpartition("|")
        name = names[slot] if form == "raw" else f"{names[slot]} {form}"
        if not _UNREADABLE & set(name):
            known.setdefault(name, source.slot)
    return known


def readable(text: str) -> bool:
    """Whether a text holds letters, and nothing that cannot be printed or that stands for something else."""
    printable = all(c.isprintable() or c == "\n" for c in text)
    return printable and any(map(str.isalpha, text)) and not _UNREADABLE & set(text)
