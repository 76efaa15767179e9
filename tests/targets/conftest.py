"""Third-party applications, started once a session. One whose packages cannot be had is skipped with the reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.targets.errors import UnavailableError
from fixtures.targets.rt5 import running_rt5
from fixtures.targets.target import Target


@pytest.fixture(scope="session")
def rt5(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    running = running_rt5(tmp_path_factory.mktemp("rt5"))
    try:
        target = running.__enter__()
    except UnavailableError as error:
        pytest.skip(str(error))
    try:
        yield target
    finally:
        running.__exit__(None, None, None)
