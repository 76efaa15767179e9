"""From recorded steps to examples: the view, what was done before, the targets, the one taken, and its values.

Corrections are samples for the policy; verdicts are labels for the critic (see `policies.small.critic`). They never mix.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from policies.candidates import Candidate, Choice, Constant, Memory, Offer, Operation, choices
from policies.errors import TraceError
from policies.feedback import Reason
from policies.literals import chosen, literals, task_of
from policies.proposal import History, HistoryItem, is_critical
from policies.sources import sources
from policies.templates import Draft, Template, delexicalise, fold, learn, values
from policies.trace import Step, by_case, read_steps
from policies.wordings import Use
from policies.wordings import group as group_wordings
from schema_extraction.action import Action, Check, Click, Fill, Select, action_value, same_action, target_key
from schema_extraction.view import VIEW_VERSION, View

MIN_CASES = 2
TEXT_KEYS = ("send_message",)


@dataclass(frozen=True)
class Sample:
    """One thing an operator did: in `view`, after `history`. `user`: the operator's name, where it is known."""

    case_id: str
    view: View
    history: History
    action: Action
    user: str = ""


@dataclass(frozen=True)
class Example:
    """A sample whose target is among the `choices` (at `target`); `matches` are the candidates of that target with the
    recorded value, empty when none has it (or the target takes none)."""

    sample: Sample
    choices: tuple[Choice, ...]
    target: int
    candidates: tuple[Candidate, ...]
    matches: tuple[int, ...]

    @property
    def reachable(self) -> bool:
        return bool(self.matches) or not self.choices[self.target].valued


@dataclass(frozen=True)
class Coverage:
    """What share of samples the candidates can express: an upper bound of any accuracy."""

    samples: int
    target: float
    value: float
    both: float
    missed: tuple[tuple[str, int], ...]
    """Targets missed most often, as `operation key`."""


def read_cases(traces: Path) -> dict[str, list[Step]]:
    """All cases of the traces at or below `traces`.

    Raises:
        TraceError: no line could be used, or none has this view version.
    """
    steps = list(read_steps(traces))
    usable = [step for step in steps if step.view.version == VIEW_VERSION]
    if not usable:
        raise TraceError(
            f"Expected steps of view version {VIEW_VERSION} at {str(traces)!r}, met {len(steps)} steps and none of it. "
            "Record again with `casepilot record`."
        )
    return by_case(usable)


def trace_digest(cases: dict[str, list[Step]]) -> str:
    """Names the traces a model was trained on: the same steps give the same digest, in whatever files they lie."""
    digest = blake2b(digest_size=12)
    for case_id in sorted(cases):
        for step in cases[case_id]:
            digest.update(f"{case_id}\0{step.session}\0{step.index}\0{step.time.isoformat()}\0".encode())
            digest.update(step.action.model_dump_json().encode() if step.action else b"-")
    return digest.hexdigest()


def samples(case: Sequence[Step]) -> Iterator[Sample]:
    """What operators did in one case, or agreed to: recorded steps, corrections, and proposals they accepted or edited.

    An entry that was itself corrected before the next critical action was a slip, and is no sample.
    """
    histories: dict[str, History] = {}
    slips = _slips(case)
    for step in case:
        if step.action is None or step.action.type in ("wait", "done", "ask_operator"):
            continue
        history = histories.get(step.session, ())
        agreed = step.verdict is not None and step.verdict.kind in ("accept", "edit")
        worked = step.outcome is None or step.outcome.ok
        if step.verdict is not None and step.verdict.reason is Reason.ENVIRONMENT:
            worked = False  # what was done about a page that misbehaved is no way to work a case
        if (step.actor == "operator" or agreed) and worked and id(step) not in slips:
            user = step.verdict.operator if step.verdict is not None else step.user
            yield Sample(step.case_id, step.view, history, step.action, user)
        histories[step.session] = (*history, HistoryItem(action=step.action, actor=step.actor, outcome=step.outcome))


def _slips(case: Sequence[Step]) -> set[int]:
    """Steps, by identity, whose entry was changed again in the same stretch of the same session."""
    found: set[int] = set()
    entered: dict[tuple[str, str], Step] = {}
    for step in case:
        if step.action is None:
            continue
        if is_critical(step.view, step.action):
            entered = {key: value for key, value in entered.items() if key[0] != step.session}
        elif isinstance(step.action, Fill | Select):
            place = (step.session, target_key(step.action))
            earlier = entered.get(place)
            if earlier is not None and earlier.action is not None and not same_action(earlier.action, step.action):
                found.add(id(earlier))
            entered[place] = step
    return found


