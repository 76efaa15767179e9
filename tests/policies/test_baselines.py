"""What could be had without casepilot."""

from __future__ import annotations

import pytest

from policies.baselines import ConfidenceCritic, NGramPolicy, TextPolicy, recipe
from policies.errors import TraceError
from policies.proposal import HistoryItem, Proposal
from policies.trace import Step
from schema_extraction.action import Action, SendMessage, same_action
from schema_extraction.view import View
from tests.policies.made import CLOSES, SUBMITS, TRANSFERS, choose, fill, recorded, reviewed, view


def recording(case_id: str, actions: list[Action], seen: View) -> list[Step]:
    return [recorded(case_id, i, action, seen) for i, action in enumerate(actions)]


def history(*actions: Action) -> tuple[HistoryItem, ...]:
    return tuple(HistoryItem(action=action, actor="agent") for action in actions)


REFUNDS = [recording(f"R-{i}", [choose("damaged"), SUBMITS, CLOSES], view(f"R-{i}", slice="refund")) for i in range(3)]
PARCELS = [recording(f"P-{i}", [choose("late"), SUBMITS, TRANSFERS], view(f"P-{i}", slice="parcel")) for i in range(2)]
CASES = [step for case in (*REFUNDS, *PARCELS) for step in case]


def test_the_longest_run_of_steps_decides() -> None:
    policy = NGramPolicy(CASES)
    refund, parcel = view("N", slice="refund"), view("N", slice="parcel")
    assert same_action(policy.propose(refund, ())[0].action, choose("damaged"))
    assert same_action(policy.propose(parcel, ())[0].action, choose("late"))
    assert policy.propose(parcel, history(choose("late"), SUBMITS))[0].action == TRANSFERS
    # A process never seen: only the last step is known, and after SUBMITS most cases were closed.
    assert policy.propose(view("N", slice="other"), history(SUBMITS))[0].action == CLOSES


def test_a_value_is_taken_from_where_it_stood() -> None:
    sent = SendMessage(text="Dear Ada Byron, your order ORD-100 is on its way.")
    done = recording("R-1", [fill("Ada Byron"), sent], view("R-1"))
    new = view("N", name="Grace Hopper", order="ORD-7")
    first, second = (recipe(step.view, step.action).on(new) for step in done if step.action is not None)
    assert first is not None and same_action(first, fill("Grace Hopper"))
    assert second == SendMessage(text="Dear Grace Hopper, your order ORD-7 is on its way.")
    assert recipe(new, fill("by heart")).on(view("M")) is not None
    assert recipe(new, choose("late")).on(View(path="/", today=new.today)) is None


def test_n_grams_alone_know_no_page_to_read_a_value_from() -> None:
    done = recording("R-1", [fill("Ada Byron"), SUBMITS], view("R-1"))
    new = view("N", name="Grace Hopper")
    assert same_action(NGramPolicy(done).propose(new, ())[0].action, fill("Ada Byron"))
    assert same_action(NGramPolicy(done, variables=True).propose(new, ())[0].action, fill("Grace Hopper"))


def test_the_text_of_the_page_decides() -> None:
    broken = view("N", messages=("Hello, it arrived broken.",), slice="")
    late = view("N", messages=("Where is my parcel?",), slice="")
    steps = [
        s for i in range(4) for s in recording(f"B-{i}", [choose("damaged")], broken.model_copy(update={"case_id": f"{i}"}))
    ]
    steps += [s for i in range(4) for s in recording(f"L-{i}", [choose("late")], late.model_copy(update={"case_id": f"9{i}"}))]
    steps += [s for i in range(4) for s in recording(f"S-{i}", [choose("late"), SUBMITS], late)]
    policy = TextPolicy(steps)
    assert same_action(policy.propose(broken, ())[0].action, choose("damaged"))
    assert same_action(policy.propose(late, ())[0].action, choose("late"))
    ranked = policy.propose(late, history(choose("late")))
    assert same_action(ranked[0].action, SUBMITS) and 0 < ranked[0].probability <= 1


@pytest.mark.parametrize("kind", [NGramPolicy, TextPolicy])
def test_nothing_recorded_is_said_so(kind: type[NGramPolicy] | type[TextPolicy]) -> None:
    with pytest.raises(TraceError, match="casepilot record"):
        kind([reviewed("C-1", 0, SUBMITS)])


def test_confidence_stands_in_for_a_critic() -> None:
    assert ConfidenceCritic().score(view(), (), (Proposal(action=SUBMITS, probability=0.7),)) == 0.7
