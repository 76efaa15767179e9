"""The benchmark of reading: its pages are what they say, its judge is fair, its limits bite, and a peer that hangs is ended."""

from __future__ import annotations

import asyncio
import os
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser, Page
from rich.console import Console
from typer.testing import CliRunner

from agent.bench import changes, peers, readers
from agent.bench.changes import CHANGES, time_changes
from agent.bench.extract import BenchSettings, run
from agent.bench.judge import Item, items_of, items_of_view, judge
from agent.bench.limits import shortfalls
from agent.bench.peers import Peer
from agent.bench.readers import AI_SNAPSHOT, CASEPILOT, InPage, Measured, Opened, view_of
from agent.bench.results import ChangeTiming, ExtractBench, PageResult, Reading
from agent.bench.site import serving
from agent.bench.tables import tables
from agent.bench.tokens import count_tokens
from agent.cli import app
from fixtures.pages.generated import GeneratedPage
from fixtures.pages.miniwob import named_as, truth_of
from fixtures.pages.support_case import FIELDS, support_case
from fixtures.pages.truth import Completeness, PageTruth, TrueControl, TrueTable, compare
from fixtures.pages.written import frames, widgets
from schema_extraction.view import View

EMPTY = View.model_validate({"path": "/", "today": "2026-03-02"})
WHOLE = Completeness(
    recall=1.0, precision=1.0, values=1.0, options=1.0, states=1.0, facts=1.0, messages=1.0, cells=1.0, notices=1.0
)


async def shown(browser: Browser, made: GeneratedPage) -> View:
    page = await browser.new_page()
    with serving([made]) as site:
        await page.goto(site.url + made.path, wait_until="load")
        view = await view_of(page)
    await page.close()
    return view


def test_pages_are_the_same_for_the_same_seed_and_have_their_rows() -> None:
    made = support_case(7)
    assert made == support_case(7) != support_case(7, seed=2)
    assert made.html.count("<tr>") == 8
    fields = [true for true in made.truth.controls if true.role not in ("button", "link") and not true.secret]
    assert len(fields) == FIELDS and len(made.truth.messages) == 30


def test_rows_past_the_first_two_hundred_are_right_but_not_demanded() -> None:
    made = support_case(230)
    (orders,) = made.truth.tables
    assert len(orders.rows) == 200 and orders.total == 230 and len(made.beyond) == 30


@pytest.mark.parametrize("made", [support_case(12), frames()], ids=["support case", "frames"])
def test_the_view_of_a_page_is_complete(portal: BlockingPortal, agent_browser: Browser, made: GeneratedPage) -> None:
    view = portal.call(shown, agent_browser, made)
    assert compare(made.truth, view) == WHOLE
    assert made.secret and made.secret not in view.model_dump_json()


def test_the_view_of_custom_widgets_is_complete(portal: BlockingPortal, agent_browser: Browser) -> None:
    made = widgets()
    assert compare(made.truth, portal.call(shown, agent_browser, made)).wrong == ()


def test_frames_of_another_origin_are_of_another_origin(portal: BlockingPortal, agent_browser: Browser) -> None:
    async def ask() -> list[bool]:
        page = await agent_browser.new_page()
        with serving([frames()]) as site:
            await page.goto(site.url + "/frames.html", wait_until="load")
            shut: list[bool] = await page.evaluate("[...document.querySelectorAll('iframe')].map(f => !f.contentDocument)")
        await page.close()
        return shut

    assert portal.call(ask) == [False, False, False, True, False]


def test_the_site_gives_no_file_from_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "page.html").write_text("inside")
    (tmp_path / "secret.txt").write_text("outside")

    with serving([], tmp_path / "in") as site:
        connection = HTTPConnection(site.url.removeprefix("http://"))
        met = []
        for path in ("/page.html", "/missing.html", "/../secret.txt"):
            connection.request("GET", path)
            answer = connection.getresponse()
            met.append((answer.status, answer.read()))
        connection.close()
    assert met == [(200, b"inside"), (404, b""), (404, b"")]


