"""The console's application: routes, and what becomes of errors."""

from __future__ import annotations

from importlib.resources import files
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from agent.console import api, entrance, pages, wheel
from agent.console.caller import SignedOut
from agent.console.parts import Parts
from agent.console.render import rendered
from agent.console.security import BODY_BYTES, SecurityHeaders
from agent.errors import AgentError, ConsoleError, DeskError, EndedError, TakenError, UnknownError


def create_app(parts: Parts) -> Starlette:
    """The application over its parts. Nothing is opened or closed by it."""
    routes: list[BaseRoute] = [
        *entrance.ROUTES,
        *pages.ROUTES,
        *wheel.ROUTES,
        *api.ROUTES,
        Mount("/static", StaticFiles(directory=str(files("agent.console") / "static")), name="static"),
        Route("/health", _health),
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(SecurityHeaders, tls=parts.settings.tls),
            Middleware(RequestBodyLimitMiddleware, max_body_size=BODY_BYTES),
        ],
        exception_handlers={SignedOut: _signed_out, HTTPException: _http_error, AgentError: _agent_error},
    )
    app.state.parts = parts
    return app


def status_of(error: AgentError) -> int:
    """The HTTP status that says what a hand-off's error says."""
    match error:
        case UnknownError():
            return 404
        case EndedError():
            return 410
        case TakenError() | DeskError():
            return 409
        case ConsoleError():
            return 422
        case _:
            return 409


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith("/api/") or "application/json" in request.headers.get("accept", "")


def _told(request: Request, status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    if _wants_json(request):
        return JSONResponse({"message": message}, status, headers)
    return HTMLResponse(rendered("message.html", status=status, message=message), status, headers)


def _signed_out(request: Request, error: Exception) -> Response:
    if request.method == "GET" and not _wants_json(request) and "x-fragment" not in request.headers:
        if request.url.path == "/events":
            return Response(status_code=204)  # tells the page's stream to stop asking
        return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)
    return _told(request, 401, "Your login has ended. Sign in again.")


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _told(request, error.status_code, error.detail, dict(error.headers or {}))


def _agent_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AgentError)
    return _told(request, status_of(error), str(error))


async def _health(request: Request) -> Response:
    return Response("ok", media_type="text/plain")
