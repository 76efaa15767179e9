"""Reply suggestions: from past messages of like situations, filled from the page at hand alone, in the operator's own words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from policies.dataset import Sample, learn_memory, samples
from policies.encoder import DIM, Vectors
from policies.feedback import Reason, Verdict
from policies.proposal import Proposal, is_critical
from policies.replies.edits import Edit, edits
from policies.replies.learning import learn_replies
from policies.replies.offering import OfferingPolicy
from policies.replies.replies import Replies
from policies.replies.store import load, save
from policies.scripted import ScriptedPolicy
from schema_extraction.action import SendMessage
from schema_extraction.view import Fact, Value, View
from tests.policies.made import SUBMITS, recorded, reviewed, view
from tests.policies.worlds import FIRST, LAST

NAMES = [f"{FIRST[n % len(FIRST)]} {LAST[n % len(LAST)]}" for n in range(180)]
NAME = NAMES[50].split()[0]
WORDINGS = {
    ("broken", "op1"): "I am sorry, {first}. A new one for {order} is on its way.",
    ("broken", "op2"): "We send {order} once more.",
    ("late", "op1"): "Thank you for waiting, {first}. {order} arrives this week.",
    ("late", "op2"): "{order} is late and will be with you soon.",
}


def embed(texts: Sequence[str]) -> Vectors:
    """One direction for each of two things that customers say."""
    rows = np.zeros((len(texts), DIM), np.float32)
    for row, text in enumerate(texts):
        rows[row, 0 if "broken" in text else 1] = 1.0
    return rows


def seen(number: int, problem: str, recorded_as: str | None = None) -> View:
    """A case's page, with what was found out about it as a fact, and with what the customer says."""
    return view(
        f"C-{number}",
        name=NAMES[number % len(NAMES)],
        order=f"ORD-{100 + number}",
        problem=problem if recorded_as is None else recorded_as,
        messages=(f"Hello, it is {problem}.",),
    )


def sent(number: int, problem: str, operator: str) -> Sample:
    first = NAMES[number % len(NAMES)].split()[0]
    text = WORDINGS[problem, operator].format(first=first, order=f"ORD-{100 + number}")
    return Sample(f"C-{number}", seen(number, problem), (), SendMessage(text=text), operator)


def learned(found: list[Sample]) -> Replies:
    templates = learn_memory(found).templates["send_message"]
    replies = learn_replies(found, templates, embed)
    assert replies is not None
    return replies


