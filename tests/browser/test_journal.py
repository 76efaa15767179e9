"""Looking again: what is read from the changes alone is what a fresh look at the whole page gives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Page

from browser.capture import Sight, capture, install
from fixtures.pages.support_case import support_case
from schema_extraction.errors import SnapshotError
from schema_extraction.extract import extract
from schema_extraction.live import Live
from schema_extraction.snapshot import Changes, Snapshot
from schema_extraction.view import View

pytestmark = pytest.mark.browser

ROUNDS = 150
MUTATE = Path(__file__).with_name("mutate.js").read_text(encoding="utf-8")
WIDGETS = """<style>.gone{display:none}.faint{visibility:hidden}.ghost{opacity:0}.tick:checked ~ .panel{display:block}
.panel{display:none}.wrap:has(.flag) .dep{display:none}.off + p{display:none}</style>
<div class=wrap><p class=dep>depends</p><p>Status: Open</p>
<div><span class=label>Level</span><span class=value>Gold</span></div>
<input type=checkbox class=tick><div class=panel><button>In panel</button></div>
<div role=alert></div><div aria-live=polite></div>
<label>City</label><input name=city><div>Plain label</div><div><input></div>
<div role=combobox aria-expanded=false aria-controls=list tabindex=0>Pick</div>
<ul id=list role=listbox style=display:none><li role=option>One<li role=option>Two</ul>
<fieldset><legend>Group</legend><input type=radio name=g value=a> A <input type=radio name=g value=b> B</fieldset>
<details><summary>More</summary><button>Hidden one</button></details><div contenteditable=true aria-label=Editor>text</div>
<iframe srcdoc="<label>Inner <input value=1></label><p>frame text"></iframe><x-host><b>slotted</b></x-host>
<div class=drawn><div style="width:0;height:0;overflow:hidden"><select id=way><option>Post<option>Van</select></div>
<div>Post</div><div style=display:none><ul><li>Post</li><li>Van</li></ul></div>
<input style="width:1px;height:1px;padding:0;border:0"></div>
<dialog aria-label=Sure><p>Really?</p><button>Yes</button></dialog>
<table><tr><th>A<th>B<tr><td>1<td>2<tr><td>3<td><button>x</button></table><p>Some <b>bold</b> words<br>and more</p></div>"""
SHADOW = """document.querySelector("x-host").attachShadow({mode: "open"}).innerHTML =
"<label>Shadow <input value=s></label><slot></slot><p>in shadow</p>" """


class Looker:
    """A page that is looked at again and again, from a test's own thread."""

    def __init__(self, portal: BlockingPortal, page: Page) -> None:
        self.portal, self.page = portal, page
        self.sight, self.live = Sight(page), Live()
        self.last: Snapshot | Changes | None = None

    def load(self, body: str) -> View:
        self.portal.call(self.page.set_content, f"<!doctype html><title>T</title>{body}")
        return self.look()

    def run(self, script: str) -> object:
        return self.portal.call(self.page.evaluate, script)

    def look(self) -> View:
        self.last = self.portal.call(self.sight.look)
        return self.live.read(self.last)

    def fresh(self) -> View:
        return extract(self.portal.call(capture, self.page))


@pytest.fixture
def looker(portal: BlockingPortal, agent_page: Page) -> Iterator[Looker]:
    portal.call(install, agent_page)
    yield Looker(portal, agent_page)


def test_random_changes_one_after_another(looker: Looker) -> None:
    followed = 0
    for seed in range(ROUNDS):
        rng = random.Random(seed)
        html = support_case(rng.choice([0, 0, 3, 260]), seed=seed % 7 + 1).html
        seat = rng.choice(["</main>", "</main>", "<form>"])
        looker.load(html.replace(seat, WIDGETS + seat, 1))
        looker.run(SHADOW)
        looker.run(f"({MUTATE})({seed})")
        told: list[object] = []
        looker.look()
        for _ in range(rng.choice([1, 1, 2, 4])):
            told += [looker.run("mutate()") for _ in range(rng.choice([1, 1, 1, 3]))]
            view = looker.look()
            followed += isinstance(looker.last, Changes)
        assert view.model_dump_json() == looker.fresh().model_dump_json(), f"seed {seed}: {told}"
    assert followed > ROUNDS


