"""Critics from verdicts made up without a policy: labels, groups of inputs, and the critic that reads no text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.calibrate import judged
from policies.errors import FeedbackError
from policies.feedback import Reason, Verdict, critic_label, grade
from policies.literals import typed_literals
from policies.preferences import Preferences, learn_preferences
from policies.proposal import History, HistoryItem
from policies.small import features as f
from policies.small.critic import TypedCritic
from policies.small.rules import Forest, Rules
from policies.small.verdicts import CriticSettings, Table, learn_weights
from policies.trace import Step
from schema_extraction.action import Provenance, Select
from schema_extraction.normalise import value
from schema_extraction.view import Dialog, Fact, Message, Notice, Option, Section, View
from tests.policies import made


def table(count: int, preferences: int, errors: int, environment: int = 0, seed: int = 0) -> Table:
    """Errors are told by the policy's doubt of its least likely entry; preferences and the environment come by chance."""
    random = np.random.default_rng(seed)
    total = count + preferences + errors + environment
    grades = np.array(["accepted"] * count + ["preference"] * preferences + ["error"] * errors + ["environment"] * environment)
    rows = random.normal(0, 1, (total, len(f.NAMES)))
    rows[:, f.NAMES.index("log_least_p")] = np.where(grades == "error", -1.0, 1.0) + random.normal(0, 0.9, total)
    order = random.permutation(total)
    typed = random.normal(0, 1, (total, len(f.TYPED_NAMES)))
    cases = np.array([f"C-{i // 3}" for i in range(total)])
    return Table(rows[order], random.normal(0, 1, (total, 9)), typed[order], grades[order], cases, random.random(total))


def test_grades_and_labels() -> None:
    def verdict(kind: str, reason: Reason | None = None) -> Verdict:
        return Verdict.model_validate({"kind": kind, "operator": "mia", "reason": reason})

    assert grade(verdict("accept")) == "accepted"
    assert grade(verdict("edit", Reason.WRONG_VALUE)) == grade(verdict("reject")) == "error"
    for reason in (Reason.PREFERENCE, Reason.OPTIONAL_STEP):
        assert grade(verdict("reject", reason)) == "preference"
        assert critic_label(verdict("reject", reason), 0.75) == 0.75
    assert critic_label(verdict("reject", Reason.ENVIRONMENT)) is None


def test_what_a_preference_counts_for_is_chosen_by_validation() -> None:
    """Right proposals turned down by chance are best taken for right; wrong ones called a matter of taste are not."""
    taste = table(300, 60, 30)
    _, metrics = learn_weights(taste)
    assert metrics["preference_label"] >= 0.75
    mistaken = table(300, 30, 60)
    rows = mistaken.features.copy()
    rows[mistaken.grades == "preference", f.NAMES.index("log_least_p")] -= 2.0
    _, metrics = learn_weights(
        Table(rows, *(getattr(mistaken, n) for n in ("vectors", "typed", "grades", "cases", "confidence")))
    )
    assert metrics["preference_label"] <= 0.25
    _, metrics = learn_weights(taste, CriticSettings(preference=0.3))
    assert metrics["preference_label"] == 0.3


def test_graded_feedback_is_better_calibrated_to_what_is_right_than_binary() -> None:
    learned, seen = table(300, 80, 30, 40), table(600, 0, 60, seed=5)
    right = (seen.grades != "error").astype(float)
    loss = {}
    for grading in ("graded", "binary"):
        weights, _ = learn_weights(learned, CriticSettings.model_validate({"grading": grading}))
        p = np.clip(weights(seen.features, seen.vectors), 1e-6, 1 - 1e-6)
        loss[grading] = -np.mean(right * np.log(p) + (1 - right) * np.log(1 - p))
    assert loss["graded"] < 0.9 * loss["binary"]


def test_the_environment_teaches_nothing() -> None:
    calm, rough = table(200, 10, 40), table(200, 10, 40)
    extra = table(0, 0, 0, 50, seed=9)
    both = Table(
        *(
            np.concatenate([getattr(rough, name), getattr(extra, name)])
            for name in ("features", "vectors", "typed", "grades", "cases", "confidence")
        )
    )
    (a, _), (b, _) = learn_weights(calm), learn_weights(both)
    assert np.array_equal(a.slope, b.slope) and a.bias == b.bias


