"""Slots: so many at a time, and those that come back from an operator first."""

from __future__ import annotations

import asyncio

from anyio.from_thread import BlockingPortal

from agent.slots import Slots


def test_resumed_sessions_go_before_new_ones(portal: BlockingPortal) -> None:
    async def scenario() -> list[str]:
        slots, order = Slots(1), []

        async def session(name: str, resumed: bool) -> None:
            async with slots.slot(resumed=resumed):
                order.append(name)
                await asyncio.sleep(0)

        async with slots.slot(resumed=False):
            tasks = [asyncio.create_task(session("new", False)), asyncio.create_task(session("resumed", True))]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        return order

    assert portal.call(scenario) == ["resumed", "new"]


def test_a_cancelled_wait_gives_its_slot_on(portal: BlockingPortal) -> None:
    async def scenario() -> None:
        slots = Slots(1)

        async def hold() -> None:
            async with slots.slot(resumed=False):
                await asyncio.sleep(60)

        async with slots.slot(resumed=False):
            waiting = asyncio.create_task(hold())
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(5), slots.slot(resumed=False):
            pass

    portal.call(scenario)
