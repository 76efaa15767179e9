"""Generated pages with their ground truth: a support case of any size, as plain HTML that every tool can read."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from random import Random

from schema_extraction.view import Frozen

COLUMNS = ("Order", "Item", "Amount", "Status", "Placed", "Owner", "Note")
LETTERS = "bcdfghklmnprst"
FIELDS = 25
FACTS = 30
MESSAGES = 30
EVENTS = 60
ICON = '<svg width="12" height="12" aria-hidden="true"><g><path d="M1 6h10"/><path d="M6 1v10"/></g></svg>'
CHOICES = ("Open", "In review", "Waiting", "Approved", "Refused", "Escalated", "Closed", "Reopened")


class TrueControl(Frozen):
    """A control as the page was made: what a complete view says of it. `options`: labels of all its options."""

    role: str
    name: str
    value: str = ""
    options: tuple[str, ...] = ()
    checked: bool | None = None
    required: bool = False
    invalid: bool = False
    disabled: bool = False
    readonly: bool = False
    secret: bool = False


class GeneratedPage(Frozen):
    """`controls`: all of them, links in table rows apart. `rows`: of its table. `secret`: a password that no view may hold."""

    name: str
    html: str
    controls: tuple[TrueControl, ...]
    rows: int
    secret: str


def support_case(rows: int, seed: int = 1) -> GeneratedPage:
    """A support case with 25 fields, 30 messages and a table of so many orders."""
    rng = Random(seed)
    controls: list[TrueControl] = []
    form = "".join(_fieldset(part, rng, controls) for part in range(FIELDS // 5))
    secret = _word(rng) + _word(rng)
    controls += [
        TrueControl(role="textbox", name="Signing password", value="", secret=True),
        TrueControl(role="button", name="Save changes"),
        TrueControl(role="button", name="Send to billing"),
    ]
    links = ("Queue", "Reports", "Knowledge base", "Settings")
    controls += [TrueControl(role="link", name=name) for name in links]
    heads = "".join(f'<th scope="col">{column}</th>' for column in COLUMNS)
    html = "".join(
        (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Case {seed}</title>{STYLE}</head><body>',
            f'<nav aria-label="Main"><ul>{"".join(_link(name) for name in links)}</ul></nav><main><h1>Refund of a parcel</h1>',
            '<section aria-label="Customer"><h2>Customer</h2><dl>',
            *(_fact(rng, n) for n in range(FACTS)),
            '</dl></section><section aria-label="Conversation"><h2>Conversation</h2><div role="log">',
            *(_message(rng, n) for n in range(MESSAGES)),
            f"</div></section><form><h2>Decision</h2>{form}",
            f'<label>Signing password <input type="password" value="{secret}"></label>',
            '<button type="button">Save changes</button><button type="button">Send to billing</button></form>',
            '<section aria-label="History"><h2>History</h2><ol>',
            *(_event(rng, n) for n in range(EVENTS)),
            f'</ol></section><section aria-label="Orders"><h2>Orders</h2><table><caption>Orders</caption><thead><tr>{heads}',
            f"</tr></thead><tbody>{''.join(_rows(rng, rows))}</tbody></table></section></main></body></html>",
        )
    )
    return GeneratedPage(name=f"support case, {rows} rows", html=html, controls=tuple(controls), rows=rows, secret=secret)


STYLE = """<style>body{font:14px sans-serif;margin:0 24px}dl{display:grid;grid-template-columns:180px 1fr}dd{margin:0}
fieldset{margin:8px 0}label{display:block;margin:4px 0}.error{color:#b00}td,th{padding:2px 8px;text-align:left}</style>"""


def _fieldset(part: int, rng: Random, controls: list[TrueControl]) -> str:
    """Five fields, one of each kind; some are required, refused, disabled or read-only."""
    title = f"{_word(rng).title()} {_word(rng)}"
    names = [f"{_word(rng).title()} {_word(rng)} {part}{n}" for n in range(5)]
    text, amount = _word(rng), f"{rng.uniform(5, 900):.2f}"
    state = CHOICES[rng.randrange(len(CHOICES))]
    checked, wrong, frozen = rng.random() < 0.5, part % 2 == 0, part == 3
    controls += [
        TrueControl(role="textbox", name=names[0], value=text, required=True, invalid=wrong),
        TrueControl(role="spinbutton", name=names[1], value=amount, disabled=frozen),
        TrueControl(role="combobox", name=names[2], value=state, options=CHOICES, required=wrong),
        TrueControl(role="checkbox", name=names[3], checked=checked),
        TrueControl(role="textbox", name=names[4], value=f"{text} {state}", readonly=frozen),
    ]
    refused = f'aria-invalid="true" aria-describedby="e{part}"' if wrong else ""
    error = f'<span class="error" id="e{part}">This entry was refused.</span>' if wrong else ""
    options = "".join(f"<option{' selected' if choice == state else ''}>{choice}</option>" for choice in CHOICES)
    return f"""<fieldset><legend>{title}</legend>
<label for="t{part}">{names[0]}</label><input id="t{part}" value="{text}" required {refused}>{error}
<label>{names[1]} <input type="number" step="0.01" value="{amount}" {"disabled" if frozen else ""}></label>
<label>{names[2]} <select {"required" if wrong else ""}>{options}</select></label>
<label><input type="checkbox" {"checked" if checked else ""}> {names[3]}</label>
<label>{names[4]} <textarea {"readonly" if frozen else ""}>{escape(text)} {state}</textarea></label></fieldset>"""


def _link(name: str) -> str:
    return f'<li><div>{ICON}<a href="/{name.lower()}"><span>{name}</span></a></div></li>'


def _fact(rng: Random, number: int) -> str:
    term = f"{_word(rng).title()} {number}"
    return f"<div><dt><span>{term}</span></dt><dd><span><b>{_word(rng)}</b> {rng.randrange(10_000)}</span></dd></div>"


def _message(rng: Random, number: int) -> str:
    author = "Support" if number % 2 else "Dana Reyes"
    words = [_word(rng) for _ in range(rng.randrange(6, 25))]
    text = f"{' '.join(words[:3]).capitalize()} <em>{words[3]}</em> {' '.join(words[4:])}."
    head = f"<header><div>{ICON}</div><b>{author}</b> <time>{9 + number // 6}:{number % 6}0</time></header>"
    return f"<article>{head}<div><div><p>{text}</p></div></div></article>"


def _event(rng: Random, number: int) -> str:
    what = f"<span>{_word(rng).title()}</span> <em>{_word(rng)}</em>"
    return f"<li><div>{ICON}<p>{what} <time>{1 + number % 28} Mar</time></p></div></li>"


def _rows(rng: Random, rows: int) -> Iterator[str]:
    for number in range(rows):
        cells = (
            f'<a href="/orders/{number}">O-{100_000 + number}</a>',
            f"<span>{_word(rng)}</span> <i>{_word(rng)}</i>",
            f"<span>$</span><b>{rng.uniform(5, 900):.2f}</b>",
            f'<span class="pill">{rng.choice(CHOICES)}</span>',
            f"<time>{1 + number % 28} Mar 2026</time>",
            f"<span>{_word(rng).title()}</span> <span>{_word(rng).title()}</span>",
            _word(rng),
        )
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _word(rng: Random) -> str:
    return "".join(rng.choice(LETTERS) + rng.choice("aeiou") for _ in range(rng.randrange(2, 5)))
