"""Pages as no one should write them: an honest partial view that names what is missing, or an error in clear words, in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser
from playwright.async_api import Error as PlaywrightError

from browser.capture import CaptureSettings
from browser.errors import PageError
from browser.page import CasePage, PageSettings, new_case_page
from browser.settle import SettleSettings
from schema_extraction.action import Click, Target
from schema_extraction.profile import Profile
from schema_extraction.view import View
from tests.browser.bad_site import BadSite, around

pytestmark = pytest.mark.browser

SETTINGS = PageSettings(
    open_seconds=2.0,
    settle=SettleSettings(limit=0.5, grace=1.0),
    capture=CaptureSettings(answer_seconds=3.0, frame_seconds=1.0),
)
LONGEST = SETTINGS.settle.limit + 2 * SETTINGS.settle.grace + SETTINGS.capture.answer_seconds + 3.0
"""Seconds until a view must be there, or an error: waiting for rest, asking whether it still rests, the answer, and some leave
for a busy machine."""


@pytest.fixture(scope="module")
def site() -> Iterator[BadSite]:
    running = BadSite()
    yield running
    running.close()


class Visitor:
    """Opens pages of the bad site and looks at them, from a test's own thread."""

    def __init__(self, portal: BlockingPortal, page: CasePage, site: BadSite) -> None:
        self.portal, self.page, self.site = portal, page, site

    def open(self, path: str, body: str = "") -> None:
        if body:
            self.site.pages[path] = ("text/html; charset=utf-8", body.encode())
        self.portal.call(self.page.goto, path)

    def run(self, script: str) -> object:
        return self.portal.call(self.page.page.evaluate, script)

    def view(self, longest: float = LONGEST) -> View:
        """The view, in time; fails where it takes longer, also to say that there is none."""
        started = time.monotonic()
        try:
            return self.portal.call(self.page.view)
        finally:
            assert time.monotonic() - started < longest

    def wait(self, seconds: float) -> None:
        self.portal.call(asyncio.sleep, seconds)


@pytest.fixture
def visit(portal: BlockingPortal, agent_browser: Browser, site: BadSite) -> Iterator[Visitor]:
    profile = Profile(name="bad", base_url=site.url, requests_per_second=1000)
    page = portal.call(new_case_page, agent_browser, profile, None, SETTINGS)
    yield Visitor(portal, page, site)
    portal.call(page.close)


def names(view: View) -> list[str]:
    return [control.name for control in view.controls]


def told(view: View) -> str:
    return "\n".join(section.text for section in view.sections)


# Pages that do not come


@pytest.mark.parametrize(("path", "words"), [("/never", "Timeout"), ("/stall", "Timeout"), ("/loop", "TOO_MANY_REDIRECTS")])
def test_a_page_that_does_not_come_is_an_error_of_one_line(visit: Visitor, path: str, words: str) -> None:
    with pytest.raises(PageError, match=words) as caught:
        visit.open(path)
    assert "Cannot open" in str(caught.value) and "\n" not in str(caught.value)


def test_a_page_that_never_answers_cannot_be_read_and_that_is_said(visit: Visitor) -> None:
    with pytest.raises(PageError):
        visit.open("/never")
    with pytest.raises(PageError, match=r"on its way to 'http\S+/never', which does not answer; wait, or open it again"):
        visit.view()


def test_a_page_that_goes_on_to_one_that_never_answers_cannot_be_read_and_that_is_said(visit: Visitor) -> None:
    visit.open("/plain")
    visit.run("() => { location.href = '/never'; }")
    with pytest.raises(PageError, match=r"on its way to 'http\S+/never', which does not answer; wait, or open it again"):
        visit.view()


def test_what_has_come_of_a_page_that_stalls_is_read_and_the_rest_named(visit: Visitor) -> None:
    with pytest.raises(PageError):
        visit.open("/stall")
    view = visit.view()
    assert (names(view), told(view)) == (["First"], "Seen.")
    assert view.missing == ("the rest of the page, which is still loading",)


