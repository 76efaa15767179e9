from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_extraction.normalise import spans
from tests.schema_extraction.timing import within


def found(text: str) -> list[tuple[str, str]]:
    return [(value.kind, text[start:end]) for start, end, value in spans(text)]


def test_what_a_customer_gives_away() -> None:
    text = "Hi, my name is crystal minh. Order ORD-10234 was $59.00 on May 3, 2024, mail Foo@Bar.com or (555) 123-4567."
    assert found(text) == [
        ("text", "crystal minh"),
        ("id", "ORD-10234"),
        ("money", "$59.00"),
        ("date", "May 3, 2024"),
        ("email", "Foo@Bar.com"),
        ("phone", "(555) 123-4567"),
    ]


def test_numbers_in_words_are_not_ids() -> None:
    assert found("my 3rd try at 10am, 90days later, 2 of them") == [("number", "2")]


def test_long_digit_strings_are_ids() -> None:
    assert found("account 3348917502 please") == [("id", "3348917502")]


def test_user_names_follow_a_cue() -> None:
    assert found("my username is cminh") == [("id", "cminh")]
    assert found("the username for my account") == []


def test_names_after_cues_and_as_capitalised_pairs() -> None:
    assert found("this is Mary Smith") == [("text", "Mary Smith")]
    assert found("I am Norman Bouchard.") == [("text", "Norman Bouchard")]
    assert found("please ask Alessandro Phoenix about it") == [("text", "Alessandro Phoenix")]
    assert found("ok.\nThanks,\nJohn Doe") == [("text", "John Doe")]


def test_verbs_and_courtesies_are_not_names() -> None:
    for text in ("I'm having trouble", "This is urgent", "Thank You", "I am very upset", "My Order is late", "it's just late"):
        assert found(text) == [], text


def test_an_address_is_given_whole_and_in_parts() -> None:
    text = "Ship to 123 Elm Street, Apt 4B, San Lima, CA 75227. Thanks"
    given_spans = found(text)
    assert ("text", "123 Elm Street, Apt 4B, San Lima, CA 75227") in given_spans
    assert ("id", "75227") in given_spans


def test_zip_after_its_cue() -> None:
    assert found("my zip code is 94105") == [("id", "94105")]


@given(st.text(max_size=200))
def test_spans_lie_in_the_text_in_order(text: str) -> None:
    read = spans(text)
    assert [start for start, _, _ in read] == sorted(start for start, _, _ in read)
    assert all(0 <= start < end <= len(text) for start, end, _ in read)


@pytest.mark.parametrize(
    "unit", ["a", "9", "a.", "a-", "a_", "-", "1.", "1,", "\u05d0", "\n", " ", "(", "$1 ", "thanks ", "name is "]
)
def test_long_texts_are_read_in_time(unit: str) -> None:
    with within(1):
        spans(unit * (40_000 // len(unit)))
