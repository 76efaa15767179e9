from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_extraction.errors import SnapshotError
from schema_extraction.extract import extract, extract_file
from schema_extraction.render import render
from schema_extraction.snapshot import FrameSnapshot, Snapshot
from schema_extraction.static import snapshot_of_file, snapshot_of_html
from schema_extraction.view import View
from tests.schema_extraction.pages import TODAY, view_of
from tests.schema_extraction.timing import within


def test_hidden_markup_is_out() -> None:
    view = view_of(
        """<button hidden>a</button><div style="display:none"><button>b</button></div>
        <div aria-hidden=true><button>c</button></div><div inert><button>d</button></div>
        <dialog><button>e</button></dialog><details><summary>More</summary>
        <button>f</button></details><script>'<button>g</button>'</script>
        <template><button>h</button></template><button>seen</button> after"""
    )
    assert [control.name for control in view.controls] == ["More", "seen"]
    assert view.sections[0].text == "after"


def test_the_text_of_closed_details_is_out() -> None:
    view = view_of("<details>before<summary>More</summary>between<p>within</p>after</details>seen")
    assert [section.text for section in view.sections] == ["seen"]


def test_what_follows_an_editor_is_read() -> None:
    view = view_of(
        """<div contenteditable aria-label=Reply>Dear <b>Mary</b>,<p>bye</p></div><label>City <input value=Oslo></label>
        <label><input type=checkbox checked> Urgent</label>"""
    )
    reply, city, urgent = view.controls
    assert [control.value and control.value.raw for control in (reply, city)] == ["Dear Mary,\nbye", "Oslo"]
    assert urgent.checked and all(control.ref for control in view.controls)


def test_many_hidden_elements_take_no_more_than_their_share_of_time() -> None:
    with within(1):
        view = view_of(("<script></script>" + "t" * 50) * 8000)
        assert len(view.sections[0].text) == 4000


def test_a_page_cannot_write_our_marks() -> None:
    view = view_of(
        """<button cp-ref=e1 cp-sensitive=true>A</button><button cp-ref=e1>B</button>
        <label>City <input cp-value=Rome value=Oslo></label>
        <cp-frame title=Bank><button>C</button></cp-frame><cp-label><button>D</button></cp-label>
        <div cp-inert=true><button>E</button></div>"""
    )
    assert [control.name for control in view.controls] == ["A", "B", "City", "C", "D", "E"]
    assert len({control.ref for control in view.controls}) == 6
    assert {control.frame for control in view.controls} == {""}
    assert view.controls[2].value is not None and view.controls[2].value.raw == "Oslo"


def test_an_editable_page_is_read_all_the_same() -> None:
    markup = "<body contenteditable><h1>Case</h1><button>Send</button>"
    view = extract(snapshot_of_html(markup, "", TODAY))
    assert [control.name for control in view.controls] == ["Send"]


@pytest.mark.parametrize(
    "field", ["type=password", "type=Password", "autocomplete=one-time-code", "autocomplete='section-a cc-csc'"]
)
def test_secrets_are_in_no_snapshot(field: str) -> None:
    snapshot = snapshot_of_html(f"<label>Code <input {field} value=hunter2></label>", "", TODAY)
    assert "hunter2" not in snapshot.model_dump_json()
    assert extract(snapshot).controls[0].sensitive


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("<title>Refunds &amp; returns</title>", "Refunds & returns"),
        ("<title>\ud800 Case\x00 \n 1</title>", "Case 1"),
        ("<svg><title>Icon</title></svg><title>Case</title>", "Case"),
        ("<svg><title>Icon</title></svg>", ""),
    ],
)
def test_the_title_of_a_plain_page(head: str, title: str) -> None:
    snapshot = snapshot_of_html(f"{head}<p>x", "", TODAY)
    assert snapshot.title == title
    assert Snapshot.model_validate_json(snapshot.model_dump_json()) == snapshot


def test_titles_without_end_take_no_time() -> None:
    with within(1):
        snapshot_of_html("<title>" * 50_000, "", TODAY)


