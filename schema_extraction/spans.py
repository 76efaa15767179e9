"""Typed spans in free text: what a customer's message offers as values for fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from schema_extraction.values import DATE, EMAIL, MONEY, PHONE, date_of, typed
from schema_extraction.view import Value

Span = tuple[int, int, Value]

_DATE = re.compile(rf"(?<![\w.-])(?:{DATE})(?!\w)", re.IGNORECASE)
_MONEY = re.compile(rf"(?<![\w.])(?:{MONEY})(?![\w%])", re.IGNORECASE)
_EMAIL = re.compile(EMAIL)
_PHONE = re.compile(rf"(?<![\w-])(?:{PHONE})(?![\w-])")
_PHONE_CUE = re.compile(r"\b(?:phone|cell|mobile|tel|telephone)\b[^\d.!?]{0,20}(?P<span>\d[\d\s().-]{5,14}\d)", re.IGNORECASE)
_ID = re.compile(r"(?<![\w@.-])#?(?P<span>(?=[\w-]*\d)[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*)(?![\w@])")
# "2nd", "3pm", "90days", "4gb" hold digits and letters but name nothing.
_NOT_ID = re.compile(
    r"\d+(?:st|nd|rd|th|am|pm|x|k|m|s|h|hrs?|mins?|days?|weeks?|months?|years?|yrs?|gb|mb|kg|lbs?|cm|mm|in|ft|oz|%)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.,-])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w-])|(?<![\w.,-])-?\d+(?:\.\d+)?(?![\w-])")
_USER = re.compile(
    r"\b(?:user ?name|user ?id|login|log-in|handle|screen name|account name)\b(?:\s+(?:is|was|should be|would be)|\s*[:=])?\s+"
    r"(?P<span>(?!is\b|was\b|for\b|and\b|to\b|or\b|on\b|with\b|name\b|page\b|details\b)[A-Za-z0-9][\w.@-]*[A-Za-z0-9])",
    re.IGNORECASE,
)
_NAME_CUE = re.compile(
    r"\b(?:(?:full |first |last )?name(?:'s| is|:| on (?:the )?(?:account|order) is)|this is|i am|i'm|im|it's|"
    r"speaking with|call me|on behalf of|account holder(?: is|:)?|registered (?:to|under)|under the name(?: of)?)\s+",
    re.IGNORECASE,
)
_CUE_NAMED = re.compile(r"name", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_BIGRAM = re.compile(r"\b[A-Z][a-z'’-]+(?: [A-Z]\.?)?(?: (?:de|van|von|la|del|da))? [A-Z][A-Za-z'’-]*[a-z]\b")
_SIGNED = re.compile(
    r"(?:^|\n)[^\S\n]*(?:thanks|thank you|regards|best|kind regards|best regards|cheers|sincerely)[,.!]?\s+"
    r"(?P<span>[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){0,2})\s*$",
    re.IGNORECASE,
)
_STREET = (
    r"(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|way|terrace|ter|circle|cir|"
    r"parkway|pkwy|highway|hwy|square|sq|trail|trl|close|crescent)"
)
_ADDRESS = re.compile(
    rf"\b(?P<span>\d{{1,6}}[A-Za-z]?\s+(?:[\w'’.-]+\s+){{0,4}}?{_STREET}\b\.?"
    r"(?:,?\s+(?:apt|apartment|unit|suite|ste|floor|fl|#)\.?\s*[\w-]+)?"
    r"(?:,?\s+(?:[A-Za-z][A-Za-z'’.-]*\s*){1,3},\s*(?:[A-Z]{2}\b)?(?:,?\s*\d{5}(?:-\d{4})?)?|(?:,\s*[A-Z]{2})?\s*,?\s*\d{5}(?:-\d{4})?)?)",
    re.IGNORECASE,
)
_ZIP = re.compile(
    r"\b(?:zip(?: ?code)?|post(?:al)? ?code)\b[^\d.!?]{0,15}(?P<span>\d{5}(?:-\d{4})?)\b"
    r"|\b[A-Z]{2},?\s+(?P<state>\d{5}(?:-\d{4})?)\b"
)
NOT_NAME = frozenset(
    """a about after again all also am an and any are as at back be because been before being but by calling can cancel could
    customer dear did do does done for from get getting go going good got great had happy has have having hello help here hey hi
    hoping how i if in interested is issue it its just later let looking me my myself need new no not now of ok okay on one only
    or order our out over please problem really ready regarding right she so some sorry still sure thank thanks that the their
    them then there they this to today told too trying unable unhappy upset urgent very wanting was we what when where which who
    why will with wondering working would wrong yes yet you your account address amount apt avenue billing card case city code
    credit date delivery email january february march april may june july august september october november december monday
    tuesday wednesday thursday friday saturday sunday gold silver bronze platinum premium standard guest member membership
    number package password phone price product purchase refund return shipping state status street subscription support team
    tracking united states username zip""".split()
)
"""Common words, days and months among them, that name nobody even where they are written with a capital letter."""


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    for found in pattern.finditer(text):
        group = next((name for name in pattern.groupindex if found[name]), None)
        yield found.span(group) if group else found.span()


def _dates(text: str) -> Iterator[Span]:
    for found in _DATE.finditer(text):
        if day := date_of(found):
            yield found.start(), found.end(), typed(found[0], "date", day)


def _money(text: str) -> Iterator[Span]:
    for found in _MONEY.finditer(text):
        yield found.start(), found.end(), typed(found[0], "money")


def _ids(text: str) -> Iterator[Span]:
    for start, end in _matches(_ID, text):
        token = text[start:end]
        if _NOT_ID.fullmatch(token):
            continue
        if len(token) >= (5 if token.isdigit() else 4):
            yield start, end, typed(token, "id")


def _names(text: str) -> Iterator[Span]:
    for cue in _NAME_CUE.finditer(text):
        start = end = cue.end()
        words = 0
        # After "name is" any case will do; after "this is" or "I'm" only a capital tells a name from a verb.
        any_case = _CUE_NAMED.search(cue[0]) is not None
        while words < 3 and (word := _WORD.match(text, end if not words else end + 1)):
            if word[0].casefold() in NOT_NAME or not (any_case or word[0][0].isupper()):
                break
            if words and text[end] != " ":
                break
            end, words = word.end(), words + 1
        if words:
            yield start, end, typed(text[start:end], "text")
    for start, end in _matches(_SIGNED, text):
        yield start, end, typed(text[start:end], "text")
    for found in _BIGRAM.finditer(text):
        if not any(word.casefold().rstrip(".") in NOT_NAME for word in found[0].split()):
            yield found.start(), found.end(), typed(found[0], "text")


def _plain(pattern: re.Pattern[str], kind: str) -> Callable[[str], Iterator[Span]]:
    def read(text: str) -> Iterator[Span]:
        for start, end in _matches(pattern, text):
            yield start, end, typed(text[start:end], kind)

    return read


# In order of trust: a later reading never overlaps an earlier one.
_READINGS: tuple[Callable[[str], Iterator[Span]], ...] = (
    _plain(_EMAIL, "email"),
    _dates,
    _money,
    _plain(_PHONE, "phone"),
    _plain(_PHONE_CUE, "phone"),
    _plain(_USER, "id"),
    _plain(_ZIP, "id"),
    _ids,
    _plain(_NUMBER, "number"),
    _names,
)


def spans(text: str) -> list[Span]:
    """Typed spans of `text` as (start, end, value), sorted by start.

    Spans do not overlap, except that a postal address is given both as a whole and by its parts (number, zip code).
    """
    found: list[Span] = []
    taken = bytearray(len(text))
    for read in _READINGS:
        for start, end, value in read(text):
            if end > start and not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                found.append((start, end, value))
    if any(character.isdigit() for character in text):
        for start, end in _matches(_ADDRESS, text):
            trimmed = text[start:end].rstrip(" ,.")
            found.append((start, start + len(trimmed), typed(trimmed, "text")))
    found.sort(key=lambda span: (span[0], -span[1]))
    return found
