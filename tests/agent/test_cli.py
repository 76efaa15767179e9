"""The command line as a user has it: every foreseen error is one line with the next step, and a non-zero exit."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from browser.launch import BrowserSettings
from browser.session import attached, opened, visit
from policies.trace import read_steps
from schema_extraction.view import View
from tests.agent.app import TinyApp

REPOSITORY = Path(__file__).parents[2]
COMMANDS = [
    "extract",
    "record",
    "train",
    "critic",
    "calibrate",
    "evaluate",
    "readiness",
    "run",
    "demo",
    "doctor",
    "bpm",
    "bpm serve",
    "bench critic",
    "profile",
    "profile init",
    "profile check",
    "profile schema",
    "bench autonomy",
    "models",
    "models add",
    "models ls",
    "models show",
    "models diff",
    "models activate",
    "models rollback",
]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CASEPILOT_")}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "120", **more}


def casepilot(*arguments: str, module: str = "agent", cwd: Path = REPOSITORY, **more: str) -> subprocess.CompletedProcess[str]:
    start = ["-m", "tests.agent.double"] if module == "double" else ["-c", "from agent.cli import main; main()"]
    return subprocess.run(
        [sys.executable, *start, *arguments], cwd=cwd, env=environment(**more), capture_output=True, text=True, timeout=120
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The only line on standard error of a command that failed as foreseen."""
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = casepilot(*command.split(), "--help")
    assert done.returncode == 0
    assert "Example" in done.stdout and f"casepilot {command}" in done.stdout


def test_help_answers_at_once_and_loads_nothing_heavy() -> None:
    # Processor time, since the machine may be busy with other things.
    code = (
        "import sys, time\n"
        "from agent.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'transformers', 'playwright', 'dbos', 'pydantic', 'numpy', 'lxml', 'fixtures'} & set(sys.modules)\n"
        "print(heavy or 'light', time.process_time())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True)
    loaded, seconds = done.stdout.strip().splitlines()[-1].split(" ")
    assert loaded == "light"
    assert float(seconds) < 0.5


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    line = one_line(casepilot("run", "--profile", str(tmp_path / "no.yaml"), "--model", "x"))
    assert "no.yaml" in line and "--profile" in line


def test_half_a_login(tmp_path: Path, tiny: TinyApp) -> None:
    tiny.profile(tmp_path)
    done = casepilot("run", "-p", str(tmp_path / "tiny.yaml"), "-m", "x", CASEPILOT_USERNAME="agent")
    assert "CASEPILOT_PASSWORD" in one_line(done)


def test_empty_feedback(tmp_path: Path) -> None:
    line = one_line(casepilot("calibrate", str(tmp_path), "--model", "x"))
    assert "No feedback" in line and "casepilot run --stage copilot" in line


def test_readiness_of_a_model_that_is_not_there(tmp_path: Path) -> None:
    assert "casepilot train" in one_line(casepilot("readiness", str(tmp_path), "--model", str(tmp_path / "none")))


def test_traces_without_a_usable_line_are_named_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"version": 1}\nnot json\n', encoding="utf-8")
    done = casepilot("evaluate", str(tmp_path), "--model", str(tmp_path / "none"))
    assert done.returncode == 1
    *warnings, error = done.stderr.strip().splitlines()
    assert any("bad.jsonl:1: malformed step" in line for line in warnings)
    assert any("bad.jsonl:2: malformed step" in line for line in warnings)
    assert "none" in error or "No step" in error


def test_a_model_that_is_not_there(tmp_path: Path, tiny: TinyApp) -> None:
    tiny.profile(tmp_path)
    line = one_line(casepilot("run", "-p", str(tmp_path / "tiny.yaml"), "-m", str(tmp_path / "missing"), cwd=tmp_path))
    assert line.startswith("No model at") and "casepilot train" in line
    assert not (tmp_path / "runs").exists()


def test_a_model_of_another_view_version(tmp_path: Path, tiny: TinyApp) -> None:
    tiny.profile(tmp_path)
    (tmp_path / "bundle.json").write_text(json.dumps({"format": 1, "view_version": 0}), encoding="utf-8")
    line = one_line(casepilot("run", "-p", str(tmp_path / "tiny.yaml"), "-m", str(tmp_path), cwd=tmp_path))
    assert "view version 0" in line and "Train it again" in line