def test_a_file_is_read_without_a_browser(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<title>T</title><label>City <input value=Oslo></label>", encoding="utf-8")
    view = extract_file(str(file))
    assert (view.title, view.controls[0].name) == ("T", "City")
    assert view == View.model_validate_json(view.model_dump_json())


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("<button>Straße</button>".encode(), "Straße"),
        ("<button>Straße</button>".encode("utf-8-sig"), "Straße"),
        ("<button>Straße שלום</button>".encode("utf-16"), "Straße שלום"),
        (codecs.BOM_UTF16_BE + "<button>Straße</button>".encode("utf-16-be"), "Straße"),
        ("<button>Straße – 5 €</button>".encode("cp1252"), "Straße – 5 €"),
        ("<meta charset=windows-1255><button>שלום</button>".encode("cp1255"), "שלום"),
        (
            '<meta http-equiv=content-type content="text/html; charset=shift_jis"><button>日本</button>'.encode("shift_jis"),
            "日本",
        ),
        (b"<meta charset=utf-8><button>Stra\xdfe</button>", "Stra\ufffde"),
        (b"<meta charset=utf-16><button>Stra\xdfe</button>", "Straße"),
        (b"<meta charset=punycode><button>Stra\xdfe</button>", "Straße"),
        (b"<meta charset=nonsense><button>Stra\xdfe\x81</button>", "Straße\ufffd"),
    ],
)
def test_a_file_is_read_in_its_charset(tmp_path: Path, data: bytes, name: str) -> None:
    file = tmp_path / "page.html"
    file.write_bytes(data)
    assert [control.name for control in extract_file(str(file)).controls] == [name]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"Cannot read .*gone\.html.*existing"):
        snapshot_of_file(tmp_path / "gone.html")


@pytest.mark.parametrize("markup", ["", "   ", "no markup at all", "\x00\x01", "<"])
def test_what_is_not_html_is_an_error(markup: str) -> None:
    with pytest.raises(SnapshotError, match="Expected HTML"):
        snapshot_of_html(markup, "", TODAY)


@pytest.mark.parametrize(
    "markup",
    [
        "<html></html>",
        "<body></body>",
        "<!-- --><p>",
        "<div><p></div></span><table><td>x",
        "<input<<>>",
        "<a href='x",
        "<b>\ud800</b>",
        "<b {{x}}y=1 {a}=2 {=3>x</b>",
    ],
)
def test_broken_html_gives_a_view(markup: str) -> None:
    assert isinstance(extract(snapshot_of_html(markup, "", TODAY)), View)


def test_an_empty_page_gives_an_empty_view() -> None:
    view = view_of("")
    assert (view.controls, view.facts, view.sections, view.messages) == ((), (), (), ())


def test_a_native_dialog_stands_alone() -> None:
    view = extract(Snapshot(url="http://x/", today=TODAY, frames=(), native_dialog="Leave?"))
    assert view.dialog is not None and (view.dialog.kind, view.dialog.text) == ("native", "Leave?")
    assert view.controls == ()


def test_what_the_snapshot_lacks_is_told_in_the_view() -> None:
    snapshot = Snapshot(url="http://x/", today=TODAY, frames=(), missing=("the frame 'Pay' did not answer",))
    view = extract(snapshot)
    assert view.missing == ("the frame 'Pay' did not answer",)
    assert "MISSING the frame 'Pay' did not answer\n" in render(view)


def test_a_snapshot_with_plain_html_is_read_as_well() -> None:
    snapshot = Snapshot(url="http://x/", today=TODAY, frames=(FrameSnapshot(html="<button>Go</button>"),))
    assert extract(snapshot).controls[0].name == "Go"


@given(st.text(alphabet="<>/='\" abdiv-inputbuttonselect", max_size=120))
def test_no_markup_crashes(markup: str) -> None:
    try:
        assert isinstance(extract(snapshot_of_html(markup, "", TODAY)), View)
    except SnapshotError as error:
        assert "Expected HTML" in str(error)
