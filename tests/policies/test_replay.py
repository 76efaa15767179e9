from __future__ import annotations

from pathlib import Path

import pytest

from policies.errors import TraceError
from policies.proposal import HistoryItem
from policies.replay import PATIENCE, ReplayPolicy, replay_gate
from policies.trace import Step, TraceWriter
from schema_extraction.action import Action, Outcome, Provenance, SendMessage, same_action
from schema_extraction.view import Message, View
from tests.policies.made import CLOSES, NAME, SENDS, SUBMITS, TRANSFERS, choose, click, fill, recorded, reviewed, view


def recording(case_id: str, actions: list[Action], seen: View) -> list[Step]:
    return [recorded(case_id, i, action, seen) for i, action in enumerate(actions)]


def history(*actions: Action, actor: str = "agent") -> tuple[HistoryItem, ...]:
    done = Outcome(result="done")
    return tuple(HistoryItem.model_validate({"action": a, "actor": actor, "outcome": done}) for a in actions)


def next_action(policy: ReplayPolicy, seen: View, *done: Action) -> Action:
    (proposal,) = policy.propose(seen, history(*done))
    return proposal.action


BROKEN = view("R-1", problem="broken", messages=("Hello, my order arrived broken.",))
LATE = view("R-2", problem="late", messages=("Where is my parcel? It should have been here last week.",))


def test_the_most_similar_case_is_replayed_in_order() -> None:
    policy = ReplayPolicy(
        [*recording("R-1", [choose("damaged"), SUBMITS, CLOSES], BROKEN), *recording("R-2", [choose("late"), TRANSFERS], LATE)]
    )
    new = view("N-1", problem="late", messages=("My parcel should have come last week, where is it?",))
    assert policy.most_similar(new) == 1
    assert same_action(next_action(policy, new), choose("late"))
    assert next_action(policy, new, choose("late")) == TRANSFERS
    assert next_action(policy, new, choose("late"), TRANSFERS).type == "ask_operator"
    assert same_action(next_action(policy, view("N-2"), choose("damaged")), SUBMITS)


def test_the_choice_stays_while_the_page_changes() -> None:
    policy = ReplayPolicy([*recording("R-1", [SUBMITS, CLOSES], BROKEN), *recording("R-2", [SUBMITS, TRANSFERS], LATE)])
    assert same_action(next_action(policy, view("N-1", problem="broken")), SUBMITS)
    changed = view("N-1", problem="late", messages=("Where is my parcel? It should have been here last week.",))
    assert next_action(policy, changed, SUBMITS) == CLOSES


def test_a_value_that_stood_in_a_fact_is_read_again() -> None:
    policy = ReplayPolicy(recording("R-1", [fill("Ada Byron"), fill("literal")], BROKEN))
    new = view("N-1", name="Grace Hopper")
    action = next_action(policy, new)
    assert action.type == "fill" and action.value == "Grace Hopper" and action.target.key == NAME
    action = next_action(policy, new, fill("Grace Hopper"))
    assert action.type == "fill" and action.value == "literal"


def test_a_value_from_a_message_is_read_from_the_same_kind_of_span() -> None:
    said = "Please use the address ada@example.com from now on."
    start = said.index("ada@")
    from_message = fill("ada@example.com").model_copy(
        update={"provenance": Provenance(source="message", where="0", span=(start, start + len("ada@example.com")))}
    )
    policy = ReplayPolicy(recording("R-1", [from_message], view("R-1", messages=(said,))))
    action = next_action(policy, view("N-1", messages=("It is grace@example.org now.",)))
    assert action.type == "fill" and action.value == "grace@example.org"
    assert next_action(policy, view("N-2", messages=("I do not have one.",))).type == "ask_operator"


def test_facts_inside_a_recorded_message_are_replaced() -> None:
    sent = SendMessage(text="Dear Ada Byron, order ORD-100 is on its way. Your Adaptor is not.")
    policy = ReplayPolicy(recording("R-1", [sent], BROKEN))
    action = next_action(policy, view("N-1", name="Grace Hopper", order="ORD-777"))
    assert action.type == "send_message"
    assert action.text == "Dear Grace Hopper, order ORD-777 is on its way. Your Adaptor is not."


def test_it_waits_for_what_the_customer_had_said_by_then() -> None:
    later = BROKEN.model_copy(
        update={"messages": (*BROKEN.messages, Message(author="Customer", direction="inbound", text="It is ORD-100."))}
    )
    policy = ReplayPolicy([recorded("R-1", 0, SENDS, BROKEN), recorded("R-1", 1, SUBMITS, later)])
    new = view("N-1")
    waits: list[Action] = []
    for _ in range(PATIENCE):
        waits.append(next_action(policy, new, SENDS, *waits))
    assert {w.type for w in waits} == {"wait"}
    assert next_action(policy, new, SENDS, *waits).type == "ask_operator"
    heard = new.model_copy(update={"messages": (*new.messages, *later.messages[1:])})
    assert same_action(next_action(policy, heard, SENDS, *waits), SUBMITS)


@pytest.mark.parametrize(
    ("action", "question"),
    [
        (click("main|button|Gone|0"), "cannot be used here"),
        (choose("unheard of"), "has no option"),
        (CLOSES.model_copy(update={"resolution": "x"}), "no option"),
    ],
)
def test_it_stops_where_the_page_is_not_as_recorded(action: Action, question: str) -> None:
    found = next_action(ReplayPolicy(recording("R-1", [action], BROKEN)), view("N-1"))
    assert found.type == "ask_operator" and question in found.question


def test_it_stops_after_a_failure_and_goes_on_after_an_operator() -> None:
    policy = ReplayPolicy(recording("R-1", [SUBMITS, CLOSES], BROKEN))
    failed = HistoryItem(action=SUBMITS, actor="agent", outcome=Outcome(result="refused", message="Fill in the name."))
    (proposal,) = policy.propose(view("N-1"), (failed,))
    assert proposal.action.type == "ask_operator" and "Fill in the name." in proposal.action.question
    (proposal,) = policy.propose(view("N-1"), (failed, *history(SUBMITS, actor="operator")))
    assert proposal.action == CLOSES


def test_everything_it_proposes_runs() -> None:
    gate = replay_gate()
    for action in (SUBMITS, SENDS, CLOSES, TRANSFERS):
        assert gate.decide(view(), (), ReplayPolicy(recording("R-1", [action], BROKEN)).propose(view(), ())).kind == "execute"


def test_recordings_are_read_from_a_folder(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path, "R-1")
    writer.write(recorded("R-1", 0, SUBMITS))
    writer.close()
    assert len(ReplayPolicy(tmp_path).recordings) == 1
    with pytest.raises(TraceError, match="casepilot record"):
        ReplayPolicy([reviewed("C-1", 0, SENDS)])
