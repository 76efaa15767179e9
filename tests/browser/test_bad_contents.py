"""Contents that are no HTML, or hardly, and pages that play tricks."""

from __future__ import annotations

import pytest

from browser.errors import PageError
from schema_extraction.view import View
from tests.browser.visitor import Visitor, names, told

pytestmark = pytest.mark.browser


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


def test_a_document_without_html_that_some_browsers_download(visit: Visitor) -> None:
    """A headless shell, which has no viewer for it, makes it a download: an error. Other browsers show it: it is missed."""
    try:
        visit.open("/pdf")
    except PageError as error:
        assert "Download is starting" in str(error)
    else:
        assert visit.view().missing == ("what a document of the type application/pdf shows",)


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