def learn_memory(found: Iterable[Sample], min_cases: int = MIN_CASES, past: bool = False) -> Memory:
    """Constants, templates and habits that at least `min_cases` cases share, so that nothing of a single customer stays.

    `past`: see `Memory`."""
    operations: dict[str, Counter[Operation]] = defaultdict(Counter)
    typed: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    drafts: dict[str, list[Draft]] = defaultdict(list)
    sent: dict[str, list[tuple[Sample, str]]] = defaultdict(list)
    used: set[str] = set()
    for sample in found:
        key, value = target_key(sample.action), action_value(sample.action)
        used.add(key)
        if isinstance(sample.action, Click | Fill | Select | Check):
            operations[key][sample.action.type] += 1
            control = sample.view.control(key)
            if isinstance(sample.action, Select) and control is not None and control.options:
                continue
        if value is None or isinstance(sample.action, Check):
            continue
        offered = sources(sample.view, sample.history if past else ())
        if key in TEXT_KEYS or isinstance(sample.action, Fill):
            drafts[key].append(delexicalise(value, offered, sample.case_id))
            sent[key].append((sample, value))
        if key not in TEXT_KEYS and not any(source.text == value.strip() for source in offered):
            typed[key][value.strip()].add(sample.case_id)
    templates: dict[str, tuple[Template, ...]] = {}
    for key, group in drafts.items():
        known = learn(group, min_cases)
        if key in TEXT_KEYS:
            templates[key] = group_wordings(known, _uses(known, sent[key], past))
        else:
            templates[key] = tuple(t for t in known if t.slots and any(p.strip() for p in t.pieces))
    constants = {
        key: tuple(
            Constant(text=text, cases=len(seen))
            for text, seen in sorted(texts.items(), key=lambda item: (-len(item[1]), item[0]))
            if len(seen) >= min_cases
        )
        for key, texts in typed.items()
    }
    return Memory(
        constants={key: value for key, value in constants.items() if value},
        templates={key: value for key, value in templates.items() if value},
        operations={key: counts.most_common(1)[0][0] for key, counts in sorted(operations.items())},
        used=frozenset(used),
        past=past,
    )


def _uses(known: Sequence[Template], sent: Iterable[tuple[Sample, str]], past: bool) -> Iterator[Use]:
    """Which template each message was sent with, and when."""
    for sample, text in sent:
        view, history = sample.view, sample.history
        slots = values(sources(view, history if past else ()))
        template = next((t for t in known if fold(t.fill(slots) or "") == fold(text)), None)
        if template is not None:
            picked = tuple(sorted(chosen(history).items()))
            true = literals(view, history, controls=False)
            yield Use(template.id, sample.case_id, task_of(view), view.slice, picked, true)


def example(sample: Sample, memory: Memory) -> Example | None:
    """The sample among the choices of its view, or None when its target is not one of them."""
    offered = choices(sample.view, memory)
    key = target_key(sample.action)
    target = next((i for i, c in enumerate(offered) if c.key == key and c.operation == sample.action.type), None)
    if target is None:
        return None
    offer = Offer(sample.view, memory, sample.history)
    candidates = offer.candidates(offered[target])
    return Example(sample, offered, target, candidates, _matches(sample, candidates, offer, memory))


def _matches(sample: Sample, candidates: Sequence[Candidate], offer: Offer, memory: Memory) -> tuple[int, ...]:
    """Candidates with the recorded value; for a message, also those that say the same in other words."""
    value = action_value(sample.action)
    if value is None or isinstance(sample.action, Check):
        return ()
    exact = tuple(i for i, c in enumerate(candidates) if fold(c.text) == fold(value))
    if sample.action.type not in TEXT_KEYS:
        return exact
    meant = {candidates[i].meaning for i in exact} - {""}
    if not exact:
        pieces = delexicalise(value, offer.sources).pieces
        meant = {t.meaning for t in memory.templates.get(sample.action.type, ()) if t.pieces == pieces} - {""}
    return tuple(i for i, c in enumerate(candidates) if i in exact or c.meaning in meant)


def coverage(found: Sequence[tuple[Sample, Example | None]]) -> Coverage:
    """The share of samples whose recorded target and value are among the candidates."""
    total = len(found)
    hit = [made for _, made in found if made is not None]
    whole = sum(made.reachable for made in hit)
    missed = Counter(
        f"{sample.action.type} {target_key(sample.action)}" for sample, made in found if made is None or not made.reachable
    )
    share = max(total, 1)
    return Coverage(total, len(hit) / share, whole / max(len(hit), 1), whole / share, tuple(missed.most_common(8)))


def split(case_ids: Iterable[str], share: float, seed: int) -> tuple[frozenset[str], frozenset[str]]:
    """Cases to learn from and cases held out (`share` of them, at least one where there are two), stable under new cases."""

    def rank(case_id: str) -> bytes:
        return blake2b(f"{seed}:{case_id}".encode(), digest_size=8).digest()

    ordered = sorted(set(case_ids), key=rank)
    held = min(max(round(len(ordered) * share), 1 if share > 0 else 0), max(len(ordered) - 1, 0))
    return frozenset(ordered[held:]), frozenset(ordered[:held])
