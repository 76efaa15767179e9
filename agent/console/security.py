"""What every answer of the console carries, and what every request that changes something must bring."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSRF_HEADER = "x-csrf-token"
BODY_BYTES = 262_144

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "cache-control": "no-store",
}


class SecurityHeaders:
    """Sets `HEADERS` on every answer that has not set them itself; with TLS also that the browser must keep to it."""

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self._app = app
        self._headers = HEADERS | ({"strict-transport-security": "max-age=31536000"} if tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def check_origin(request: HTTPConnection) -> None:
    """Refuse what another site's page has sent.

    Raises:
        HTTPException: 403.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = request.headers.get("host", "")
    if (site is not None and site not in ("same-origin", "none")) or (origin is not None and urlsplit(origin).netloc != own):
        raise HTTPException(403, "Another site's page has sent this. Open the console itself and do it there.")


def check_csrf(expected: str, met: str) -> None:
    """Raises:
    HTTPException: 403, the form was not made for this login.
    """
    if not hmac.compare_digest(expected.encode(), met.encode()):
        raise HTTPException(403, "This form is not of your present login. Reload the page and try again.")
