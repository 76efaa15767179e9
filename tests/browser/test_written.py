"""A date in the form that a field asks for."""

from __future__ import annotations

import pytest

from browser.perform.written import as_asked


@pytest.mark.parametrize(
    ("hint", "written"),
    [
        ("mm/dd/yyyy", "03/09/2026"),
        ("DD.MM.YYYY", "09.03.2026"),
        ("d/m/yy", "9/3/26"),
        ("As on the invoice (yyyy-mm-dd)", "2026-03-09"),
        ("Day of birth, e.g. dd - mm", "2026-03-09"),
        ("mm/mm/yyyy", "2026-03-09"),
        ("Search", "2026-03-09"),
        ("", "2026-03-09"),
    ],
)
def test_a_date_is_written_as_the_hint_says(hint: str, written: str) -> None:
    assert as_asked(hint, "2026-03-09") == written


@pytest.mark.parametrize("text", ["next week", "9 March 2026", "2026-13-40", "ORD-10234", ""])
def test_what_is_no_iso_date_is_left_as_it_is(text: str) -> None:
    assert as_asked("mm/dd/yyyy", text) == text
