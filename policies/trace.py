"""Traces: one JSON line a step, one file a case or session, gzip when the name ends in `.gz`.

Readers name a malformed line by file and number, skip it and go on; writers append and flush line by line, so that a crash
loses nothing that was written.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from loguru import logger
from pydantic import Field, ValidationError

from policies.errors import TraceError
from policies.feedback import Verdict
from policies.proposal import Decision, Proposal
from schema_extraction.action import Action, Outcome
from schema_extraction.view import VIEW_VERSION, Frozen, View

TRACE_VERSION = 1


class Step(Frozen):
    """One observe-decide-act round. In a recorded step `action` is what the operator did in `view`. In an agent's step
    `ranked[0]` is what the policy proposed, `verdict` what the operator said of it, and `action` what was in the end
    carried out (by `actor`), or None if nothing was."""

    version: int = TRACE_VERSION
    case_id: str
    session: str
    index: int
    time: datetime = Field(default_factory=lambda: datetime.now(UTC))
    stage: Literal["logging", "copilot", "calibrating", "selective"] = "logging"
    actor: Literal["agent", "operator"]
    user: str = ""
    view: View
    ranked: tuple[Proposal, ...] = ()
    critical: bool = False
    score: float | None = None
    decision: Decision | None = None
    verdict: Verdict | None = None
    action: Action | None = None
    outcome: Outcome | None = None

    @property
    def place(self) -> tuple[str, str, int]:
        """Tells a step from all others of a trace."""
        return self.case_id, self.session, self.index


class TraceWriter:
    """Appends steps to `folder/<session>.jsonl`, flushed line by line."""

    def __init__(self, folder: Path, session: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{session}.jsonl"
        self._file = self.path.open("a", encoding="utf-8")

    def write(self, step: Step) -> None:
        self._file.write(step.model_dump_json() + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def trace_files(path: Path) -> list[Path]:
    """The trace files at or below `path`, sorted by name.

    Raises:
        TraceError: there is none.
    """
    files = [path] if path.is_file() else sorted([*path.rglob("*.jsonl"), *path.rglob("*.jsonl.gz")])
    if not files:
        raise TraceError(f"No traces at {str(path)!r}. Record some with `casepilot record`, or give another folder.")
    return files


def read_steps(path: Path) -> Iterator[Step]:
    """Every well-formed step at or below `path`, in file order; malformed lines are logged with file and line and skipped, and
    so are steps of another view version.

    Raises:
        TraceError: there is no trace file, or only steps of other view versions.
    """
    usable, others = 0, Counter[int]()
    for file in trace_files(path):
        strange: Counter[int] = Counter()
        opener = gzip.open if file.suffix == ".gz" else open
        with opener(file, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    step = Step.model_validate_json(line)
                except ValidationError as error:
                    version = _view_version(line)
                    if version is not None and version != VIEW_VERSION:
                        strange[version] += 1
                        continue
                    first = error.errors()[0]
                    where = ".".join(str(part) for part in first["loc"]) or "line"
                    logger.warning("{}:{}: malformed step skipped ({}: {})", file, number, where, first["msg"])
                    continue
                if step.view.version != VIEW_VERSION:
                    strange[step.view.version] += 1
                    continue
                usable += 1
                yield step
        for version, count in strange.items():
            logger.warning(
                "{}: {} steps of view version {} skipped, this is version {}; record again to use them",
                *(file, count, version, VIEW_VERSION),
            )
        others += strange
    if others and not usable:
        met = ", ".join(f"{count} of version {version}" for version, count in sorted(others.items()))
        raise TraceError(
            f"Expected steps of view version {VIEW_VERSION} at {str(path)!r}, met {met} and none of it. "
            "Record again with `casepilot record`, or use the release of casepilot that recorded them."
        )


def _view_version(line: str) -> int | None:
    """The view version of a line that is no step of this release, if it says one."""
    try:
        version = json.loads(line)["view"]["version"]
    except (ValueError, KeyError, TypeError):
        return None
    return version if isinstance(version, int) else None


def by_case(steps: Iterable[Step]) -> dict[str, list[Step]]:
    """Steps grouped by case id, each in order of session and index."""
    cases: dict[str, list[Step]] = {}
    for step in steps:
        cases.setdefault(step.case_id, []).append(step)
    for case in cases.values():
        case.sort(key=lambda s: (s.time, s.session, s.index))
    return cases
