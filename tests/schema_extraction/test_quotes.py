from __future__ import annotations

import pytest

from schema_extraction.quotes import unquoted


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Thanks!\nOn Fri, Mar 6, 2026 at 9:30 AM Kim wrote:\n> It left.\n> Kim", "Thanks!"),
        ("Thanks!\nOn Fri, Mar 6, 2026 Kim wrote:\nIt left.\nKim", "Thanks!"),
        ("> Which order?\nORD-1\n> Paid how?\nBy card", "ORD-1\nBy card"),
        ("On 6 March Kim wrote:\n> It left.\nThanks!", "Thanks!"),
        ("Hallo\nAm 06.03.2026 um 09:30 schrieb Kim <kim@x.example>:\n> Raus.", "Hallo"),
        ("Fine.\n-----Original Message-----\nFrom: Kim\nIt left.", "Fine."),
        ("Fine.\n________________________________\nFrom: Kim\nSent: Friday\nTo: Anna\nSubject: Parcel\nIt left.", "Fine."),
        ("Fine.\nFrom: Kim Sent: Friday, March 6 To: Anna Subject: Parcel\nIt left.", "Fine."),
        ("Fine.\nShow quoted text", "Fine."),
        ("From: the shop on the corner\nto my house", "From: the shop on the corner\nto my house"),
        ("On Monday I wrote: nothing came", "On Monday I wrote: nothing came"),
        ("From: Kim\nSent: Friday\nTo: Anna\nIt left.", "From: Kim\nSent: Friday\nTo: Anna\nIt left."),
    ],
)
def test_what_is_left_of_a_message(text: str, left: str) -> None:
    assert unquoted(text) == left


def test_an_answer_below_a_quote_that_was_taken_out() -> None:
    assert unquoted("On 6 March Kim wrote:\nThanks!", taken=True) == "Thanks!"
