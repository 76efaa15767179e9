"""An action that outlives its view: carried out on the control that it meant, or on none."""

from __future__ import annotations

from agent.binding import bound
from agent.intents import judge
from agent.memory import Memory, Round, Taken
from policies.proposal import HistoryItem
from schema_extraction.action import Click, Fill, Outcome, Target
from schema_extraction.match import NoMatch, remembered
from schema_extraction.view import View
from tests.schema_extraction.pages import view_of

PAGE = """<dl><dt>Status<dd>{status}</dl><section aria-label="Refund"><label>Refund amount <input type=number min=0></label>
<label>Refund date <input type=date></label><button type=button>Approve refund</button></section>"""


def fill(view: View) -> Fill:
    control = next(control for control in view.controls if control.name == "Refund amount")
    return Fill(target=Target(key=control.key, role=control.role, name=control.name, ref=control.ref), value="5.00")


def press(view: View) -> Click:
    control = next(control for control in view.controls if control.role == "button")
    return Click(target=Target(key=control.key, role=control.role, name=control.name, ref=control.ref))


def test_an_action_takes_the_ref_of_the_present_page() -> None:
    first, second = view_of(PAGE.format(status="Open")), view_of("<p>News</p>" + PAGE.format(status="Open"))
    found = bound(second, fill(first))
    assert isinstance(found, Fill)
    assert found.target.ref == fill(second).target.ref != fill(first).target.ref


def test_what_was_typed_before_a_release_is_entered_again_under_the_new_label() -> None:
    first = view_of(PAGE.format(status="Open"))
    item = HistoryItem(action=remembered(first, fill(first)), actor="agent", outcome=Outcome(result="done"))
    memory = Memory().after(Round(kind="went_on", taken=(Taken(item=item, critical=False),)))
    pending = Memory.model_validate_json(memory.model_dump_json()).pending[0]
    renamed = view_of(PAGE.format(status="Open").replace("Refund amount", "Amount to refund"))
    found = bound(renamed, pending)
    assert isinstance(found, Fill) and found.target.name == "Amount to refund" and found.value == "5.00"


def test_without_the_control_there_is_a_reason_in_words() -> None:
    first = view_of(PAGE.format(status="Open"))
    found = bound(view_of("<label>Refund date <input type=date></label>"), remembered(first, fill(first)))
    assert isinstance(found, NoMatch)
    assert "spinbutton 'Refund amount' is no longer on the page" in found.reason


def test_a_press_whose_button_was_only_renamed_is_not_taken_for_done() -> None:
    first = view_of(PAGE.format(status="Open"))
    renamed = view_of(PAGE.format(status="In review").replace("Approve refund", "Approve the refund"))
    assert judge(first, press(first), renamed).result == "unknown"
    gone = view_of(PAGE.format(status="In review").replace("<button type=button>Approve refund</button>", ""))
    assert judge(first, press(first), gone).result == "done"
