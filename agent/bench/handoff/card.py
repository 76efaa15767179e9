"""From the gate's decision to the card on an operator's screen: a real browser on the console's own page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from agent.bench.handoff.office import OPERATOR, Practice, at_work, opened_office, outside
from agent.bench.handoff.results import Times
from agent.console.client import ConsoleClient, over
from agent.desk import Change
from browser.launch import BrowserSettings
from browser.session import Page, opened
from policies.gate import Gate
from policies.proposal import Decision, History, Proposal
from schema_extraction.view import Frozen, View

WIDTH, HEIGHT = 1400, 900

LOOK = """() => {
  const seen = (globalThis.benchSeen = []);
  const met = new Map(); // hand-off -> whether nothing else was looked at when it came
  let one = null;
  const painted = (note) => requestAnimationFrame(() => setTimeout(() => note(Date.now())));
  const article = () => one && document.querySelector(`[data-handoff="${CSS.escape(one.id)}"]`);
  const accept = () => {
    const button = article()?.querySelector('[data-key="a"]');
    if (button) {
      button.click();
      return setTimeout(accept, 200); // until it is through: a card that came by itself takes no answer at first
    }
    const { id, idle, row, card, picture } = one;
    if (idle && card) seen.push({ id, row, card, picture });
    one = null;
    look();
  };
  const look = () => {
    for (const link of document.querySelectorAll("[data-card]")) {
      const id = link.dataset.card;
      if (!met.has(id)) met.set(id, { idle: one === null });
      if (one !== null || met.get(id).looked) continue;
      met.get(id).looked = true;
      one = { id, idle: met.get(id).idle, row: 0, card: 0, picture: 0 };
      const mine = one;
      painted((at) => (mine.row = at));
      link.click();
    }
    const shown = article();
    if (!shown) return;
    const mine = one;
    if (!mine.met) (mine.met = true), painted((at) => (mine.card = at));
    const image = shown.querySelector(".shot img");
    if (!image || mine.pictured) return;
    mine.pictured = true;
    image.decode().then(
      () => painted((at) => ((mine.picture = at), accept())),
      () => (mine.pictured = false), // another took its place
    );
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
  look();
}"""
"""The quickest operator there can be: opens a hand-off as soon as its place in the queue is there, notes when place, card and
picture have been painted, and accepts. Those that came while another card was open are answered and not counted."""


class Sight(Frozen):
    """Milliseconds since the epoch, by the clock of the operator's browser. `row`: its place in the queue was painted."""

    id: str
    row: float
    card: float
    picture: float


class Noted:
    """A gate that notes when it last decided, by session."""

    def __init__(self, session: str, decided: dict[str, float]) -> None:
        self._session = session
        self._decided = decided
        self._gate = Gate("copilot")

    def decide(self, view: View, history: History, ranked: tuple[Proposal, ...], slice: str = "") -> Decision:
        decision = self._gate.decide(view, history, ranked, slice)
        self._decided[self._session] = 1000 * time.time()
        return decision


async def measure(folder: Path, practice: Practice, cards: int, count: Callable[[], None]) -> tuple[Times, ...]:
    """`count` is called for every card; there may be fewer than `cards` when the cases are over before.

    Raises:
        LaunchError: there is no browser. RunError: the operator's program died.
    """
    last: dict[str, float] = {}
    decided: dict[str, float] = {}

    def moved(id: str, change: Change) -> None:
        if change == "opened":
            decided[id] = last.get(id.rpartition(".")[0], 0.0)

    async with opened_office(
        folder, practice, lambda session: Noted(session, last), concurrency=1, open_pages=len(practice.cases)
    ) as office:
        office.runner.desk.watch(moved)
        async with outside(look, office, office.password, cards, count=count) as looking:
            async with at_work(office.runner, practice.cases):
                seen = await looking
    return (
        Times.of("gate's decision to the card, painted", [one.card - decided[one.id] for one in seen]),
        Times.of("  its place in the queue", [one.row - decided[one.id] for one in seen]),
        Times.of("  the picture of the page on it", [one.picture - decided[one.id] for one in seen]),
    )


def look(
    address: str, token: str, db: Path, password: str, wanted: int, progress: Callable[[int, int], None]
) -> tuple[Sight, ...]:
    """The operator's browser, with a process of its own."""
    return asyncio.run(_look(address, token, password, wanted, progress))


async def _look(
    address: str, token: str, password: str, wanted: int, progress: Callable[[int, int], None]
) -> tuple[Sight, ...]:
    async with opened(BrowserSettings()) as browser, ConsoleClient(address, token) as console:
        page = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        await sign_in(page, address, password)
        await page.evaluate(LOOK)
        ended = asyncio.create_task(_ended(console, lambda: progress(0, wanted)))
        seen = 0
        while seen < wanted and not ended.done():
            more = asyncio.ensure_future(page.wait_for_function("(before) => benchSeen.length > before", arg=seen, timeout=0))
            await asyncio.wait({more, ended}, return_when=asyncio.FIRST_COMPLETED)
            more.cancel()
            await asyncio.gather(more, return_exceptions=True)
            seen = int(await page.evaluate("benchSeen.length"))
            progress(seen, wanted)
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)
        return tuple(Sight.model_validate(one) for one in await page.evaluate("benchSeen"))


async def _ended(console: ConsoleClient, ready: Callable[[], None]) -> None:
    """Return when every case of the run is over."""
    async for event in console.events(ready):
        if event.name == "state" and over(event.data):
            return


async def sign_in(page: Page, address: str, password: str) -> None:
    """Sign in to the console as the operator; the queue is open then."""
    await page.goto(f"{address}/login")
    await page.get_by_label("Name").fill(OPERATOR)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/queue")
    await page.wait_for_selector("body[data-line=open]")
