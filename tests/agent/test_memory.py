"""What a session carries from round to round, and when it must not go on."""

from __future__ import annotations

from datetime import date

from agent.memory import Memory, Round, Taken, digest
from agent.settings import Limits
from policies.proposal import HistoryItem
from schema_extraction.action import Action, Click, Fill, Outcome, Target, Wait
from schema_extraction.view import Control, Value, View

AMOUNT, SUBMIT = Target(key="amount"), Target(key="submit")
VIEW = View(
    path="/cases/C-1", case_id="C-1", today=date(2024, 5, 1), controls=(Control(ref="e1", key="amount", role="textbox"),)
)


def took(action: Action, result: str = "done", *, critical: bool = False, seen: View = VIEW) -> Round:
    outcome = Outcome.model_validate({"result": result})
    item = HistoryItem(action=action, actor="agent", outcome=outcome)
    return Round(kind="went_on", taken=(Taken(item=item, critical=critical, digest=digest(seen)),), seconds=1.0)


def test_what_was_typed_is_pending_until_a_critical_action() -> None:
    memory = Memory().after(took(Fill(target=AMOUNT, value="1"))).after(took(Fill(target=AMOUNT, value="2")))
    assert memory.pending == (Fill(target=AMOUNT, value="2"),)
    assert memory.after(took(Click(target=SUBMIT), critical=True)).pending == ()


def test_what_was_refused_is_not_pending() -> None:
    assert Memory().after(took(Fill(target=AMOUNT, value="1"), "refused")).pending == ()


def test_the_same_action_on_the_same_view_is_a_loop() -> None:
    click = Click(target=SUBMIT)
    once = Memory().after(took(click))
    assert not once.loop(click, VIEW, Limits())
    assert "2 times" in once.after(took(click)).loop(click, VIEW, Limits())


def test_two_failures_in_a_row_are_a_loop_also_on_another_view() -> None:
    click = Click(target=SUBMIT)
    other = VIEW.model_copy(update={"title": "x", "path": "/other"})
    memory = Memory().after(took(click, "no_effect")).after(took(click, "no_effect", seen=other))
    assert "without effect" in memory.loop(click, VIEW, Limits())


def test_one_wait_in_vain_is_enough() -> None:
    assert Memory().after(took(Wait(), "no_effect")).loop(Wait(), VIEW, Limits())
    assert not Memory().after(took(Wait())).loop(Wait(), VIEW, Limits())


def test_help_starts_the_counters_afresh() -> None:
    limits = Limits(steps=2)
    memory = Memory().after(took(Click(target=SUBMIT))).after(took(Fill(target=AMOUNT, value="1")))
    assert "limit is 2" in memory.over_limit(limits)
    operator = Taken(item=HistoryItem(action=Click(target=SUBMIT), actor="operator"), critical=True, answered_for="operator")
    helped = memory.after(Round(kind="went_on", taken=(operator,), helped=True))
    assert not helped.over_limit(limits)
    assert not helped.loop(Click(target=SUBMIT), VIEW, limits)
    assert helped.count("operator") == 1


def test_digest_tells_field_values_apart_but_not_refs_or_focus() -> None:
    control = VIEW.controls[0]
    renamed = VIEW.model_copy(update={"controls": (control.model_copy(update={"ref": "e9"}),), "focus": "amount"})
    filled = VIEW.model_copy(update={"controls": (control.model_copy(update={"value": Value(raw="5")}),)})
    assert digest(renamed) == digest(VIEW)
    assert digest(filled) != digest(VIEW)


def test_rounds_survive_json() -> None:
    round = took(Click(target=SUBMIT), critical=True)
    assert Round.model_validate_json(round.model_dump_json()) == round
