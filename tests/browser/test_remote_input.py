"""Input from another screen: what the page hears is what it hears of a person at its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Page
from pydantic import ValidationError

from browser.errors import PageError
from browser.popup import open_popup
from browser.remote_input import CTRL, INPUT, Choose, Input, Key, Mouse, Paste, RemoteInput, Scroll, Text

pytestmark = pytest.mark.browser
WIDTH, HEIGHT = 1000.0, 600.0
HTML = """<!doctype html><style>body { margin: 0 } #tall { height: 3000px } input, select { position: absolute; left: 100px }
</style><input id=a style="top: 50px"><select id=s style="top: 100px"><option>One<option disabled>Two<option>Three
<option>Four</select><button id=b style="position: absolute; left: 300px; top: 50px">Go</button><div id=tall></div>
<script>
  globalThis.heard = [];
  for (const type of "paste keydown keyup input change mousedown mouseup click dblclick".split(" "))
    document.addEventListener(type, (event) => {
      heard.push([type, event.isTrusted, event.target.id, event.inputType ?? event.key ?? ""]);
    }, true);
</script>"""


class Screen:
    """A page, and a person who works it from elsewhere."""

    def __init__(self, portal: BlockingPortal, page: Page) -> None:
        self.portal = portal
        self.page = page
        self.input = RemoteInput(page)

    def send(self, *messages: Input) -> None:
        for message in messages:
            self.portal.call(self.input.send, message, WIDTH, HEIGHT)

    def click(self, x: float, y: float, clicks: int = 1) -> None:
        for count in range(1, clicks + 1):
            for action in ("down", "up"):
                held = 1 if action == "down" else 0
                point = {"x": x / WIDTH, "y": y / HEIGHT}
                self.send(Mouse.model_validate({"action": action, "button": "left", "buttons": held, "clicks": count, **point}))

    def key(self, key: str, code: int, modifiers: int = 0) -> None:
        self.send(
            *(Key.model_validate({"action": a, "key": key, "key_code": code, "modifiers": modifiers}) for a in ("down", "up"))
        )

    def ask(self, script: str) -> object:
        return self.portal.call(self.page.evaluate, script)

    def until(self, script: str) -> None:
        self.portal.call(self.page.wait_for_function, script)

    @property
    def heard(self) -> list[list[object]]:
        found = self.ask("heard")
        assert isinstance(found, list)
        return found


@pytest.fixture
def screen(portal: BlockingPortal, agent_page: Page) -> Iterator[Screen]:
    async def ready() -> None:
        await agent_page.set_viewport_size({"width": int(WIDTH), "height": int(HEIGHT)})
        await agent_page.set_content(HTML)

    portal.call(ready)
    made = Screen(portal, agent_page)
    yield made
    portal.call(made.input.close)


def test_a_click_and_keys_arrive_as_a_persons(screen: Screen) -> None:
    screen.click(120, 60)
    screen.key("H", 72, modifiers=8)
    screen.key("é", 0)
    assert screen.ask("a.value") == "Hé"
    assert screen.heard[:4] == [
        [kind, True, "a", said] for kind, said in (("mousedown", ""), ("mouseup", ""), ("click", ""), ("keydown", "H"))
    ]
    assert ["input", True, "a", "insertText"] in screen.heard


def test_shortcuts_select_and_enter_submits_nothing_twice(screen: Screen) -> None:
    screen.click(120, 60)
    screen.send(Text(text="words of an input method"))
    screen.key("a", 65, modifiers=CTRL)
    screen.key("Backspace", 8)
    assert screen.ask("a.value") == ""
    screen.click(310, 60, clicks=2)
    assert [said[0] for said in screen.heard if said[2] == "b" and said[0] in ("click", "dblclick")] == [
        "click",
        "click",
        "dblclick",
    ]


def test_a_paste_is_one_to_the_page(screen: Screen) -> None:
    screen.click(120, 60)
    screen.send(Paste(text="Größe 5"))
    assert screen.ask("a.value") == "Größe 5"
    assert ["paste", True, "a", ""] in screen.heard and ["input", True, "a", "insertFromPaste"] in screen.heard
    # Nothing of it stays on the clipboard that all pages of the browser share.
    screen.key("v", 86, modifiers=CTRL)
    assert screen.ask("a.value") == "Größe 5"


def test_the_wheel_scrolls(screen: Screen) -> None:
    screen.send(Scroll(x=0.5, y=0.5, dy=400))
    screen.until("scrollY > 300")


def test_a_drag_moves_with_the_button_held(screen: Screen) -> None:
    screen.ask("document.addEventListener('mousemove', event => { globalThis.drag = event.buttons; })")
    screen.send(Mouse(action="down", x=0.5, y=0.5, button="left", buttons=1, clicks=1))
    screen.send(Mouse(action="move", x=0.6, y=0.6, button="left", buttons=1))
    assert screen.ask("drag") == 1
    screen.portal.call(screen.input.release, WIDTH, HEIGHT)
    assert screen.input.held == {}
    assert [said[0] for said in screen.heard][-2:] == ["mouseup", "click"] or screen.heard[-1][0] == "mouseup"


def test_an_open_list_is_told_and_chosen_from_with_one_change(screen: Screen) -> None:
    assert screen.portal.call(open_popup, screen.page) is None
    screen.click(110, 110)
    screen.until("document.querySelector('select:open')")
    popup = screen.portal.call(open_popup, screen.page)
    assert popup is not None
    assert [(option.label, option.disabled) for option in popup.options] == [
        ("One", False),
        ("Two", True),
        ("Three", False),
        ("Four", False),
    ]
    assert (popup.left, popup.top) == (100, 100)
    with pytest.raises(PageError, match="none to choose"):
        screen.send(Choose(option=1))
    screen.send(Choose(option=3))
    screen.until("s.value === 'Four'")
    assert [said[:3] for said in screen.heard if said[0] == "change" and said[2] == "s"] == [["change", True, "s"]]


def test_a_page_that_is_gone_says_so(screen: Screen) -> None:
    screen.portal.call(screen.page.close)
    with pytest.raises(PageError, match="Claim the step again"):
        screen.key("a", 65)


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "mouse", "action": "move", "x": 1.5, "y": 0},
        {"kind": "key", "action": "down", "key": ""},
        {"kind": "script", "source": "alert(1)"},
        {"kind": "paste", "text": "x" * 200_000},
        {"kind": "mouse", "action": "move", "x": float("nan"), "y": 0},
    ],
)
def test_what_is_no_input_is_refused(message: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        INPUT.validate_python(message)
