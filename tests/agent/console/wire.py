"""The line between an operator's browser and the console, which a test can cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Wire:
    """Passes bytes on at `address`. `cut` ends every connection and lets none through until `mend`; `mute` passes what the
    browser sends and drops what the console answers, as when the line breaks in between; then `heard` is set.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._whole = True
        self._mute = False
        self._open: set[asyncio.StreamWriter] = set()
        self.heard = asyncio.Event()
        self.address = ""

    def cut(self) -> None:
        self._whole = False
        for writer in list(self._open):
            writer.transport.abort()

    def mute(self) -> None:
        self._mute = True
        self.heard.clear()

    def mend(self) -> None:
        self._whole, self._mute = True, False

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        if not self._whole:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._open |= {writer, far_writer}
        try:
            with suppress(ConnectionError):
                await asyncio.gather(self._pass(reader, far_writer, False), self._pass(far_reader, writer, True))
        finally:
            writer.close()
            far_writer.close()
            self._open -= {writer, far_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool) -> None:
        while data := await reader.read(65536):
            if answers and self._mute:
                self.heard.set()
                continue
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def wire(address: str) -> AsyncIterator[Wire]:
    """A line to the console at `address`."""
    made = Wire(urlsplit(address).port or 80)
    server = await asyncio.start_server(made.connected, "127.0.0.1", 0)
    made.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        made.cut()
