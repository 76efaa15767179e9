"""Views of HTML written in a test, read without a browser."""

from __future__ import annotations

from datetime import date

from schema_extraction.extract import extract
from schema_extraction.profile import Profile
from schema_extraction.static import snapshot_of_html
from schema_extraction.view import Control, View

TODAY = date(2025, 6, 1)


def view_of(body: str, profile: Profile | None = None, url: str = "http://desk.test/cases/C-1041?tab=1") -> View:
    markup = f"<!doctype html><html><head><title>Desk</title></head><body>{body}</body></html>"
    return extract(snapshot_of_html(markup, url, TODAY), profile)


def only(view: View) -> Control:
    """The one control of a view."""
    assert len(view.controls) == 1, [control.key for control in view.controls]
    return view.controls[0]