def test_a_fault_that_the_bpm_does_not_know() -> None:
    assert "nonsense" in one_line(casepilot("bpm", "serve", "--faults", "nonsense=1"))


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    assert "none.sqlite" in one_line(casepilot("bpm", "judge", str(tmp_path / "none.sqlite")))


@pytest.mark.browser
def test_an_address_where_nobody_answers() -> None:
    line = one_line(casepilot("extract", f"http://127.0.0.1:{free_port()}/"))
    assert line.startswith("Cannot open 'http://127.0.0.1:") and "Is the application running" in line


def test_neither_an_address_nor_a_file() -> None:
    assert "met 'nowhere.html'" in one_line(casepilot("extract", "nowhere.html"))


@pytest.mark.browser
def test_extract_prints_the_view_of_a_page_behind_a_login(tmp_path: Path, tiny: TinyApp) -> None:
    tiny.profile(tmp_path)
    arguments = ("extract", f"{tiny.base_url}/cases/C-1", "-p", str(tmp_path / "tiny.yaml"))
    account = {"CASEPILOT_USERNAME": "agent", "CASEPILOT_PASSWORD": "tiny"}
    view = View.model_validate_json(casepilot(*arguments, "--json", **account).stdout)
    assert view.case_id == "C-1" and view.slice == "Refund" and not view.closed
    text = casepilot(*arguments, "--text", **account).stdout
    assert "Submit decision" in text and "I want 25.50 back." in text