def test_a_server_that_is_gone_is_an_error(visit: Visitor) -> None:
    visit.open("/plain")
    with pytest.raises(PageError, match=r"Cannot open 'http://127.0.0.1:9/': net::ERR_\w+.*Is the application running"):
        visit.open("http://127.0.0.1:9/")


def test_a_page_after_a_bad_one_is_read_as_ever(visit: Visitor) -> None:
    for path in ("/never", "/loop"):
        with pytest.raises(PageError):
            visit.open(path)
    visit.open("/plain")
    view = visit.view()
    assert (names(view), view.missing) == (["Go"], ())


def test_a_renderer_that_crashes_is_an_error(visit: Visitor) -> None:
    visit.open("/plain")

    async def crash() -> None:
        with pytest.raises(PlaywrightError):
            await visit.page.page.goto("chrome://crash")

    visit.portal.call(crash)
    with pytest.raises(PageError, match="crash"):
        visit.view()
    with pytest.raises(PageError, match="crashed; open another"):
        visit.open("/plain")


def test_a_renderer_that_crashes_while_it_is_read_is_an_error(visit: Visitor) -> None:
    visit.open("/constant")

    async def crash() -> None:
        async def soon() -> None:
            await asyncio.sleep(0.05)
            with pytest.raises(PlaywrightError):
                await visit.page.page.goto("chrome://crash")

        crashing = asyncio.create_task(soon())
        try:
            while True:
                visit.page._last = None
                await visit.page.view()
        finally:
            await crashing

    with pytest.raises(PageError, match="crash"):
        visit.portal.call(crash)


def test_a_page_that_is_busy_for_some_time_is_read_when_it_is_done(visit: Visitor) -> None:
    visit.open("/busy", "<button>Go</button><p id=p>before</p>")
    visit.run(
        """() => { setTimeout(() => {
          const end = performance.now() + 2000;
          while (performance.now() < end);
          p.textContent = "after";
        }, 10) }"""
    )
    visit.wait(0.1)
    view = visit.view()
    assert (names(view), told(view), view.missing) == (["Go"], "after", ())


def test_a_page_marked_busy_is_read_and_said_to_be(visit: Visitor) -> None:
    visit.open("/marked", "<button>Go</button><main aria-busy=true><p>Loading</p></main>")
    view = visit.view()
    assert (names(view), view.busy) == (["Go"], True)


def test_a_page_that_goes_on_by_itself_again_and_again_is_read_between_two_steps_or_that_is_said(visit: Visitor) -> None:
    for _ in range(3):
        try:
            visit.open("/travelling")
            view = visit.view()
            assert names(view) == ["Go"] or view.missing  # between two steps there is nothing yet
        except PageError as error:
            assert ("navigat" in str(error) or "ERR_ABORTED" in str(error)) and "\n" not in str(error)


def test_a_script_that_never_ends_is_an_error(visit: Visitor) -> None:
    visit.open("/hangs")
    visit.wait(0.3)
    with pytest.raises(PageError, match=r"did not answer within 3 s; reload it, or hand the step over"):
        visit.view()


# Dialogs while the page is read


@pytest.mark.parametrize(
    "script",
    [
        "setTimeout(() => alert('Really?'), 20)",
        "setInterval(() => alert('Again?'), 5)",
        "setTimeout(() => { document.title = String(confirm('Sure?')); }, 20)",
        "setInterval(() => { document.title = String(prompt('Name?')); }, 10)",
        "new MutationObserver(() => confirm('Sure?')).observe(document, {subtree: true, childList: true}); "
        "setInterval(() => document.body.append('x'), 10)",
        "addEventListener('beforeunload', (event) => event.preventDefault()); "
        "setInterval(() => { location.href = '/plain'; }, 30)",
    ],
)
def test_a_dialog_opened_while_the_page_is_read_is_answered_with_no(visit: Visitor, script: str) -> None:
    visit.open("/dialogs", f"<button>Go</button><script>{script}</script>")
    for _ in range(3):
        view = visit.view()
        assert names(view) == ["Go"]
        visit.wait(0.05)
    assert "true" not in view.title