def test_a_group_that_is_switched_off_has_no_part_in_the_score() -> None:
    learned = table(200, 10, 40)
    for group in ("policy", "text", "provenance"):
        weights, _ = learn_weights(learned, CriticSettings(groups=tuple(g for g in f.ALL if g != group)))
        used = {f.NAMES[i] for i in weights.columns}
        assert not used & set(f.GROUPS[group])
        if group == "text":
            assert not len(weights.directions)


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (20, 0, 0, 0), (0, 0, 20, 0), (20, 0, 0, 5), (0, 0, 0, 6)])
def test_empty_and_one_sided_feedback_is_refused_in_a_line_that_counts_it(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(
        FeedbackError, match=f"{counts[0]} accepted.*casepilot run --stage copilot.*earlier critic is kept"
    ) as said:
        learn_weights(table(*counts))
    assert "\n" not in str(said.value)


# The critic that reads no text.

OPTIONS = tuple(Option(label=label, value=label, selected=label == "late") for label in ("damaged", "late"))


def typed_view(
    words: tuple[str, ...] = ("Anna", "broken", "Hello", "Take care", "Sure?", "Note"), amount: str = "120.00"
) -> View:
    """A form in which free text stands wherever it can: facts, messages, notices, sections, title, dialog, a typed field."""
    base = made.view()
    controls = tuple(
        c.model_copy(update={"options": OPTIONS, "value": value("late", "Reason")})
        if c.key == made.REASON
        else c.model_copy(update={"value": value(words[0], "Name"), "message": words[3]})
        if c.key == made.NAME
        else c
        for c in base.controls
    )
    return base.model_copy(
        update={
            "controls": controls,
            "title": words[5],
            "facts": (
                Fact(key="Customer/Name", label="Name", value=value(words[0], "Name")),
                Fact(key="Order/Problem", label="Problem", value=value(words[1], "Problem")),
                Fact(key="Order/Amount", label="Amount", value=value(amount, "Amount")),
            ),
            "messages": (Message(author=words[0], direction="inbound", text=words[2]),),
            "notices": (Notice(kind="alert", text=words[3]),),
            "sections": (Section(name="Order", text=words[5]),),
            "dialog": Dialog(name="Confirm", text=words[4]),
        }
    )


def typed_critic() -> TypedCritic:
    """Uses every typed input there is, with a rule on the amount: over 100 the reason is 'damaged'."""
    name = "Order/Amount>=100"
    forest = Forest(
        (name,),
        ("option:damaged", "option:late"),
        np.array([[0, -1, -1]], np.int32),
        np.array([[[1, 2], [0, 0], [0, 0]]], np.int32),
        np.array([[[0.5, 0.5], [0.1, 0.9], [0.9, 0.1]]], np.float32),
    )
    random = np.random.default_rng(4)
    rows = random.normal(0, 1, (90, len(f.TYPED_NAMES)))
    grades = np.where(rows.sum(1) > 0, "accepted", "error")
    cases = np.array([f"C-{i}" for i in range(90)])
    made_up = Table(np.zeros((90, len(f.NAMES))), np.zeros((90, 3)), rows, grades, cases, np.zeros(90))
    weights, _ = learn_weights(made_up, CriticSettings(typed=True))
    assert len(weights.columns) == len(f.TYPED_NAMES)
    return TypedCritic(weights, Rules({made.REASON: forest}))


CRITIC = typed_critic()
CHOSEN = HistoryItem(
    action=Select(target=made.choose("late").target, option="late", provenance=Provenance(source="option")), actor="agent"
)
PAST: History = (CHOSEN,)

text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=60).filter(
    lambda said: value(said, "Name").kind == "text"
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.tuples(text, text, text, text, text, text))
def test_no_free_text_changes_the_score_of_the_typed_critic(words: tuple[str, str, str, str, str, str]) -> None:
    for action in (made.SUBMITS, made.SENDS, made.CLOSES):
        ranked = made.proposals(action)
        assert CRITIC.score(typed_view(words), PAST, ranked) == CRITIC.score(typed_view(), PAST, ranked)


def test_the_typed_critic_does_not_see_what_the_policy_makes_of_the_text() -> None:
    sure, unsure = (made.proposals(made.SUBMITS, p, novelty) for p, novelty in ((0.99, 0.0), (0.2, 1.2)))
    doubted = (CHOSEN.model_copy(update={"probability": 0.01, "novelty": 3.0}),)
    assert CRITIC.score(typed_view(), PAST, sure) == CRITIC.score(typed_view(), doubted, unsure)


def test_the_typed_critic_sees_numbers_choices_history_and_provenance() -> None:
    base = CRITIC.score(typed_view(), PAST, made.proposals(made.SUBMITS))
    assert CRITIC.score(typed_view(amount="80.00"), PAST, made.proposals(made.SUBMITS)) != base
    assert CRITIC.score(typed_view(), (), made.proposals(made.SUBMITS)) != base
    assert CRITIC.score(typed_view(), PAST, made.proposals(made.SENDS)) != base
    from_text = CHOSEN.action.model_copy(update={"provenance": Provenance(source="message")})
    assert CRITIC.score(typed_view(), (CHOSEN.model_copy(update={"action": from_text}),), made.proposals(made.SUBMITS)) != base
    assert CRITIC.score(typed_view(), PAST, ()) == 0.0


def test_typed_literals_hold_no_text() -> None:
    names = typed_literals(typed_view())
    assert "Order/Amount>=100" in names and f"{made.REASON}=late" in names
    assert not [name for name in names if "anna" in name.casefold() or "broken" in name]


# Preferences.


def steps(operator: str, turned: int, total: int, start: int = 0) -> list[Step]:
    found = []
    for i in range(total):
        reason = Reason.PREFERENCE if i < turned else None
        step = made.reviewed(f"C-{start + i}", 0, made.SUBMITS, "reject" if reason else "accept", reason)
        assert step.verdict is not None
        found.append(step.model_copy(update={"verdict": step.verdict.model_copy(update={"operator": operator})}))
    return found


def test_an_operators_own_way_is_told_and_drawn_towards_everybodys() -> None:
    found = learn_preferences(list(judged([*steps("mia", 12, 30), *steps("kim", 0, 30, 100), *steps("new", 1, 1, 200)])))
    assert found.share("mia", "click", "refund") > 0.25 > found.share("kim", "click", "refund")
    assert found.share("kim", "click", "refund") < 0.1
    assert found.share("new", "click", "refund") < 0.8
    assert found.share("nobody", "click") == pytest.approx((13 + 0.5) / (61 + 1.0))
    assert [(habit.operator, habit.turned) for habit in found.habits()] == [("mia", 12)]
    assert "mia does click in refund another way: 12 of 30" in found.habits()[0].describe()
    assert Preferences().share("mia", "click") == 0.5
    assert learn_preferences([]).habits() == ()