@pytest.mark.parametrize(
    ("body", "change", "seen"),
    [
        ("<label>Name <input id=n></label>", "n.value = 'Kim'", "Kim"),
        ("<label><input type=checkbox id=c> Paid</label>", "c.checked = true", '"checked":true'),
        ("<select id=s aria-label=Way><option>Post<option>Van</select>", "s.selectedIndex = 1", "Van"),
        ("<div role=log id=g><p>Kim: one</p></div>", "g.insertAdjacentHTML('beforeend', '<p>Kim: two</p>')", "two"),
        ("<style>.x{display:none}</style><button class=x id=b>Pay</button>", "b.className = ''", "Pay"),
        (
            "<style>#d:checked ~ p{display:none}</style><input type=checkbox id=d><p>soon",
            "d.click()",
            '"checked":true',
        ),
        ("<div id=h></div>", "h.attachShadow({mode: 'open'}).innerHTML = '<button>Inner</button>'", "Inner"),
        ("<x-late id=l></x-late>", "l.attachShadow({mode: 'open'}).innerHTML = '<button>Inner</button>'", "Inner"),
        ("<button>Go</button><dialog id=m>Sure? <button>Yes</button></dialog>", "m.showModal()", '"dialog":{'),
        ("<p>one</p>", "document.adoptedStyleSheets = [new CSSStyleSheet()]", "one"),
        ("<iframe id=f srcdoc='<p>before'></iframe>", "f.contentDocument.body.innerHTML = '<button>After</button>'", "After"),
        (
            "<div><div style='width:0;height:0;overflow:hidden'><select id=s><option>Post<option>Van</select></div><b>Way</b>"
            "<ul id=u hidden><li>Post</li></ul></div>",
            "u.insertAdjacentHTML('beforeend', '<li>Van</li>')",
            '"role":"combobox"',
        ),
        ("<b id=k>Rate</b>", "k.addEventListener('click', () => {})", '"role":"button"'),
        (
            "<b id=k>Rate</b>",
            "k.addEventListener('click', k.x = () => {}); k.textContent = 'Rate it'; k.removeEventListener('click', k.x)",
            "Rate it",
        ),
        ("<svg id=k class=close width=9 height=9></svg>", "k.addEventListener('click', () => {})", '"name":"close"'),
        ("<input id=a aria-label=A><input id=b aria-label=B>", "b.focus()", '"focus":"//textbox/b/0"'),
    ],
)
def test_a_change_shows(looker: Looker, body: str, change: str, seen: str) -> None:
    before = looker.load(body)
    looker.run(f"(() => {{ {change} }})()")
    view = looker.look()
    assert seen in view.model_dump_json()
    assert view != before or seen == "one"
    assert view == looker.fresh()


@pytest.mark.parametrize("tag", ["div", "fieldset", "form", "section", "label", "table"])
def test_an_attribute_of_a_large_box_shows_in_all_that_it_holds(looker: Looker, tag: str) -> None:
    fields = "".join(f"<p>Text {i}</p><label>Field {i} <input></label><b>Way:</b> {i} <a href=/x>Go</a>" for i in range(40))
    looker.load(f"<main><h1>Case</h1><{tag} id=k>{fields}</{tag}><p>after</p></main>")
    for name, value in (
        ("aria-disabled", "true"),
        ("disabled", ""),
        ("class", "card"),
        ("class", "chat messages"),
        ("aria-live", "polite"),
        ("aria-busy", "true"),
        ("for", "x"),
        ("method", "post"),
        ("aria-label", "Box"),
        *(
            ("role", role)
            for role in ("group", "button", "alert", "log", "radiogroup", "listbox", "presentation", "dialog", "table")
        ),
    ):
        looker.run(f"k.setAttribute('{name}', '{value}')")
        assert looker.look() == looker.fresh(), f"{name}={value}"
        looker.look()
        looker.run(f"k.removeAttribute('{name}')")
        assert looker.look() == looker.fresh(), f"without {name}={value}"
        looker.look()


def test_what_a_handler_makes_of_an_element_follows_what_is_in_and_beside_it(looker: Looker) -> None:
    body = "<div><b id=k style='display:inline-block;width:9px;height:9px' class=star></b></div>"

    def names_after(change: str) -> list[str]:
        looker.run(change)
        view = looker.look()
        assert isinstance(looker.last, Changes) and view == looker.fresh()
        looker.look()
        return [control.name for control in view.controls if control.role == "button"]

    looker.load(body)
    assert names_after("k.addEventListener('click', k.go = () => {})") == ["star"]
    looker.look()
    assert names_after("k.append(document.createElement('i'))") == ["star"]
    assert names_after("k.firstChild.textContent = 'Rate'") == ["Rate"]
    assert names_after("k.after(document.createElement('input'))") == []
    assert names_after("k.nextSibling.remove()") == ["Rate"]
    assert names_after("k.removeEventListener('click', k.go)") == []


