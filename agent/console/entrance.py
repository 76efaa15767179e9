"""Signing in and out."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from agent.console.caller import SignedOut, cookie_name, parts_of, person
from agent.console.render import rendered, span
from agent.console.security import CSRF_HEADER, check_csrf, check_origin

LONGEST = 256
"""Characters of a name or a password; hashing longer ones would only cost time."""


def _following(path: str) -> str:
    """Where to go after signing in: a page of the console, whatever was asked for."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/queue"


def _page(alert: str, following: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return HTMLResponse(rendered("login.html", alert=alert, following=following), status, headers)


async def login(request: Request) -> Response:
    """The form; and, when it is posted, a new login in place of the one there was."""
    if request.method != "POST":
        return _page("", _following(request.query_params.get("next", "/queue")), 200)
    check_origin(request)
    parts = parts_of(request)
    form = await request.form(max_files=0, max_fields=10)
    name, password = str(form.get("name", ""))[:LONGEST], str(form.get("password", ""))[:LONGEST]
    following = _following(str(form.get("next") or "/queue"))
    address = request.client.host if request.client else ""
    asks_json = "application/json" in request.headers.get("accept", "")
    if wait := parts.throttle.wait(name, address):
        parts.audit.write(name, "login_refused", address=address)
        alert = f"Too many tries. Try again in {span(wait)}, or ask an admin for a new password."
        headers = {"retry-after": str(int(wait) + 1)}
        return JSONResponse({"message": alert}, 429, headers) if asks_json else _page(alert, following, 429, headers)
    # Counted before it is known, so that tries at the same time count too.
    parts.throttle.failed(name, address)
    account = await run_in_threadpool(parts.accounts.verify, name, password)
    if account is None:
        parts.audit.write(name, "login_failed", address=address)
        alert = "Name or password is wrong."
        return JSONResponse({"message": alert}, 401) if asks_json else _page(alert, following, 401)
    parts.throttle.succeeded(name, address)
    tls = parts.settings.tls
    if before := request.cookies.get(cookie_name(tls)):
        parts.logins.end(before)
    secret, made = parts.logins.begin(account.name)
    parts.audit.write(account.name, "login", address=address)
    answer: Response = (
        JSONResponse({"name": account.name, "csrf": made.csrf}) if asks_json else RedirectResponse(following, 303)
    )
    answer.set_cookie(cookie_name(tls), secret, httponly=True, secure=tls, samesite="strict", path="/")
    return answer


async def logout(request: Request) -> Response:
    check_origin(request)
    parts = parts_of(request)
    try:
        caller = person(request)
    except (SignedOut, HTTPException):
        return RedirectResponse("/login", 303)
    form = await request.form(max_files=0, max_fields=10)
    check_csrf(caller.csrf, request.headers.get(CSRF_HEADER) or str(form.get("csrf", "")))
    name = cookie_name(parts.settings.tls)
    parts.logins.end(request.cookies.get(name, ""))
    parts.audit.write(caller.name, "logout")
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(name, httponly=True, secure=parts.settings.tls, samesite="strict")
    return answer


ROUTES = [Route("/login", login, methods=["GET", "POST"]), Route("/logout", logout, methods=["POST"])]
