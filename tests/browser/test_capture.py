"""Capture in a real browser: what a person would see, its live state, and nothing of the page touched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Page

from browser.capture import capture, element
from browser.errors import PageError, StaleRefError
from schema_extraction.extract import extract
from tests.browser.reader import Reader, names

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    "hidden",
    [
        "<button hidden>x</button>",
        "<div style='display:none'><button>x</button></div>",
        "<div style='visibility:hidden'><button>x</button></div>",
        "<div style='opacity:0'><button>x</button></div>",
        "<div style='height:0;overflow:hidden'><button>x</button></div>",
        "<div style='content-visibility:hidden'><button>x</button></div>",
        "<button style='position:absolute;left:-9999px'>x</button>",
        "<div inert><button>x</button></div>",
        "<div aria-hidden=true><button>x</button></div>",
        "<details><summary></summary><button>x</button></details>",
        "<dialog><button>x</button></dialog>",
        "<template><button>x</button></template>",
        "<div popover><button>x</button></div>",
        "<noscript><button>x</button></noscript>",
        "<svg><text>x</text></svg>",
        "<input type=hidden value=x>",
        "<button style='visibility:hidden'>x</button>",
        "<input aria-label=x style='visibility:hidden'>",
        "<select aria-label=x style='visibility:hidden'><option>a</select>",
        "<input type=file aria-label=x style='visibility:hidden;position:absolute;height:0;width:0'>",
        "<a href=# style='position:absolute;left:-100px;width:0;height:0;color:transparent'>x</a>",
        "<casepilot-overlay><button>x</button></casepilot-overlay>",
    ],
)
def test_what_nobody_sees_is_out(reader: Reader, hidden: str) -> None:
    view = reader.view(f"{hidden}<p>seen</p>")
    assert "x" not in names(view)
    assert [section.text for section in view.sections] == ["seen"]


@pytest.mark.parametrize(
    "shown",
    [
        "<button>x</button>",
        "<button style='display:contents'>x</button>",
        "<a href=# style='display:block;height:0'>x</a>",
        "<a href=#><img alt=x width=9 height=9 style='position:absolute'></a>",
        "<div style='visibility:hidden'><button style='visibility:visible'>x</button></div>",
        "<div style='display:contents'><button>x</button></div>",
        "<div style='height:0'><button>x</button></div>",
        "<div style='position:relative;height:0'><div style='position:absolute'><button>x</button></div></div>",
        "<details open><summary></summary><button>x</button></details>",
        "<label><input type=checkbox style='opacity:0;position:absolute'> x</label>",
        "<label><span style='opacity:0'><input type=radio></span> x</label>",
        "<div style='height:2000px'></div><button>x</button>",
        "<div style='height:50px;overflow:auto'><div style='height:500px'></div><button>x</button></div>",
    ],
)
def test_what_a_person_sees_or_can_scroll_to_is_in(reader: Reader, shown: str) -> None:
    assert "x" in [option.label for c in reader.view(shown).controls for option in c.options] + names(reader.view())


def test_live_state_counts_not_markup(reader: Reader) -> None:
    reader.load(
        """<label>City <input value=Oslo></label><label>Yes <input type=checkbox></label>
        <label>Note <textarea>old</textarea></label>
        <label>Reason <select><option>Late<option>Lost</select></label><label>Frozen <input></label>
        <div contenteditable role=textbox aria-label=Reply>old</div><label>Other <input required></label>"""
    )
    reader.run(
        """() => { const at = (s) => document.querySelector(s); at("input").value = "Rome";
        at("[type=checkbox]").checked = true;
        at("textarea").value = "new\\ntwo"; at("select").selectedIndex = 1;
        document.querySelectorAll("input")[2].disabled = true;
        at("[contenteditable]").innerHTML = "Dear <b>Mary</b><div>bye</div>"; at("input").focus(); }"""
    )
    view = reader.view()
    city, yes, note, reason, frozen, reply, other = view.controls
    raws = [control.value.raw if control.value else None for control in (city, note, reason, reply)]
    assert raws == ["Rome", "new\ntwo", "Lost", "Dear Mary\nbye"]
    assert (yes.checked, frozen.disabled, other.required) == (True, True, True)
    assert view.focus == city.key


def test_passwords_never_leave_the_page(reader: Reader) -> None:
    reader.load("<label>Password <input type=password value=hunter2></label><input autocomplete=one-time-code value=hunter2>")
    assert "hunter2" not in reader.html()
    # A 'show password' button turns the field into plain text.
    reader.run("() => { document.querySelector('input').type = 'text'; }")
    assert "hunter2" not in reader.html()
    assert all(control.sensitive for control in reader.view().controls)


def test_the_page_is_as_it_was(reader: Reader) -> None:
    reader.load(
        """<div style="height:3000px"></div><input id=i value=abc><iframe srcdoc="<p>x</p>"></iframe><div id=h></div>
        <button role=combobox aria-controls=l aria-label=Team></button><ul id=l role=listbox hidden><li role=option>A</ul>"""
    )
    reader.run(
        """() => {
          document.querySelector("#h").attachShadow({mode: "open"}).innerHTML = "<button>in</button>";
          const input = document.querySelector("#i");
          input.focus(); input.setSelectionRange(1, 2); scrollTo(0, 500);
          window.seen = [];
          const note = (event) => window.seen.push(event.type);
          for (const type of ["focus", "blur", "focusin", "focusout", "input", "change", "click", "scroll", "toggle"])
            addEventListener(type, note, true);
          new MutationObserver(() => window.seen.push("mutation"))
            .observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
        }"""
    )
    state = """() => [scrollY, document.activeElement.id,
        document.activeElement.selectionStart, document.activeElement.selectionEnd,
        document.documentElement.outerHTML]"""
    before = reader.run(state)
    # The scroll above may still be on its way as an event.
    reader.run(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => { seen.length = 0; done(); })))"
    )
    reader.snapshot()
    assert reader.run(state) == before
    assert reader.run("() => new Promise((done) => requestAnimationFrame(() => done(window.seen)))") == []


def test_refs_last_as_long_as_their_elements(reader: Reader, portal: BlockingPortal) -> None:
    reader.load("<button>A</button><button>B</button>")
    first = {control.name: control.ref for control in reader.view().controls}
    reader.run("() => document.body.prepend(Object.assign(document.createElement('button'), {textContent: 'New'}))")
    second = {control.name: control.ref for control in reader.view().controls}
    assert (second["A"], second["B"]) == (first["A"], first["B"]) and len(set(second.values())) == 3
    assert reader.act(first["B"], "inner_text") == "B"
    reader.run("() => document.querySelectorAll('button')[2].remove()")
    with pytest.raises(StaleRefError, match=r"Ref .* is not on the present page; capture again\."):
        portal.call(element, reader.page, first["B"])


def test_a_ref_of_the_page_before_is_stale(reader: Reader, portal: BlockingPortal) -> None:
    portal.call(reader.page.goto, "data:text/html,<button>Delete</button>")
    ref = reader.ref("Delete")
    portal.call(reader.page.goto, "data:text/html,<button>Keep</button>")
    reader.snapshot()
    with pytest.raises(StaleRefError):
        portal.call(element, reader.page, ref)
    with pytest.raises(StaleRefError):
        portal.call(element, reader.page, "e1")


def test_shadow_roots_and_slots(reader: Reader) -> None:
    reader.load(
        """<label for=i>Outer</label><input id=i><x-field><span slot=hint>In dollars</span>rest</x-field>
        <script>customElements.define("x-field", class extends HTMLElement { constructor() { super();
        this.attachShadow({mode: "open"}).innerHTML =
          "<label for=i>Inner</label><slot name=hint>none</slot><input id=i value=7><slot></slot>"; } })</script>"""
    )
    view = reader.view()
    assert [(control.name, control.value and control.value.raw) for control in view.controls] == [("Outer", ""), ("Inner", "7")]
    assert " ".join(section.text for section in view.sections).split() == ["In", "dollars", "rest"]
    reader.act(view.controls[1].ref, "fill", "12")
    inner = reader.view().controls[1].value
    assert inner is not None and inner.raw == "12"


def test_same_origin_frames_are_inlined_and_operable(reader: Reader) -> None:
    reader.load(
        '<iframe title="Knowledge base" srcdoc="<h2>Refunds</h2><p>Within 90 days.</p><button id=b>Helpful</button>"></iframe>'
    )
    reader.portal.call(reader.page.frame_locator("iframe").locator("button").wait_for)
    view = reader.view()
    (button,) = view.controls
    assert (button.name, button.frame, button.key) == ("Helpful", "Knowledge base", "knowledge-base/refunds/button/helpful/0")
    assert ("Refunds", "Within 90 days.") in [(section.name, section.text) for section in view.sections]
    reader.run("() => { const b = frames[0].document.getElementById('b'); b.onclick = () => { b.textContent = 'Thanks'; }; }")
    reader.act(button.ref, "click")
    assert names(reader.view()) == ["Thanks"]


def test_an_editor_in_a_frame(reader: Reader) -> None:
    reader.load("<iframe title=Reply></iframe>")
    reader.run("() => { const d = frames[0].document; d.designMode = 'on'; d.body.innerHTML = 'Dear <b>Mary</b>'; }")
    (editor,) = reader.view().controls
    assert (editor.role, editor.name, editor.value and editor.value.raw) == ("textbox", "Reply", "Dear Mary")


def test_hidden_options_of_comboboxes(reader: Reader) -> None:
    view = reader.view(
        """<span id=l hidden>Team</span>
        <div role=combobox tabindex=0 aria-labelledby=l aria-controls=p aria-expanded=false>Choose</div>
        <ul id=p role=listbox hidden><li role=option>Billing<li role=option>Tech</ul>
        <label>City <input list=d></label><datalist id=d><option value=Oslo><option value=Rome></datalist>"""
    )
    team, city = view.controls
    assert (team.name, [option.label for option in team.options]) == ("Team", ["Billing", "Tech"])
    assert (city.role, [option.value for option in city.options]) == ("combobox", ["Oslo", "Rome"])


def test_an_open_popup_is_not_written_twice(reader: Reader) -> None:
    (team,) = reader.view(
        """<div role=combobox tabindex=0 aria-label=Team aria-controls=p aria-expanded=true>Tech</div>
        <ul id=p role=listbox><li role=option>Billing<li role=option aria-selected=true>Tech</ul>"""
    ).controls
    assert [(option.label, option.selected) for option in team.options] == [("Billing", False), ("Tech", True)]
    assert team.value is not None and team.value.raw == "Tech"


def test_behind_a_modal_dialog_all_is_readable_and_nothing_operable(reader: Reader) -> None:
    reader.load(
        """<main><dl><dt>Status<dd>Open</dl><button>Behind</button></main>
        <div><dialog aria-label="Close case"><p>Sure?</p><button>Yes</button></dialog><button>Beside</button></div>"""
    )
    assert names(reader.view()) == ["Behind", "Beside"]
    reader.run("() => document.querySelector('dialog').showModal()")
    view = reader.view()
    assert names(view) == ["Yes"]
    assert view.fact("Status") is not None
    assert view.dialog is not None and (view.dialog.name, view.dialog.text) == ("Close case", "Sure?")
    reader.run("() => { document.querySelector('dialog').close(); document.querySelector('dialog').show(); }")
    assert names(reader.view()) == ["Behind", "Yes", "Beside"]


def test_a_library_dialog_that_hides_the_rest(reader: Reader) -> None:
    """Dialog libraries set aria-hidden or inert on all that is outside; a person still reads it."""
    view = reader.view(
        """<main aria-hidden=true><dl><dt>Status<dd>Open</dl><button>Behind</button><i aria-hidden=true>icon</i></main>
        <div inert><button>Inert</button></div><div><div role=dialog aria-modal=true aria-label=Confirm>
        <div role=combobox tabindex=0
        aria-label=Team aria-controls=p aria-expanded=true>Tech</div></div></div>
        <ul id=p role=listbox><li role=option>Billing<li role=option>Tech</ul>"""
    )
    (team,) = view.controls
    assert [option.label for option in team.options] == ["Billing", "Tech"]
    assert view.fact("Status") is not None


def test_gaps_that_a_style_makes(reader: Reader) -> None:
    view = reader.view(
        """<style>.n::before{content:"\\00a0\\00a0"}.q::before{content:"!"}</style>
        <a href=/r>My tickets<span class=n>(Found 2)</span></a><a href=/s>In<span class=q>box</span></a>"""
    )
    assert names(view) == ["My tickets (Found 2)", "Inbox"]


def test_native_validation_that_shows(reader: Reader) -> None:
    reader.load("<form><label>City <input required></label><button>Go</button></form>")
    assert not reader.view().controls[0].invalid
    reader.act(reader.ref("Go"), "click")
    city = reader.view().controls[0]
    assert city.invalid and city.message
    assert [notice.control for notice in reader.view().notices] == [city.key]


def test_words_in_boxes_do_not_run_together(reader: Reader) -> None:
    view = reader.view("<div style='display:flex'><span>one</span><span>two</span></div><b>th</b>ree")
    assert view.sections[0].text.split() == ["one", "two", "three"]


def test_long_tables_come_by_window(reader: Reader) -> None:
    rows = "".join(f"<tr><td>R{number}<td>x" for number in range(450))
    (table,) = reader.view(f"<table><thead><tr><th>A<th>B</thead><tbody>{rows}</tbody></table>").tables
    assert (len(table.rows), table.total) == (200, 450)


def test_odd_text_survives(reader: Reader) -> None:
    reader.load("<p id=p>a</p><input id=i>")
    reader.run(r"""() => { document.querySelector("#p").textContent = "a <b> & \u0001 \ud800 \u20ac";
        document.querySelector("#i").value = "\"<&>'";
        document.querySelector("#i").setAttribute("aria-label", "x\u0002\"<y>"); }""")
    view = reader.view()
    assert view.sections[0].text.startswith("a <b> &") and view.sections[0].text.endswith("€")
    assert (view.controls[0].name, view.controls[0].value and view.controls[0].value.raw) == ('x"<y>', "\"<&>'")


def test_an_empty_page(reader: Reader) -> None:
    view = reader.view("")
    assert (view.controls, view.sections, view.title) == ((), (), "T")


def test_a_page_opened_before_us(portal: BlockingPortal, agent_page: Page) -> None:
    portal.call(agent_page.set_content, "<button>Go</button>")
    assert names(extract(portal.call(capture, agent_page))) == ["Go"]


def test_a_closed_page_is_an_error(portal: BlockingPortal, agent_page: Page) -> None:
    portal.call(agent_page.close)
    with pytest.raises(PageError, match="Cannot read the page"):
        portal.call(capture, agent_page)


def test_a_native_dialog_needs_no_answer_from_the_page(portal: BlockingPortal, agent_page: Page) -> None:
    snapshot = portal.call(capture, agent_page, "Leave this page?")
    assert (snapshot.native_dialog, snapshot.frames) == ("Leave this page?", ())


@pytest.fixture
def two_origins() -> Iterator[str]:
    """The address of a page with frames from another origin; `/slow` pages go on to the next by themselves."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host, port = self.headers["Host"].split(":")
            other = f"http://localhost:{port}"
            pages = {
                "/": f"<h1>Outer</h1><iframe title=Pay src={other}/pay></iframe><iframe hidden src={other}/pay></iframe>"
                "<dialog><button>Yes</button></dialog>",
                "/pay": "<label>Card <input id=c></label><iframe srcdoc='<button>Deep</button>'></iframe>",
                "/hop": "<script>location.replace('/hop2')</script>",
                "/hop2": "<script>location.replace('/end')</script>",
                "/end": "<button>Arrived</button>",
            }
            body = pages.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_frames_of_another_origin(reader: Reader, two_origins: str) -> None:
    reader.portal.call(reader.page.goto, two_origins)
    view = reader.view()
    assert [(control.name, control.frame) for control in view.controls] == [("Card", "Pay"), ("Deep", "frame")]
    reader.act(view.controls[0].ref, "fill", "4111")
    card = reader.view().controls[0].value
    assert card is not None and card.raw == "4111"
    assert reader.act(view.controls[1].ref, "inner_text") == "Deep"
    reader.run("() => document.querySelector('dialog').showModal()")
    assert names(reader.view()) == ["Yes"]


