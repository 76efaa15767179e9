"""Which Chromium is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser.launch import CHROMIUM_ENV, find_chromium


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    monkeypatch.delenv(CHROMIUM_ENV, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put(folder: Path, name: str) -> Path:
    file = folder / name
    file.touch(mode=0o755)
    return file


def test_headless_takes_the_shell_and_headed_the_browser(installed: Path) -> None:
    assert find_chromium() is None
    browser = put(installed, "chromium")
    assert find_chromium() == browser
    shell = put(installed, "chromium-headless-shell")
    assert find_chromium() == shell
    assert find_chromium(headed=True) == browser


def test_the_environment_has_the_last_word(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(installed, "chromium")
    monkeypatch.setenv(CHROMIUM_ENV, "/opt/mine")
    assert find_chromium() == find_chromium(headed=True) == Path("/opt/mine")
