"""The doctor: what is missing, and how to get it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from rich.console import Console

from agent.doctor import Check, examine, report
from browser.launch import CHROMIUM_ENV


def found(checks: list[Check], what: str) -> Check:
    return next(check for check in checks if what in check.what)


def test_this_machine_is_well(tmp_path: Path) -> None:
    checks = examine(tmp_path / "runs")
    assert all(check.ok for check in checks if check.needed), checks
    assert "Chromium" in found(checks, "Chromium").found


def test_a_browser_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHROMIUM_ENV, str(tmp_path / "chromium"))
    check = found(examine(tmp_path), "Chromium")
    assert not check.ok and check.needed and "apt-get install chromium" in check.fix


def test_no_display_is_only_a_want_when_headed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not found(examine(tmp_path), "display").needed
    check = found(examine(tmp_path, headed=True), "display")
    assert check.needed and not check.ok and "xvfb-run" in check.fix


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        check = found(examine(tmp_path, port=taken.getsockname()[1]), "port")
    assert not check.ok and "another --port" in check.fix


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = found(examine(tmp_path / "file"), "write access")
    assert not check.ok and "--dir" in check.fix


def test_the_report_shows_how_to_mend_what_is_missing() -> None:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(report([Check(what="Chromium", ok=False, found="none", fix="apt-get install chromium")]))
    assert "missing" in captured.get() and "apt-get install chromium" in captured.get()
