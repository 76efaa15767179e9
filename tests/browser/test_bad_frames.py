"""Frames that hang, do not come, flicker or hold no HTML: the page around them is read, and what is missing is named."""

from __future__ import annotations

import time

import pytest

from schema_extraction.action import Click, Target
from tests.browser.bad_site import around
from tests.browser.visitor import LONGEST, SETTINGS, Visitor, names

pytestmark = pytest.mark.browser


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
