"""Pages that are not damaged yet: every widget, the desk of the browser tests, a support case, the practice BPM."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from starlette.testclient import TestClient

from fixtures.bpm.server import create_app
from fixtures.bpm.settings import BpmSettings
from fixtures.pages import written
from fixtures.pages.support_case import support_case
from schema_extraction.snapshot import Snapshot
from tests.browser.desk import BODY, SCRIPT, STYLE

HTML = Path(__file__).parent / "html"
WRITTEN = Path(written.__file__).parent / "widgets"


def plain_pages(folder: Path) -> list[str]:
    """Pages as HTML. `folder`: where the practice BPM may keep its cases."""
    drawn = [path.read_text(encoding="utf-8") for path in (HTML / "widgets.html", WRITTEN / "page.html")]
    return [*drawn, _desk(), support_case(20).html, *_practice(folder)]


def recordings() -> list[Snapshot]:
    """Snapshots that Chromium took of widgets.html: as it opens, and with its dialog in front. `/pay` is of another origin."""
    paths = (HTML / "recorded.json", HTML / "recorded_dialog.json")
    return [Snapshot.model_validate_json(path.read_bytes()) for path in paths]


def _desk() -> str:
    talk = '<article class="inbound"><b>Ada Moss</b><p>Hi, my order ORD-7731 came damaged.</p></article>'
    body = BODY.replace("{case}", "c1").replace("{status}", "Open").replace("{team}", "Support").replace("{messages}", talk)
    head = f"<!doctype html><html lang=en><title>Case</title><style>{STYLE}</style>"
    return f"{head}<body>{body}<script>{SCRIPT}</script></body></html>"


def _practice(folder: Path) -> list[str]:
    """Sign-in, work list, cases of both releases, a closing that was refused."""
    pages = []
    for release in (1, 2):
        settings = BpmSettings(db=folder / f"bpm{release}.sqlite", cases=6, today=date(2026, 3, 2), release=release)
        with TestClient(create_app(settings)) as client:
            pages.append(client.get("/login").text)
            client.post("/login", data={"username": "agent1", "password": "practice"})
            pages.append(client.get("/work").text)
            cases = re.findall(r'href="(/cases/[^"]+)"', pages[-1])[:3]
            pages += [client.get(path).text for path in cases]
            refused = client.post(f"{cases[0]}/close", data={"version": "0"}, headers={"x-requested-with": "desk"})
            pages.append(refused.text)
    return pages
