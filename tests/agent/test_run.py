"""Runs that are interrupted: Ctrl-C, a killed process, a second run in the same folder."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from agent.desk import Desk
from agent.errors import RunError
from agent.runner import Runner
from agent.store import CaseSummary
from browser.errors import SignInError
from policies.feedback import Verdict
from policies.gate import Gate
from policies.proposal import History
from policies.scripted import ScriptedPolicy
from policies.trace import read_steps
from schema_extraction.action import Action
from schema_extraction.view import View
from tests.agent.app import TinyApp
from tests.agent.script import HandsOff, decide_and_close, settings

pytestmark = pytest.mark.browser
REPOSITORY = Path(__file__).parents[2]


class Process:
    """A run in a process of its own. `line` waits for the next line it prints."""

    def __init__(self, app: TinyApp, run_dir: Path, kind: str) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.agent.crash", app.base_url, str(run_dir), kind],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> dict[str, Any]:
        assert self.child.stdout
        text = self.child.stdout.readline()
        assert text, "the run ended without a word"
        found: dict[str, Any] = json.loads(text)
        return found

    def answer(self, text: str) -> None:
        assert self.child.stdin
        self.child.stdin.write(text + "\n")
        self.child.stdin.flush()

    def kill(self) -> None:
        """SIGKILL, as by a power cut."""
        self.child.kill()
        self.child.wait(30)


@contextmanager
def process(app: TinyApp, run_dir: Path, kind: str) -> Iterator[Process]:
    started = Process(app, run_dir, kind)
    watchdog = threading.Timer(90, started.child.kill)
    watchdog.start()
    try:
        yield started
    finally:
        watchdog.cancel()
        started.kill()
        for stream in (started.child.stdin, started.child.stdout):
            assert stream
            stream.close()


def test_a_killed_run_resumes_with_what_was_typed(tiny: TinyApp, run_dir: Path) -> None:
    with process(tiny, run_dir, "copilot") as first:
        before = first.line()
        assert before["typed"] == "25.50"
        first.kill()
    assert tiny.changes == []
    with process(tiny, run_dir, "copilot") as second:
        after = second.line()
        assert (after["handoff"], after["suggestion"], after["typed"]) == (before["handoff"], before["suggestion"], "25.50")
        second.answer("accept")
        assert second.line()["suggestion"].startswith("Close the case")
        second.answer("accept")
        assert second.line() == {"status": "completed", "handoffs": 2}
    assert [(change.what, change.values.get("amount")) for change in tiny.changes] == [("submit", "25.50"), ("close", None)]
    indices = [step.index for step in read_steps(run_dir / "traces")]
    assert sorted(indices) == list(range(len(indices)))


def test_a_critical_action_cut_short_by_a_kill_is_not_repeated(tiny: TinyApp, run_dir: Path) -> None:
    """The application took the submission, but the process died before it heard so."""
    tiny.hold = threading.Event()
    with process(tiny, run_dir, "open") as first:
        assert tiny.held.wait(60)
        first.kill()
    tiny.hold.set()
    tiny.hold = None
    with process(tiny, run_dir, "open") as second:
        assert second.line() == {"status": "completed", "handoffs": 0}
    assert [change.what for change in tiny.changes] == ["submit", "close"]


def test_a_critical_action_of_unknown_outcome_is_handed_off(tiny: TinyApp, run_dir: Path) -> None:
    """The page has changed meanwhile, but shows neither that the submission was taken nor that it was not."""
    tiny.hold = threading.Event()
    with process(tiny, run_dir, "open") as first:
        assert tiny.held.wait(60)
        first.kill()
    tiny.decided.clear()
    tiny.facts["C-1"] = "Somebody looked at this case"
    tiny.hold.set()
    tiny.hold = None
    with process(tiny, run_dir, "open") as second:
        asked = second.line()
        assert "not known whether" in asked["reason"]
        second.answer("end")
        assert second.line()["status"] == "ended_by_operator"
    assert [change.what for change in tiny.changes] == ["submit"]


def test_ctrl_c_keeps_everything_and_leaves_no_browser(tiny: TinyApp, run_dir: Path, tmp_path: Path) -> None:
    """The command itself, as a user has it, with a scripted model."""
    tiny.profile(tmp_path)
    arguments = ["run", "--profile", str(tmp_path / "tiny.yaml"), "--model", "x", "--run-dir", str(run_dir), "--limit", "1"]
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.agent.double", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "CASEPILOT_USERNAME": "agent", "CASEPILOT_PASSWORD": "tiny"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watchdog = threading.Timer(90, child.kill)
    watchdog.start()
    try:
        assert child.stdout and child.stderr
        seen = ""
        while "hand-off" not in seen:
            line = child.stdout.readline()
            assert line, child.stderr.read()
            seen += line
        os.killpg(child.pid, signal.SIGINT)
        _, told = child.communicate(timeout=60)
    finally:
        watchdog.cancel()
        child.kill()
    assert child.returncode == 130
    assert told.strip().splitlines()[-1] == f"Stopped: 0 of 1 cases done; go on with --run-dir {run_dir}"
    assert [step.action.type for step in read_steps(run_dir / "traces") if step.action] == ["fill"]
    assert not _in_session(child.pid)


def _in_session(session: int) -> list[str]:
    """Command lines of the processes that still run in a session."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            command = (status.parent / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(command)
    return found


