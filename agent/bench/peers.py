"""Peers that read a page with a browser of their own, each in a process of its own, so that one that hangs can be ended.

They pin what casepilot does not, and each other out, so a peer may live in another environment: `pythons` are tried in turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any

from agent.bench.judge import FORMS, Item, items_of
from agent.bench.readers import MOST_SECONDS, PAGE_SECONDS, Measured, Opened
from browser.launch import find_chromium

WORKER = Path(__file__).with_name("worker.py")
MODULES = {
    "browser-use": "browser_use",
    "browser-use-whole": "browser_use",
    "browsergym": "browsergym",
    "stagehand": "stagehand",
}
"""The package of each peer. `browser-use-whole` is browser-use made to read beyond what is near the window."""
START_SECONDS = 90.0
_LINE_LIMIT = 1 << 28


async def _has(python: str, module: str) -> bool:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        asked = await asyncio.create_subprocess_exec(python, "-P", "-c", code, stderr=asyncio.subprocess.DEVNULL)
    except OSError:
        return False
    return await asked.wait() == 0


@dataclass
class Peer:
    """One peer. It starts with the first page, and anew after it failed or took too long; from then `version` is known."""

    name: str
    pythons: Sequence[str] = (sys.executable,)
    page_seconds: float = PAGE_SECONDS
    start_seconds: float = START_SECONDS
    version: str = ""
    _python: str | None = None
    _process: Process | None = None
    _errors: IO[bytes] | None = field(default=None, repr=False)
    _folder: TemporaryDirectory[str] | None = field(default=None, repr=False)

    async def installed(self) -> bool:
        """Whether one of the environments has it."""
        for python in self.pythons:
            if await _has(python, MODULES[self.name]):
                self._python = python
                return True
        return False

    async def measure(self, opened: Opened) -> Measured:
        """Times without the opening of the page; a page that takes longer than `page_seconds` in all gives none."""
        if self._python is None and not await self.installed():
            return Measured(none="not installed")
        if self._process is None and (failed := await self._start()):
            return Measured(none=failed)
        assert self._process is not None and self._process.stdin is not None
        asked = {"url": opened.url, "script": opened.script, "repeats": opened.repeats, "seconds": MOST_SECONDS}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        try:
            answer = await self._answer(self.page_seconds)
        except TimeoutError:
            await self.close()
            return Measured(none=f"none within {self.page_seconds:g} s")
        if answer is None:
            failed = f"ended: {self._last_words()}"
            await self.close()
            return Measured(none=failed)
        if error := answer.get("error"):
            await self.close()  # what failed on one page is not to spoil the next
            return Measured(none=f"failed: {error}")
        text = str(answer["text"])
        items = items_of(text, self.name) if self.name in FORMS else tuple(Item(*entry) for entry in answer["named"] or ())
        return Measured(text, items, tuple(answer["seconds"]))

    async def _start(self) -> str:
        """Empty, or why it does not start."""
        # An extension, which Stagehand is, needs the whole browser and not the headless shell.
        chromium = find_chromium(headed=self.name == "stagehand")
        self._errors = TemporaryFile()
        self._folder = TemporaryDirectory(prefix="casepilot-bench-", ignore_cleanup_errors=True)
        self._process = await asyncio.create_subprocess_exec(
            *(str(self._python), "-P", str(WORKER), self.name, str(chromium or "")),
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._errors,
            env={**os.environ, "TMPDIR": self._folder.name},  # profiles of its browser, which go with it
            limit=_LINE_LIMIT,
            start_new_session=True,
        )
        try:
            if (ready := await self._answer(self.start_seconds)) is not None:
                self.version = str(ready.get("version", ""))
                return ""
            failed = f"does not start: {self._last_words()}"
        except TimeoutError:
            failed = f"does not start within {self.start_seconds:g} s"
        await self.close()
        return failed

    async def _answer(self, seconds: float) -> dict[str, Any] | None:
        """The next line of the worker, or None when it has ended."""
        assert self._process is not None and self._process.stdout is not None
        async with asyncio.timeout(seconds):
            line = await self._process.stdout.readline()
        return dict(json.loads(line)) if line else None

    def _last_words(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "without a word"

    async def close(self) -> None:
        """End it with its browser: both are of the session that the worker leads."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if self._errors is not None:
            self._errors.close()
        if self._folder is not None:
            self._folder.cleanup()