@pytest.mark.parametrize("hides", [False, True], ids=["leaves the page", "hides the page"])
def test_a_modal_dialog_is_followed_as_it_comes_and_goes(looker: Looker, hides: bool) -> None:
    app = "<main id=app><h1>Case</h1><label>Name <input value=Kim></label><p>Said <b>much</b></p><a href=/x>Next</a></main>"
    before = looker.load(app)

    def after(change: str) -> View:
        looker.run(f"(() => {{ {change} }})()")
        view = looker.look()
        assert isinstance(looker.last, Changes) and view == looker.fresh()
        looker.look()  # a look of somebody else may make the next one whole
        return view

    hide = "app.setAttribute('aria-hidden', 'true'); app.inert = true" if hides else ""
    made = "<div id=m role=dialog aria-modal=true><h2>Refund?</h2><input aria-label=Sum><button>Pay</button></div>"
    opened = after(f"document.body.insertAdjacentHTML('beforeend', '{made}'); {hide}")
    assert opened.dialog is not None and opened.dialog.name == "Refund?"
    assert [control.name for control in opened.controls] == ["Sum", "Pay"]
    assert [fact.label for fact in opened.facts] == ["Name"]
    typed = after("m.querySelector('input').value = '12'")
    assert [control.value.raw for control in typed.controls if control.value] == ["12"]
    behind = after("app.querySelector('b').textContent = 'more'")
    assert "more" in behind.model_dump_json()
    closed = after("m.remove(); app.inert = false; app.removeAttribute('aria-hidden')")
    assert closed.controls == before.controls and closed.dialog is None


def test_a_page_at_rest_sends_nothing_but_its_name(looker: Looker) -> None:
    view = looker.load(support_case(0).html)
    assert looker.look() == view
    assert isinstance(looker.last, Changes) and looker.last.patches == ()


def test_the_rows_in_sight_are_those_that_are_read(looker: Looker) -> None:
    view = looker.load(support_case(2000).html)
    first = [row.cells[0].raw for row in view.tables[0].rows]
    looker.run("document.querySelectorAll('tbody tr')[1500].scrollIntoView()")
    later = looker.look().tables[0]
    assert later.total == 2000 and later.first == 1500
    assert first[0] != later.rows[0].cells[0].raw
    assert looker.look() == looker.fresh()


def test_what_a_font_has_shown_is_read(looker: Looker) -> None:
    """A rule that is changed by script stands for the font: neither leaves a mutation."""
    looker.load("<style>p{display:none}</style><p>Paid</p><button>Go</button>")
    looker.run("document.styleSheets[0].cssRules[0].style.display = 'block'")
    looker.run(
        """(async () => {
          const face = new FontFace("Icons", "url(/none.woff2)");
          document.fonts.add(face);
          const told = new Promise((resolve) => document.fonts.addEventListener("loadingdone", resolve));
          await face.load().catch(() => 0);
          await told;
        })()"""
    )
    assert "Paid" in looker.look().model_dump_json()


def test_a_new_document_is_read_whole(looker: Looker) -> None:
    looker.load("<button>One</button>")
    view = looker.load("<button>Two</button>")
    assert [control.name for control in view.controls] == ["Two"]
    assert isinstance(looker.last, Snapshot)


def test_another_capture_between_two_looks_loses_nothing(looker: Looker) -> None:
    looker.load("<p id=p>one</p>")
    looker.run("p.textContent = 'two'")
    looker.fresh()
    looker.run("document.body.append('three')")
    assert "two" in looker.look().sections[0].text and "three" in looker.look().sections[0].text


def test_the_application_sees_nothing_of_it(looker: Looker) -> None:
    looker.load("<label>Name <input id=n></label><div id=box></div>")
    looker.run(
        """(() => { window.heard = []; new MutationObserver((records) => heard.push(...records)).observe(document,
        {subtree: true, childList: true, attributes: true, characterData: true}); })()"""
    )
    looker.run("n.value = 'x'")
    looker.look()
    looker.look()
    assert looker.run("heard.length") == 0


def test_changes_without_a_page_are_refused() -> None:
    changes = Changes(url="http://desk.test/", today=date(2026, 1, 1), patches=())
    with pytest.raises(SnapshotError, match="capture the whole page"):
        Live().read(changes)
