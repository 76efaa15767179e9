"""The small grammar of formulas: typed, nested at most three deep, kept as JSON, worked out on a view and said in words.

numbers   +  -  *  /  min  max  percent (a % of b)  days (from b to a)  years (whole ones from b to a)
dates     later (a date plus days)  months (a date plus calendar months)  min  max
texts     word (the n-th)  initials  before  after (a mark)  part (n-th between marks)  head  tail (n characters)
          digits  upper  lower  title  join (with what stands between)
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property
from hashlib import blake2b

from policies.derive.operands import Operand, Operands
from schema_extraction.normalise import plain
from schema_extraction.view import Frozen

Result = float | date | str

NUMBER_OPS = frozenset({"+", "-", "*", "/", "min", "max", "percent"})
MAX_DAYS = 40_000


class Expression(Frozen):
    """`op` is 'get' (of `slot`), 'const' (`number`), or an operation on `args`; `number` and `text` are what it takes besides:
    which word or part, how many characters, the mark or what stands between."""

    op: str
    args: tuple[Expression, ...] = ()
    slot: str = ""
    number: float = 0.0
    text: str = ""

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """The operands that it is made of, from left to right."""
        return (self.slot,) if self.op == "get" else tuple(slot for arg in self.args for slot in arg.slots)

    @cached_property
    def size(self) -> float:
        """How complex it is: one for an operand and for an operation, more for a constant that is not nought."""
        if self.op == "get":
            return 1.0
        if self.op == "const":
            return 1.5 if self.number else 1.0
        return 1.0 + sum(arg.size for arg in self.args)

    @cached_property
    def id(self) -> str:
        return blake2b(self.model_dump_json().encode(), digest_size=6).hexdigest()


def get(slot: str) -> Expression:
    return Expression(op="get", slot=slot)


def const(number: float) -> Expression:
    return Expression(op="const", number=number)


def apply(op: str, *args: Expression, number: float = 0.0, text: str = "") -> Expression:
    return Expression(op=op, args=args, number=number, text=text)


def evaluate(expression: Expression, given: Operands) -> Result | None:
    """What it comes to with the operands `given`; None where one is missing, or it has no value (division by nought, a
    word that is not there)."""
    if expression.op == "const":
        return expression.number
    if expression.op == "get":
        operand = given.get(expression.slot)
        if operand is None:
            return None
        return operand.number if operand.type == "number" else operand.day if operand.type == "date" else operand.shown
    args = [evaluate(arg, given) for arg in expression.args]
    if any(arg is None for arg in args):
        return None
    first = args[0]
    if isinstance(first, str):
        if len(args) == 2:
            return f"{first}{expression.text}{args[1]}" if isinstance(args[1], str) else None
        return transform(expression.op, first, expression.number, expression.text)
    if len(args) != 2:
        return None
    second = args[1]
    if isinstance(first, date):
        return _of_date(expression.op, first, second) if second is not None else None
    return _of_numbers(expression.op, first, second) if isinstance(first, float) and isinstance(second, float) else None


def _of_numbers(op: str, a: float, b: float) -> float | None:
    match op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b if b else None
        case "min":
            return min(a, b)
        case "max":
            return max(a, b)
        case "percent":
            return a * b / 100
    return None


def _of_date(op: str, a: date, b: Result) -> Result | None:
    if isinstance(b, date):
        match op:
            case "days":
                return float((a - b).days)
            case "years":
                return float(years_between(a, b))
            case "min":
                return min(a, b)
            case "max":
                return max(a, b)
    elif isinstance(b, float) and abs(b) <= MAX_DAYS:
        try:
            match op:
                case "later":
                    return a + timedelta(days=round(b))
                case "months":
                    return add_months(a, round(b))
        except (OverflowError, ValueError):  # no such year
            return None
    return None


def years_between(a: date, b: date) -> int:
    """Whole years from `b` to `a`, as ages are counted."""
    return a.year - b.year - ((a.month, a.day) < (b.month, b.day))


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the last day of a month that has no such day. Raises ValueError beyond year 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise ValueError(f"Expected a year from 1 to 9999, met {year}; add fewer months.")
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def transform(op: str, text: str, number: float = 0.0, mark: str = "") -> str | None:
    """A text operation on one text; None where it gives nothing."""
    n = int(number)
    found: str | None = None
    match op:
        case "word":
            words = text.split()
            found = words[n] if -len(words) <= n < len(words) else None
        case "initials":
            found = "".join(word[0] for word in re.findall(r"[^\W\d_][\w'’.-]*", text)).upper()
        case "before":
            found = text.split(mark, 1)[0] if mark in text else None
        case "after":
            found = text.split(mark, 1)[1] if mark in text else None
        case "part":
            parts = text.split(mark)
            found = parts[n] if len(parts) > 1 and -len(parts) <= n < len(parts) else None
        case "head":
            found = text[:n] if len(text) > n else None
        case "tail":
            found = text[-n:] if len(text) > n else None
        case "digits":
            found = re.sub(r"\D", "", text)
        case "upper":
            found = text.upper()
        case "lower":
            found = text.lower()
        case "title":
            found = text.title()
        case "prefix":
            found = f"{mark}{text}"
        case "suffix":
            found = f"{text}{mark}"
    return found.strip() or None if found is not None else None


def worded(expression: Expression, given: Operands | None = None) -> str:
    """The formula in words, e.g. 'Amount claimed 4,430.00 less Excess 250.00'; without `given` only with labels, which are then
    the last parts of the slots."""
    return _worded(expression, given, True)


def _worded(e: Expression, given: Operands | None, outer: bool) -> str:
    if e.op == "get":
        return _named(e.slot, given)
    if e.op == "const":
        return plain(e.number) if e.number else "0"
    args = [_worded(arg, given, False) for arg in e.args]
    said = _said(e, args)
    return said if outer or len(e.args) < 2 else f"({said})"


def _said(e: Expression, args: list[str]) -> str:
    a, b = args[0], args[-1]
    if e.op == "*" and e.args[1].op == "const" and (share := _percentage(e.args[1].number)):
        return f"{share} of {a}"
    n = int(e.number)
    match e.op:
        case "+":
            return f"{a} plus {b}"
        case "-":
            return f"{a} less {b}"
        case "*":
            return f"{a} times {b}"
        case "/":
            return f"{a} divided by {b}"
        case "min" | "max":
            if any(arg.op == "const" and not arg.number for arg in e.args) and e.op == "max":
                return f"{a}, but not below 0"
            return f"the {'smaller' if e.op == 'min' else 'larger'} of {a} and {b}"
        case "percent":
            return f"{a}{'' if '%' in a else ' %'} of {b}"
        case "days":
            return f"the days from {b} to {a}"
        case "years":
            return f"the full years from {b} to {a}"
        case "later" | "months":
            unit = "day" if e.op == "later" else "month"
            return f"{a} plus {b}" if unit in b.casefold() else f"{a} plus {b} {unit}s"
        case "word":
            place = "last" if n == -1 else ("first", "second", "third", "fourth")[n] if 0 <= n < 4 else f"{n + 1}th"
            return f"the {place} word of {a}"
        case "initials" | "digits":
            return f"the {e.op} of {a}"
        case "before" | "after":
            return f"what stands {e.op} {e.text!r} in {a}"
        case "part":
            place = "last" if n == -1 else ("first", "second", "third", "fourth")[n] if 0 <= n < 4 else f"{n + 1}th"
            return f"the {place} part of {a}"
        case "head" | "tail":
            some = "character" if n == 1 else f"{n} characters"
            return f"the {'first' if e.op == 'head' else 'last'} {some} of {a}"
        case "upper" | "lower" | "title":
            return f"{a} in {'capitals' if e.op == 'upper' else 'small letters' if e.op == 'lower' else 'capitalised words'}"
        case "prefix":
            return f"{e.text!r} and {a}"
        case "suffix":
            return f"{a} and {e.text!r}"
        case _:
            return f"{a} and {b}" if not e.text.strip() else f"{a}, {e.text.strip()!r} and {b}"


def _percentage(number: float) -> str:
    percent = number * 100
    return f"{plain(percent)} %" if 0 < number < 1 and abs(percent - round(percent, 2)) < 1e-9 else ""


def _named(slot: str, given: Operands | None) -> str:
    if slot == "today":
        return "today"
    operand: Operand | None = given.get(slot) if given is not None else None
    if operand is None:
        return _label(slot)
    return f"{operand.label} {operand.shown}".strip()


def _label(slot: str) -> str:
    kind, _, rest = slot.rstrip("#").partition(":")
    parts = [part for part in rest.split("/") if part]
    if kind == "span":
        sort, _, place = rest.partition(":")
        return f"the customer's {place} {sort}" if place in ("first", "second") else f"the customer's {sort}"
    if kind == "rows":
        return "the rows of the table"
    if kind == "cell" and len(parts) > 1:
        return parts[-2]
    named = parts[-2] if len(parts) > 1 and parts[-1].isdigit() else (parts or [slot])[-1]
    named = named.replace("-", " ").strip()
    return f"the sum of {named}" if kind == "sum" else named[:1].upper() + named[1:]


def nodes(expression: Expression) -> Iterator[Expression]:
    """The expression and all below it."""
    yield expression
    for arg in expression.args:
        yield from nodes(arg)
