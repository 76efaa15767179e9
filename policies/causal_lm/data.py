"""Recorded work as prompts with answers, for the policy; judged proposals as prompts with a verdict, for the critic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from policies.calibrate import Judged
from policies.candidates import Memory
from policies.causal_lm import drafting
from policies.causal_lm.critic import question
from policies.causal_lm.errors import ContextError
from policies.causal_lm.language import Language, Tokens
from policies.causal_lm.menu import Entry, Menu, menu
from policies.causal_lm.policy import CausalPolicy, Reach
from policies.causal_lm.prompt import lines, prompt
from policies.dataset import Example, Sample, example, learn_memory, read_cases, samples, split, trace_digest
from policies.derive.derived import Derived, learn_formulas
from policies.errors import TraceError
from policies.feedback import critic_label
from policies.novelty import Novelty, learn_novelty
from policies.replies.grounding import Ground, words
from policies.replies.learning import Foretold
from policies.sources import sources
from policies.templates import Template
from policies.train import MIN_CASES

Habits = Mapping[tuple[str, str], int]
"""How often a target took its value from a slot: (target key, slot) -> steps."""


@dataclass(frozen=True)
class Recorded:
    """Recorded cases as samples, split into cases to learn from and cases held out, with what is learned of them at once."""

    samples: dict[str, list[Sample]]
    learned: tuple[str, ...]
    held: tuple[str, ...]
    memory: Memory
    novelty: Novelty
    digest: str
    steps: int


@dataclass(frozen=True)
class Lesson:
    """A prompt with the answer that an operator gave."""

    prompt: Tokens
    answer: Tokens


@dataclass(frozen=True)
class Reply:
    """A message that drafting is learned from: the past replies `shown` for it, and its `text` with values by name."""

    sample: Sample
    shown: tuple[Template, ...]
    text: str


@dataclass(frozen=True)
class Judgement:
    """What a critic is asked, and how right the proposal was, in [0, 1]. `shared`: see `scoring.Question`."""

    prompt: Tokens
    shared: int
    right: float


def gather(traces: Path, held_out: float, seed: int) -> Recorded:
    """Read recorded cases.

    Raises:
        TraceError: there is too little to learn from.
    """
    cases = read_cases(traces)
    done = {case_id: found for case_id, steps in cases.items() if (found := list(samples(steps)))}
    if len(done) < MIN_CASES:
        raise TraceError(
            f"Expected at least {MIN_CASES} cases that an operator worked at {str(traces)!r}, met {len(done)}. Record more."
        )
    learned, held = split(done, held_out, seed)
    memory = learn_memory((s for case_id in sorted(learned) for s in done[case_id]), past=True)
    memory = memory.but(derived=Derived(formulas=learn_formulas(s for case_id in sorted(learned) for s in done[case_id])))
    novelty = learn_novelty(
        (s.view for case_id in sorted(learned) for s in done[case_id]),
        (s.view for case_id in sorted(held) for s in done[case_id]),
    )
    steps = sum(map(len, done.values()))
    return Recorded(done, tuple(sorted(learned)), tuple(sorted(held)), memory, novelty, trace_digest(cases), steps)


def habits(found: Iterable[Sample], memory: Memory) -> Habits:
    """Where operators take the value of each target from, where that can be told."""
    counts: Counter[tuple[str, str]] = Counter()
    for made in _examples(found, memory):
        key = made.choices[made.target].key
        counts.update((key, made.candidates[place].slot) for place in made.matches)
    return counts


def answer(sample: Sample, offered: Menu, memory: Memory, known: Habits) -> Entry | None:
    """What a model should answer: of the entries that do what the operator did, the one whose value most often comes from
    there.

    None where no entry does it."""
    made = example(sample, memory)
    if made is None:
        return None
    choice = made.choices[made.target]
    mine = [entry for entry in offered.entries if entry.choice.key == choice.key and entry.choice.operation == choice.operation]
    if not choice.valued:
        return mine[0] if mine else None
    matching = {(made.candidates[i].slot, made.candidates[i].text) for i in made.matches}
    meant = {made.candidates[i].meaning for i in made.matches} - {""}
    right = [
        entry
        for entry in mine
        if entry.candidate is not None
        and ((entry.candidate.slot, entry.candidate.text) in matching or entry.candidate.meaning in meant)
    ]
    return max(
        right, key=lambda entry: known.get((choice.key, entry.candidate.slot if entry.candidate else ""), 0), default=None
    )


def replies(found: Iterable[Foretold], templates: Sequence[Template], reach: Reach) -> Iterator[Reply]:
    """Messages as they would be drafted, without those that say what would have a draft dropped."""
    by_id, wording = {template.id: template for template in templates}, words(p for t in templates for p in t.pieces)
    for message in found:
        sample, alike = message.sample, message.others[: reach.alike]
        offered = sources(sample.view, sample.history)
        text = drafting.named(message.template, offered)
        ground = Ground(sample.view, offered, wording, (one.text for one in alike))
        if text is not None and not ground.lacking(drafting.filled(text, offered) or text):
            yield Reply(sample, tuple(by_id[one.template] for one in alike), text)


def texts(found: Iterable[Sample], written: Iterable[Reply], memory: Memory, known: Habits, reach: Reach) -> Iterator[str]:
    """What a tokenizer learns from: the lines of prompts, the answers, what a critic is asked, and replies."""
    for sample in found:
        offered = menu(sample.view, sample.history, memory)
        yield from (line.text + "\n" for line in lines(sample.view, sample.history, offered, reach.spelt))
        if (right := answer(sample, offered, memory, known)) is not None:
            yield right.text
        yield "sure 5\nverdict: accept"
        yield "sure 5\nverdict: reject"
    for reply in written:
        values = sources(reply.sample.view, reply.sample.history)
        yield from (line.text + "\n" for line in drafting.lines(values, reply.shown, reach.spelt))
        yield reply.text


def lessons(found: Iterable[Sample], memory: Memory, known: Habits, language: Language, reach: Reach) -> Iterator[Lesson]:
    """Every step that can be answered within the budget."""
    for sample in found:
        offered = menu(sample.view, sample.history, memory)
        right = answer(sample, offered, memory, known)
        if right is None:
            continue
        try:
            page = prompt(sample.view, sample.history, offered, language, reach.budget, reach.spelt)
        except ContextError:
            continue
        yield Lesson(page.tokens, language.answer(right.text))


def drafts(written: Iterable[Reply], memory: Memory, language: Language, reach: Reach) -> Iterator[Lesson]:
    """Every reply that can be drafted within the budget."""
    for reply in written:
        view, history = reply.sample.view, reply.sample.history
        answer = language.answer(reply.text)
        try:
            asked = drafting.question(view, history, menu(view, history, memory), reply.shown, language, reach)
        except ContextError:
            continue
        if len(answer) <= reach.drafted:
            yield Lesson(asked.tokens, answer)


def judgements(
    policy: CausalPolicy,
    found: Sequence[Judged],
    shared: bool,
    preference: float,
    progress: Callable[[int, int], None] | None = None,
) -> list[Judgement]:
    """What the critic learns from: proposals that this policy could make, environment verdicts left out. `preference`: how
    right a proposal was that the operator would have done another way."""
    rows = []
    for done, item in enumerate(found, start=1):
        right = critic_label(item.step.verdict, preference) if item.step.verdict is not None else None
        reading = policy.read(item.step.view, item.history) if right is not None else None
        made = question(reading, item.step.ranked[0], policy.language, shared) if reading is not None else None
        if made is not None and right is not None:
            rows.append(Judgement(made.prompt, made.shared, right))
        if progress:
            progress(done, len(found))
    return rows


def _examples(found: Iterable[Sample], memory: Memory) -> Iterator[Example]:
    return (made for sample in found if (made := example(sample, memory)) is not None)
