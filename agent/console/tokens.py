"""Tokens for automation: a program acts through the API in the name of an account, with that account's role."""

from __future__ import annotations

import secrets
import sqlite3
import time
from datetime import UTC, datetime

from agent.console.database import now
from agent.console.logins import digest
from agent.errors import ConsoleError
from schema_extraction.view import Frozen

PREFIX = "cpt_"
DAY = 86_400.0


class Token(Frozen):
    """`name`: the account that it acts for. `expires`: ISO 8601."""

    id: str
    name: str
    label: str
    created: str
    expires: str
    revoked: bool


class Tokens:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def issue(self, name: str, label: str, days: float = 90.0) -> tuple[str, str]:
        """A new token's id and secret. The secret is told this once; the database keeps its digest.

        Raises:
            ConsoleError: there is no such account.
        """
        if self._db.execute("SELECT 1 FROM accounts WHERE name = ?", (name,)).fetchone() is None:
            raise ConsoleError(f"There is no account {name!r} for a token. Make it first with `casepilot console add`.")
        id, secret = secrets.token_hex(4), PREFIX + secrets.token_urlsafe(32)
        self._db.execute(
            "INSERT INTO tokens (id, digest, name, label, created, expires) VALUES (?, ?, ?, ?, ?, ?)",
            (id, digest(secret), name, label, now(), time.time() + days * DAY),
        )
        return id, secret

    def owner(self, secret: str) -> str | None:
        """The name of the account that a secret acts for, or None when it is unknown, revoked or has expired."""
        row = self._db.execute("SELECT name, expires, revoked FROM tokens WHERE digest = ?", (digest(secret),)).fetchone()
        if row is None or row["revoked"] or row["expires"] < time.time():
            return None
        return str(row["name"])

    def revoke(self, id: str) -> None:
        """Raises:
        ConsoleError: there is no such token.
        """
        if self._db.execute("UPDATE tokens SET revoked = 1 WHERE id = ?", (id,)).rowcount == 0:
            raise ConsoleError(f"There is no token {id!r}. List them with `casepilot console tokens`.")

    def all(self) -> list[Token]:
        rows = self._db.execute("SELECT id, name, label, created, expires, revoked FROM tokens ORDER BY created")
        return [
            Token(
                **{key: row[key] for key in ("id", "name", "label", "created")},
                expires=datetime.fromtimestamp(row["expires"], UTC).isoformat(timespec="seconds"),
                revoked=bool(row["revoked"]),
            )
            for row in rows
        ]
