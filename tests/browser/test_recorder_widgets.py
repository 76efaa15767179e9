"""What a person does with every widget that the hands can work, as the recorder tells it: one step, as they would do it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser

from browser.perform.dates import for_field
from browser.perform.equal import same_value
from browser.recorder import Recorder
from fixtures.pages.hands import WIDGETS, Bare, HandsSite, WidgetCase, act_bare
from schema_extraction.action import Action, action_value
from schema_extraction.normalise import value
from schema_extraction.profile import Profile
from schema_extraction.view import View

pytestmark = pytest.mark.browser

PROFILE = Profile(name="any", base_url="http://127.0.0.1")


def after_typing(case: WidgetCase) -> WidgetCase:
    """The same widget, with a field before it that is filled first."""
    typed = Bare(call="type", at="#before", argument="A note")
    field = '<p><label for="before">Before</label> <input id="before"></p>'
    return case.model_copy(
        update={"name": f"{case.name}, after typing", "html": field + case.html, "bare": (typed, *case.bare)}
    )


LATER = tuple(
    after_typing(case) for case in WIDGETS if case.kind == "select" and re.search("drawn over|list elsewhere", case.name)
)


@pytest.fixture(scope="module")
def site() -> Iterator[HandsSite]:
    with HandsSite(WIDGETS + LATER) as running:
        yield running


async def recorded(browser: Browser, site: HandsSite, case: WidgetCase, pause: float = 0) -> list[Action]:
    """What the recorder tells of a case that is done in plain Playwright, with `pause` ms after each call."""
    told: list[Action] = []
    context = await browser.new_context()
    page = await context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    try:
        await page.goto(site.url + site.path(case))

        def on_step(view: View, action: Action) -> None:
            told.append(action)

        recorder = Recorder(page, PROFILE, on_step)
        await recorder.start()
        for call in case.bare:
            await act_bare(page, (call,))
            await page.wait_for_timeout(pause)
        await recorder.flush()
        await recorder.stop()
    finally:
        await context.close()
    return told


def words(action: Action) -> str:
    """An action as one would say it."""
    target = getattr(action, "target", None)
    where = f" {target.role} {target.name!r}" if target is not None else ""
    entered = action_value(action)
    return f"{action.type}{where}{'' if entered is None else f' {entered!r}'}"


def agree(told: str, wanted: str) -> bool:
    """Whether two values are the same for the field: as text or number, as a date or time, or as the name of a file."""
    kinds = ("date", "time", "datetime-local")
    return (
        same_value(told, wanted)
        or same_value(wanted, told)
        or (value(told).date is not None and value(told).date == value(wanted).date)
        or any(for_field(kind, told) == for_field(kind, wanted) is not None for kind in kinds)
        or told == Path(wanted).name
    )


@pytest.mark.parametrize("case", WIDGETS, ids=lambda case: case.name)
def test_one_step_is_told(portal: BlockingPortal, agent_browser: Browser, site: HandsSite, case: WidgetCase) -> None:
    told = portal.call(recorded, agent_browser, site, case)
    if 'type="password"' in case.html:
        assert told == []  # a secret is nobody's to record
        return
    assert len(told) == 1, [words(action) for action in told]
    [action] = told
    # To choose what completes a field and to fill it with that are one.
    assert action.type == case.kind or {action.type, case.kind} == {"fill", "select"}, words(action)
    target = getattr(action, "target", None)
    assert target is not None and (target.role, target.name) == (case.role, case.label), words(action)
    entered = action_value(action)
    assert entered is None or agree(entered, case.value), words(action)


@pytest.mark.parametrize("at", ["#f", "#f:is(span), label:has(#f)"], ids=["box", "label"])
@pytest.mark.parametrize("case", [case for case in WIDGETS if "three states" in case.name], ids=lambda case: case.name)
def test_a_person_goes_slowly_through_three_states(
    portal: BlockingPortal, agent_browser: Browser, site: HandsSite, case: WidgetCase, at: str
) -> None:
    case = case.model_copy(update={"bare": tuple(call.model_copy(update={"at": at}) for call in case.bare)})
    told = portal.call(recorded, agent_browser, site, case, 300)
    assert [words(action) for action in told] == ["check checkbox 'Notify the customer' 'on'"]


@pytest.mark.parametrize("case", LATER, ids=lambda case: case.name)
def test_a_choice_after_typing_is_a_step_of_its_own(
    portal: BlockingPortal, agent_browser: Browser, site: HandsSite, case: WidgetCase
) -> None:
    told = portal.call(recorded, agent_browser, site, case)
    assert [words(action) for action in told] == [
        "fill textbox 'Before' 'A note'",
        f"select {case.role} {case.label!r} {case.value!r}",
    ]
