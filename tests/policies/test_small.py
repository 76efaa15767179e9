"""The small policy and its parts: what it reads off a view, and the rules it learns from few cases."""

from __future__ import annotations

import random
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from policies.bundle import Bundle, load
from policies.candidates import Memory, Offer, choices
from policies.derive.fields import USES
from policies.encoder import EncoderSettings, TextEncoder
from policies.evaluate import evaluate
from policies.literals import literals
from policies.novelty import Novelty, learn_novelty, make_up
from policies.proposal import History, HistoryItem
from policies.small.collate import collate
from policies.small.columns import FLAGS, KINDS, Texts
from policies.small.elements import elements
from policies.small.hearing import Hearing
from policies.small.knowledge import Knowledge, Opinion
from policies.small.lexicon import Lexicon, shape
from policies.small.model import NetConfig, PolicyNet, number_code
from policies.small.rules import Rules, grow
from policies.small.values import values
from policies.train import TrainSettings, train_policy
from schema_extraction.action import Action, Click, Done, Fill, Select, SendMessage, action_value, same_action, target_key
from schema_extraction.normalise import value
from schema_extraction.view import Fact, View
from tests.policies import worlds

NOTHING = Knowledge(Lexicon(), Rules(), Hearing())


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> EncoderSettings:
    return EncoderSettings(cache=tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, texts: EncoderSettings) -> Bundle:
    """Trained on 40 cases of one process with a rule of two conditions."""
    folder = tmp_path_factory.mktemp("small")
    worlds.record(folder / "traces", 40, seed=5, process="Return")
    settings = TrainSettings(width=64, held_out=0.05)
    train_policy(folder / "traces", folder / "model", settings, encoder=texts)
    return load(folder / "model", texts)


@lru_cache(maxsize=1)
def held_out() -> tuple[list[tuple[View, History, Action]], ...]:
    """Cases that nobody trained on, each as its steps."""
    rng = random.Random(77)
    cases = []
    for number in range(60):
        history: History = ()
        steps = []
        for view, action in worlds.script(worlds.draw(9000 + number, rng, "Return")):
            steps.append((view, history, action))
            history = (*history, HistoryItem(action=action, actor="operator"))
        cases.append(steps)
    return tuple(cases)


def right(bundle: Bundle, key: str) -> float:
    """The share of held-out steps at `key` that come first, given the right target."""
    hits = []
    for steps in held_out():
        for view, history, action in steps:
            if target_key(action) == key:
                ranked = [p for p in bundle.policy.propose(view, history) if target_key(p.action) == key]
                hits.append(bool(ranked) and same_action(ranked[0].action, action))
    return float(np.mean(hits))


def test_a_rule_of_two_conditions_is_learned_from_forty_cases(bundle: Bundle) -> None:
    assert right(bundle, "/Assess return/combobox/Eligible") > 0.9


def test_what_the_customer_asks_for_is_heard(bundle: Bundle) -> None:
    assert right(bundle, "/Assess return/combobox/Reason") > 0.9


def test_ids_are_copied_from_messages_and_names_from_facts(bundle: Bundle) -> None:
    assert right(bundle, "/Verify customer/textbox/Order number") > 0.95
    assert right(bundle, "/Verify customer/textbox/Customer name") > 0.95


def test_replies_are_filled_for_the_customer_at_hand_and_follow_the_decision(bundle: Bundle) -> None:
    assert right(bundle, "send_message") > 0.9


def test_the_whole_of_most_cases_is_right_step_by_step(bundle: Bundle) -> None:
    whole = [all(same_action(bundle.policy.propose(v, h)[0].action, a) for v, h, a in steps) for steps in held_out()]
    assert np.mean(whole) > 0.75


def test_a_full_form_is_completed_and_an_empty_one_is_not(bundle: Bundle) -> None:
    for steps in held_out()[:20]:
        for view, history, action in steps:
            first = bundle.policy.propose(view, history)[0].action
            done = isinstance(first, Click) and first.target.name == "Complete task"
            assert done == (isinstance(action, Click) and action.target.name == "Complete task")


def test_proposals_are_valid_ranked_and_say_where_values_come_from(bundle: Bundle) -> None:
    for view, history, _ in held_out()[0]:
        ranked = bundle.policy.propose(view, history)
        assert [p.probability for p in ranked] == sorted((p.probability for p in ranked), reverse=True)
        assert sum(p.probability for p in ranked) <= 1.0 + 1e-6
        for proposal in ranked:
            assert proposal.probability == pytest.approx(proposal.p_target * proposal.p_value)
            action = proposal.action
            if isinstance(action, Fill | Select):
                control = view.control(action.target.key)
                assert control is not None and control.ref == action.target.ref
                assert control.value is None or control.value.raw != action_value(action)
            if isinstance(action, Fill | SendMessage):
                assert action.provenance.source in ("fact", "message", "cell", "template", "constant", "derived")


def test_the_same_model_gives_the_same_proposals_bit_for_bit(bundle: Bundle, texts: EncoderSettings) -> None:
    again = load(bundle.path, texts)
    for view, history, _ in held_out()[1]:
        assert again.policy.propose(view, history) == bundle.policy.propose(view, history)


def test_a_closed_case_is_done_and_an_empty_page_gets_no_proposal(bundle: Bundle) -> None:
    view = held_out()[0][0][0]
    (only,) = bundle.policy.propose(view.model_copy(update={"closed": True}), ())
    assert isinstance(only.action, Done)
    assert bundle.policy.propose(View(path="/", today=worlds.TODAY), ()) == ()


