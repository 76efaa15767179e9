"""Markup that is damaged: what can be read is in the view, and what cannot is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schema_extraction.errors import SnapshotError
from schema_extraction.extract import extract
from schema_extraction.snapshot import FrameSnapshot, Snapshot
from schema_extraction.static import snapshot_of_html
from schema_extraction.view import View
from tests.schema_extraction.pages import TODAY
from tests.schema_extraction.timing import within

ROOT = '<html cp-date="2025-06-01"><body>'


def recorded(body: str, before: str = "") -> View:
    frame = FrameSnapshot(html=f"{before}{ROOT}{body}</body></html>")
    return extract(Snapshot(url="http://x/", today=TODAY, frames=(frame,)))


def plain(body: str) -> View:
    return extract(snapshot_of_html(f"<body>{body}", "http://x/", TODAY))


def names(view: View) -> list[str]:
    return [control.name for control in view.controls]


def test_a_whole_recording_lacks_nothing() -> None:
    view = recorded("<button>a &amp; b&#10;c</button>")
    assert (names(view), view.missing) == (["a & b c"], ())


@pytest.mark.parametrize(
    "body",
    [
        "<button>Go</button><div",
        "<button>Go</button></p>",
        "<button>Go</button><p title=x>",
        "<button>Go</button><p>a < b",
        "<button>Go</button><p>&nosuch;</p>",
        '<button>Go</button><p title="1" title="2"></p>',
    ],
)
def test_a_damaged_recording_says_so(body: str) -> None:
    view = recorded(body)
    assert names(view) == ["Go"]
    assert len(view.missing) == 1 and view.missing[0].startswith("parts of a recording that is damaged (")
    assert "\n" not in view.missing[0]


@pytest.mark.parametrize("text", ["&#xD800;", "&#57343;", "&#x00DFff;", "\x00", "\x01\x1f", "\ufffe", "\ud800"])
def test_characters_that_are_none_are_left_out(text: str) -> None:
    view = recorded(f'<p>a{text}b</p><button title="{text}">Go{text}</button>')
    assert [section.text for section in view.sections] == ["ab"]
    assert (names(view), view.missing) == (["Go"], ())
    assert View.model_validate_json(view.model_dump_json()) == view


def test_a_recording_cannot_define_entities() -> None:
    """Ten entities that each stand for ten others would fill the memory; one that names a file would show it."""
    laugh = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for entities in (f'<!ENTITY l0 "ha">{laugh}', '<!ENTITY l9 "forged">', '<!ENTITY l9 SYSTEM "file:///etc/hostname">'):
        with within(1):
            view = recorded('<button title="&l9;">Go</button><p>&l9;</p>', f"<!DOCTYPE html [{entities}]>")
            assert names(view) == ["Go"] and len(view.model_dump_json()) < 2000 and "forged" not in view.model_dump_json()


@pytest.mark.parametrize("read", [plain, recorded])
def test_what_is_nested_too_deep_is_left_out_and_counted(read: Callable[[str], View]) -> None:
    view = read(
        "<button>Before</button>" + "<div>" * 1000 + "<button>Deep</button>" + "</div>" * 1000 + "<button>After</button>"
    )
    assert names(view) == ["Before", "After"]
    assert view.missing == ("443 elements nested more than 560 levels deep",)


@pytest.mark.parametrize("read", [plain, recorded])
def test_what_the_parser_gives_up_is_told(read: Callable[[str], View]) -> None:
    view = read("<button>Before</button>\n" + "<div>" * 5000 + "</div>" * 5000 + "<button>After</button>")
    assert names(view) == ["Before"]
    assert any("nested" in words or "depth" in words for words in view.missing)


def test_a_ref_that_stands_twice_names_the_first() -> None:
    view = recorded('<button cp-ref="e1">One</button><button cp-ref="e1">Two</button>')
    assert [(control.name, control.ref) for control in view.controls] == [("One", "e1"), ("Two", "")]


def test_frames_do_not_share_refs() -> None:
    one = FrameSnapshot(html=f'{ROOT}<iframe/><button cp-ref="e1">One</button></body></html>')
    other = FrameSnapshot(frame="f1", html=f'{ROOT}<button cp-ref="e1">Two</button></body></html>')
    view = extract(Snapshot(url="http://x/", today=TODAY, frames=(one, other)))
    assert [(control.name, control.ref) for control in view.controls] == [("One", "e1"), ("Two", "")]


def test_a_frame_that_was_recorded_twice_is_read_once() -> None:
    frame = FrameSnapshot(html=f"{ROOT}<button>Go</button></body></html>")
    view = extract(Snapshot(url="http://x/", today=TODAY, frames=(frame, frame)))
    assert names(view) == ["Go"]
    assert view.missing == ("a frame that was recorded twice, under ''",)


def test_what_was_no_html_is_an_error() -> None:
    with pytest.raises(SnapshotError, match="Expected"):
        extract(Snapshot(url="", today=TODAY, frames=(FrameSnapshot(html='cp-date="2025-06-01"'),)))


MANY = 1000


@pytest.mark.parametrize(
    "body",
    [
        "<div id=a>" + "<button aria-labelledby=a></button>" * MANY + "</div>",
        "<div id=a>" + "<input aria-describedby=a>x" * MANY + "</div>",
        "<datalist id=a>" + "<option>x" * 200 + "</datalist>" + "<input list=a>" * 500,
        "<ul id=a role=listbox>" + "<li role=option>x" * 200 + "</ul>" + "<div role=combobox aria-controls=a>y</div>" * 500,
        "<div role=combobox aria-expanded=true>y</div>" * MANY,
        "<table><tr>" + "<th>A" * MANY + "<tr>" + "<td><input>" * MANY,
        "<h2>a</h2><p>b</p>" * MANY,
        "<div role=log>" + "<article><b>A</b> hi</article>" * MANY + "</div>",
        "<div role=alert>a" * MANY,
        "<fieldset><legend>a</legend><input type=radio name=a>" * MANY,
        "<div role=combobox aria-label=x>y" * MANY,
    ],
)
def test_much_of_a_kind_is_read_in_time(body: str) -> None:
    with within(1):
        plain(body)
