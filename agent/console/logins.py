"""Logins of people: an opaque cookie, of which the database keeps only a digest, and the token that guards their forms."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import time

from schema_extraction.view import Frozen


class Login(Frozen):
    """`csrf` must come with every request of this login that changes something. Times in seconds since the epoch."""

    name: str
    csrf: str
    began: float
    seen: float


def digest(secret: str) -> str:
    """What is kept of a secret that is random enough to need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Logins:
    def __init__(self, db: sqlite3.Connection, idle_seconds: float, login_seconds: float) -> None:
        self._db = db
        self._idle = idle_seconds
        self._whole = login_seconds

    def begin(self, name: str) -> tuple[str, Login]:
        """A new login and the secret for its cookie; logins that have expired are forgotten."""
        moment = time.time()
        self._db.execute("DELETE FROM logins WHERE seen < ? OR began < ?", (moment - self._idle, moment - self._whole))
        secret = secrets.token_urlsafe(32)
        login = Login(name=name, csrf=secrets.token_urlsafe(24), began=moment, seen=moment)
        self._db.execute("INSERT INTO logins VALUES (?, ?, ?, ?, ?)", (digest(secret), name, login.csrf, moment, moment))
        return secret, login

    def find(self, secret: str, *, touch: bool = True) -> Login | None:
        """The login of a cookie, or None when there is none or it has expired. `touch`: this is a person's doing, so the idle
        time begins anew."""
        row = self._db.execute("SELECT name, csrf, began, seen FROM logins WHERE digest = ?", (digest(secret),)).fetchone()
        if row is None:
            return None
        login, moment = Login.model_validate(dict(row)), time.time()
        if moment - login.seen > self._idle or moment - login.began > self._whole:
            self.end(secret)
            return None
        if touch and moment - login.seen > 1.0:
            self._db.execute("UPDATE logins SET seen = ? WHERE digest = ?", (moment, digest(secret)))
        return login

    def end(self, secret: str) -> None:
        self._db.execute("DELETE FROM logins WHERE digest = ?", (digest(secret),))