@pytest.mark.browser
def test_extract_reads_a_file(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<title>T</title><label>Amount <input value='5'></label>", encoding="utf-8")
    done = casepilot("extract", str(tmp_path / "page.html"), "--json")
    (control,) = json.loads(done.stdout)["controls"]
    assert (control["name"], control["value"]["raw"]) == ("Amount", "5")


@pytest.mark.browser
def test_an_application_that_is_down(tmp_path: Path, tiny: TinyApp) -> None:
    tiny.base_url = f"http://127.0.0.1:{free_port()}"
    tiny.profile(tmp_path)
    account = {"CASEPILOT_USERNAME": "agent", "CASEPILOT_PASSWORD": "tiny"}
    done = casepilot("run", "-p", str(tmp_path / "tiny.yaml"), "-m", "x", module="double", **account, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(f"Cannot open '{tiny.base_url}/login'")


@pytest.mark.browser
def test_a_login_that_is_refused(tmp_path: Path, tiny: TinyApp) -> None:
    tiny.profile(tmp_path)
    account = {"CASEPILOT_USERNAME": "agent", "CASEPILOT_PASSWORD": "wrong"}
    done = casepilot("run", "-p", str(tmp_path / "tiny.yaml"), "-m", "x", module="double", **account, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "refused the login of 'agent'" in line and "wrong" not in line.replace("Wrong", "")


class Recorder:
    """`casepilot record` as a child process, driven over its DevTools port."""

    def __init__(self, tiny: TinyApp, folder: Path, *more: str) -> None:
        self.port = free_port()
        self.out = folder / "traces"
        tiny.profile(folder)
        command = ["record", f"{tiny.base_url}/work", "-p", str(folder / "tiny.yaml"), "--out", str(self.out)]
        command += ["--headless", "--port", str(self.port), *more]
        self.child = subprocess.Popen(
            [sys.executable, "-c", "from agent.cli import main; main()", *command],
            cwd=REPOSITORY,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> None:
        assert self.child.stderr
        seen = ""
        while "others can join" not in seen:
            line = self.child.stderr.readline()
            assert line, seen
            seen += line


@contextmanager
def recording(tiny: TinyApp, folder: Path, *more: str) -> Iterator[Recorder]:
    recorder = Recorder(tiny, folder, *more)
    watchdog = threading.Timer(90, recorder.child.kill)
    watchdog.start()
    try:
        recorder.ready()
        yield recorder
    finally:
        watchdog.cancel()
        recorder.child.kill()
        recorder.child.communicate(timeout=30)


async def work_one_case(endpoint: str, to_the_end: bool = True) -> None:
    async with attached(endpoint) as browser:
        page = next(page for context in browser.contexts for page in context.pages)
        await page.get_by_label("User name").fill("ann")
        await page.get_by_label("Password").fill("tiny")
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("link", name="C-2").click()
        await page.get_by_label("Amount").fill("12.00")
        await page.get_by_role("button", name="Submit decision").click()
        await page.get_by_label("Resolution").select_option("Refused")
        await page.get_by_role("button", name="Close case").click()
        if to_the_end:
            await page.get_by_text("Closed as Refused").wait_for()


@pytest.mark.browser
def test_record_ends_after_so_many_closed_cases(tmp_path: Path, tiny: TinyApp, portal: BlockingPortal) -> None:
    with recording(tiny, tmp_path, "--cases", "1", "--operator", "ann") as recorder:
        portal.call(work_one_case, f"http://127.0.0.1:{recorder.port}", False)
        _, told = recorder.child.communicate(timeout=60)
    assert recorder.child.returncode == 0
    assert "3 steps of 1 closed cases" in told
    steps = list(read_steps(recorder.out))
    assert [(s.action.type, s.actor, s.user, s.stage, s.case_id) for s in steps if s.action] == [
        ("fill", "operator", "ann", "logging", "C-2"),
        ("click", "operator", "ann", "logging", "C-2"),
        ("close_case", "operator", "ann", "logging", "C-2"),
    ]
    assert [step.critical for step in steps] == [False, True, True]


@pytest.mark.browser
def test_ctrl_c_ends_a_recording_and_keeps_it(tmp_path: Path, tiny: TinyApp, portal: BlockingPortal) -> None:
    with recording(tiny, tmp_path) as recorder:
        portal.call(work_one_case, f"http://127.0.0.1:{recorder.port}")
        recorder.child.send_signal(signal.SIGINT)
        _, told = recorder.child.communicate(timeout=60)
    assert recorder.child.returncode == 130
    assert told.strip().splitlines()[-1].startswith("Stopped: 3 steps of 1 closed cases kept in")
    assert len(list(read_steps(recorder.out))) == 3


@pytest.mark.browser
def test_attaching_where_no_browser_listens(tmp_path: Path, tiny: TinyApp) -> None:
    tiny.profile(tmp_path)
    done = casepilot(
        "record",
        tiny.base_url,
        "-p",
        str(tmp_path / "tiny.yaml"),
        "--out",
        str(tmp_path),
        "--attach",
        f"http://127.0.0.1:{free_port()}",
    )
    assert "No browser answers" in one_line(done)


@pytest.mark.browser
def test_a_closed_browser_ends_a_recording(tmp_path: Path, tiny: TinyApp, portal: BlockingPortal) -> None:
    async def work_and_leave(endpoint: str) -> None:
        await work_one_case(endpoint)
        async with attached(endpoint) as browser:
            await browser.contexts[0].pages[0].close()

    with recording(tiny, tmp_path) as recorder:
        portal.call(work_and_leave, f"http://127.0.0.1:{recorder.port}")
        _, told = recorder.child.communicate(timeout=60)
    assert recorder.child.returncode == 0 and "3 steps of 1 closed cases" in told


@pytest.mark.browser
def test_a_running_browser_is_joined_and_left_running(tmp_path: Path, tiny: TinyApp, portal: BlockingPortal) -> None:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with portal.wrap_async_context_manager(opened(BrowserSettings(devtools_port=port))) as browser:
        page = portal.call(browser.new_page)
        portal.call(visit, page, f"{tiny.base_url}/work")
        with recording(tiny, tmp_path, "--attach", endpoint) as recorder:
            portal.call(work_one_case, endpoint)
            recorder.child.send_signal(signal.SIGINT)
            _, told = recorder.child.communicate(timeout=60)
        assert recorder.child.returncode == 130 and "3 steps of 1 closed cases" in told
        assert not page.is_closed() and browser.is_connected()
