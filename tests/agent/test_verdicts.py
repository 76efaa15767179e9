"""The verdict that an operator's own steps imply, and what a fresh look says of an action cut short."""

from __future__ import annotations

from datetime import date

import pytest

from agent.intents import judge
from agent.verdicts import compare
from policies.feedback import Reason
from policies.proposal import Proposal
from schema_extraction.action import Action, Click, CloseCase, Fill, SendMessage, Target
from schema_extraction.view import Control, Message, Value, View

AMOUNT, SUBMIT, OTHER = Target(key="amount"), Target(key="submit"), Target(key="cancel")


def view(amount: str = "", *, closed: bool = False, sent: tuple[str, ...] = (), submit: bool = True) -> View:
    controls = [Control(ref="e1", key="amount", role="textbox", value=Value(raw=amount))]
    controls += [Control(ref="e2", key="submit", role="button", critical=True)] if submit else []
    controls.append(Control(ref="e3", key="cancel", role="button", critical=True))
    messages = tuple(Message(author="us", direction="outbound", text=text) for text in sent)
    return View(path="/", case_id="C-1", today=date(2024, 5, 1), controls=tuple(controls), messages=messages, closed=closed)


def implied(proposed: Action, *steps: tuple[View, Action]) -> tuple[str, Reason | None] | None:
    verdict = compare(Proposal(action=proposed, probability=0.9), view("5"), list(steps), "kim", 3.0)
    assert verdict is None or (verdict.implicit and verdict.operator == "kim")
    return verdict and (verdict.kind, verdict.reason)


def test_the_same_step_with_the_same_form_is_an_accept() -> None:
    assert implied(Click(target=SUBMIT), (view("5"), Click(target=SUBMIT))) == ("accept", None)


def test_the_same_step_with_another_value_in_the_form() -> None:
    steps = (view("5"), Fill(target=AMOUNT, value="6")), (view("6"), Click(target=SUBMIT))
    assert implied(Click(target=SUBMIT), *steps) == ("reject", Reason.WRONG_VALUE)


@pytest.mark.parametrize(
    ("proposed", "did", "reason"),
    [
        (Click(target=SUBMIT), Click(target=OTHER), Reason.WRONG_ACTION),
        (CloseCase(resolution="Refunded"), CloseCase(resolution="Refused"), Reason.WRONG_VALUE),
        (SendMessage(text="Hi"), SendMessage(text="Good day"), Reason.WRONG_WORDING),
    ],
)
def test_another_step_is_a_reject(proposed: Action, did: Action, reason: Reason) -> None:
    assert implied(proposed, (view("5"), did)) == ("reject", reason)


def test_nothing_done_implies_nothing() -> None:
    assert implied(Click(target=SUBMIT)) is None


def test_a_reversible_proposal_is_judged_by_its_own_target() -> None:
    assert implied(Fill(target=AMOUNT, value="5"), (view(), Fill(target=AMOUNT, value="5"))) == ("accept", None)
    assert implied(Fill(target=AMOUNT, value="5"), (view(), Fill(target=AMOUNT, value="7"))) == ("reject", Reason.WRONG_VALUE)


@pytest.mark.parametrize(
    ("before", "action", "fresh", "result"),
    [
        (view("5"), Click(target=SUBMIT), view(""), "not_sent"),
        (view(), Click(target=SUBMIT), view(submit=False), "done"),
        (view(), Click(target=SUBMIT), view(closed=True), "done"),
        (view(), Click(target=SUBMIT), view(sent=("Hi",)), "unknown"),
        (view(), SendMessage(text="Hi"), view(sent=("Hi",)), "done"),
        (view(sent=("Hi",)), SendMessage(text="Hi"), view(sent=("Hi",)), "not_sent"),
        (view(), CloseCase(resolution="x"), view(submit=False), "unknown"),
    ],
)
def test_an_action_cut_short_is_judged_by_the_page(before: View, action: Action, fresh: View, result: str) -> None:
    assert judge(before, action, fresh).result == result