def test_no_name_of_a_training_customer_is_in_the_model_folder(bundle: Bundle) -> None:
    rng = random.Random(5)
    names = {worlds.draw(n, rng, "Return").facts["Full name"] for n in range(40)}
    plain = "".join(f.read_text(encoding="utf-8") for f in bundle.path.glob("*.json"))
    assert not [name for name in names if name in plain or name.casefold() in plain]


def test_a_familiar_view_is_not_novel_and_a_rebuilt_one_is(bundle: Bundle) -> None:
    view = held_out()[0][0][0]
    assert bundle.policy.propose(view, ())[0].novelty < 1.0
    renamed = tuple(c.model_copy(update={"key": c.key + "/new"}) if not c.part else c for c in view.controls)
    assert bundle.policy.propose(view.model_copy(update={"controls": renamed}), ())[0].novelty > 1.5


def test_novelty_is_measured_in_units_of_held_out_views() -> None:
    views = [steps[0][0] for steps in held_out()]
    novelty = learn_novelty(views[:40], views[40:])
    assert novelty(views[50]) <= 1.0
    assert Novelty([], 0.05)(views[0]) == pytest.approx(20.0)
    assert len({make_up(view) for view in views}) == 1


def test_number_codes_change_at_round_edges_and_are_nought_without_a_number() -> None:
    edges = torch.tensor([0.0, 50.0, 90.0])
    at, above, none = number_code(torch.tensor([90.0, 90.01, float("nan")]), edges)
    assert at[:3].tolist() == [1, 1, 1] and at[3:6].tolist() == [1, 1, 0]
    assert above[3:6].tolist() == [1, 1, 1]
    assert not none.any()


@pytest.mark.parametrize(
    ("text", "like"),
    [("SKU-1929", "SKU-0000"), ("12.50", "#.#"), ("$1,200.00", "$#.#"), ("84669", "00000"), ("Ana Cruz", "Aa Aa")],
)
def test_shapes(text: str, like: str) -> None:
    assert shape(text) == like


def test_days_ahead_and_days_ago_are_told_apart() -> None:
    def true(day: date) -> frozenset[str]:
        fact = Fact(key="/f", label="Day", value=value(day.isoformat()))
        return literals(View(path="/", today=worlds.TODAY, facts=(fact,)))

    ago, ahead = true(worlds.TODAY - timedelta(days=40)), true(worlds.TODAY + timedelta(days=40))
    assert "/f ago>=30" in ago and "/f ago>45" not in ago
    assert "/f in>=30" in ahead and not ago & {name for name in ahead if name.startswith("/f in")}


def test_a_forest_takes_the_rounder_of_two_edges_that_the_data_cannot_tell_apart() -> None:
    def held(amount: int) -> frozenset[str]:
        fact = Fact(key="/f", label="Amount", value=value(str(amount), "amount"))
        return literals(View(path="/", today=worlds.TODAY, facts=(fact,)))

    amounts = [*range(15), *range(75, 90)]
    rows = [(f"c{amount}", held(amount), "no" if amount > 50 else "yes") for amount in amounts]
    forest = grow(rows, Lexicon(), seed=0)
    assert forest is not None
    assert "/f>50" in forest.names and not {"/f>45", "/f>=45", "/f>60"} & set(forest.names)
    assert forest(held(55))["no"] > 0.9
    assert forest(held(45))["yes"] > 0.9


def test_rows_stand_for_the_view_the_targets_and_the_rest(texts: EncoderSettings) -> None:
    view, history, _ = held_out()[0][2]
    encoder = TextEncoder(texts)
    offered = choices(view, Memory())
    opinion = Opinion.of(view, history, encoder.embed)
    index = Texts()
    rows = elements(view, history, offered, NOTHING, opinion, index)
    kinds = [KINDS[kind] for kind in rows.ids[:, 0]]
    assert kinds[0] == "view" and kinds[1 : rows.own] == [choice.operation for choice in offered]
    assert kinds.count("fact") == len(view.facts)
    bought = rows.origins["fact:/Customer/Purchase date"]
    assert rows.numbers[bought, 1] == (worlds.TODAY - date.fromisoformat(view.facts[3].value.raw)).days
    acted = rows.flags[:, FLAGS.index("acted")]
    assert acted.sum() == len({target_key(item.action) for item in history} & {c.key for c in offered})
    place = next(i for i, c in enumerate(offered) if c.valued)
    found = Offer(view, Memory()).candidates(offered[place])
    rated = values(view, offered[place], found, rows.origins, history, NOTHING, opinion, index)
    assert len(rated.ids) == len(found)
    net = PolicyNet(NetConfig(width=16, hidden=16, layers=1)).eval()
    alone, together = [net.read(collate([rows] * n, [(0, 1 + place, rated)], encoder.embed(index.all))[0])[0] for n in (1, 2)]
    assert torch.allclose(alone[0], together[1], atol=1e-5)


def test_a_model_folder_holds_no_pickle(bundle: Bundle) -> None:
    assert {Path(f).suffix for f in map(str, bundle.path.iterdir())} == {
        ".json",
        ".safetensors",
        ".txt",
    }  # the last: the words of the tokenizer


def test_evaluation_tells_copied_and_chosen_values_apart(bundle: Bundle, tmp_path: Path) -> None:
    worlds.record(tmp_path, 2, seed=31, process="Return")
    found = evaluate(bundle.path, tmp_path)
    assert found.fields is not None
    uses = {field.name: field.use for field in found.fields.fields}
    assert uses["Customer name"] == uses["Amount"] == "copied"
    assert uses["Reason"] == uses["Identity checked"] == uses["close case"] == "chosen"
    assert {use: found.fields.count(use) for use in USES} == {"copied": 4, "chosen": 4, "derived": 0, "free": 0}
    assert {use: found.policy.by_use[use].count for use in found.policy.by_use} == {"copied": 8, "chosen": 8}
