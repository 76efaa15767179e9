"""Logging of a run: everything into the run folder, warnings in one terse line on standard error."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from loguru import logger


class _IntoLoguru(logging.Handler):
    """Passes the records of libraries that log in the standard way on to loguru, one level down: their info is our debug."""

    def emit(self, record: logging.LogRecord) -> None:
        level = {logging.INFO: "DEBUG", logging.WARNING: "INFO"}.get(record.levelno, record.levelname)
        logger.opt(depth=6, exception=record.exc_info).log(level, "{}: {}", record.name, record.getMessage())


def tame_dbos() -> None:
    """Send what DBOS logs into the same logs as all else, instead of to standard error."""
    dbos = logging.getLogger("dbos")
    dbos.handlers[:] = [_IntoLoguru()]
    dbos.propagate = False


def tame_warnings() -> None:
    """Send what libraries warn of into the same logs, instead of to standard error in the midst of a progress bar."""
    logging.captureWarnings(True)
    warnings = logging.getLogger("py.warnings")
    warnings.handlers[:] = [_IntoLoguru()]
    warnings.propagate = False


def log_to(folder: Path | None = None, *, quiet: bool = False) -> list[int]:
    """Send logs to `folder`/run.log and, unless `quiet`, warnings to standard error; returns the handlers' ids."""
    logger.remove()
    tame_dbos()
    handlers: list[int] = []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        handlers.append(logger.add(folder / "run.log", level="DEBUG", format="{time:HH:mm:ss.SSS} {level: <7} {message}"))
    if not quiet:
        handlers.append(logger.add(sys.stderr, level="WARNING", format="<level>{level.name}</level>: {message}", colorize=None))
    return handlers
