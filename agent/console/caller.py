"""Who asks: the account behind a cookie or a bearer token, and whether it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from agent.console.accounts import Account, Role
from agent.console.logins import Login
from schema_extraction.view import Frozen

if TYPE_CHECKING:
    from agent.console.parts import Parts


class Caller(Frozen):
    """`login` for a person with a cookie, None for a program with a token."""

    account: Account
    login: Login | None = None

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def csrf(self) -> str:
        return self.login.csrf if self.login else ""


class SignedOut(Exception):
    """The request comes from nobody who is signed in: there is no login, or it has expired."""


def cookie_name(tls: bool) -> str:
    """With TLS, a name that browsers bind to this host and to secure connections."""
    return "__Host-casepilot" if tls else "casepilot_console"


def parts_of(request: HTTPConnection) -> Parts:
    """What the application was made of."""
    parts: Parts = request.app.state.parts
    return parts


def person(request: HTTPConnection, role: Role = "operator", *, touch: bool = True) -> Caller:
    """The person behind the cookie. `touch`: the request is the person's own doing, not the page's.

    Raises:
        SignedOut: there is no login, or it has expired. HTTPException: 403, the account may not.
    """
    parts = parts_of(request)
    secret = request.cookies.get(cookie_name(parts.settings.tls), "")
    login = parts.logins.find(secret, touch=touch) if secret else None
    account = parts.accounts.find(login.name) if login else None
    if login is None or account is None or account.disabled:
        raise SignedOut
    return _allowed(Caller(account=account, login=login), role)


def bearer(request: HTTPConnection) -> str:
    """The bearer token that a program gives; empty when it gives none."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""


def program(request: HTTPConnection, role: Role = "operator") -> Caller:
    """The account behind the bearer token.

    Raises:
        HTTPException: 401 without a valid token, 403 when its account may not.
    """
    parts = parts_of(request)
    secret = bearer(request)
    name = parts.tokens.owner(secret) if secret else None
    account = parts.accounts.find(name) if name else None
    if account is None or account.disabled:
        raise HTTPException(
            401,
            "Expected 'Authorization: Bearer TOKEN' with a valid token. Issue one with `casepilot console tokens issue`.",
            {"www-authenticate": "Bearer"},
        )
    return _allowed(Caller(account=account), role)


def either(request: HTTPConnection) -> tuple[Caller, Literal["person", "program"]]:
    """A program where a token is given, else a person."""
    if "authorization" in request.headers:
        return program(request), "program"
    return person(request), "person"


def _allowed(caller: Caller, role: Role) -> Caller:
    if not caller.account.may(role):
        raise HTTPException(403, f"This is for the role {role!r}; {caller.name!r} is {caller.account.role!r}. Ask an admin.")
    return caller
