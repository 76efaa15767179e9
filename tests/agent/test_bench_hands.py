"""The benchmark of operating pages: what it measures on two widgets, and what it calls short."""

from __future__ import annotations

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser

from agent.bench.hands import HandsBench, HandsSettings, shortfalls, tables
from agent.bench.replays import CaseReplay, Replays
from agent.bench.results import Machine
from agent.bench.settling import Settling
from agent.bench.widgets import SabotageResult, WidgetResult, sabotaged, worked
from fixtures.pages.hands import SABOTAGED, WIDGETS, HandsSite

MACHINE = Machine(cores=2, load=0.0, python="3.11", chromium="1", versions={})
SETTINGS = HandsSettings(cases=1, targets=("practice",))
GOOD = HandsBench(
    machine=MACHINE,
    widgets=tuple(WidgetResult(name=f"w{n}", kind="click", p50=30, bare=25) for n in range(60)),
    sabotaged=tuple(SabotageResult(name=f"s{n}", result="no_effect") for n in range(30)),
    settling=tuple(Settling(page=f"p{n}", runs=5, early=0, busy=0, p50=20, p95=40, worst=50) for n in range(12)),
    replays=(Replays(target="practice", cases=(CaseReplay(kind="refund", case="C-1", steps=4, seconds=1.2, plain=1.0),)),),
    overhead=1.2,
)


def short(**update: object) -> list[str]:
    return list(shortfalls(GOOD.model_copy(update=update), SETTINGS))


def test_nothing_is_short_where_all_is_reached() -> None:
    assert short() == []
    assert [table.title for table in tables(GOOD)][0] == "Widgets: done, verified and true"


def test_each_shortfall_is_told_in_words() -> None:
    bad = WidgetResult(name="w0", kind="fill", fault="no_effect: it holds ''", p50=30, bare=25)
    assert short(widgets=(bad, *GOOD.widgets[1:])) == ["w0: no_effect: it holds ''"]
    assert short(widgets=GOOD.widgets[1:]) == ["59 widgets, at least 60 wanted"]
    lie = SabotageResult(name="s0", result="done", fault="done was told, no_effect is true")
    assert short(sabotaged=(lie, *GOOD.sabotaged[1:])) == ["s0: done was told, no_effect is true"]
    slow = CaseReplay(kind="refund", case="C-1", steps=4, seconds=1.6, plain=1.0)
    assert short(replays=(Replays(target="practice", cases=(slow,)),)) == [
        "practice: 1.60x the time of plain scripts, at most 1.5x wanted"
    ]
    untimed = CaseReplay(kind="refund", case="C-1", steps=4, seconds=1.6, plain_fault="Timeout")
    assert short(replays=(Replays(target="practice", cases=(untimed,)),)) == [
        "practice: no plain script came to the end of a case, so nothing tells how long the work takes"
    ]
    stale = GOOD.settling[0].model_copy(update={"early": 1, "why": "'Saved' is missing"})
    assert short(settling=(stale, *GOOD.settling[1:])) == ["p0: 1 of 5 views came too early ('Saved' is missing)"]
    late = GOOD.settling[0].model_copy(update={"p95": 151.0})
    assert short(settling=(late, *GOOD.settling[1:])) == ["p0: the view came 151 ms after quiet (p95), at most 150 ms wanted"]
    assert short(replays=(), replays_none={"rt5": "no registry"}) == ["rt5: not replayed: no registry"]
    other = Replays(target="practice", cases=(CaseReplay(kind="refund", case="C-1", steps=4, faults=("status is Open",)),))
    assert short(replays=(other,))[0] == "practice, case C-1 (refund): status is Open"


@pytest.mark.browser
def test_widgets_are_measured_beside_plain_calls(portal: BlockingPortal, agent_browser: Browser) -> None:
    counted: list[int] = []
    with HandsSite(WIDGETS + SABOTAGED) as site:
        [one, two] = portal.call(worked, agent_browser, site, 2, lambda: counted.append(1), WIDGETS[:2])
        [told] = portal.call(sabotaged, agent_browser, site, lambda: counted.append(1), SABOTAGED[:1])
    assert (one.fault, two.fault, told.fault) == ("", "", "") and not told.false_done
    assert one.p50 > 0 and one.bare > 0 and len(counted) == 3


@pytest.mark.browser
def test_a_widget_that_is_not_what_it_says_is_a_fault(portal: BlockingPortal, agent_browser: Browser) -> None:
    wrong = WIDGETS[0].model_copy(update={"wants": "something else"})
    gone = WIDGETS[1].model_copy(update={"label": "No such field"})
    with HandsSite(WIDGETS) as site:
        [lied, missing] = portal.call(worked, agent_browser, site, 1, lambda: None, (wrong, gone))
    assert lied.fault.startswith("told as done, but the widget says") and "No such field" in missing.fault
