"""The server behind an application: there when it is said to be, gone afterwards, and told about when it fails."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from fixtures.targets.errors import TargetError
from fixtures.targets.serving import free_port, served
from fixtures.targets.target import Target


def test_a_server_answers_while_the_context_is_open_and_is_gone_afterwards(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}/"
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with served(command, cwd=tmp_path, env={}, log=tmp_path / "server.log", answers_at=url):
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert answer.status == 200
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=5)


def test_a_server_that_ends_is_told_with_what_it_said(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such desk')"]
    with pytest.raises(TargetError, match="no such desk"):
        with served(command, cwd=tmp_path, env={}, log=tmp_path / "server.log", answers_at=f"http://127.0.0.1:{free_port()}/"):
            pass


def test_a_password_is_not_in_what_is_printed(tmp_path: Path) -> None:
    assert "desk-pass" not in repr(Target(url="http://127.0.0.1:1", user="operator", password="desk-pass", folder=tmp_path))
