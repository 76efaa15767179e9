"""The choices of training cases, as the search for comparisons takes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from policies.dataset import Example
from policies.derive.comparisons import MOST_ROWS, Choice, Comparison, ComparisonSettings, find_comparisons
from policies.derive.derived import without
from policies.derive.operands import operands
from policies.literals import literals
from policies.small.rules import first_offers
from policies.small.values import meaning_of
from schema_extraction.action import Fill


def learn_comparisons(
    cases: Mapping[str, Sequence[Example]], settings: ComparisonSettings = ComparisonSettings()
) -> tuple[Comparison, ...]:
    """What decides between options, endings and replies in training `cases`, and whether a step is taken at all. Values that
    are filled in are left to the formulas."""
    choices: dict[str, list[Choice]] = defaultdict(list)
    # Choices of enough cases for each key, whichever: what a view offers is worked out for these only.
    for case_id, examples in sorted(cases.items(), key=lambda item: blake2b(item[0].encode(), digest_size=8).digest()):
        for example in examples:
            sample, choice = example.sample, example.choices[example.target]
            if example.matches and not isinstance(sample.action, Fill) and len(choices[choice.key]) < MOST_ROWS:
                answer = min(meaning_of(example.candidates[i]) for i in example.matches)
                given = without(operands(sample.view, sample.history), choice.key)
                true = literals(sample.view, sample.history)
                choices[choice.key].append(Choice(case_id, true, given, answer))
        for sample, offered in first_offers(examples):
            offered = {key: taken for key, taken in offered.items() if len(choices[f"whether {key}"]) < MOST_ROWS}
            if not offered:
                continue
            given = operands(sample.view, sample.history)
            true = literals(sample.view, sample.history, controls=False)
            stable = {slot: operand for slot, operand in given.items() if not slot.startswith("control:")}
            for key, taken in offered.items():
                choices[f"whether {key}"].append(Choice(case_id, true, stable, "yes" if taken else "no"))
    return find_comparisons(choices, settings)
