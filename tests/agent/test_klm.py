"""Handling time from steps, by hand and with casepilot."""

from __future__ import annotations

from datetime import date

import pytest

from agent.klm import ACCEPT, NOTICE, REJECT, Klm, by_hand, with_casepilot
from policies.feedback import Reason, Verdict
from policies.proposal import Decision, Proposal
from policies.trace import Step
from schema_extraction.action import Action, Check, Click, CloseCase, Fill, Select, SendMessage, Target, Wait
from schema_extraction.view import Message, View

BUTTON = Click(target=Target(key="b", name="Complete task"))
KLM = Klm()


def page(*texts: str, outbound: str = "") -> View:
    said = [Message(author="Ada", direction="inbound", text=text) for text in texts]
    said += [Message(author="Support", direction="outbound", text=outbound)] if outbound else []
    return View(path="/", today=date(2026, 1, 1), messages=tuple(said))


def done(index: int, action: Action, view: View) -> Step:
    return Step(case_id="C", session="s", index=index, actor="operator", view=view, action=action)


def handed(view: View, kind: str | None, reason: str = "") -> Step:
    verdict = {"kind": kind, "operator": "op1", "reason": Reason.WRONG_VALUE if kind == "reject" else None}
    return Step(
        case_id="C",
        session="s",
        index=0,
        actor="agent",
        view=view,
        ranked=(Proposal(action=BUTTON, probability=0.5),),
        decision=Decision(kind="hand_off", code="below_threshold", reason=reason),
        verdict=Verdict.model_validate(verdict) if kind else None,
    )


@pytest.mark.parametrize(
    ("action", "operators"),
    [
        (BUTTON, "MPBB"),
        (Check(target=Target(key="c")), "MPBB"),
        (Select(target=Target(key="s", role="combobox"), option="x"), "MPBBPBB"),
        (Select(target=Target(key="s", role="radiogroup"), option="x"), "MPBB"),
        (Fill(target=Target(key="f"), value="abc"), "MPBBHKKKH"),
        (SendMessage(text="Hello"), "MPBBHKKKKKHPBB"),
        (CloseCase(resolution="Solved"), "MPBBPBBPBBMPBB"),
        (Wait(), ""),
    ],
)
def test_each_action_is_a_string_of_operators(action: Action, operators: str) -> None:
    assert KLM.method(action) == operators


def test_seconds_are_those_of_the_model() -> None:
    assert KLM.seconds("MPBB") == pytest.approx(1.35 + 1.10 + 0.2)
    assert KLM.seconds("HKKKH") == pytest.approx(0.8 + 0.6)
    assert KLM.reading(238) == pytest.approx(60.0)
    with pytest.raises(KeyError):
        KLM.seconds("X")


def test_by_hand_everything_new_is_read_once_and_every_step_is_done() -> None:
    first, second = page("one two three"), page("one two three", "four five")
    found = by_hand([done(0, BUTTON, first), done(1, BUTTON, second)])
    assert found.reading == pytest.approx(KLM.reading(5))
    assert found.acting == pytest.approx(2 * KLM.seconds("MPBB"))


def test_what_one_wrote_oneself_need_not_be_read() -> None:
    view = page("one", outbound="four more words here")
    assert by_hand([done(0, BUTTON, view)]).reading == pytest.approx(KLM.reading(1))
    assert with_casepilot([handed(view, "accept")]).reading > KLM.reading(5)


def test_a_case_without_hand_offs_costs_nobody_anything() -> None:
    ran = handed(page("one"), None).model_copy(update={"decision": Decision(kind="execute", code="certified", reason="")})
    assert with_casepilot([ran]).seconds == 0.0


def test_a_hand_off_is_noticed_read_and_answered() -> None:
    accepted = with_casepilot([handed(page("one two"), "accept", "Please check.")])
    assert accepted.acting == pytest.approx(KLM.seconds(NOTICE + ACCEPT))
    assert accepted.reading == pytest.approx(KLM.reading(2 + len("Press 'Complete task'. Please check.".split())))


def test_after_a_rejection_the_step_is_done_by_hand() -> None:
    view = page("one")
    found = with_casepilot([handed(view, "reject"), done(1, SendMessage(text="Hi"), view)])
    assert found.acting == pytest.approx(KLM.seconds(NOTICE + REJECT + "MPBBHKKHPBB"))
    silent = with_casepilot([handed(view, None), done(1, BUTTON, view)])
    assert silent.acting == pytest.approx(KLM.seconds(NOTICE + "MPBB"))


def test_canned_replies_make_work_by_hand_cheaper() -> None:
    steps = [done(0, SendMessage(text="A long reply, typed out letter by letter."), page("one"))]
    assert by_hand(steps, Klm(canned=True)).acting < by_hand(steps).acting
