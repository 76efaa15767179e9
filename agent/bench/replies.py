"""Reply suggestions on held-out cases: the first three against what the operator sent, beside the most frequent replies."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from policies.dataset import Sample, learn_memory, read_cases, samples
from policies.encoder import EncoderSettings, TextEncoder
from policies.errors import TraceError
from policies.proposal import Policy
from policies.replies.edits import Edit, distance, edits, share
from policies.replies.learning import learn_replies
from policies.replies.offering import OFFERED, OfferingPolicy
from policies.sources import sources
from policies.templates import Template, fold, values
from policies.trace import read_steps
from schema_extraction.action import SendMessage
from schema_extraction.view import Frozen

if TYPE_CHECKING:
    from policies.causal_lm.drafting import CausalDrafter

Progress = Callable[[int, int], None]
Suggest = Callable[[Sample], Sequence[str]]
"""The texts suggested for a message, likeliest first."""

FIRST = 3
NEAR = 0.1
"""A suggestion within this normalised edit distance of what was sent is near it."""
TOP3 = 0.8
"""Share of held-out messages that must be among the first three suggestions."""
GAIN = 0.5
"""The median edit distance must be at most this part of that of the best baseline."""
FREQUENT, OF_PROCESS, RETRIEVED, OWN = (
    "most frequent reply",
    "most frequent reply of the process",
    "retrieval",
    "retrieval, operator known",
)
BASELINES = (FREQUENT, OF_PROCESS)
ALONE, THEN, DRAFTED, WITH_DRAFTS = (
    "the policy alone",
    "the policy, then retrieval",
    "drafts of the language model",
    "the policy, then retrieval and drafts",
)


class SystemResult(Frozen):
    """One system on all held-out messages. `first`, `top3`: share of the messages that the first, or one of the first three,
    suggestions is word for word; `near`: or within `NEAR`. `edit`: median edit distance, in characters, from the first
    suggestion to what was sent; `edit_share` the same over the length of the longer; `best_edit`: from the closest of three.
    A message without suggestion (`none` of them) is written from nothing."""

    name: str
    messages: int
    first: float
    top3: float
    near: float
    edit: float
    edit_share: float
    best_edit: float
    none: int


class Edited(Frozen):
    """What operators made of the messages proposed to them: `as_they_were` of `messages` went out unchanged; medians over the
    changed ones."""

    messages: int
    as_they_were: int
    edit: float | None = None
    edit_share: float | None = None


class RepliesBench(Frozen):
    """`reach`: share of held-out messages that some learned template, filled from the page, gives: the most that can be.
    `drafts`: how many drafts of a causal LM were offered, and how many dropped for which reason."""

    training_cases: int
    training_messages: int
    templates: int
    held_out_cases: int
    held_out_messages: int
    reach: float
    hearing: float
    systems: tuple[SystemResult, ...]
    edited: Edited | None = None
    drafts: dict[str, int] = {}
    short: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")


def measure(
    traces: Path,
    held_out: Path,
    feedback: Path | None = None,
    model: Path | None = None,
    progress: Progress = lambda done, total: None,
    encoder: EncoderSettings = EncoderSettings(),
) -> RepliesBench:
    """Learn replies from the cases at or below `traces`, and suggest those of `held_out`. `feedback`: operators' verdicts on
    proposed messages. `model`: its policy is measured too, alone and with the retrieved replies after it, and what it drafts
    where it is a causal LM; it should have been trained on `traces`.

    Raises:
        TraceError: there are no messages to learn from or to suggest. ModelError, EncoderError: see `policies.bundle.load`.
    """
    cases, held = read_cases(traces), read_cases(held_out)
    learned = [sample for case_id in sorted(cases) for sample in samples(cases[case_id])]
    messages = [s for case_id in sorted(held) for s in samples(held[case_id]) if isinstance(s.action, SendMessage)]
    embed = TextEncoder(encoder).embed
    sent = [sample for sample in learned if isinstance(sample.action, SendMessage)]
    templates = learn_memory(sent, past=True).templates.get("send_message", ())
    replies = learn_replies(sent, templates, embed)
    if replies is None or not messages:
        where = traces if replies is None else held_out
        raise TraceError(f"Expected messages that operators sent at {str(where)!r}, met none. Record cases with messages.")
    systems: dict[str, Suggest] = {
        FREQUENT: _frequent(sent, templates, lambda sample: ""),
        OF_PROCESS: _frequent(sent, templates, lambda sample: sample.view.slice),
        RETRIEVED: lambda s: [r.text for r in replies.suggest(s.view, s.history, embed, "", FIRST)],
        OWN: lambda s: [r.text for r in replies.suggest(s.view, s.history, embed, s.user, FIRST)],
    }
    drafter = None
    if model is not None:
        added, drafter = _of_model(model, encoder)
        systems |= added

    def judged(number: int, name: str) -> SystemResult:
        before, total = number * len(messages), len(systems) * len(messages)
        return _judged(name, systems[name], messages, lambda done: progress(before + done, total))

    found = tuple(judged(number, name) for number, name in enumerate(systems))
    bench = RepliesBench(
        training_cases=len(cases),
        training_messages=len(replies.past.template),
        templates=len(templates),
        held_out_cases=len(held),
        held_out_messages=len(messages),
        reach=sum(_given(sample, templates) is not None for sample in messages) / len(messages),
        hearing=replies.hearing,
        systems=found,
        edited=edited(edits(read_steps(feedback))) if feedback is not None else None,
        drafts=dict(drafter.counts.most_common()) if drafter is not None else {},
    )
    return bench.model_copy(update={"short": short(bench)})


def short(bench: RepliesBench) -> tuple[str, ...]:
    """In words, each figure of retrieval that falls short."""
    by = {system.name: system for system in bench.systems}
    mine, words = by[OWN], []
    if mine.top3 < TOP3:
        words.append(f"{mine.top3:.1%} of the messages among the first three, at least {TOP3:.0%} wanted")
    best = min(by[name].edit for name in BASELINES)
    if mine.edit > GAIN * best:
        words.append(f"median edit distance {mine.edit:g}, at most {GAIN:g} of the baseline's {best:g} wanted")
    return tuple(words)


def edited(found: Iterable[Edit]) -> Edited:
    """Figures over `found` edits."""
    every = list(found)
    changed = [one for one in every if one.distance]
    return Edited(
        messages=len(every),
        as_they_were=len(every) - len(changed),
        edit=float(np.median([one.distance for one in changed])) if changed else None,
        edit_share=float(np.median([one.share for one in changed])) if changed else None,
    )


def _frequent(learned: Sequence[Sample], templates: Sequence[Template], group: Callable[[Sample], str]) -> Suggest:
    """The replies sent most often in the group that a message is in, of those that the page can fill."""
    counts: dict[str, Counter[Template]] = defaultdict(Counter)
    for sample in learned:
        template = _given(sample, templates)
        if template is not None:
            counts[group(sample)][template] += 1

    def suggest(sample: Sample) -> list[str]:
        slots = values(sources(sample.view, sample.history))
        texts = (template.fill(slots) for template, _ in counts[group(sample)].most_common())
        return [text for text in texts if text is not None][:FIRST]

    return suggest


def _given(sample: Sample, templates: Sequence[Template]) -> Template | None:
    """The template that gives the message that was sent, or None."""
    assert isinstance(sample.action, SendMessage)
    text, slots = fold(sample.action.text), values(sources(sample.view, sample.history))
    return next((template for template in templates if fold(template.fill(slots) or "") == text), None)


def _of_model(model: Path, encoder: EncoderSettings) -> tuple[dict[str, Suggest], CausalDrafter | None]:
    """The systems that a model makes, and what drafts its replies, where it is a causal LM."""
    from policies.bundle import load

    bundle = load(model, encoder, threads=2)

    def texts(policy: Policy, sample: Sample) -> list[str]:
        ranked = policy.propose(sample.view, sample.history)
        return [p.action.text for p in ranked if isinstance(p.action, SendMessage)][:FIRST]

    systems: dict[str, Suggest] = {ALONE: lambda s: texts(bundle.policy, s)}
    if bundle.replies is None or bundle.texts is None:
        return systems, None
    replies, embed, drafter = bundle.replies, bundle.texts.embed, bundle.drafter()
    systems[THEN] = lambda s: texts(OfferingPolicy(bundle.policy, replies, embed, s.user), s)
    if drafter is None:
        return systems, None

    def drafted(sample: Sample) -> list[str]:
        alike = replies.suggest(sample.view, sample.history, embed, sample.user, OFFERED)
        made = drafter.draft(sample.view, sample.history, alike, replies)
        return [made.text] if made is not None else []

    systems[DRAFTED] = drafted
    systems[WITH_DRAFTS] = lambda s: texts(bundle.offering(s.user), s)
    return systems, drafter


def _judged(name: str, suggest: Suggest, messages: Sequence[Sample], progress: Callable[[int], None]) -> SystemResult:
    first, top3, near, edit, edit_share, best, none = [], [], [], [], [], [], 0
    for done, sample in enumerate(messages, start=1):
        assert isinstance(sample.action, SendMessage)
        sent, texts = sample.action.text, list(suggest(sample))[:FIRST]
        none += not texts
        shares = [share(text, sent) for text in texts or [""]]
        lengths = [distance(text, sent) for text in texts or [""]]
        first.append(lengths[0] == 0)
        top3.append(min(lengths) == 0)
        near.append(min(shares) <= NEAR)
        edit.append(lengths[0])
        edit_share.append(shares[0])
        best.append(min(lengths))
        progress(done)
    return SystemResult(
        name=name,
        messages=len(messages),
        first=float(np.mean(first)),
        top3=float(np.mean(top3)),
        near=float(np.mean(near)),
        edit=float(np.median(edit)),
        edit_share=float(np.median(edit_share)),
        best_edit=float(np.median(best)),
        none=none,
    )


def table(bench: RepliesBench) -> Table:
    """One row a system."""
    found = Table(
        title=f"{bench.held_out_messages} messages of {bench.held_out_cases} held-out cases, learned from "
        f"{bench.training_messages} of {bench.training_cases}; {bench.reach:.1%} can be expressed",
        title_justify="left",
    )
    found.add_column("suggested by")
    for heading in (
        "First right",
        "In the first 3",
        f"near (<= {NEAR:g})",
        "Edit distance",
        "of its length",
        "closest of 3",
        "None",
    ):
        found.add_column(heading, justify="right")
    for one in bench.systems:
        shares = (f"{figure:.1%}" for figure in (one.first, one.top3, one.near))
        found.add_row(one.name, *shares, f"{one.edit:g}", f"{one.edit_share:.1%}", f"{one.best_edit:g}", str(one.none))
    return found


def drafts(counts: dict[str, int]) -> str:
    """In words, what became of a language model's drafts."""
    dropped = [f"{count} dropped, since {reason}" for reason, count in counts.items() if reason != "offered"]
    return "; ".join([f"of {sum(counts.values())} drafts {counts.get('offered', 0)} offered", *dropped])


def changed(found: Edited) -> str:
    """In words, what operators made of the messages proposed to them."""
    words = f"of {found.messages} proposed messages {found.as_they_were} went out as they were"
    if found.edit is None or found.edit_share is None:
        return words
    return (
        f"{words}; the others were changed by {found.edit:g} characters in the median ({found.edit_share:.0%} of their length)"
    )
