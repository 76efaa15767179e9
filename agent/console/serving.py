"""Serves the console: beside the agents in their own event loop, or alone over the records of a run."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette

from agent.console.app import create_app
from agent.console.parts import Parts
from agent.console.security import BODY_BYTES
from agent.console.settings import ConsoleSettings, check_binding
from agent.errors import ConsoleError


class ConsoleServer(uvicorn.Server):
    """Leaves Ctrl-C to the run, and ends the live streams first, so that open pages do not hold it up."""

    def __init__(self, app: Starlette, parts: Parts) -> None:
        settings = parts.settings
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws_max_size=BODY_BYTES,
            server_header=False,
            timeout_graceful_shutdown=2,
            ssl_certfile=settings.tls_cert,
            ssl_keyfile=settings.tls_key,
        )
        super().__init__(config)
        self._parts = parts

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._parts.hub.close()
        await super().shutdown(sockets)


def _bound(settings: ConsoleSettings) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise ConsoleError(
            f"The console cannot listen on {settings.host}:{settings.port}: {error.strerror or error}. Give another port."
        ) from error


@asynccontextmanager
async def running_console(parts: Parts) -> AsyncIterator[str]:
    """Serve while inside; yields the console's address. The parts are closed on leaving.

    Raises:
        ConsoleError: others than this machine would be served in clear text, or the port is taken.
    """
    try:
        check_binding(parts.settings)
        with _bound(parts.settings) as listening:
            port = listening.getsockname()[1]
            server = ConsoleServer(create_app(parts), parts)
            address = parts.settings.model_copy(update={"port": port}).address
            hook = parts.webhook(address)
            serving = asyncio.create_task(server.serve([listening]))
            try:
                yield address
            finally:
                if hook is not None:
                    await hook.close()
                server.should_exit = True
                await serving
    finally:
        parts.close()
