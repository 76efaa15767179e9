"""Values typed by what they hold: one raw text to a `Value` with its canonical form.

The forms are those that business UIs print: ISO, US and European dates, money with a sign or a code before or after it,
thousands separators of either kind, ids of letters and digits, e-mail addresses, phone numbers.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from schema_extraction.view import Value, ValueKind

MONTHS = {
    name: number
    for number, names in enumerate(
        "jan january|feb february|mar march|apr april|may|jun june|jul july|aug august|sep sept september|oct october|"
        "nov november|dec december".split("|"),
        start=1,
    )
    for name in names.split()
}
_MONTH = "(?:" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\.?"
_TIME = r"(?:(?:,| at|T)?\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[ap]\.?m\.?)?(?:\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?)?"
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
DATE = (
    rf"{_WEEKDAY}(?:"
    r"(?P<iso_year>\d{4})-(?P<iso_month>\d{1,2})-(?P<iso_day>\d{1,2})"
    r"|(?P<first>\d{1,2})/(?P<second>\d{1,2})/(?P<slash_year>\d{4}|\d{2})"
    r"|(?P<dot_day>\d{1,2})\.(?P<dot_month>\d{1,2})\.(?P<dot_year>\d{4})"
    rf"|(?P<month_first>{_MONTH})\s+(?P<day_after>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year_after>\d{{4}})"
    rf"|(?P<day_first>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?[\s-]+(?P<month_after>{_MONTH}),?[\s-]+(?P<year_last>\d{{4}})"
    r")"
)
_SIGN = r"[$€£¥₹]"
_CODE = r"(?:USD|EUR|GBP|JPY|INR|CAD|AUD|CHF|US\$)"
_NUMBER = r"\d{1,3}(?:[,.'\u202f\u00a0 ]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?"
MONEY = (
    rf"-?(?:{_SIGN}|{_CODE})\s?-?(?P<after_sign>{_NUMBER})"
    rf"|-?(?P<before_sign>{_NUMBER})\s?(?:{_SIGN}|{_CODE}\b|(?:dollars?|bucks|euros?|pounds?)\b)"
)
EMAIL = r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
PHONE = r"(?:\+\d{1,3}[\s.-]?)?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]\d{4}|\+\d{1,3}(?:[\s.-]?\d{2,4}){2,5}"

_DATE_RE = re.compile(DATE + _TIME, re.IGNORECASE)
_MONEY_RE = re.compile(MONEY, re.IGNORECASE)
_NUMBER_RE = re.compile(rf"[+-]?(?:{_NUMBER})\s?%?")
_EMAIL_RE = re.compile(EMAIL)
_PHONE_RE = re.compile(PHONE)
_ID_RE = re.compile(r"#?(?=[\w./-]*\d)[A-Za-z0-9][\w./-]*[A-Za-z0-9]")
_MIXED_RE = re.compile(r"(?=.*[A-Za-z])(?=.*\d)")
_ID_HINT = re.compile(
    r"\b(id|no|nr|number|ref|reference|account|order|code|zip|postcode|postal|tracking|invoice|ticket|user ?name|"
    r"sku|iban|case)\b",
    re.IGNORECASE,
)
_MONEY_HINT = re.compile(
    r"\b(amount|price|total|cost|refund|balance|fee|fees|paid|payment|charge|charged|credit|spend|spent|budget|salary|value)\b",
    re.IGNORECASE,
)
_PHONE_HINT = re.compile(r"\b(phone|telephone|tel|mobile|cell|fax)\b", re.IGNORECASE)
_COUNT_HINT = re.compile(r"\b(number of|count|quantity|qty|days|years|age|orders|items|points)\b", re.IGNORECASE)


def decimal(text: str) -> float | None:
    """The number in `text`, whichever way it marks thousands and decimals ("1,234.5", "1.234,5", "1 234")."""
    digits = re.sub(r"[^\d.,-]", "", text)
    if not re.search(r"\d", digits):
        return None
    comma, dot = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and dot >= 0:
        decimal_mark = "," if comma > dot else "."
    elif comma >= 0:
        # One comma followed by exactly three digits marks thousands; 12,50 is a decimal.
        decimal_mark = "," if digits.count(",") == 1 and len(digits) - comma - 1 != 3 else ""
    else:
        decimal_mark = "." if digits.count(".") == 1 else ""
    for mark in ",.":
        if mark != decimal_mark:
            digits = digits.replace(mark, "")
    try:
        return float(digits.replace(",", "."))
    except ValueError:
        return None


def plain(number: float) -> str:
    """A number as plain decimal text without a trailing point or noughts after it."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def date_of(found: re.Match[str]) -> date | None:
    """The date in a match of `DATE`, or None if there is no such day. Slashes are month first unless that cannot be."""
    part = found.groupdict()
    if part["iso_year"]:
        year, month, day = part["iso_year"], int(part["iso_month"]), int(part["iso_day"])
    elif part["slash_year"]:
        year, month, day = part["slash_year"], int(part["first"]), int(part["second"])
        if month > 12:
            month, day = day, month
    elif part["dot_year"]:
        year, month, day = part["dot_year"], int(part["dot_month"]), int(part["dot_day"])
    elif part["year_after"]:
        year, month, day = part["year_after"], MONTHS[part["month_first"].lower().rstrip(".")], int(part["day_after"])
    else:
        year, month, day = part["year_last"], MONTHS[part["month_after"].lower().rstrip(".")], int(part["day_first"])
    try:
        return date(int(year) + (2000 if len(year) == 2 else 0), month, day)
    except ValueError:
        return None


