"""A tiny application, a scripted policy for it, and runs that end in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.app import TinyApp, serving


@pytest.fixture
def tiny() -> Iterator[TinyApp]:
    with serving(TinyApp()) as app:
        yield app


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "run"
