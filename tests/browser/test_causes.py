"""The page's own timers, frames and sockets do what they did, with casepilot's parts in place."""

from __future__ import annotations

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Page

from browser import settle

pytestmark = pytest.mark.browser

SAID = """async () => {
  const told = [];
  const failure = (call) => { try { return String(call()); } catch (error) { return `${error.name}: ${error.message}`; } };
  for (const name of ["setTimeout", "clearTimeout", "setInterval", "requestAnimationFrame"]) {
    const { enumerable, writable, configurable, value } = Object.getOwnPropertyDescriptor(window, name);
    told.push(name, value.name, value.length, enumerable, writable, configurable);
    told.push(/native code/.test(`${value}`), "prototype" in value);
    told.push(failure(() => Reflect.construct(value, [])).split(":")[0], value === window[name]);
  }
  told.push(failure(() => setTimeout()), failure(() => setTimeout.call({}, () => {}, 1)));
  told.push(failure(() => requestAnimationFrame("x")));
  told.push(WebSocket.prototype.send.name, failure(() => WebSocket.prototype.send.call({}, "x")));
  const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const heard = [];
  // Arguments, `this`, order, and what a timer's number is good for
  const first = setTimeout(function (...given) { heard.push(this === window, given.length, given[1]); }, 5, "a", "b");
  told.push(typeof first, setTimeout(() => heard.push("second"), "60") > first);
  setTimeout("globalThis.texted = true", 1);
  setTimeout({ toString: () => "globalThis.spoken = (globalThis.spoken ?? 0) + 1" }, 1);
  let counted = 0;
  setTimeout(() => heard.push("counted"), { valueOf() { counted++; return 2; } });
  clearTimeout(setTimeout(() => heard.push("never"), 3));
  clearInterval(setTimeout(() => heard.push("never"), 3));
  clearTimeout(); clearTimeout(null); clearTimeout("x");
  const every = setInterval(function () { heard.push("every", this === window); clearTimeout(every); }, 4);
  await rest(120);
  const drawn = await new Promise((resolve) => {
    requestAnimationFrame(function (time) { resolve([typeof time, this === window, arguments.length]); });
  });
  cancelAnimationFrame(requestAnimationFrame(() => heard.push("never")));
  // A handler that throws is told of as ever
  const thrown = await new Promise((resolve) => {
    const tell = (event) => { event.preventDefault(); resolve([event.message, event.error.message]); };
    addEventListener("error", tell, { once: true });
    setTimeout(() => { throw new Error("own"); }, 1);
  });
  // A page's own patch, on top and taken away again
  const held = window.setTimeout;
  window.setTimeout = (call, wait) => held(() => { heard.push("patched"); call(); }, wait);
  await rest(2);
  window.setTimeout = held;
  await rest(30);
  return JSON.stringify([...told, heard, drawn, thrown, counted, window.texted, window.spoken]);
}"""

SPEED = """() => {
  const begun = performance.now();
  for (let i = 0; i < 20000; i++) clearTimeout(setTimeout(() => i, 500));
  return (performance.now() - begun) / 20;  // microseconds for one
}"""


def test_timers_are_followed_without_a_trace(portal: BlockingPortal, agent_page: Page) -> None:
    async def ask() -> str:
        await agent_page.goto("about:blank")
        return str(await agent_page.evaluate(SAID))

    unhindered = portal.call(ask)
    portal.call(lambda: agent_page.add_init_script(script=settle.script()))
    assert portal.call(ask) == unhindered
    assert '"second"' in unhindered and "never" not in unhindered


def test_a_timer_costs_microseconds(portal: BlockingPortal, agent_page: Page) -> None:
    async def ask() -> float:
        await agent_page.goto("about:blank")
        return float(min([await agent_page.evaluate(SPEED) for _ in range(3)]))

    bare = portal.call(ask)
    portal.call(lambda: agent_page.add_init_script(script=settle.script()))
    followed = portal.call(ask)
    print(f"one setTimeout and clearTimeout: {bare:.2f} us bare, {followed:.2f} us followed")
    assert followed < bare + 50
