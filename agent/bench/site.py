"""Pages served on loopback, under two origins."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from urllib.parse import urlsplit

from fixtures.pages.generated import OTHER, GeneratedPage
from fixtures.pages.loopback import LoopbackServer


class Site(NamedTuple):
    """Addresses without a slash at their end: of the pages themselves, and of what stands in their foreign frames."""

    url: str
    foreign: str


def _handler(pages: Mapping[str, bytes], folder: Path | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            body, kind = pages.get(path), "text/html"
            if body is None and folder is not None:
                file = (folder / path.lstrip("/")).resolve()
                if file.is_relative_to(folder) and file.is_file():
                    body, kind = file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def _serving(pages: Mapping[str, bytes], folder: Path | None = None) -> Iterator[str]:
    server = LoopbackServer(_handler(pages, folder))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving(pages: list[GeneratedPage], folder: Path | None = None) -> Iterator[Site]:
    """The pages, and the files of `folder` where no page has their path."""
    foreign = {path: html.encode() for page in pages for path, html in page.foreign}
    with _serving(foreign) as other:
        own = {page.path: page.html.replace(OTHER, other).encode() for page in pages}
        with _serving(own, folder.resolve() if folder else None) as url:
            yield Site(url, other)
