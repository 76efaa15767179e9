"""Elements that only their handlers of clicks make controls, as a person who tries them would find out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Page

from browser.capture import capture, install
from schema_extraction.extract import extract

pytestmark = pytest.mark.browser

Told = list[tuple[str, str]]
ICON = "style='display:inline-block;width:16px;height:16px'"


@pytest.fixture
def told(portal: BlockingPortal, agent_page: Page) -> Callable[[str, str], Told]:
    """Role and name of the controls of a page whose own script adds handlers of clicks to what a selector finds."""

    async def read(body: str, selector: str) -> Told:
        await agent_page.goto("about:blank")
        script = f"for (const e of document.querySelectorAll({selector!r})) e.addEventListener('click', () => {{}})"
        await agent_page.set_content(f"<!doctype html><title>T</title>{body}<script>{script}</script>")
        return [(control.role, control.name) for control in extract(await capture(agent_page)).controls]

    portal.call(install, agent_page)
    return lambda body, selector: portal.call(read, body, selector)


@pytest.mark.parametrize(
    ("body", "selector", "names"),
    [
        ("<span class=add>+</span> <span>1</span> <span class=remove>-</span>", ".add, .remove", ["+", "-"]),
        (
            f"<span id=open-search {ICON}></span><span class='icon star-o active' {ICON}></span>",
            "span",
            ["open search", "star"],
        ),
        (f"<i class='fa fa-trash' title='Take it out' {ICON}></i>", "i", ["Take it out"]),
        (f"<span><i class='pi pi-times' {ICON}></i></span>", "span", ["times"]),
        ("<ul><li>Share</li><li>Mute</li></ul>", "li", ["Share", "Mute"]),
        ("<img alt=Print width=40 height=40 src='data:,'>", "img", ["Print"]),
        ("<svg class=close-panel width=16 height=16><path d='M0 0h9v9'/></svg>", "svg", ["close panel"]),
        (
            f"<div style='cursor:pointer' class=row>Kim Lee, refund <b class=bin {ICON}></b></div>",
            "div, b",
            ["Kim Lee, refund", "bin"],
        ),
        ("<div style='cursor:pointer'>Kim Lee <span>Reply</span></div>", "div, span", ["Kim Lee", "Reply"]),
        (
            "<iframe srcdoc=\"<b id=b>Inner</b><script>b.addEventListener('click', () => {})</script>\"></iframe>",
            "p",
            ["Inner"],
        ),
    ],
)
def test_what_has_a_handler_of_its_own_is_a_button(
    told: Callable[[str, str], Told], body: str, selector: str, names: list[str]
) -> None:
    assert told(body, selector) == [("button", name) for name in names]


@pytest.mark.parametrize(
    ("body", "selector"),
    [
        ("<p>one</p><p>two</p>", "body, html"),
        ("<div><p>one</p><p>two</p><p>three</p><p>four</p><p>five</p></div>", "div"),
        ("<ul><li>one</ul><table><tr><th>A<tr><td>1</table>", "ul, table, tr, td, th"),
        (f"<div>{'a long text ' * 10}</div>", "div"),
        ("<div class=backdrop style='height:500px'></div>", "div"),
        ("<div class=gone style='height:0'></div><span></span>", "div, span"),
        ("<span class='css-1x2y3z d-flex active' style='display:block;width:9px;height:9px'></span>", "span"),
    ],
)
def test_a_handler_that_speaks_for_others_or_for_nothing_makes_no_control(
    told: Callable[[str, str], Told], body: str, selector: str
) -> None:
    assert told(body, selector) == []


def test_what_adorns_a_field_only_puts_the_focus_there(told: Callable[[str, str], Told]) -> None:
    body = "<label for=a>Amount</label><div><span>EUR</span><div><input id=a></div></div>"
    assert told(body, "span, label") == [("textbox", "Amount")]


def test_a_button_within_a_link_is_the_link(told: Callable[[str, str], Told]) -> None:
    assert told("<a href=/x>Case <span>7</span></a><label>City <b>here</b> <input></label>", "span, b, a, label") == [
        ("link", "Case 7"),
        ("textbox", "City here"),
    ]


def test_handlers_are_noted_without_a_trace(portal: BlockingPortal, agent_page: Page) -> None:
    """The page's own calls do what they did: results, errors, order and what the functions say of themselves."""

    async def ask() -> object:
        await agent_page.goto("about:blank")
        return await agent_page.evaluate(
            """() => {
              const proto = EventTarget.prototype, told = [];
              const field = Object.getOwnPropertyDescriptor(proto, "addEventListener");
              told.push(field.value.name, field.value.length, field.enumerable, field.writable, field.configurable);
              told.push(/native code/.test(Function.prototype.toString.call(proto.addEventListener)));
              const failure = (call) => { try { call(); } catch (error) { return `${error.name}: ${error.message}`; } };
              told.push(failure(() => proto.addEventListener.call({}, "click", () => {})));
              told.push(failure(() => document.body.addEventListener("click")));
              const heard = [];
              const box = document.body.appendChild(document.createElement("div"));
              const one = () => heard.push("one");
              told.push(box.addEventListener("click", one), box.addEventListener("click", one));
              box.addEventListener("click", { handleEvent: () => heard.push("two") }, { once: true });
              box.addEventListener("click", null);
              box.click(); box.click();
              box.removeEventListener("click", one);
              box.click();
              const target = new EventTarget();
              target.addEventListener("click", () => heard.push("plain"));
              target.dispatchEvent(new Event("click"));
              addEventListener("click", () => heard.push("window"), { once: true });
              dispatchEvent(new Event("click"));
              return [...told, heard.join()];
            }"""
        )

    unhindered = portal.call(ask)
    portal.call(install, agent_page)
    assert portal.call(ask) == unhindered
    assert isinstance(unhindered, list) and unhindered[-1] == "one,two,one,plain,window"


@pytest.mark.parametrize(
    "off",
    [
        "b.removeEventListener('click', go)",
        "b.addEventListener('click', go, true); b.removeEventListener('click', go); b.removeEventListener('click', go, true)",
        "b.removeEventListener('click', go); const c = new AbortController();"
        "b.addEventListener('click', go, {signal: c.signal}); c.abort()",
    ],
)
def test_a_handler_that_is_gone_counts_no_more(portal: BlockingPortal, agent_page: Page, off: str) -> None:
    async def names(script: str) -> list[str]:
        await agent_page.goto("about:blank")
        on = "const go = () => {}; b.addEventListener('click', go)"
        await agent_page.set_content(f"<b id=b>Go</b><script>{on};{script}</script>")
        return [control.name for control in extract(await capture(agent_page)).controls]

    portal.call(install, agent_page)
    assert portal.call(names, "") == ["Go"]
    assert portal.call(names, off) == []
