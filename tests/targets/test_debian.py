"""Packages that cannot be had are told with the reason and the next step; those that are there cost nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.targets import debian
from fixtures.targets.errors import UnavailableError

MISSING = "casepilot-has-no-such-package"


def test_machine_without_apt_is_told_what_to_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian.shutil, "which", lambda name: None)
    with pytest.raises(UnavailableError, match=f"{MISSING} are missing and there is no apt-get. Use Debian 12"):
        debian.install([MISSING], tmp_path / "apt.log")


def test_command_to_run_by_hand_is_named_where_root_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(debian, "version", lambda package: "")
    monkeypatch.setattr(debian.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(debian.subprocess, "run", lambda *_, **__: debian.subprocess.CompletedProcess([], 1))
    with pytest.raises(UnavailableError, match=f"need root to install. Run `sudo apt-get install .*{MISSING}`"):
        debian.install([MISSING], tmp_path / "apt.log")


def test_installed_packages_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "version", lambda package: "5.0.3")
    monkeypatch.setattr(debian.subprocess, "run", lambda *_, **__: pytest.fail("apt-get was run"))
    debian.install(["request-tracker5"], tmp_path / "apt.log")
    assert not (tmp_path / "apt.log").exists()
