"""Formulas for what operators work out, and comparisons for what they choose: found from few cases with slips, and from
chance not found."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from agent.words import describe
from policies.candidates import Memory, Offer, choices
from policies.dataset import example, learn_memory
from policies.derive.comparisons import Choice, Comparison, find_comparisons, truths
from policies.derive.derived import Derived, contradicted, learn_formulas
from policies.derive.expressions import apply, const, evaluate, get, worded
from policies.derive.fields import report
from policies.derive.operands import operands
from policies.derive.search import Formula, find
from policies.literals import literals
from policies.proposal import HistoryItem, Proposal, explained
from policies.small.lexicon import Lexicon, words_of
from policies.small.rules import grow
from schema_extraction.action import Fill, Target
from schema_extraction.view import Control, Message, Option, View
from tests.policies import claims
from tests.policies.claims import Claim

KINDS = list(claims.WORKED_OUT.items())


def drawn(count: int, seed: int, *, one_day: bool = False) -> list[Claim]:
    rng = random.Random(seed)
    return [claims.draw(rng, number, one_day=one_day) for number in range(count)]


@pytest.mark.parametrize(("name", "rule"), KINDS, ids=[name for name, _ in KINDS])
def test_every_kind_of_formula_is_found_from_forty_cases_with_slips(name: str, rule: Callable[[Claim], str]) -> None:
    cases = drawn(40, seed=3)
    found = find(claims.entries(cases, claims.slips([rule(c) for c in cases], random.Random(4))))
    assert found
    new = drawn(60, seed=1000)
    told = [found[0].value(operands(claims.view_of(c))) for c in new]
    right = [value is not None and value[1] == rule(c) for value, c in zip(told, new, strict=True)]
    assert sum(right) >= 59


@pytest.mark.parametrize("name", ["less", "times", "a percentage on the page", "days between", "initials", "part of an id"])
def test_plain_formulas_are_found_from_fifteen_cases(name: str) -> None:
    rule = claims.WORKED_OUT[name]
    for seed in range(5):
        cases = drawn(15, seed)
        found = find(claims.entries(cases, claims.slips([rule(c) for c in cases], random.Random(seed))))
        new = drawn(20, seed=seed + 500)
        assert found and all((v := found[0].value(operands(claims.view_of(c)))) and v[1] == rule(c) for c in new)


def test_nothing_is_found_in_shuffled_values() -> None:
    found = []
    for seed, (name, rule) in enumerate(KINDS[::4]):
        cases = drawn(25, seed)
        texts = [rule(c) for c in cases]
        random.Random(seed).shuffle(texts)
        found += [(name, worded(formula.expression)) for formula in find(claims.entries(cases, texts))]
    assert found == []


def test_a_copy_is_no_formula_even_with_slips() -> None:
    for seed in range(5):
        cases = drawn(40, seed)
        assert find(claims.entries(cases, claims.slips([f"{c.claimed:.2f}" for c in cases], random.Random(seed)))) == ()


def test_too_few_cases_prove_nothing() -> None:
    cases = drawn(5, seed=1)
    assert find(claims.entries(cases, [f"{c.claimed - c.excess:.2f}" for c in cases])) == ()


def test_a_value_that_is_worked_out_in_two_ways_gives_both() -> None:
    """Whoever is Gold pays no excess: which of the two holds is for the policy's rules to say."""
    cases = drawn(60, seed=5)
    texts = [f"{c.claimed + c.price if c.member == 'Gold' else c.claimed - c.excess:.2f}" for c in cases]
    found = {worded(f.expression) for f in find(claims.entries(cases, texts))}
    assert found == {"Amount claimed plus Price per night", "Amount claimed less Excess"}


def test_the_same_field_may_mean_something_else_in_another_process() -> None:
    cases = drawn(60, seed=6)
    home, travel = cases[:30], cases[30:]
    samples = claims.recorded(home, [f"{c.claimed - c.excess:.2f}" for c in home], "Home")
    samples += claims.recorded(travel, [f"{c.nights * c.price:.2f}" for c in travel], "Travel")
    derived = Derived(formulas=learn_formulas(samples))
    assert [worded(f.expression) for f in derived.of(claims.FIELD, "Home")] == ["Amount claimed less Excess"]
    assert [worded(f.expression) for f in derived.of(claims.FIELD, "Travel")] == ["Nights times Price per night"]
    assert list(derived.of(claims.FIELD, "Another")) == []


