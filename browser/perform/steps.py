"""Sliders and spin boxes that a page draws: worked by their keys."""

from __future__ import annotations

from playwright.async_api import Error as PlaywrightError

from browser.perform.equal import number
from browser.perform.ground import Ground, Located, ask, held, not_sent
from schema_extraction.action import Outcome

LIMITS = """element => ["aria-valuemin", "aria-valuemax"].map((name) => element.getAttribute(name) ?? "")"""
MOST = 250  # presses of a key


async def step_to(ground: Ground, located: Located, value: str) -> Outcome:
    """Bring a slider or spin box to `value`, step by step, and see whether it stays there."""
    name = f"{located.control.role} {located.control.name!r}"
    wanted, now = number(value), number(located.state.value)
    if wanted is None or now is None:
        return not_sent(f"{name} takes a number, and {value!r} is none; it holds {located.state.value!r}.")
    least, most = (number(text) for text in await located.handle.evaluate(LIMITS))
    if (least is not None and wanted < least) or (most is not None and wanted > most):
        return not_sent(f"{name} takes numbers from {least} to {most}, and {value!r} is none of these.")
    if now == wanted:
        return Outcome(result="done", message=f"It was {value!r} already.")
    key = "ArrowUp" if wanted > now else "ArrowDown"
    try:
        await located.handle.press(key, timeout=ground.hands.press * 1000)
        step = (await _now(located) or now) - now
        if step and (wanted - now) / step > 0:
            for _ in range(min(MOST, round((wanted - now) / step) - 1)):
                await ground.page.keyboard.press(key)
    except PlaywrightError as error:
        return Outcome(result="unknown", message=f"Moving {name} was cut short: {str(error).splitlines()[0]}")
    await ground.settle()
    got = await held(ground, located)
    if got is None:
        return Outcome(result="unknown", message=f"{name} left the page after it was moved.")
    if number(got) == wanted:
        return Outcome(result="done")
    return Outcome(result="no_effect", message=f"{name} holds {got!r} after it was moved to {value!r}.")


async def _now(located: Located) -> float | None:
    return number(str(await ask(located.handle, "value") or ""))
