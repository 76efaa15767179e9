from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_extraction.normalise import decimal, value


@pytest.mark.parametrize(
    ("raw", "hint", "kind", "normal"),
    [
        ("$1,234.50", "", "money", "1234.5"),
        ("1.234,50 €", "", "money", "1234.5"),
        ("EUR 12", "", "money", "12"),
        ("-$5.00", "", "money", "-5"),
        ("59.00", "Refund amount", "money", "59"),
        ("59.00", "", "number", "59"),
        ("45%", "Discount amount", "number", "45"),
        ("3", "Number of orders", "number", "3"),
        ("3348917502", "Account", "id", "3348917502"),
        ("3348917502", "", "id", "3348917502"),
        ("94105", "Zip code", "id", "94105"),
        ("ORD-10234", "", "id", "ORD-10234"),
        ("#A1234", "", "id", "A1234"),
        ("Foo@Bar.com", "", "email", "foo@bar.com"),
        ("(555) 123-4567", "", "phone", "5551234567"),
        ("+1 555 123 4567", "", "phone", "+15551234567"),
        ("5551234567", "Phone", "phone", "5551234567"),
        ("gold", "Membership", "text", "gold"),
        ("Purchased 3 days ago", "", "text", "Purchased 3 days ago"),
        ("Late", "choice", "choice", "Late"),
        ("", "Amount", "text", ""),
    ],
)
def test_values_are_typed_by_what_they_hold(raw: str, hint: str, kind: str, normal: str) -> None:
    found = value(raw, hint)
    assert (found.kind, found.normal, found.raw) == (kind, normal, raw)
    assert (found.number is not None) == (kind in ("number", "money"))


@pytest.mark.parametrize(
    "raw",
    [
        "2024-05-03",
        "2024-05-03T10:22:01Z",
        "2024-05-03 10:22",
        "05/03/2024",
        "5/3/24",
        "03.05.2024",
        "May 3, 2024",
        "May 3rd, 2024 10:22 AM",
        "3 May 2024",
        "3-May-2024",
        "Fri, 3 May 2024",
        "Friday, May 3, 2024",
    ],
)
def test_dates_of_many_formats(raw: str) -> None:
    found = value(raw)
    assert (found.kind, found.date, found.normal) == ("date", date(2024, 5, 3), "2024-05-03")


def test_a_day_that_does_not_exist_is_text() -> None:
    assert value("2024-02-31").kind == "text"


def test_day_first_where_the_month_cannot_be() -> None:
    assert value("31/12/2024").date == date(2024, 12, 31)


@given(st.decimals(min_value=0, max_value=10**7, places=2))
def test_both_ways_of_marking_thousands_give_the_same_number(number: object) -> None:
    english = f"{number:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert decimal(english) == decimal(german) == float(str(number))


@given(st.text(max_size=80), st.text(max_size=20))
def test_any_text_has_a_value(raw: str, hint: str) -> None:
    assert value(raw, hint).raw == raw.strip()