def learned(seed: int = 7) -> Memory:
    cases = drawn(40, seed)
    samples = claims.recorded(cases, [f"{c.claimed - c.excess:.2f}" for c in cases])
    return learn_memory(samples, past=True).but(derived=Derived(formulas=learn_formulas(samples)))


def claim_of_4430() -> View:
    claim = drawn(1, seed=8)[0]
    return claims.view_of(claim.__class__(**{**claim.__dict__, "claimed": 4430.0, "excess": 250.0}))


def test_a_derived_value_is_offered_with_its_formula_in_words() -> None:
    view, memory = claim_of_4430(), learned()
    field = next(choice for choice in choices(view, memory) if choice.key == claims.FIELD)
    (candidate,) = [c for c in Offer(view, memory).candidates(field) if c.provenance.formula]
    assert candidate.text == "4180.00"
    assert candidate.provenance.source == "derived"
    assert describe(field.action(candidate)) == ("Fill 'Payout' with '4180.00' = Amount claimed $4,430.00 less Excess $250.00.")


def test_a_recorded_value_that_a_formula_gives_is_matched_by_it_and_explained() -> None:
    memory, claim = learned(), drawn(1, seed=9)[0]
    (sample,) = claims.recorded([claim], [f"{claim.claimed - claim.excess:.2f}"])
    made = example(sample, memory)
    assert made is not None
    (match,) = made.matches
    proposed = made.choices[made.target].action(made.candidates[match])
    assert isinstance(proposed, Fill) and proposed.provenance.source == "derived"
    ranked = (Proposal(action=proposed, probability=0.9),)
    assert explained(sample.action, ranked) == sample.action.model_copy(update={"provenance": proposed.provenance})
    (other,) = claims.recorded([claim], ["17.00"])
    assert explained(other.action, ranked) is other.action


def test_an_option_can_be_a_derived_value() -> None:
    view, memory = claim_of_4430(), learned()
    labels = ("4180.00", "4430.00")
    field = Control(ref="e1", key=claims.FIELD, role="combobox", options=tuple(Option(label=t, value=t) for t in labels))
    view = view.but(controls=(field,))
    offered = Offer(view, memory).candidates(choices(view, memory)[0])
    assert [c.text for c in offered if c.provenance.formula] == ["4180.00"]


def test_what_was_learned_is_kept_as_json_and_old_models_have_none() -> None:
    memory = learned()
    again = Memory.model_validate_json(memory.model_dump_json())
    assert again.derived == memory.derived and again.derived.formulas
    old = memory.model_dump(mode="json")
    del old["derived"], old["past"]
    assert Memory.model_validate(old).derived == Derived()


def test_a_field_that_contradicts_its_formula_is_told() -> None:
    cases = drawn(1, seed=11)
    right = f"{cases[0].claimed - cases[0].excess:.2f}"
    derived = learned().derived
    assert contradicted(claims.view_of(cases[0], held=right), (), derived) == {}
    assert contradicted(claims.view_of(cases[0], held="17.00"), (), derived) == {claims.FIELD: right}


def test_what_was_filled_in_before_is_offered_on_a_later_form() -> None:
    view = claim_of_4430()
    earlier = Fill(target=Target(key="/record/textbox/damage/0", role="textbox", name="Damage"), value="812.40")
    history = (HistoryItem(action=earlier, actor="operator"),)
    field = choices(view, Memory())[0]
    assert "812.40" in {c.text for c in Offer(view, Memory(past=True), history).candidates(field)}
    assert "812.40" not in {c.text for c in Offer(view, Memory(), history).candidates(field)}
    assert evaluate(apply("-", get("past:/record/textbox/damage/0"), const(12.4)), operands(view, history)) == 800.0


