"""Reads pages with one peer, in a process of its own that knows nothing of casepilot.

Run as a script by whatever Python has the peer: `python -P worker.py PEER CHROMIUM`. It says `{"ready", "version"}`, takes one
JSON line for each page, `{"url", "script", "repeats", "seconds"}`, and answers with one, `{"text", "named", "seconds"}` or
`{"error"}`. `script` runs in the page before it is read. `named` is the peer's own list of elements as (role, name, text), or
null if its text is all there is. Peers write to standard output as they like; the answers go to the stream that it was at the
start.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Named = list[tuple[str, str, str]]
SIZE = {"width": 1280, "height": 720}


class BrowserUse:
    """browser-use: its DomService and serialiser over CDP, as its agent calls them before each step. By its own setting it
    leaves out what lies more than 1,000 pixels below the window; `whole` reads the page to its end."""

    def __init__(self, whole: bool = False) -> None:
        self.whole = whole

    async def open(self, chromium: str | None) -> None:
        os.environ.update(
            ANONYMIZED_TELEMETRY="false",
            BROWSER_USE_SETUP_LOGGING="false",
            BROWSER_USE_CLOUD_SYNC="false",
            BROWSER_USE_VERSION_CHECK="false",
            BROWSER_USE_CONFIG_DIR=tempfile.mkdtemp(prefix="browser-use-"),
        )
        from browser_use.browser import BrowserProfile, BrowserSession
        from browser_use.dom.service import DomService

        profile = BrowserProfile(
            headless=True,
            executable_path=chromium,
            chromium_sandbox=not _is_root(),
            enable_default_extensions=False,
            user_data_dir=tempfile.mkdtemp(prefix="browser-use-"),
            viewport=SIZE,
        )
        self.session = BrowserSession(browser_profile=profile)
        await self.session.start()
        near = {"viewport_threshold": None} if self.whole else {}
        self.dom = DomService(self.session, cross_origin_iframes=True, **near)

    async def goto(self, url: str, script: str) -> None:
        await self.session.navigate_to(url)
        cdp = await self.session.get_or_create_cdp_session()
        while True:
            answer = await cdp.cdp_client.send.Runtime.evaluate(
                {"expression": "document.readyState", "returnByValue": True}, session_id=cdp.session_id
            )
            if answer["result"].get("value") == "complete":
                break
            await asyncio.sleep(0.05)
        if script:
            await cdp.cdp_client.send.Runtime.evaluate({"expression": script}, session_id=cdp.session_id)

    async def read(self) -> str:
        self.state = (await self.dom.get_serialized_dom_tree())[0]
        return str(self.state.llm_representation())

    def named(self, text: str) -> Named | None:
        """What it would click or fill: role and name by the accessibility tree, beside the line that shows it."""
        lines: dict[str, str] = {}
        for line in text.splitlines():
            start = line.find("[")
            if start >= 0 and (end := line.find("]<", start)) > 0:
                lines.setdefault(line[start + 1 : end], line)
        found: Named = []
        for index, node in self.state.selector_map.items():
            role = node.ax_node.role if node.ax_node and node.ax_node.role else node.tag_name
            if node.tag_name == "label":
                role = "label"
            name = (node.ax_node.name if node.ax_node else None) or node.get_all_children_text()
            found.append((str(role), str(name or ""), lines.get(str(index), "")))
        return found

    async def close(self) -> None:
        await self.session.kill()


class BrowserGym:
    """browsergym-core: marks the page, takes DOM snapshot and accessibility tree, and prints the tree, as its observation."""

    async def open(self, chromium: str | None) -> None:
        self.thread = ThreadPoolExecutor(1)  # its Playwright is synchronous and wants a thread without a loop

        def start() -> None:
            from browsergym.core import _get_global_playwright

            self.playwright = _get_global_playwright()
            args = ["--no-sandbox"] if _is_root() else []
            self.browser = self.playwright.chromium.launch(executable_path=chromium, args=args)
            self.page = self.browser.new_page(viewport=SIZE)

        await self._run(start)

    async def _run(self, call: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.thread, call)

    async def goto(self, url: str, script: str) -> None:
        def go() -> None:
            self.page.goto(url, wait_until="load")
            if script:
                self.page.evaluate(script)

        await self._run(go)

    async def read(self) -> str:
        def look() -> str:
            from browsergym.core import observation
            from browsergym.utils.obs import flatten_axtree_to_str

            observation._pre_extract(self.page, tags_to_mark="standard_html", lenient=False)
            try:
                dom = observation.extract_dom_snapshot(self.page)
                tree = observation.extract_merged_axtree(self.page)
                extra = observation.extract_dom_extra_properties(dom)
            finally:
                observation._post_extract(self.page)
            return str(flatten_axtree_to_str(tree, extra_properties=extra))

        return str(await self._run(look))

    def named(self, text: str) -> Named | None:
        return None

    async def close(self) -> None:
        await self._run(self.browser.close)
        await self._run(self.playwright.stop)


class Stagehand:
    """Stagehand: `page.snapshot()`, the tree that its `act` and `observe` show to a model. No model is set, none is asked."""

    async def open(self, chromium: str | None) -> None:
        from stagehand import Stagehand as Client
        from stagehand import local_browser

        self.browser = await local_browser.launch(
            headless=True,
            executable_path=chromium,
            chromium_sandbox=not _is_root(),
            viewport_width=SIZE["width"],
            viewport_height=SIZE["height"],
        )
        self.client = await Client.create(browser=self.browser)
        self.page = (await self.browser.context.pages())[0]

    async def goto(self, url: str, script: str) -> None:
        await self.page.goto(url, wait_until="load")
        if script:
            await self.page.evaluate(script)

    async def read(self) -> str:
        return str((await self.page.snapshot(timeout=0.0)).formatted_tree)

    def named(self, text: str) -> Named | None:
        return None

    async def close(self) -> None:
        await self.client.close()
        await self.browser.close()


PEERS: dict[str, Callable[[], Any]] = {
    "browser-use": BrowserUse,
    "browser-use-whole": lambda: BrowserUse(whole=True),
    "browsergym": BrowserGym,
    "stagehand": Stagehand,
}


PACKAGES = {
    "browser-use": "browser-use",
    "browser-use-whole": "browser-use",
    "browsergym": "browsergym-core",
    "stagehand": "stagehand",
}


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


async def _measure(peer: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """One page read again and again; the first reading is not counted, it warms the peer up."""
    await peer.goto(asked["url"], asked["script"])
    started = time.perf_counter()
    text = await peer.read()
    seconds: list[float] = []
    first = time.perf_counter() - started
    while first + sum(seconds) < asked["seconds"] and len(seconds) < asked["repeats"]:
        started = time.perf_counter()
        text = await peer.read()
        seconds.append(time.perf_counter() - started)
    return {"text": text, "named": peer.named(text), "seconds": seconds or [first]}


async def main(name: str, chromium: str | None, answer: Callable[[dict[str, Any]], None]) -> None:
    logging.disable(logging.CRITICAL)
    peer = PEERS[name]()
    await peer.open(chromium)
    answer({"ready": True, "version": importlib.metadata.version(PACKAGES[name])})
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            answer(await _measure(peer, json.loads(line)))
        except Exception as error:  # whatever a peer raises is a result of its own, and is told
            answer({"error": f"{type(error).__name__}: {error}"[:300]})
    await peer.close()


if __name__ == "__main__":
    stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(answer: dict[str, Any]) -> None:
        stream.write(json.dumps(answer) + "\n")
        stream.flush()

    asyncio.run(main(sys.argv[1], sys.argv[2] or None, tell))