# -- the judge ----------------------------------------------------------------------------------------------------------------

TREES = {
    "aria": """- main [ref=e2]:
  - textbox "Street" [invalid] [ref=e3]: Mill Lane 4
  - 'combobox "Level: now" [ref=e4]':
    - option "Gold" [selected]
    - option "Silver"
  - radiogroup "Refund to":
    - radio "Card"
    - radio "Voucher" [checked]
  - button [ref=e9]
""",
    "browsergym": """RootWebArea 'Case'
\t[3] textbox 'Street' value='Mill Lane 4', required, invalid='true'
\t[4] combobox 'Level: now' value='Gold', hasPopup='menu'
\t\t[5] option 'Gold', selected=True
\t\t[6] option 'Silver', selected=False
\t[7] radiogroup 'Refund to', required=False
\t\t[8] radio 'Card', checked='false'
\t\t[9] radio 'Voucher', checked='true'
\t[10] button ''
""",
    "stagehand": """[0-1] RootWebArea: Case
  [0-3] textbox: Street
    [0-30] StaticText: Mill Lane 4
  [0-4] select: Level: now
    [0-5] option: Gold [selected]
    [0-6] option: Silver
  [0-7] radiogroup: Refund to
    [0-8] radio: Card
    [0-9] radio: Voucher [checked]
  [0-10] button
""",
}
TRUTH = PageTruth(
    title="a tree",
    controls=(
        TrueControl(role="textbox", name="Street", value="Mill Lane 4", required=True, invalid=True),
        TrueControl(role="combobox", name="Level: now", value="Gold", options=("Gold", "Silver")),
        TrueControl(role="radiogroup", name="Refund to", value="Voucher", options=("Card", "Voucher")),
        TrueControl(role="button", name=""),
    ),
    tables=(TrueTable(headers=("Day",), rows=(("3 Mar",), ("Mill Lane",)), total=2),),
)


@pytest.mark.parametrize("form", TREES)
def test_every_form_of_tree_is_read(form: str) -> None:
    found = judge(TRUTH, items_of(TREES[form], form), TREES[form])
    assert (found.recall, found.precision, found.labels, found.values, found.options) == (1.0,) * 5
    assert found.cells == 1 / 3  # one of two cells, and not the header
    assert found.required == (form == "browsergym") and found.invalid == (form != "stagehand")


def test_a_value_that_is_told_elsewhere_does_not_count() -> None:
    tree = '- textbox "Street" [ref=e1]\n- text: Mill Lane 4\n'
    assert judge(TRUTH, items_of(tree, "aria"), tree).values == 0.0


def test_the_parts_of_a_date_field_count_as_one_control() -> None:
    tree = "[1] Date 'Due' value='2026-03-14'\n\t[1] spinbutton 'Month Month' value=3\n[2] button 'Go'\n"
    assert [(item.role, item.name) for item in items_of(tree, "browsergym")] == [("Date", "Due"), ("button", "Go")]


def test_what_is_listed_twice_or_is_none_costs_precision_and_what_is_beyond_does_not() -> None:
    truth = PageTruth(title="", controls=(TrueControl(role="button", name="Send"),))
    items = [Item("button", "Send", ""), Item("button", "Send", ""), Item("link", "O-1", ""), Item("link", "O-2", "")]
    assert judge(truth, items, "").precision == 0.25
    assert judge(truth, items, "", [TrueControl(role="link", name="O-1")]).precision == 0.5
    assert judge(truth, [], "").recall == 0.0 and judge(truth, [], "").precision is None


