"""Pages as no one should write them: an honest partial view that names what is missing, or an error in clear words, in time."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Error as PlaywrightError

from browser.capture import CaptureSettings
from browser.errors import PageError
from tests.browser.visitor import SETTINGS, Visitor, names, told

pytestmark = pytest.mark.browser

LOOKS = 1000
"""At a page that is about to change, at the most."""


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
        for _ in range(LOOKS):
            visit.view()  # the browser sets out a moment after the script


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