def test_a_stopped_run_goes_on_in_the_same_process(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    async def stopped() -> list[CaseSummary]:
        desk = Desk()
        async with Runner(settings(tiny, run_dir), ScriptedPolicy(decide_and_close), lambda _: Gate("copilot"), desk) as run:
            running = asyncio.create_task(run.run(["C-1"]))
            async with asyncio.timeout(60):
                await anext(aiter(desk))
                run.stop()
                return await running

    async def resumed() -> list[CaseSummary]:
        desk = Desk()
        async with Runner(settings(tiny, run_dir), ScriptedPolicy(decide_and_close), lambda _: Gate("copilot"), desk) as run:
            assert run.unfinished() == ["C-1"]
            running = asyncio.create_task(run.run(["C-1"]))
            async with asyncio.timeout(60):
                waiting = aiter(desk)
                for _ in range(2):
                    await desk.verdict((await anext(waiting)).id, Verdict(kind="accept", operator="kim"))
                return await running

    assert [s.status for s in portal.call(stopped)] == ["stopped"]
    assert [(s.status, s.handoffs) for s in portal.call(resumed)] == [("completed", 2)]


def test_a_session_that_hands_off_after_the_run_was_stopped_does_not_wait_for_an_operator(
    tiny: TinyApp, run_dir: Path, portal: BlockingPortal
) -> None:
    async def scenario() -> list[CaseSummary]:
        loop, runs = asyncio.get_running_loop(), list[Runner]()

        def stops(view: View, history: History) -> Action | None:
            asyncio.run_coroutine_threadsafe(stop(), loop).result()
            return decide_and_close(view, history)

        async def stop() -> None:
            runs[0].stop()

        async with Runner(settings(tiny, run_dir), ScriptedPolicy(stops), lambda _: HandsOff(), Desk()) as run:
            runs.append(run)
            async with asyncio.timeout(60):
                return await run.run(["C-1"])

    assert [s.status for s in portal.call(scenario)] == ["stopped"]


def test_a_run_folder_serves_one_run_at_a_time(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    async def twice() -> None:
        def runner() -> Runner:
            return Runner(settings(tiny, run_dir), ScriptedPolicy([]), lambda _: Gate("copilot"), Desk())

        async with runner():
            async with runner():
                pass

    with pytest.raises(RunError, match="in use by another run"):
        portal.call(twice)


def test_a_refused_login_ends_the_run_before_it_begins(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    async def begin() -> None:
        tiny.password = "changed"
        async with Runner(chosen, ScriptedPolicy([]), lambda _: Gate("copilot"), Desk()):
            pass

    chosen = settings(tiny, run_dir)
    with pytest.raises(SignInError, match="Wrong user name or password"):
        portal.call(begin)


def test_a_handoff_that_went_out_of_date_is_looked_at_anew(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    """While the run was stopped, somebody else did the step."""

    async def stopped() -> None:
        desk = Desk()
        async with Runner(settings(tiny, run_dir), ScriptedPolicy(decide_and_close), lambda _: Gate("copilot"), desk) as run:
            running = asyncio.create_task(run.run(["C-1"]))
            async with asyncio.timeout(60):
                await anext(aiter(desk))
                run.stop()
                await running

    async def resumed() -> str:
        desk = Desk()
        async with Runner(settings(tiny, run_dir), ScriptedPolicy(decide_and_close), lambda _: Gate("copilot"), desk) as run:
            running = asyncio.create_task(run.run(["C-1"]))
            async with asyncio.timeout(60):
                handoff = await anext(aiter(desk))
                await desk.end_session(handoff.id, "kim")
                await running
            return handoff.suggestion

    portal.call(stopped)
    tiny.decided["C-1"] = {"amount": "1"}
    assert portal.call(resumed) == "Close the case as 'Refunded'."
    assert tiny.changes == []


def test_a_browser_that_goes_away_stops_the_run(tiny: TinyApp, run_dir: Path, portal: BlockingPortal) -> None:
    async def scenario() -> tuple[list[CaseSummary], list[str]]:
        desk = Desk()
        async with Runner(settings(tiny, run_dir), ScriptedPolicy(decide_and_close), lambda _: Gate("copilot"), desk) as run:
            running = asyncio.create_task(run.run(["C-1"]))
            async with asyncio.timeout(60):
                await anext(aiter(desk))
                session = await run.browser.new_browser_cdp_session()
                await session.send("Browser.close")
                return await running, run.unfinished()

    summaries, unfinished = portal.call(scenario)
    assert [s.status for s in summaries] == ["stopped"] and unfinished == ["C-1"]