def test_a_dialog_opened_while_a_person_has_the_page_is_told(visit: Visitor) -> None:
    visit.page.dialogs.attended = lambda: True
    visit.open("/asking", "<button>Go</button><input id=field>")
    visit.run(
        """() => Object.defineProperty(field, "value", {
          get() {
            if (Error().stack.includes("serialize")) confirm("Sure?");
            return "";
          }
        })"""
    )
    visit.page.sight.forget()
    view = visit.view()
    assert view.dialog is not None and (view.dialog.kind, view.dialog.text) == ("native", "Sure?")


# Pages that are too much


def test_fifty_megabytes_are_read_in_part_and_the_rest_is_counted(visit: Visitor) -> None:
    visit.page.settings = SETTINGS.model_copy(update={"open_seconds": 90.0})
    visit.page.sight.settings = CaptureSettings()  # the browser itself takes seconds to lay it out
    visit.open("/big")
    view = visit.view(longest=30.0)
    assert names(view) == ["First"]
    assert len(view.facts) > 1000
    (missing,) = view.missing
    assert missing.startswith("what comes after the first ") and missing.endswith(" elements; the page has 511007")
    assert len(view.model_dump_json()) < 5_000_000


def test_a_page_built_too_deep_is_read_around_it(visit: Visitor) -> None:
    visit.open("/deep")
    view = visit.view()
    assert names(view) == ["First", "Last"]
    assert view.missing == ("951 elements nested more than 550 levels deep",)


def test_markup_nested_too_deep_is_read_as_the_browser_reads_it(visit: Visitor) -> None:
    visit.open("/deep-html", "<button>First</button>" + "<div>" * 3000 + "<button>Deep</button>" + "</div>" * 3000)
    view = visit.view()
    assert (names(view), view.missing) == (["First", "Deep"], ())


def test_texts_without_end_are_cut_and_that_is_told(visit: Visitor) -> None:
    visit.open("/long", "<button>First</button><label>Note <textarea id=t></textarea></label><button>Last</button>")
    visit.run("() => { t.value = 'word '.repeat(1e5); }")
    view = visit.view()
    assert names(view) == ["First", "Note", "Last"]
    assert view.missing == ("what comes after the first 100000 characters of a text",)
    visit.run("() => { t.value = 'short'; }")
    assert visit.view().missing == ()


def test_a_page_that_never_rests_is_read_as_it_is(visit: Visitor) -> None:
    visit.open("/restless")
    counts = []
    for _ in range(3):
        view = visit.view()
        assert (names(view), view.missing) == (["Go"], ())
        counts.append(len(told(view).split()))
        visit.wait(0.2)
    assert counts == sorted(set(counts))


def test_a_page_that_moves_all_the_time_is_read_as_it_is(visit: Visitor) -> None:
    visit.open("/constant")
    for _ in range(3):
        view = visit.view()
        assert (names(view), view.missing) == (["Go"], ()) and int(told(view)) >= 0
        visit.wait(0.1)


def test_texts_beside_each_other_without_end_are_read_in_part(visit: Visitor) -> None:
    # Far below, so that the browser need not lay it out, which takes it longer than the reading.
    visit.open("/texts", "<button>First</button><div id=d style='margin-top: 9000px; content-visibility: auto'></div>")
    visit.run("() => { for (let i = 0; i < 300; i++) d.append('word '.repeat(10000), document.createComment('')); }")
    view = visit.view()
    (missing,) = view.missing
    assert names(view) == ["First"] and missing.startswith("what comes after the first ")
    assert len(view.model_dump_json()) < 20_000_000


# Frames


def test_frames_without_end_are_read_as_far_as_they_are_there(visit: Visitor) -> None:
    visit.open("/recursion")
    view = visit.view()
    assert len(view.controls) > 1 and set(names(view)) == {"Go"}