def test_the_view_is_judged_like_the_peers(portal: BlockingPortal, agent_browser: Browser) -> None:
    made = support_case(3)
    view = portal.call(shown, agent_browser, made)
    found = judge(made.truth, items_of_view(view), view.model_dump_json())
    assert all(value == 1.0 for name, value in found if name != "listed"), found
    assert judge(made.truth, items_of_view(EMPTY), "").recall == 0.0


def test_tokens_are_counted_over_all_of_a_long_text() -> None:
    assert count_tokens("the order.") == 3
    assert count_tokens("the order.\n" * 5000) == 15_000


# -- changes ------------------------------------------------------------------------------------------------------------------


class FirstLook:
    """Never looks again."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.kept: View | None = None

    async def view(self) -> View:
        self.kept = self.kept or await view_of(self.page)
        return self.kept


async def changed(browser: Browser, rows: int) -> tuple[ChangeTiming, ...]:
    page = await browser.new_page()
    await page.set_content(support_case(rows).html)
    found = await time_changes(page, "case", rows, repeats=3)
    await page.close()
    return found


def test_every_change_shows_in_the_next_view(portal: BlockingPortal, agent_browser: Browser) -> None:
    found = portal.call(changed, agent_browser, 4)
    assert [timing.kind for timing in found] == [change.kind for change in CHANGES]
    assert all(timing.seen == 1.0 and timing.same and timing.p95 >= timing.p50 > 0.0 for timing in found), found


def test_a_reader_that_keeps_an_old_view_is_found_out(
    portal: BlockingPortal, agent_browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "VIEWING", FirstLook)
    found = portal.call(changed, agent_browser, 0)
    assert len(found) == len(CHANGES) - 1  # without a row none can change
    assert not any(timing.seen == 1.0 or timing.same for timing in found), found


# -- limits -------------------------------------------------------------------------------------------------------------------


def result(
    rows: int = 0,
    ms: float = 30.0,
    characters: int = 9_000,
    change_ms: float = 3.0,
    seen: float = 1.0,
    same: bool = True,
    **parts: float,
) -> PageResult:
    mine = Reading(page="case", reader=CASEPILOT, p50=ms, characters=characters)
    peer = Reading(page="case", reader=AI_SNAPSHOT, p50=100.0, characters=30_000)
    return PageResult(
        name="case",
        nodes=1500,
        true_controls=10,
        own_controls=10,
        table_rows=rows,
        readings=(mine, peer),
        completeness=WHOLE.model_copy(update=parts),
        changes=(ChangeTiming(page="case", kind="typing", p50=change_ms, p95=9.0, count=3, seen=seen, same=same),),
    )


def test_nothing_falls_short_at_the_limits() -> None:
    assert shortfalls([result(ms=35.0, characters=12_000, change_ms=4.0, precision=0.98)], [], ["case"]) == ()
    assert shortfalls([result(rows=500, ms=20.0, characters=25_000)], [result(recall=0.98, precision=0.95)], ["case"]) == ()


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (result(ms=36.0), "0.36x the time"),
        (result(rows=500, ms=21.0), "0.21x the time"),
        (result(characters=12_001), "12,001 characters"),
        (result(rows=500, ms=10.0, characters=25_001), "25,001 characters"),
        (result(recall=0.99), "control recall 99.0%"),
        (result(precision=0.97), "control precision 97.0%"),
        (result(cells=0.9), "cells 90.0%"),
        (result(notices=0.5), "notices 50.0%"),
        (result(change_ms=4.1), "typing: 4.1 ms"),
        (result(same=False), "typing: the next view is not that of the whole page"),
        (result(seen=0.5), "typing: 50% of the changes"),
    ],
)
def test_each_limit_bites(page: PageResult, words: str) -> None:
    (short,) = shortfalls([page], [], ["case"])
    assert words in short


def test_miniwob_is_limited_over_all_its_controls() -> None:
    bad = result(recall=0.5, precision=0.5).model_copy(update={"true_controls": 90, "own_controls": 90})
    short = shortfalls([], [result(), bad], [])
    assert short == (
        "MiniWoB++: control recall 55.0%, at least 98% wanted",
        "MiniWoB++: control precision 55.0%, at least 95% wanted",
    )


def test_a_password_in_the_text_falls_short() -> None:
    leak = Reading(page="case", reader=CASEPILOT, p50=1.0, leaks_password=True)
    assert shortfalls([result().model_copy(update={"readings": (leak,)})], [], []) == ("case: the text holds a password",)


# -- readers ------------------------------------------------------------------------------------------------------------------


def test_a_reader_that_is_slow_gives_what_it_has_and_one_that_hangs_gives_none(
    portal: BlockingPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "MOST_SECONDS", 0.2)
    monkeypatch.setattr(readers, "PAGE_SECONDS", 1.0)

    def measured(seconds: float) -> Measured:
        async def read(page: Page) -> str:
            await asyncio.sleep(seconds)
            return "text"

        reader = InPage("slow", read, lambda text: (text, None))
        return portal.call(reader.measure, Opened(page=None, url="", script="", repeats=3))  # type: ignore[arg-type]

    assert len(measured(0.0).seconds) == 3
    assert len(measured(0.3).seconds) == 1 and measured(0.3).seconds[0] > 0.29
    assert measured(5.0) == Measured(none="none within 1 s")


# -- peers --------------------------------------------------------------------------------------------------------------------

READY = 'import json, sys, time, os\nprint(json.dumps({"ready": True}), flush=True)\nasked = json.loads(sys.stdin.readline())\n'


def asked(portal: BlockingPortal, name: str, seconds: float = 20.0) -> str:
    """What a peer gives for a page: why there is none, or its text."""

    async def ask() -> str:
        peer = Peer(name, page_seconds=seconds, start_seconds=20.0)
        try:
            found = await peer.measure(Opened(page=None, url="http://127.0.0.1/a", script="", repeats=3))  # type: ignore[arg-type]
        finally:
            await peer.close()
        return found.none or f"{found.text} {found.items}"

    return portal.call(ask)


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A worker to write, for a peer called `browser-use` that counts as installed."""
    monkeypatch.setattr(peers, "WORKER", tmp_path / "worker.py")
    monkeypatch.setitem(peers.MODULES, "browser-use", "json")
    return tmp_path / "worker.py"