def test_the_report_tells_copied_chosen_derived_and_free() -> None:
    cases = drawn(40, seed=12)
    memory = learned(12)
    copied = claims.recorded(cases[:3], [f"{c.claimed:.2f}" for c in cases[:3]])
    derived = claims.recorded(cases[3:8], [f"{c.claimed - c.excess:.2f}" for c in cases[3:8]])
    free = claims.recorded(cases[8:9], ["as agreed by phone"])
    picked = [
        sample.__class__(s_id, view, (), action)
        for sample, s_id, (view, action) in zip(
            copied, ("C-1", "C-2", "C-3"), claims.chosen(cases[:3], ["Pay", "Refuse", "Ask"]), strict=True
        )
    ]
    found = report([*copied, *derived, *free, *picked], memory)
    payout = next(field for field in found.fields if field.key == claims.FIELD)
    assert (payout.copied, payout.derived, payout.free, payout.use) == (3, 5, 1, "derived")
    assert payout.formulas == ("Amount claimed less Excess",)
    assert {use: found.count(use) for use in ("copied", "chosen", "derived", "free")} == {
        "copied": 0,
        "chosen": 1,
        "derived": 1,
        "free": 0,
    }
    assert found.entries("chosen") == 3


Decides = Callable[[Claim], bool]
DECISIONS: dict[str, Decides] = {
    "one amount against another": lambda c: c.claimed > c.limit,
    "days between two dates": lambda c: c.length >= 22,
    "an amount against a learned number": lambda c: c.claimed > 3300,
    "an amount against a share of another": lambda c: c.claimed >= 0.8 * c.limit,
    "a comparison for some only": lambda c: c.member == "Gold" or c.length <= 17,
}


def decided(cases: list[Claim], answers: list[str]) -> list[Choice]:
    views = [claims.view_of(c) for c in cases]
    return [
        Choice(view.case_id or "", literals(view), operands(view), answer) for view, answer in zip(views, answers, strict=True)
    ]


@pytest.mark.parametrize("name", list(DECISIONS))
def test_comparisons_behind_a_decision_are_found(name: str) -> None:
    rule = DECISIONS[name]
    cases = drawn(120, seed=20)
    answers = claims.slips(["Refuse" if rule(c) else "Pay" for c in cases], random.Random(2), 0.03)
    found = find_comparisons({"decision": decided(cases, answers)})
    new = [c for c in drawn(300, seed=900) if name != "a comparison for some only" or c.member != "Gold"]
    truth = [rule(c) for c in new]

    def agreement(comparison: Comparison) -> float:
        same = [comparison.holds(operands(claims.view_of(c))) == t for c, t in zip(new, truth, strict=True)]
        return max(sum(same), len(same) - sum(same)) / len(same)

    assert max(map(agreement, found)) > 0.92


def right_by_rules(name: str, *, compared: bool, count: int = 120) -> float:
    """The share of new cases in which trees over what is true of a view decide as the rule does."""
    rule = DECISIONS[name]
    cases, new = drawn(count, seed=20), drawn(150, seed=900)
    answers = claims.slips(["Refuse" if rule(c) else "Pay" for c in cases], random.Random(2), 0.03)
    found = find_comparisons({"decision": decided(cases, answers)}) if compared else ()
    views = [claims.view_of(c) for c in cases]
    lexicon = Lexicon(words={word: n for n, word in enumerate(sorted(set().union(*map(words_of, views))), 1)})
    forest = grow([(v.case_id or "", truths(v, (), found), a) for v, a in zip(views, answers, strict=True)], lexicon, 0)
    assert forest is not None
    told = [forest(truths(claims.view_of(c), (), found)) for c in new]
    return sum((max(odds, key=odds.__getitem__) == "Refuse") == rule(c) for odds, c in zip(told, new, strict=True)) / len(new)


@pytest.mark.parametrize(
    "name", ["one amount against another", "days between two dates", "an amount against a share of another"]
)
def test_rules_with_thresholds_are_learned_better_with_comparisons(name: str) -> None:
    without, compared = right_by_rules(name, compared=False), right_by_rules(name, compared=True)
    print(f"{name}: {without:.1%} without comparisons, {compared:.1%} with")
    assert compared > without + 0.05 and compared > 0.88