@pytest.mark.parametrize("path", ["/flicker", "/wandering"])
def test_a_frame_that_comes_and_goes_does_not_keep_the_page_from_being_read(visit: Visitor, path: str) -> None:
    visit.open(path)
    for _ in range(5):
        view = visit.view()
        assert names(view) in (["Outer go"], ["Outer go", "Go"])
        assert names(view) == ["Outer go", "Go"] or all("frame" in words for words in view.missing)


def test_a_frame_that_hangs_is_named_and_the_page_around_it_read(visit: Visitor) -> None:
    visit.site.pages["/around-hangs"] = ("text/html", around("/hangs"))
    visit.open("/around-hangs")
    visit.wait(0.3)
    view = visit.view()
    assert names(view) == ["Outer go"]
    assert view.missing == (f"the frame {visit.site.other}/hangs, which does not answer",)
    started = time.monotonic()
    visit.run("() => document.querySelector('h1').append('!')")
    assert "Outer!" in [section.name for section in visit.view().sections]
    # Known to hang, it is not waited for again.
    assert time.monotonic() - started < SETTINGS.capture.frame_seconds + 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("{other}/never", "which has not loaded"),
        ("/never", "which has not loaded"),
        ("{other}/stall", "which is still loading"),
        ("http://127.0.0.1:9/", "which did not load"),
    ],
)
def test_a_frame_that_does_not_come_is_named(visit: Visitor, address: str, words: str) -> None:
    visit.open("/around", f"<h1>Outer</h1><button>Outer go</button><iframe title=Pay src={address}></iframe>")
    view = visit.view()
    assert names(view)[0] == "Outer go"
    (missing,) = view.missing
    assert address.removeprefix("{other}") in missing and words in missing


@pytest.mark.parametrize(("name", "after"), [("Outer go", "Outer gone"), ("Inner go", "Inner gone")])
def test_a_control_beside_a_frame_that_hangs_can_be_operated(visit: Visitor, name: str, after: str) -> None:
    inner = "<button onclick='this.append(\"ne\")'>Inner go</button>"
    visit.site.pages["/inner"] = ("text/html", inner.encode())
    # A site of its own for the frame that can be operated: frames of one site hang together.
    frames = b"<iframe src={third}/inner></iframe>"
    visit.site.pages["/around-both"] = ("text/html", around("/hangs").replace(b"</h1>", b"</h1>" + frames) + frames)
    visit.open("/around-both")
    visit.run("() => { document.querySelector('button').onclick = () => document.querySelector('button').append('ne'); }")
    visit.wait(0.3)
    view = visit.view()
    control = [control for control in view.controls if control.name == name][-1]
    target = Target(key=control.key, role=control.role, name=control.name, ref=control.ref)
    started = time.monotonic()
    outcome = visit.portal.call(visit.page.perform, view, Click(target=target))
    assert outcome.ok, outcome.message
    assert time.monotonic() - started < LONGEST
    assert after in names(visit.view())


def test_a_frame_that_holds_no_html_is_named(visit: Visitor) -> None:
    visit.open("/around-svg", "<button>Go</button><iframe title=Chart src=/svg></iframe>")
    view = visit.view()
    assert (names(view), view.missing) == (["Go"], (f"the frame {visit.site.url}/svg, of the type image/svg+xml",))


def test_a_page_under_a_strict_policy_and_its_sandboxed_frames_are_read(visit: Visitor) -> None:
    visit.open("/strict")
    view = visit.view()
    assert [(control.name, control.frame) for control in view.controls] == [("Go", ""), ("Go", "Shut"), ("Inner", "Own")]
    assert (view.title, view.missing) == ("", ())


def test_a_hidden_frame_that_does_not_come_is_not_missed(visit: Visitor) -> None:
    visit.open("/around", "<button>Go</button><iframe hidden src=http://127.0.0.1:9/></iframe>")
    assert visit.view().missing == ()


def test_a_frame_taken_out_by_hand_is_not_missed(visit: Visitor) -> None:
    visit.site.pages["/around-plain"] = ("text/html", around("/plain"))
    visit.open("/around-plain")
    assert names(visit.view()) == ["Outer go", "Go"]
    visit.run("() => document.querySelector('iframe').remove()")
    view = visit.view()
    assert (names(view), view.missing) == (["Outer go"], ())


