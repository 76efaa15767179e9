"""Case pages of the practice BPM as HTML, one for each task that its cases come by, made without a server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from lxml import html as lxml_html

from agent.bench.forms import MARK
from fixtures.bpm.desk import Actor, Desk
from fixtures.bpm.pages import case_page
from fixtures.bpm.server import create_app
from fixtures.bpm.settings import BpmSettings
from fixtures.bpm.store import CLOSED, TRANSFERRED, WAITING
from fixtures.bpm.truth import CaseTruth
from schema_extraction.view import Frozen

TODAY = date(2026, 3, 2)
ME = Actor("agent1", "Agent 1")
PATIENCE = 400
"""Looks at a case whose customer was asked, 5 ms apart."""

# What the page's own script makes of the element for amounts.
_MONEY = re.compile(r'<money-field name="([^"]*)" label="([^"]*)" value="([^"]*)" error="[^"]*"></money-field>')


class DeskPage(Frozen):
    """The page of a case at a task, with every control marked. `release` as in `BpmSettings`."""

    process: str
    task: str
    case_id: str
    release: Literal[1, 2]
    html: str


def _marked(markup: str) -> str:
    """The page with the identity of every control, which its ids and the addresses of its forms give, the same in both
    releases."""
    markup = _MONEY.sub(
        r'<span class="money"><label for="f-\1">\2</label><input id="f-\1" name="\1" value="\3"></span>', markup
    )
    root = lxml_html.document_fromstring(markup)
    for element in root.iter("a", "button", "input", "select", "textarea", "div"):
        if element.get("type") == "hidden" or (element.tag == "div" and element.get("role") not in ("combobox", "textbox")):
            continue
        form = next(element.iterancestors("form", "dialog"), None)
        where = "" if form is None else form.get("data-post") or form.get("action") or form.get("id") or ""
        kind = element.get("name") if element.get("type") == "radio" else element.get("id")
        # A case's own number and task are no part of an address's identity.
        where = re.sub(r"/cases/[^/]+(/tasks/.+)?", lambda found: "/task" if found[1] else "", where)
        no = "" if element.get("data-no") is None else "no"
        element.set(MARK, kind or f"{where}:{element.get('href') or ''}{no}")
    return str(lxml_html.tostring(root, encoding="unicode", doctype="<!doctype html>"))


async def _rested(desk: Desk, case_id: str) -> None:
    """Wait until the customer who was asked has answered."""
    for _ in range(PATIENCE):
        row = desk.store.case(case_id)
        if row is None or row["status"] != WAITING:
            return
        await asyncio.sleep(0.005)


async def _walk(desk: Desk, release: Literal[1, 2], case_id: str) -> list[DeskPage]:
    """One case from its opening to its wrap-up, done right."""
    found: list[DeskPage] = []
    body = desk.store.all("select body from truth where case_id = ?", case_id)[0]["body"]
    truth = CaseTruth.model_validate_json(body)
    row = desk.opened(case_id)
    while row is not None and row["status"] not in (CLOSED, TRANSFERRED):
        task = truth.tasks[row["task"]]
        page = _marked(case_page(desk, row, ME.display))
        found.append(DeskPage(process=row["process"], task=task.id, case_id=case_id, release=release, html=page))
        if task.kind == "form":
            entries = {field.id: field.accept[0] for field in task.fields if field.applies}
            answer = desk.submit(ME, case_id, task.id, row["version"], entries)
        elif task.kind == "message":
            answer = desk.send(ME, case_id, task.replies[0])
        else:
            break
        if answer.status != 200:
            raise AssertionError(f"{case_id}, {task.id}: the right entries were refused: {answer.errors or answer.alert}")
        await _rested(desk, case_id)
        row = desk.store.case(case_id)
    return found


async def _pages(folder: Path, release: Literal[1, 2], cases: int, seed: int) -> list[DeskPage]:
    settings = BpmSettings(
        db=folder / f"{release}.sqlite", seed=seed, cases=cases, today=TODAY, release=release, answer_seconds=(0.0, 0.001)
    )
    desk: Desk = create_app(settings).state.desk
    try:
        found = []
        for row in desk.store.all("select id from cases order by id"):
            found += await _walk(desk, release, row["id"])
        return found
    finally:
        desk.hub.close()
        desk.stop_customers()
        desk.store.close()


def desk_pages(cases: int = 60, seed: int = 1) -> Iterator[DeskPage]:
    """Every page of so many cases, in both releases of the application; cases have the same ids in both."""
    with TemporaryDirectory() as folder:
        for release in (1, 2):
            with ThreadPoolExecutor(1) as aside:  # the caller's thread may run a loop of its own
                yield from aside.submit(asyncio.run, _pages(Path(folder), release, cases, seed)).result()