@pytest.mark.parametrize("name", peers.MODULES)
def test_an_installed_peer_names_most_controls(portal: BlockingPortal, name: str) -> None:
    async def ask() -> Measured | None:
        peer = Peer(name)
        if not await peer.installed():
            return None
        try:
            with serving([frames()]) as site:
                return await peer.measure(Opened(page=None, url=site.url + "/frames.html", script="", repeats=1))  # type: ignore[arg-type]
        finally:
            await peer.close()

    found = portal.call(ask)
    if found is None:
        pytest.skip(f"{name} is not installed")
    assert found.none == "" and len(found.seconds) == 1
    assert judge(frames().truth, found.items or (), found.text).recall > 0.8


def test_a_peer_that_is_not_installed_is_left_out(portal: BlockingPortal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(peers.MODULES, "stagehand", "no_such_package_anywhere")
    assert asked(portal, "stagehand") == "not installed"


def test_a_peer_answers_with_text_and_elements(portal: BlockingPortal, worker: Path) -> None:
    told = '{"text": asked["url"], "named": [["button", "Send", "[1]<button />"]], "seconds": [0.1]}'
    worker.write_text(f"{READY}print(json.dumps({told}), flush=True)\n")
    assert asked(portal, "browser-use") == f"http://127.0.0.1/a {(Item('button', 'Send', '[1]<button />'),)}"


def test_a_peer_that_hangs_is_ended_with_all_that_it_started(portal: BlockingPortal, worker: Path, tmp_path: Path) -> None:
    worker.write_text(
        f"{READY}import subprocess\nchild = subprocess.Popen(['sleep', '300'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\ntime.sleep(300)\n"
    )
    assert asked(portal, "browser-use", seconds=1.0) == "none within 1 s"
    child = int((tmp_path / "pid").read_text())
    state = Path(f"/proc/{child}/stat")
    deadline = time.monotonic() + 5  # what was ended goes when the system next runs it
    while state.exists() and state.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_peer_that_failed_starts_anew_with_the_next_page(portal: BlockingPortal, worker: Path) -> None:
    failing = f'{READY}print(json.dumps({{"error": "KeyError: x"}}), flush=True)\n'
    told = '{"text": "read", "named": [], "seconds": [0.1]}'
    worker.write_text(failing)

    async def ask() -> list[str]:
        peer = Peer("browser-use")
        opened = Opened(page=None, url="", script="", repeats=3)  # type: ignore[arg-type]
        try:
            first = await peer.measure(opened)
            worker.write_text(f"{READY}print(json.dumps({told}), flush=True)\n")
            return [first.none, (await peer.measure(opened)).text]
        finally:
            await peer.close()

    assert portal.call(ask) == ["failed: KeyError: x", "read"]


def test_a_peer_that_fails_says_why(portal: BlockingPortal, worker: Path) -> None:
    worker.write_text(f'{READY}print(json.dumps({{"error": "KeyError: x"}}), flush=True)\n')
    assert asked(portal, "browser-use") == "failed: KeyError: x"
    worker.write_text("raise SystemExit('no display')\n")
    assert asked(portal, "browser-use") == "does not start: no display"


# -- MiniWoB++ ----------------------------------------------------------------------------------------------------------------


def test_what_has_no_label_may_be_called_anything_but_what_another_control_is_called() -> None:
    truth = truth_of(
        "task", 1, [{"role": "textbox", "name": "", "value": "x"}, {"role": "textbox", "name": "To", "readonly": True}]
    )
    named = named_as(truth, [("textbox", "To"), ("button", "Go"), ("textbox", "Say anything")])
    assert [true.name for true in named.controls] == ["Say anything", "To"] and named.controls[1].readonly
    assert [true.name for true in named_as(truth, [("textbox", "To")]).controls] == ["", "To"]


# -- the command --------------------------------------------------------------------------------------------------------------


def test_a_run_gives_tables_and_results(portal: BlockingPortal, tmp_path: Path) -> None:
    met: list[tuple[int, int]] = []
    settings = BenchSettings(repeats=3, sizes=(0,), peers=(), seeds=(1,))
    found = portal.call(run, settings, lambda done, total: met.append((done, total)))
    found.write(tmp_path / "out" / "results.json")
    assert ExtractBench.model_validate_json((tmp_path / "out" / "results.json").read_bytes()) == found
    assert [page.name for page in found.pages] == ["support case", "frames and shadow roots", "custom widgets"]
    assert met[-1][0] == met[-1][1] and found.machine.cores == os.cpu_count()
    console = Console(width=200, record=True, quiet=False, file=(tmp_path / "log").open("w"))
    for table in tables(found):
        console.print(table)
    text = console.export_text()
    console.file.close()
    for words in ("support case: 1,494 nodes", CASEPILOT, AI_SNAPSHOT, "printed", "dialog opens"):
        assert words in text, text
    mine, peer = (found.pages[0].reading(name) for name in (CASEPILOT, AI_SNAPSHOT))
    assert mine and peer and mine.shares and peer.shares
    assert mine.shares.recall == 1.0 and peer.shares.recall > 0.9 and mine.tokens < peer.tokens
    assert peer.leaks_password and not mine.leaks_password


def test_a_peer_that_does_not_exist_is_named_before_anything_runs() -> None:
    done = CliRunner().invoke(app, ["bench", "extract", "--peer", "selenium"])
    assert done.exit_code == 2, done.output
    assert "browser-use" in done.output and "selenium" in done.output