def test_navigation_in_the_middle(reader: Reader, portal: BlockingPortal, two_origins: str) -> None:
    async def hop() -> list[str]:
        seen: list[str] = []
        await reader.page.goto(f"{two_origins}/hop", wait_until="commit")
        while "Arrived" not in seen:
            seen = names(extract(await capture(reader.page)))
        return seen

    assert portal.call(hop) == ["Arrived"]


def test_a_big_page_is_read_quickly(reader: Reader) -> None:
    row = "<div><label for=i{0}>Field {0}</label><input id=i{0}><span>text</span><button>Do {0}</button></div>"
    reader.load("".join(row.format(number) for number in range(100)))
    reader.snapshot()
    times = reader.run(
        """() => [...Array(9)].map(() => { const start = performance.now();
        globalThis[Symbol.for("casepilot")].serialize(); return performance.now() - start; })"""
    )
    assert min(times) < 50, times  # 500 elements take about 5 ms on a quiet machine; this is a guard against n squared


@pytest.mark.parametrize(
    "unseen",
    [
        "<button style='visibility:hidden'>x</button>",
        "<input type=file aria-label=x style='visibility:hidden;position:absolute;height:0;width:0'>",
        "<input aria-label=x style='visibility:hidden'>",
        "<select aria-label=x style='visibility:hidden'><option>a</select>",
        "<label style='position:absolute;left:-9999px' for=h>x</label><input id=h style='opacity:0'>",
    ],
)
def test_what_is_not_seen_cannot_be_operated(reader: Reader, unseen: str) -> None:
    assert reader.view(f"{unseen}<p>seen</p>").controls == ()