# Contents that are no HTML, or hardly


def test_malformed_markup_is_read_as_the_browser_mends_it(visit: Visitor) -> None:
    visit.open("/malformed")
    view = visit.view()
    assert (names(view), view.missing) == (["Go", "b><p>lost"], ())
    assert "end" in told(view)


@pytest.mark.parametrize("path", ["/latin", "/utf16"])
def test_a_page_in_another_charset_is_read(visit: Visitor, path: str) -> None:
    visit.open(path)
    assert names(visit.view()) == ["Straße"]


def test_bytes_that_are_no_text_show_as_the_browser_shows_them(visit: Visitor) -> None:
    visit.open("/broken-utf8")
    assert names(visit.view()) == ["Stra\ufffde"]
    visit.open("/wrong-charset")
    view = visit.view()
    assert view.controls == () and View.model_validate_json(view.model_dump_json()) == view


def test_text_from_right_to_left_is_read_in_the_order_of_writing(visit: Visitor) -> None:
    visit.open("/rtl")
    view = visit.view()
    assert names(view) == ["\u05e9\u05dd", "\u0627\u0644\u0645\u0628\u0644\u063a", "\u05e9\u05dc\u05d7"]
    values = [control.value.raw for control in view.controls if control.value]
    assert values == ["\u05d3\u05e0\u05d4", "123"]
    assert view.fact("\u05de\u05e6\u05d1") is not None
    assert view.sections[0].name == "\u05e4\u05e0\u05d9\u05d9\u05d4"
    assert View.model_validate_json(view.model_dump_json()) == view


def test_a_label_to_the_right_of_its_field_names_it(visit: Visitor) -> None:
    visit.open(
        "/rtl-rows",
        "<html dir=rtl><body><div><span>\u05e9\u05dd:</span> <input></div><div><span>\u05e2\u05d9\u05e8:</span> <input></div>"
        "<table><tr><th>\u05e1\u05db\u05d5\u05dd<td><input></table>",
    )
    view = visit.view()
    assert [name.rstrip(":") for name in names(view)] == ["\u05e9\u05dd", "\u05e2\u05d9\u05e8", "\u05e1\u05db\u05d5\u05dd"]


@pytest.mark.parametrize(
    ("path", "text", "missing"),
    [
        ("/text", "Status: Open\n<button>Go</button>", ()),
        ("/json", '{"status": "Open"}', ()),
        ("/empty", "", ()),
        ("/svg", "", ("what a document of the type image/svg+xml shows",)),
        ("/image", "", ("what a document of the type image/png shows",)),
    ],
)
def test_documents_without_html(visit: Visitor, path: str, text: str, missing: tuple[str, ...]) -> None:
    visit.open(path)
    view = visit.view()
    assert (told(view).split(), view.controls, view.missing) == (text.split(), (), missing)


def test_xml_is_read_as_the_browser_shows_it(visit: Visitor) -> None:
    visit.open("/xml")
    view = visit.view()
    assert "<status>Open</status>" in told(view) and (view.controls, view.missing) == ((), ())


def test_a_page_of_frames_is_read(visit: Visitor) -> None:
    visit.open("/frameset")
    view = visit.view()
    assert [(control.name, control.frame) for control in view.controls] == [("Go", "left"), ("Go", "right")]
    assert view.missing == ()


def test_a_document_that_becomes_a_download_is_an_error(visit: Visitor) -> None:
    with pytest.raises(PageError, match="Download is starting"):
        visit.open("/pdf")


def test_about_blank_is_an_empty_view(visit: Visitor) -> None:
    visit.portal.call(visit.page.page.goto, "about:blank")
    view = visit.view()
    assert (view.controls, view.sections, view.missing) == ((), (), ())


def test_a_component_that_no_script_can_look_into_is_named(visit: Visitor) -> None:
    visit.open("/closed")
    view = visit.view()
    assert (names(view), view.missing) == (["Go"], ("what <x-pay> draws, which no script can look into",))