@lru_cache(maxsize=16384)
def typed(raw: str, kind: ValueKind, day: date | None = None) -> Value:
    """`raw` as a value of a kind that is already known; `day` is the date it holds."""
    normal, number = " ".join(raw.split()), None
    if kind in ("number", "money"):
        number = decimal(raw)
        normal = plain(number) if number is not None else normal
    elif kind == "date" and day is not None:
        normal = day.isoformat()
    elif kind == "email":
        normal = normal.lower()
    elif kind == "phone":
        normal = ("+" if normal.startswith("+") else "") + re.sub(r"\D", "", normal)
    elif kind == "id":
        normal = normal.lstrip("#")
    return Value(raw=raw, kind=kind, normal=normal, number=number, date=day)


@lru_cache(maxsize=16384)
def value(raw: str, hint: str = "") -> Value:
    """The value that `raw` holds. `hint` is what its label or input type says about it ("Order number", "email"), or
    "choice" for one of a closed set."""
    raw = raw.strip()
    if hint == "choice" or not raw:
        return Value(raw=raw, kind="choice" if hint == "choice" else "text", normal=" ".join(raw.split()))
    if len(raw) > 60:
        return typed(raw, "text")
    if (found := _DATE_RE.fullmatch(raw)) and (day := date_of(found)):
        return typed(raw, "date", day)
    if _EMAIL_RE.fullmatch(raw):
        return typed(raw, "email")
    if _MONEY_RE.fullmatch(raw):
        return typed(raw, "money")
    if _PHONE_RE.fullmatch(raw) or (_PHONE_HINT.search(hint) and re.fullmatch(r"[\d\s().+-]{7,}", raw)):
        return typed(raw, "phone")
    if _NUMBER_RE.fullmatch(raw):
        counted = _COUNT_HINT.search(hint)
        priced = _MONEY_HINT.search(hint) and not counted and "%" not in raw
        named = _ID_HINT.search(hint) and not priced
        if raw.isdigit() and not counted and (named or len(raw) >= 7 or (raw[0] == "0" and len(raw) > 1)):
            return typed(raw, "id")
        return typed(raw, "money" if priced else "number")
    if _ID_RE.fullmatch(raw) and (_MIXED_RE.match(raw) or _ID_HINT.search(hint)):
        return typed(raw, "id")
    return typed(raw, "text")
