"""Phases that leave a record, so that an interrupted benchmark goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from rich.console import Console

from agent.errors import RunError
from agent.results import Phase
from schema_extraction.view import Frozen

T = TypeVar("T", bound=Frozen)
MARK = "autonomy"
FOLDER = "phases"


class Record(Frozen):
    """What a phase found, as JSON in `found`, with the digest of the settings that it was done with."""

    digest: str
    phase: Phase
    found: str


class Phases:
    """Runs phases one after the other. One whose record is there with the same digest is not done again, until the first that
    has to be done: all after it rest on it."""

    def __init__(self, out: Path, digest: str, console: Console) -> None:
        self.out = out
        self.digest = digest
        self.console = console
        self.done: list[Phase] = []
        self.resuming = True

    async def run(self, name: str, title: str, kind: type[T], work: Callable[[], Awaitable[T]], cases: int = 0) -> T:
        """What phase `name` found, a `kind`. `title` is what people read. Folders and files `name` and `name.*` are the phase's
        and are cleared before it is done again."""
        number = f"[bold]{len(self.done) + 1}. {title}[/]"
        kept = self._read(name) if self.resuming else None
        if kept is not None:
            try:
                found = kind.model_validate_json(kept.found)
            except ValidationError:
                kept = None  # written by another version of this code
            else:
                self.console.print(f"{number} [dim](done before)[/]")
                self.done.append(kept.phase)
                return found
        self.resuming = False
        self._clear(name)
        started = time.monotonic()
        self.console.print(number + (f" [dim]({cases} cases)[/]" if cases else ""))
        found = await work()
        phase = Phase(name=title, seconds=time.monotonic() - started, cases=cases)
        self.done.append(phase)
        record = Record(digest=self.digest, phase=phase, found=found.model_dump_json())
        self._file(name).parent.mkdir(exist_ok=True)
        self._file(name).write_text(record.model_dump_json(), encoding="utf-8")
        return found

    def _file(self, name: str) -> Path:
        return self.out / FOLDER / f"{name}.json"

    def _read(self, name: str) -> Record | None:
        try:
            record = Record.model_validate_json(self._file(name).read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None
        return record if record.digest == self.digest else None

    def _clear(self, name: str) -> None:
        for left in (*self.out.glob(name), *self.out.glob(f"{name}.*")):
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()
        self._file(name).unlink(missing_ok=True)


def digest_of(settings: Frozen, *files: Path) -> str:
    """Names settings and the content of files: what a record of a phase is good for."""
    plain = settings.model_dump(mode="json", exclude={"out", "headed"})
    found = hashlib.blake2b(json.dumps(plain, sort_keys=True).encode(), digest_size=12)
    for file in sorted(files):
        found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def opened_folder(out: Path, fresh: bool) -> None:
    """Make the folder ready; `fresh` forgets an earlier benchmark in it, and only that is ever deleted.

    Raises:
        RunError: the folder holds something else.
    """
    mark = out / MARK
    if out.exists() and any(out.iterdir()) and not mark.exists():
        raise RunError(f"{str(out)!r} holds something else than an earlier benchmark. Give another --out.")
    if fresh:
        shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    mark.touch()
