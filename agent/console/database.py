"""The console's own database: accounts, logins, tokens, the audit log, and what operators answered. An
answer that was taken back before it left stays, with a row in `withdrawn` beside it. One SQLite file, which
outlives the runs that it serves. Every write is committed before the call returns."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from agent.errors import ConsoleError

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    name TEXT PRIMARY KEY, hash TEXT NOT NULL, role TEXT NOT NULL, created TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS logins (
    digest TEXT PRIMARY KEY, name TEXT NOT NULL, csrf TEXT NOT NULL, began REAL NOT NULL, seen REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, name TEXT NOT NULL, label TEXT NOT NULL, created TEXT NOT NULL,
    expires REAL NOT NULL, revoked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL,
    detail TEXT NOT NULL, chain TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS audit_keeps BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TABLE IF NOT EXISTS answers (
    handoff TEXT NOT NULL, session TEXT NOT NULL, case_id TEXT NOT NULL, process TEXT NOT NULL, action TEXT NOT NULL,
    critical INTEGER NOT NULL, operator TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL, seconds REAL NOT NULL,
    seeded INTEGER NOT NULL, at TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS answers_keep BEFORE UPDATE ON answers BEGIN SELECT RAISE(ABORT, 'answers are append-only'); END;
CREATE TRIGGER IF NOT EXISTS answers_stay BEFORE DELETE ON answers BEGIN SELECT RAISE(ABORT, 'answers are append-only'); END;
CREATE TABLE IF NOT EXISTS withdrawn (answer INTEGER PRIMARY KEY, why TEXT NOT NULL, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS answers_by_handoff ON answers (handoff);
CREATE TABLE IF NOT EXISTS snoozed (
    handoff TEXT NOT NULL, operator TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (handoff, operator)
);
"""


def now() -> str:
    """This moment in UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat()


def opened(path: Path) -> sqlite3.Connection:
    """The database at `path`, made if it is not there; readable by its owner only.

    Raises:
        ConsoleError: it cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if not path.exists():
            path.touch(mode=0o600)
        # The web server's test client may open and use it in two threads, one after the other.
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA busy_timeout=5000")
        db.executescript(SCHEMA)
    except (OSError, sqlite3.Error) as error:
        raise ConsoleError(f"Cannot use {str(path)!r} as the console's database: {error}. Give another --accounts.") from error
    return db