@pytest.fixture(scope="module")
def replies() -> Replies:
    """From 32 cases, of two problems and two operators."""
    problems, operators = ("broken", "late"), ("op1", "op2")
    return learned([sent(n, problems[n % 2], operators[n // 2 % 2]) for n in range(32)])


def texts(replies: Replies, page: View, operator: str = "", most: int = 3) -> list[str]:
    return [suggestion.text for suggestion in replies.suggest(page, (), embed, operator, most)]


def test_replies_of_like_situations_come_first_filled_for_the_customer_at_hand(replies: Replies) -> None:
    assert set(texts(replies, seen(50, "late"), most=2)) == {
        f"Thank you for waiting, {NAME}. ORD-150 arrives this week.",
        "ORD-150 is late and will be with you soon.",
    }
    assert "ORD-151" in texts(replies, seen(51, "broken"))[0] and "sorry" in "".join(texts(replies, seen(51, "broken"), most=2))


def test_an_operators_own_wording_comes_first(replies: Replies) -> None:
    assert texts(replies, seen(50, "late"), "op1")[0].startswith("Thank you for waiting")
    assert texts(replies, seen(50, "late"), "op2")[0].endswith("soon.")
    assert len(texts(replies, seen(50, "late"), "a stranger")) >= 2


def test_probabilities_fall_and_do_not_exceed_one(replies: Replies) -> None:
    odds = [suggestion.probability for suggestion in replies.suggest(seen(50, "late"), (), embed, most=8)]
    assert odds == sorted(odds, reverse=True) and 0 < sum(odds) <= 1 + 1e-6


def test_a_reply_with_a_slot_that_the_page_cannot_fill_is_not_offered(replies: Replies) -> None:
    page = seen(50, "late")
    without = page.model_copy(update={"facts": tuple(fact for fact in page.facts if fact.key != "Customer/Name")})
    assert texts(replies, without) and not any("Thank you" in text for text in texts(replies, without))
    bare = page.model_copy(update={"facts": ()})
    assert texts(replies, bare) == []


def test_every_slot_says_where_its_text_is_from(replies: Replies) -> None:
    (first, *_) = replies.suggest(seen(50, "late"), (), embed, "op1")
    assert [(slot.text, slot.provenance.source, slot.provenance.where) for slot in first.slots] == [
        (NAME, "fact", "Customer/Name"),
        ("ORD-150", "fact", "Order/Number"),
    ]
    assert first.action.provenance.source == "template" and first.action.provenance.where == first.template


def test_what_the_customer_said_decides_where_the_page_says_nothing() -> None:
    problems, operators = ("broken", "late"), ("op1", "op2")
    found = [sent(n, problems[n % 2], operators[n // 2 % 2]) for n in range(32)]
    blind = [
        Sample(s.case_id, seen(n, problems[n % 2], recorded_as="to be seen"), (), s.action, s.user) for n, s in enumerate(found)
    ]
    replies = learned(blind)
    assert replies.hearing > 0
    assert "late" in texts(replies, seen(50, "late", recorded_as="to be seen"), "op2")[0]
    assert "once more" in texts(replies, seen(51, "broken", recorded_as="to be seen"), "op2")[0]


def test_replies_come_back_from_a_folder_as_they_were(replies: Replies, tmp_path: Path) -> None:
    save(replies, tmp_path)
    again = load(tmp_path)
    for number, problem in ((50, "late"), (51, "broken")):
        page = seen(number, problem)
        assert again.suggest(page, (), embed, "op2") == replies.suggest(page, (), embed, "op2")


def test_nothing_of_a_single_customer_is_kept(replies: Replies, tmp_path: Path) -> None:
    save(replies, tmp_path)
    plain = (tmp_path / "replies.json").read_text(encoding="utf-8").casefold()
    assert not [name for name in NAMES if name.casefold() in plain or name.split()[0].casefold() in plain]
    assert "ord-1" not in plain


def test_values_that_tell_customers_apart_are_no_part_of_a_situation() -> None:
    def page(number: int) -> View:
        found = seen(number, "late")
        town = Fact(key="Town", label="Town", value=Value(raw=f"Town {number % 30}"))
        return found.model_copy(update={"facts": (*found.facts, town)})

    found = [Sample(s.case_id, page(n), (), s.action, s.user) for n in range(120) for s in (sent(n, "late", "op1"),)]
    assert not [name for name in learned(found).names if name.startswith("Town")]


def test_no_messages_teach_nothing() -> None:
    assert learn_replies([Sample("C-1", view(), (), SUBMITS)], (), embed) is None


def test_a_policy_that_writes_is_followed_by_retrieved_replies_and_stays_first(replies: Replies) -> None:
    written = SendMessage(text="Dear customer, it comes.")
    policy = OfferingPolicy(ScriptedPolicy(lambda view, history: written), replies, embed, "op1")
    page = seen(50, "late")
    first, *others = policy.propose(page, ())
    assert first.action == written
    assert [p.action.text for p in others if isinstance(p.action, SendMessage)][0].startswith(f"Thank you for waiting, {NAME}")
    assert all(is_critical(page, proposal.action) for proposal in (first, *others))
    odds = [proposal.probability for proposal in (first, *others)]
    assert odds == sorted(odds, reverse=True)
    assert len({proposal.action for proposal in (first, *others)}) == len(odds)


def test_a_policy_that_does_something_else_is_left_alone(replies: Replies) -> None:
    policy = OfferingPolicy(ScriptedPolicy(lambda view, history: SUBMITS), replies, embed)
    (only,) = policy.propose(seen(50, "late"), ())
    assert only.action == SUBMITS


def test_edits_are_measured_from_the_proposal_to_what_was_sent() -> None:
    proposed, better = SendMessage(text="We send it"), SendMessage(text="We sent it")
    accepted = reviewed("C-1", 0, proposed)
    changed = reviewed("C-2", 0, proposed, "edit", Reason.WRONG_WORDING)
    verdict = Verdict(kind="edit", operator="mia", reason=Reason.WRONG_WORDING, edited=better)
    changed = changed.model_copy(update={"verdict": verdict, "action": better})
    instead = reviewed("C-3", 0, proposed, "reject", Reason.WRONG_WORDING).model_copy(update={"action": SendMessage(text="No")})
    refused = reviewed("C-4", 0, proposed, "reject", Reason.WRONG_ACTION)
    found = list(edits([accepted, changed, instead, refused, reviewed("C-5", 0, SUBMITS)]))
    assert [(edit.case_id, edit.distance) for edit in found] == [("C-1", 0), ("C-2", 1), ("C-3", 10)]
    assert found[1].share == pytest.approx(0.1)
    assert Edit(case_id="C", operator="", proposed="a  b", sent="a b").distance == 0


def test_samples_say_who_acted() -> None:
    by_hand = recorded("C-1", 0, SUBMITS).model_copy(update={"user": "op1"})
    agreed = reviewed("C-1", 1, SUBMITS)
    assert [sample.user for sample in samples([by_hand, agreed])] == ["op1", "mia"]


def test_proposals_of_a_policy_without_messages_keep_their_numbers(replies: Replies) -> None:
    proposal = Proposal(action=SUBMITS, probability=0.4, p_target=0.5, p_value=0.8)

    class Fixed:
        def propose(self, view: View, history: object) -> tuple[Proposal, ...]:
            return (proposal,)

    assert OfferingPolicy(Fixed(), replies, embed).propose(seen(50, "late"), ()) == (proposal,)
