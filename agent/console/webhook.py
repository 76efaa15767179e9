"""Tells another system of new hand-offs: an HTTP POST without anything of the customer's in it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json

import httpx
from loguru import logger

from agent.console.audit import Audit
from agent.desk import Change, Desk
from agent.store import Store

TRIES = 3
BACKOFF_SECONDS = 2.0
TIMEOUT_SECONDS = 10.0
SIGNATURE = "x-casepilot-signature"


class Webhook:
    """Each new hand-off is told once; where the address does not answer with a 2xx, up to `TRIES` times, each after twice
    the time. With a key, `SIGNATURE` is ``sha256=`` and the HMAC of the body in hexadecimal."""

    def __init__(self, address: str, key: str, console: str, store: Store, desk: Desk, audit: Audit) -> None:
        self._address = address
        self._key = key.encode()
        self._console = console
        self._store = store
        self._audit = audit
        self._telling: set[asyncio.Task[None]] = set()
        desk.watch(self._moved)

    async def close(self) -> None:
        """Stop telling; what is on its way is dropped."""
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    def _moved(self, id: str, change: Change) -> None:
        if change == "opened":
            task = asyncio.get_running_loop().create_task(self._tell(id))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self, id: str) -> None:
        handoff, _, _ = self._store.handoff(id)
        told = {
            "event": "handoff",
            "id": id,
            "case_id": handoff.case_id,
            "process": handoff.view.slice,
            "opened_at": handoff.opened_at.isoformat(),
            "waiting": self._store.count_open(),
            "url": f"{self._console}/handoffs/{id}",
        }
        body = json.dumps(told).encode()
        headers = {"content-type": "application/json"}
        if self._key:
            headers[SIGNATURE] = f"sha256={hmac.new(self._key, body, hashlib.sha256).hexdigest()}"
        for number in range(TRIES):
            if number:
                await asyncio.sleep(BACKOFF_SECONDS * 2 ** (number - 1))
            met = await self._sent(body, headers)
            if not met:
                return
        logger.warning("the webhook was not told of {}: {}", id, met)
        self._audit.write("console", "webhook_failed", id, met=met)

    async def _sent(self, body: bytes, headers: dict[str, str]) -> str:
        """Empty when it was taken, else what was met."""
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                answer = await client.post(self._address, content=body, headers=headers)
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}"
        return "" if answer.is_success else f"status {answer.status_code}"
