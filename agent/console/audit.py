"""The audit log: everything that is done through the console, append-only. Each entry carries a digest over itself and the
entry before it, so that a line that was changed or taken out behind the database's back shows."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any

from agent.console.database import now
from schema_extraction.view import Frozen


class Entry(Frozen):
    """`who` did `what` to `subject` (a hand-off, a session, an account)."""

    seq: int
    time: str
    who: str
    what: str
    subject: str
    detail: dict[str, Any]


class Audit:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def write(self, who: str, what: str, subject: str = "", **detail: Any) -> None:
        """Append one entry."""
        moment, text = now(), json.dumps(detail, sort_keys=True, ensure_ascii=False, default=str)
        # The write lock first: two processes must not chain to the same entry.
        self._db.execute("BEGIN IMMEDIATE")
        try:
            last = self._db.execute("SELECT chain FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
            chain = _chain(last["chain"] if last else "", moment, who, what, subject, text)
            self._db.execute(
                "INSERT INTO audit (time, who, what, subject, detail, chain) VALUES (?, ?, ?, ?, ?, ?)",
                (moment, who, what, subject, text, chain),
            )
        except BaseException:  # whatever it was, the lock must not stay
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def entries(self, most: int = 200, subject: str = "", who: str = "") -> list[Entry]:
        """The newest entries first, of one subject or one person if given."""
        rows = self._db.execute(
            "SELECT * FROM audit WHERE (? = '' OR subject = ?) AND (? = '' OR who = ?) ORDER BY seq DESC LIMIT ?",
            (subject, subject, who, who, most),
        )
        return [
            Entry(
                **{key: row[key] for key in ("seq", "time", "who", "what", "subject")},
                detail=json.loads(row["detail"]),
            )
            for row in rows
        ]

    def broken(self) -> int | None:
        """The number of the first entry that does not follow from the one before it, or None when all do."""
        before = ""
        for row in self._db.execute("SELECT * FROM audit ORDER BY seq"):
            wanted = _chain(before, *(row[key] for key in ("time", "who", "what", "subject", "detail")))
            if row["chain"] != wanted:
                return int(row["seq"])
            before = row["chain"]
        return None


def _chain(before: str, *parts: str) -> str:
    return hashlib.sha256("\x1f".join((before, *parts)).encode()).hexdigest()