def test_no_comparison_is_found_in_shuffled_decisions() -> None:
    problems = {}
    for seed, rule in enumerate(list(DECISIONS.values())[:3]):
        cases = drawn(80, seed)
        answers = ["Refuse" if rule(c) else "Pay" for c in cases]
        random.Random(seed).shuffle(answers)
        problems[str(seed)] = decided(cases, answers)
    assert find_comparisons(problems) == ()


def test_a_comparison_is_a_truth_of_the_view_and_reads_well() -> None:
    slots = ("fact:/claim/fact/amount-claimed/0", "fact:/claim/fact/limit/0")
    above = Comparison(expression=apply("-", get(slots[0]), get(slots[1])), edge=0.0, strict=True)
    view = claim_of_4430()
    assert above.worded(operands(view)).startswith("Amount claimed $4,430.00 is above Limit $")
    assert (above.name in truths(view, (), [above])) == (4430.0 > evaluate(get(slots[1]), operands(view)))  # type: ignore[operator]
    assert truths(view, (), []) == literals(view)


def test_the_search_keeps_up_with_much_recorded_work() -> None:
    """300 fields of 40 cases each, 12,000 entries, in less than the time allowed for tens of thousands of steps."""
    cases = drawn(40, seed=30)
    rules = [rule for _, rule in KINDS[:12]]
    made = [claims.entries(cases, [rule(c) for c in cases]) for rule in rules]
    started = time.process_time()
    for rows in made:
        assert find(rows)
    assert (time.process_time() - started) / len(made) * 300 < 120


def test_formulas_read_as_a_person_would_say_them() -> None:
    excess, limit = "fact:/claim/fact/excess/0", "fact:/claim/fact/limit/0"
    notice, policy, name = "fact:/claim/fact/period-of-notice/0#", "fact:/claim/fact/policy/0", "fact:/claim/fact/full-name/0"
    said = {
        "the smaller of (Limit less Excess) and 300": apply("min", apply("-", get(limit), get(excess)), const(300.0)),
        "(Limit less Excess), but not below 0": apply("max", apply("-", get(limit), get(excess)), const(0.0)),
        "2.5 % of Limit": apply("*", get(limit), const(0.025)),
        "today plus 14 days": apply("later", get("today"), const(14.0)),
        "the last word of Full name in capitals": apply("upper", apply("word", get(name), number=-1)),
        "the second part of Policy": apply("part", get(policy), number=1, text="-"),
        "the larger of the customer's first money and the customer's money": apply(
            "max", get("span:money:first"), get("span:money:last")
        ),
    }
    assert {worded(expression): expression for expression in said.values()} == said
    given = operands(claim_of_4430())
    assert worded(apply("later", get("today"), get(notice)), given).startswith("today plus Period of notice ")
    assert not worded(apply("later", get("today"), get(notice)), given).endswith("days days")


def test_formulas_survive_values_they_cannot_work_with() -> None:
    given = operands(claim_of_4430())
    nought = Formula(expression=apply("/", get("fact:/claim/fact/limit/0"), const(0.0)), form="0.00")
    missing = Formula(expression=apply("-", get("fact:/nowhere"), const(1.0)), form="0.00")
    far = Formula(expression=apply("later", get("today"), const(10.0**9)), form="iso")
    wrong = Formula(expression=apply("-", get("today"), const(1.0)), form="0.00")
    assert [f.value(given) for f in (nought, missing, far, wrong)] == [None] * 4


def test_two_readings_that_a_customer_names_can_be_taken_from_one_another() -> None:
    """Numbers of five digits are read as ids, of which an account number may be another."""
    said = ("Start 67978, end 68031. The car is mine.", "My account is A-51696, zip 12345.")
    view = claim_of_4430().but(messages=tuple(Message(author="Customer", direction="inbound", text=text) for text in said))
    distance = apply("-", get("span:figure:second"), get("span:figure:first"))
    assert evaluate(distance, operands(view)) == 53.0
    assert worded(distance) == "the customer's second figure less the customer's first figure"
