"""Dates and times as native fields take them."""

from __future__ import annotations

import pytest

from browser.perform.dates import for_field


@pytest.mark.parametrize(
    ("type_", "text", "taken"),
    [
        ("date", "March 3, 2026", "2026-03-03"),
        ("date", "soon", None),
        ("time", "9:05", "09:05"),
        ("time", "2:05 pm", "14:05"),
        ("time", "12 am", "00:00"),
        ("time", "12:30 p.m.", "12:30"),
        ("time", "23:59:30", "23:59:30"),
        ("time", "13 pm", None),
        ("time", "25:00", None),
        ("time", "9", None),
        ("datetime-local", "2026-03-03 09:30", "2026-03-03T09:30"),
        ("datetime-local", "March 3, 2026, 2:05 pm", "2026-03-03T14:05"),
        ("datetime-local", "2026-03-03", None),
        ("month", "2026-03", "2026-03"),
        ("month", "March 2026", "2026-03"),
        ("month", "some day", None),
        ("text", "March 3", "March 3"),
        ("date", "", ""),
    ],
)
def test_a_text_is_brought_into_the_form_of_the_field_or_refused(type_: str, text: str, taken: str | None) -> None:
    assert for_field(type_, text) == taken
