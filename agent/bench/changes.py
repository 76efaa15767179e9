"""Named changes of a support case, and the time until the next view is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agent.bench.readers import MOST_SECONDS, view_of
from agent.bench.results import ChangeTiming, milliseconds
from browser.capture import Sight
from browser.session import Page
from schema_extraction.live import Live
from schema_extraction.view import View


class Viewing(Protocol):
    """A reader of one page that may keep what it read before."""

    async def view(self) -> View: ...


class KeptReading:
    """Captures and reads what has changed since the last look, as a session does once its page is at rest."""

    def __init__(self, page: Page) -> None:
        self._sight = Sight(page)
        self._live = Live()

    async def view(self) -> View:
        return self._live.read(await self._sight.look())


VIEWING: Callable[[Page], Viewing] = KeptReading
"""What is timed after a change."""


@dataclass(frozen=True)
class Change:
    """`script` is a function of a number that counts up; it gives the text by which `shows` knows the change in the next view.
    `undo` runs after that view; the view after it is taken, and not timed. `rows`: the change needs a row to be there."""

    kind: str
    script: str
    shows: Callable[[View, str], bool]
    undo: str = ""
    rows: bool = False


def _in_notices(view: View, told: str) -> bool:
    return any(notice.text == told for notice in view.notices)


CHANGES: tuple[Change, ...] = (
    Change(
        "text typed into a field",
        """n => { const field = document.getElementById("t0"); field.focus(); field.value = `typed ${n}`;
        field.dispatchEvent(new InputEvent("input", {bubbles: true})); return field.value; }""",
        lambda view, told: any(control.value is not None and control.value.raw == told for control in view.controls),
    ),
    Change(
        "checkbox ticked",
        """n => { const box = document.querySelector("input[type=checkbox]"); box.click();
        return (box.checked ? "on " : "off ") + box.labels[0].innerText.trim(); }""",
        lambda view, told: told in {f"{'on' if c.checked else 'off'} {c.name}" for c in view.controls if c.role == "checkbox"},
    ),
    Change(
        "validation message appears",
        """n => { const field = document.getElementById("t1"); field.setAttribute("aria-invalid", "true");
        field.setAttribute("aria-describedby", "e1"); const said = document.createElement("span");
        said.id = "e1"; said.className = "error"; said.textContent = `Not accepted ${n}.`; field.after(said);
        return said.textContent; }""",
        _in_notices,
        """() => { document.getElementById("e1").remove(); const field = document.getElementById("t1");
        field.removeAttribute("aria-invalid"); field.removeAttribute("aria-describedby"); }""",
    ),
    Change(
        "chat message arrives",
        """n => { const entry = document.createElement("article");
        entry.innerHTML = `<header><b>Dana Reyes</b> <time>17:0${n % 10}</time></header>
        <p>Is there news <em>yet</em>, ${n}?</p>`;
        document.getElementById("log").append(entry); return `Is there news yet, ${n}?`; }""",
        lambda view, told: bool(view.messages) and view.messages[-1].text == told,
    ),
    Change(
        "table row changes",
        """n => { const rows = document.getElementById("orders").rows;
        rows[(7 * n) % Math.min(rows.length, 200)].cells[3].firstElementChild.textContent = `Changed ${n}`;
        return `Changed ${n}`; }""",
        lambda view, told: any(cell.raw == told for row in view.tables[0].rows for cell in row.cells),
        rows=True,
    ),
    Change(
        "table row inserted",
        """n => { const row = document.createElement("tr"), name = `N-${9000 + n}`;
        row.innerHTML = `<td><a href="/orders/${name}">${name}</a></td>` + "<td>new</td>".repeat(6);
        document.getElementById("orders").prepend(row); return name; }""",
        lambda view, told: any(told == row.cells[0].raw for table in view.tables for row in table.rows[:1]),
    ),
    Change(
        "dialog opens",
        """n => { const dialog = document.createElement("dialog"); dialog.innerHTML = `<h2>Send refund ${n}?</h2>
        <p>This cannot be undone.</p><button>Send</button><button>Cancel</button>`; document.body.append(dialog);
        dialog.showModal(); return `Send refund ${n}?`; }""",
        lambda view, told: view.dialog is not None and view.dialog.name == told and len(view.controls) == 2,
        """() => document.querySelector("dialog[open]").remove()""",
    ),
)


DRAWN = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
"""Over when the browser has laid the change out and drawn it, which it does for the person too. The clock starts then, as whole
views are timed on a page that is laid out."""


async def time_changes(page: Page, name: str, rows: int, repeats: int) -> tuple[ChangeTiming, ...]:
    """Make each change `repeats` times, with a view after each, and see that the view shows it; the first view of each kind is
    held against a view of the whole page, too."""
    viewing = VIEWING(page)
    await viewing.view()
    found: list[ChangeTiming] = []
    for change in CHANGES:
        if change.rows and not rows:
            continue
        seconds: list[float] = []
        seen, same = 0, False
        while len(seconds) < 3 or (len(seconds) < repeats and sum(seconds) < MOST_SECONDS):
            told: str = await page.evaluate(change.script, len(seconds))
            await page.evaluate(DRAWN)
            started = time.perf_counter()
            view = await viewing.view()
            seconds.append(time.perf_counter() - started)
            seen += change.shows(view, told)
            if len(seconds) == 1:
                same = view == await view_of(page)
                await viewing.view()  # a look of somebody else may make the next one whole
            if change.undo:
                await page.evaluate(change.undo)
                await viewing.view()
        found.append(
            ChangeTiming(
                page=name,
                kind=change.kind,
                p50=milliseconds(seconds, 50),
                p95=milliseconds(seconds, 95),
                count=len(seconds),
                seen=seen / len(seconds),
                same=same,
            )
        )
    return tuple(found)
