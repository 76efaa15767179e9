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
