"""Candidates: only actions that the view allows, each value with where it came from."""

from __future__ import annotations

import random

from policies.candidates import Choice, Constant, Memory, Offer, accepts, candidates, choices
from policies.sources import sources
from schema_extraction.action import Check, Click, CloseCase, Fill, Select, action_value
from schema_extraction.normalise import value
from schema_extraction.view import Control, Format, Option, View
from tests.policies import worlds


def case_view(held: dict[str, str] | None = None, stage: int = 0) -> View:
    case = worlds.draw(1, random.Random(4), "Return")
    form = case.plan[stage]
    assert isinstance(form, worlds.Form)
    return worlds.view_of(case, form, held or {}, [])


def with_controls(*controls: Control) -> View:
    return View(path="/", today=worlds.TODAY, controls=controls)


def offered(view: View, key: str, memory: Memory = Memory()) -> dict[str, str]:
    """Texts offered for a control, and the kind of their source."""
    choice = next(c for c in choices(view, memory) if c.key == key)
    return {c.text: c.provenance.source for c in Offer(view, memory).candidates(choice)}


def test_every_candidate_is_for_a_control_or_composite_that_can_be_operated() -> None:
    view = case_view()
    operable = {c.key for c in view.operable()}
    found = candidates(view)
    assert found
    for action in found:
        if isinstance(action, Click | Fill | Select | Check):
            control = view.control(action.target.key)
            assert action.target.key in operable and control is not None and not control.part
            assert action.target.ref == control.ref
        if isinstance(action, Select):
            assert action.option in {option.label for option in control.options if option.value}  # type: ignore[union-attr]


def test_what_a_control_holds_already_is_not_offered_again() -> None:
    key = "/Verify customer/textbox/Customer name"
    name = action_value(next(a for _, a in worlds.script(worlds.draw(1, random.Random(4), "Return")) if isinstance(a, Fill)))
    assert name in offered(case_view(), key)
    assert name not in offered(case_view({"Customer name": str(name)}), key)


def test_disabled_and_read_only_controls_and_disabled_options_are_left_out() -> None:
    options = (Option(label="A", value="a"), Option(label="B", value="b", disabled=True), Option(label="Choose…"))
    view = with_controls(
        Control(ref="1", key="off", role="button", disabled=True),
        Control(ref="2", key="fixed", role="textbox", readonly=True),
        Control(ref="3", key="pick", role="combobox", options=options),
        Control(ref="4", key="secret", role="textbox", sensitive=True),
    )
    assert [choice.key for choice in choices(view, Memory())] == ["pick"]
    assert offered(view, "pick") == {"A": "option"}


def test_values_come_from_facts_messages_and_cells_with_their_provenance() -> None:
    view = case_view()
    found = {c.text: c for c in reversed(Offer(view, Memory()).candidates(choices(view, Memory())[3]))}
    facts = {fact.label: fact.value.raw for fact in view.facts}
    assert found[facts["Full name"]].provenance.source == "fact"
    assert found[facts["Full name"].split()[0]].form == "first"
    assert found["A-100-200"].provenance.source == "cell"
    spoken = next(c for c in found.values() if c.provenance.source == "message" and c.kind == "id")
    index, span = int(spoken.provenance.where), spoken.provenance.span
    assert span is not None and view.messages[index].text[slice(*span)] == spoken.text


def test_a_money_fact_is_offered_as_the_field_takes_it() -> None:
    view = case_view(stage=1)
    total = next(fact.value.raw for fact in view.facts if fact.label == "Order total")
    amounts = offered(view, "/Assess return/spinbutton/Amount")
    assert f"{float(total[1:]):.2f}" in amounts
    assert total not in amounts


def test_memory_adds_constants_and_says_which_links_are_worth_following() -> None:
    view = case_view()
    key = "/Verify customer/textbox/Account"
    memory = Memory(constants={key: (Constant(text="none given", cases=3),)}, used=frozenset({key, "close_case"}))
    assert offered(view, key, memory)["none given"] == "constant"
    keys = [choice.key for choice in choices(view, memory)]
    assert "/nav/link/Home" in {c.key for c in view.controls} and "/nav/link/Home" not in keys
    assert "close_case" in keys and "send_message" not in keys


def test_a_composite_whose_value_part_is_not_there_yet_takes_what_was_used_before() -> None:
    view = with_controls(Control(ref="1", key="x", role="button", name="Close…", part="close_case.open"))
    memory = Memory(constants={"close_case": (Constant(text="Solved", cases=9),)}, used=frozenset({"close_case"}))
    (action,) = candidates(view, memory)
    assert isinstance(action, CloseCase) and action.resolution == "Solved"
    blocked = with_controls(Control(ref="1", key="x", role="button", part="close_case.open", disabled=True))
    assert candidates(blocked, memory) == []


def test_a_checked_box_is_offered_to_be_unchecked() -> None:
    view = with_controls(Control(ref="1", key="box", role="checkbox", checked=True))
    (action,) = candidates(view)
    assert isinstance(action, Check) and not action.checked


def test_formats_are_kept() -> None:
    number = Control(ref="1", key="n", role="spinbutton", format=Format(type="number", min="1", max="10"))
    assert [accepts(number, text) for text in ("5", "0", "11", "five")] == [True, False, False, False]
    code = Control(ref="2", key="c", role="textbox", format=Format(pattern="[A-Z]-\\d+", max_length=5))
    assert [accepts(code, text) for text in ("A-12", "a-12", "A-1234")] == [True, False, False]
    odd = Control(ref="3", key="o", role="textbox", format=Format(pattern="(?<bad"))
    assert accepts(odd, "anything")


def test_sources_name_the_same_thing_alike_on_every_view() -> None:
    slots = []
    for seed in (1, 2):
        case = worlds.draw(seed, random.Random(seed), "Return")
        form = case.plan[0]
        assert isinstance(form, worlds.Form)
        view = worlds.view_of(case, form, {}, [])
        slots.append({s.slot: s.text for s in sources(view)})
    common = slots[0].keys() & slots[1].keys()
    assert {"fact:/Customer/Full name|first", "span:id:last|raw", "cell:/Orders/Order/0|raw"} <= common
    assert slots[0]["fact:/Customer/Full name|raw"] != slots[1]["fact:/Customer/Full name|raw"]


def test_a_choice_makes_the_action_of_its_operation() -> None:
    control = Control(ref="7", key="k", role="combobox", name="N", value=value(""))
    assert Choice("click", "k", control).action() == Click.model_validate(
        {"target": {"key": "k", "role": "combobox", "name": "N", "ref": "7"}}
    )