def test_a_component_that_draws_an_icon_is_not_missed(visit: Visitor) -> None:
    icon = "<style>x-icon{display:inline-block;width:24px;height:24px;background:red}</style><x-icon></x-icon>"
    define = "customElements.define('x-icon', class extends HTMLElement {})"
    visit.open("/icon", f"{icon}<script>{define}</script><button>Go</button>")
    assert visit.view().missing == ()


# Pages that play tricks


def test_a_page_cannot_forge_what_the_serialiser_writes(visit: Visitor) -> None:
    visit.open(
        "/forged",
        """<cp-frame title=Bank><button cp-ref=e1>A</button></cp-frame><cp-label>shown</cp-label>
        <cp-popup><p>also</p></cp-popup><button cp-ref=e1 cp-sensitive=true title="a\f\x0bb">B</button>""",
    )
    view = visit.view()
    assert [(control.name, control.frame) for control in view.controls] == [("A", ""), ("B", "")]
    assert len({control.ref for control in view.controls}) == 2
    assert told(view).split() == ["shown", "also"]
    assert view.missing == ()


def test_an_editable_page_is_read(visit: Visitor) -> None:
    visit.open("/editable", "<body contenteditable><h1>Case</h1><p>text</p><button>Send</button>")
    view = visit.view()
    assert (names(view), told(view)) == (["Send"], "text")


def test_the_text_of_closed_details_is_not_seen(visit: Visitor) -> None:
    visit.open("/details", "<details>before<summary>More</summary>after<p>in</p></details>seen")
    assert told(visit.view()) == "seen"
    visit.run("() => { document.querySelector('details').open = true; }")
    assert told(visit.view()).split() == ["before", "after", "in", "seen"]


def test_fields_named_like_a_form_s_own_attributes(visit: Visitor) -> None:
    fields = "attributes id title children rows className parentElement style method action name role".split()
    visit.open("/names", "<form>" + "".join(f"<input aria-label={name} name={name}>" for name in fields) + "</form>")
    assert names(visit.view()) == fields


@pytest.mark.parametrize(
    "script",
    [
        "Array.prototype.map = () => []; Array.prototype.filter = () => { throw 'no'; }; JSON.stringify = () => 'null'",
        "Map = class extends Map { get() {} }; Set = WeakMap = WeakSet = null",
        "Element.prototype.getAttribute = () => null; Element.prototype.querySelectorAll = () => []",
        "MutationObserver = class { observe() {} }; window.getComputedStyle = null; String.prototype.replace = () => ''",
        "Element.prototype.matches = RegExp.prototype.test = () => { throw new Error('mine'); }",
        "Map.prototype.get = () => { throw new Error('mine'); }",
        "setTimeout = () => 0; performance.now = () => 0; Array.from = null; Object.assign = null",
    ],
)
def test_built_ins_that_a_page_has_overwritten_are_not_relied_on(visit: Visitor, script: str) -> None:
    visit.open("/groundless", f"<h1>Case</h1><button aria-label=Send>Go</button><div id=d></div><script>{script}</script>")
    assert names(visit.view()) == ["Send"]
    visit.run("() => { d.innerHTML = '<button>Close</button><p>done</p>'; }")
    view = visit.view()
    assert (names(view), told(view), view.missing) == (["Send", "Close"], "done", ())


def test_what_a_page_has_overwritten_is_as_it_was_after_a_look(visit: Visitor) -> None:
    visit.open("/groundless", "<button>Go</button><script>mine = Array.prototype.map = function mine() { return []; }</script>")
    visit.view()
    assert visit.run("() => Array.prototype.map === mine && !Object.keys(Array.prototype).length") is True


def test_a_page_that_takes_the_ground_away_is_an_error(visit: Visitor) -> None:
    with pytest.raises(PageError, match=r"Map is not a constructor\. Open it again"):
        visit.open("/no-ground", "<button>Go</button><script>Map = null</script>")
