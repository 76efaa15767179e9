"""Accounts of the console: names, roles, and passwords hashed with Argon2id (RFC 9106, the library's default parameters)."""

from __future__ import annotations

import re
import sqlite3
from functools import cache
from typing import Literal, get_args

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from agent.console.database import now
from agent.errors import ConsoleError
from schema_extraction.view import Frozen

Role = Literal["operator", "supervisor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each role may do all that those before it may."""
LEAST_LETTERS = 10
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")

_hasher = PasswordHasher()


class Account(Frozen):
    name: str
    role: Role
    created: str
    disabled: bool = False

    def may(self, role: Role) -> bool:
        """Whether the account has at least the rights of `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")


class Accounts:
    """Every method but `verify` answers in well under a millisecond; `verify` and what sets a password take most of a tenth
    of a second of one core, by intent."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def all(self) -> list[Account]:
        rows = self._db.execute("SELECT name, role, created, disabled FROM accounts ORDER BY name")
        return [_account(row) for row in rows]

    def find(self, name: str) -> Account | None:
        row = self._db.execute("SELECT name, role, created, disabled FROM accounts WHERE name = ?", (name,)).fetchone()
        return _account(row) if row else None

    def add(self, name: str, password: str, role: Role) -> Account:
        """A new account.

        Raises:
            ConsoleError: the name is taken or no name, or the password is too short.
        """
        if NAME.fullmatch(name) is None:
            raise ConsoleError(f"Expected a name of letters, digits and ._@-, met {name!r}. Give another.")
        if self.find(name) is not None:
            raise ConsoleError(f"There is an account {name!r} already. Give another name, or change its password.")
        self._db.execute(
            "INSERT INTO accounts (name, hash, role, created) VALUES (?, ?, ?, ?)", (name, _hashed(password), role, now())
        )
        return Account(name=name, role=role, created=now())

    def set_password(self, name: str, password: str) -> None:
        """Change a password; every login of the account ends.

        Raises:
            ConsoleError: there is no such account, or the password is too short.
        """
        self._known(name)
        self._db.execute("UPDATE accounts SET hash = ? WHERE name = ?", (_hashed(password), name))
        self._db.execute("DELETE FROM logins WHERE name = ?", (name,))

    def set_role(self, name: str, role: Role, *, disabled: bool = False) -> None:
        """Change what an account may do; a disabled one may do nothing, and its logins end.

        Raises:
            ConsoleError: there is no such account, or nobody would be left to administer.
        """
        account = self._known(name)
        others = [a for a in self.all() if a.role == "admin" and not a.disabled and a.name != name]
        if account.role == "admin" and (role != "admin" or disabled) and not others:
            raise ConsoleError(f"{name!r} is the only admin. Make another one first.")
        self._db.execute("UPDATE accounts SET role = ?, disabled = ? WHERE name = ?", (role, disabled, name))
        if disabled:
            self._db.execute("DELETE FROM logins WHERE name = ?", (name,))

    def verify(self, name: str, password: str) -> Account | None:
        """The account, or None when name or password is wrong or it is disabled; it takes the same time whichever it is."""
        row = self._db.execute("SELECT * FROM accounts WHERE name = ?", (name,)).fetchone()
        try:
            _hasher.verify(row["hash"] if row else _nobodys_hash(), password)
        except (Argon2Error, InvalidHashError):
            return None
        if row is None or row["disabled"]:
            return None
        if _hasher.check_needs_rehash(row["hash"]):
            self._db.execute("UPDATE accounts SET hash = ? WHERE name = ?", (_hasher.hash(password), name))
        return _account(row)

    def _known(self, name: str) -> Account:
        account = self.find(name)
        if account is None:
            names = ", ".join(a.name for a in self.all()) or "none"
            raise ConsoleError(f"There is no account {name!r}. Known: {names}.")
        return account


def _account(row: sqlite3.Row) -> Account:
    return Account(name=row["name"], role=row["role"], created=row["created"], disabled=bool(row["disabled"]))


def _hashed(password: str) -> str:
    if len(password) < LEAST_LETTERS:
        raise ConsoleError(
            f"Expected a password of at least {LEAST_LETTERS} characters, met {len(password)}. Choose a longer one."
        )
    return _hasher.hash(password)
