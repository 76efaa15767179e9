from __future__ import annotations

from tests.schema_extraction.pages import view_of


def test_kinds() -> None:
    view = view_of(
        """<div role=alert>Session ends soon</div><div role=status>Saved</div><div aria-live=polite class=toast>Sent</div>
        <div aria-live=assertive>Lost connection</div><div role=alert></div><div aria-live=off>no</div>"""
    )
    assert [(notice.kind, notice.text) for notice in view.notices] == [
        ("alert", "Session ends soon"),
        ("status", "Saved"),
        ("toast", "Sent"),
        ("alert", "Lost connection"),
    ]


def test_validation_is_tied_to_its_field() -> None:
    view = view_of(
        """<label>City <input aria-invalid=true aria-errormessage=e></label><p id=e>Unknown city</p>
        <label>Zip <input aria-invalid=true aria-describedby=z></label><p id=z role=alert>Five digits</p>"""
    )
    city, zip_code = view.controls
    assert (city.message, zip_code.message) == ("Unknown city", "Five digits")
    assert {(notice.kind, notice.text, notice.control) for notice in view.notices} == {
        ("validation", "Unknown city", city.key),
        ("validation", "Five digits", zip_code.key),
    }


def test_a_hint_is_no_error() -> None:
    view = view_of("<label>City <input aria-describedby=h></label><p id=h>As on the parcel</p>")
    assert (view.controls[0].hint, view.controls[0].message, view.notices) == ("As on the parcel", "", ())


def test_a_live_region_around_the_page_is_no_notice() -> None:
    assert view_of(f"<main aria-live=polite>{'<p>Many words of prose.</p>' * 40}</main>").notices == ()


def test_boxes_that_tell_of_a_submit_by_their_class_alone() -> None:
    view = view_of(
        """<div class=results><div class=card>
        <ul class=action-results><li>Order number: Input must match<li>Not saved</ul></div></div>
        <form><div class=form__errors><div class=form__error>Wrong password.</div></div><label>Name <input></label></form>
        <ul class=messages><li class=success>The case is saved.</ul>
        <div class="alert alert-danger"><button>x</button>Could not send.</div>"""
    )
    assert [(notice.kind, notice.text) for notice in view.notices] == [
        ("status", "Order number: Input must match"),
        ("status", "Not saved"),
        ("alert", "Wrong password."),
        ("status", "The case is saved."),
        ("alert", "Could not send."),
    ]
    assert view.facts == ()
    assert [section.text for section in view.sections if section.text] == []


def test_words_of_state_and_boxes_of_fields_are_no_notices() -> None:
    view = view_of(
        """<div class=warning>Gold</div><div class=message>I want my money back.</div><div class=results>3 found</div>
        <div class="field error"><label>City <input></label></div>
        <table><tr><th>Job<th>State<tr><td>Send<td><div class=error>failed</div></table>"""
    )
    assert view.notices == ()


def test_an_error_box_of_a_field_is_said_once() -> None:
    view = view_of(
        "<label>City <input aria-invalid=true aria-describedby=e></label>"
        "<div id=e><div class=field-error>Unknown city</div></div>"
    )
    assert [(notice.kind, notice.text) for notice in view.notices] == [("validation", "Unknown city")]
