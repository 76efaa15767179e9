"""Generated case pages of many builds: the same seed is the same page, `data` another case on it.

Every control carries its identity in `data-true-id`, which no part of casepilot reads; controls in data rows (`data-row`) have
the row in it, so that they are the same only where the row is.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from random import Random

from agent.bench.wording import BUTTONS, FIELDS, LINKS, SECTIONS, TABS, Concept

MARK = "data-true-id"
PEOPLE = ("Mary Smith", "Juan Ortega", "Aiko Tanaka", "Lena Vogt", "Omar Haddad", "Ines Costa")
GOODS = ("Steel kettle", "Oak shelf", "Trail shoes", "Desk lamp", "Rain jacket", "Tea set")
HINTS = ("As on the invoice.", "Without blanks.", "If known.")
PATTERNS = {"Order number": r"O-\d{6}", "Account number": r"A-\d{5}", "Postal code": r"\d{5}", "Invoice number": r"R\d{7}"}
Field = Callable[[str, str, str], str]


class _Maker:
    """`build` decides what the page is made of, `data` what stands in it. One style of markup runs through a page."""

    def __init__(self, seed: int, data: int) -> None:
        self.build, self.data = Random(f"build {seed}"), Random(f"data {seed} {data}")
        self.style = self.build.choice(("for", "around", "labelledby", "table", "before", "aria"))
        self.heads = self.build.choice(("fieldset", "labelledby", "div", "aria"))
        self.choice = self.build.choice(("select", "combobox", "select"))
        self.count = 0

    def identity(self, what: str) -> str:
        self.count += 1
        return f"{what}-{self.count}"

    def person(self) -> str:
        return self.data.choice(PEOPLE)

    # Fields

    def field(self, concept: Concept, row: str = "") -> str:
        """A field with its label, in the style of the page."""
        number = f"{row}:{concept.label}".replace(" ", "-") if row else self.identity("f")
        mark = f'{MARK}="{number}"'
        if concept.kind == "radio":
            return self._radios(concept, number, mark)
        if concept.kind == "check":
            ticked = " checked" if self.data.random() < 0.4 else ""
            return f'<div class="field"><label><input type="checkbox" {mark}{ticked}> {escape(concept.label)}</label></div>'
        required = hint = ""
        if not row and self.build.random() < 0.3:
            required = " required"
        if not row and self.build.random() < 0.15:
            required += f' aria-describedby="h{number}"'
            hint = f'<p class="hint" id="h{number}">{self.build.choice(HINTS)}</p>'
        return self._labelled(concept, number, f"{mark}{required}") + hint

    def _labelled(self, concept: Concept, number: str, mark: str) -> str:
        label = escape(concept.label)
        colon = ":" if self.style == "before" else ""
        widget = self.widget(concept, number, mark)
        by_id = concept.kind == "choice" and self.choice == "combobox"
        if by_id or self.style == "labelledby":
            return f'<div class="field"><span id="l{number}">{label}</span>{widget(f"aria-labelledby=l{number}")}</div>'
        if self.style == "for":
            return f'<div class="field"><label for="{number}">{label}</label>{widget("")}</div>'
        if self.style == "around":
            return f'<div class="field"><label><span>{label}</span> {widget("")}</label></div>'
        if self.style == "table":
            return f"<table class=form><tr><th>{label}</th><td>{widget('')}</td></tr></table>"
        if self.style == "aria":
            return f'<div class="field">{widget(f"aria-label={chr(34)}{label}{chr(34)}")}</div>'
        return f'<div class="field"><span>{label}{colon}</span> {widget("")}</div>'

    def widget(self, concept: Concept, number: str, mark: str) -> Callable[[str], str]:
        data = self.data
        if concept.kind == "choice" and self.choice == "combobox":
            held = data.choice(("Choose…", *concept.options))
            items = "".join(f'<li role="option" aria-selected="{str(o == held).lower()}">{o}</li>' for o in concept.options)
            return lambda named: (
                f'<div role="combobox" tabindex="0" id="{number}" aria-haspopup="listbox" aria-expanded="false" '
                f'aria-controls="o{number}" {mark} {named}>{held}</div><ul role="listbox" id="o{number}" hidden>{items}</ul>'
            )
        if concept.kind == "choice":
            held = data.choice(concept.options)
            items = "".join(f"<option{' selected' if o == held else ''}>{o}</option>" for o in concept.options)
            return lambda named: f'<select id="{number}" {mark} {named}><option value="">Choose…</option>{items}</select>'
        if concept.kind == "long":
            return lambda named: f'<textarea id="{number}" {mark} {named}>{data.choice(GOODS)}</textarea>'
        kind = {"number": "number", "date": "date", "email": "email", "tel": "tel"}.get(concept.kind, "text")
        rule = f' pattern="{PATTERNS[concept.label]}"' if concept.label in PATTERNS else ""
        rule += ' min="0" step="0.01"' if kind == "number" else ""
        held = {"number": f"{data.uniform(1, 900):.2f}", "date": f"2026-0{data.randrange(1, 9)}-11"}.get(kind, "")
        held = held or (data.choice(GOODS) if data.random() < 0.5 else "")
        return lambda named: f'<input id="{number}" name="{number}" type="{kind}" value="{held}"{rule} {mark} {named}>'

    def _radios(self, concept: Concept, number: str, mark: str) -> str:
        held = self.data.choice(concept.options)
        radios = "".join(
            f'<label><input type="radio" name="{number}" value="{o}" {mark}{" checked" if o == held else ""}> {o}</label>'
            for o in concept.options
        )
        return f'<fieldset role="radiogroup"><legend>{escape(concept.label)}</legend>{radios}</fieldset>'

    # Parts of the page

    def section(self, name: str, inner: str) -> str:
        name = escape(name)
        if self.heads == "fieldset":
            return f'<fieldset class="part"><legend>{name}</legend>{inner}</fieldset>'
        if self.heads == "labelledby":
            number = self.identity("s")
            return f'<section class="part" aria-labelledby="{number}"><h2 id="{number}">{name}</h2>{inner}</section>'
        if self.heads == "aria":
            return f'<section class="part" aria-label="{name}">{inner}</section>'
        return f'<div class="part"><div class="part-head"><h3>{name}</h3></div><div class="body">{inner}</div></div>'

    def button(self, concept: Concept) -> str:
        kind = self.build.choice(("button", "submit"))
        return f'<button type="{kind}" class="btn" {MARK}="{self.identity("b")}">{escape(concept.label)}</button>'

    def icons(self) -> str:
        """Icon buttons, half of which have no name at all."""
        icon = '<svg width="12" height="12" aria-hidden="true"><path d="M1 6h10"/></svg>'
        names = self.build.sample(("Refresh", "Expand", "Pin", "Help"), 2)
        some = [f'<button type="button" aria-label="{name}" {MARK}="{self.identity("i")}">{icon}</button>' for name in names]
        if self.build.random() < 0.4:
            some.append(f'<button type="button" {MARK}="{self.identity("i")}">{icon}</button>')
        return f'<div class="tools">{"".join(some)}</div>'

    def table(self, name: str) -> str:
        """Orders: a link in each row, or buttons alone."""
        linked = self.build.random() < 0.5
        rows = []
        for _ in range(self.data.randrange(2, 5)):
            order = f"O-{self.data.randrange(100_000, 999_999)}"
            cell = f'<a href="/orders/{order}" {MARK}="{order}:link">{order}</a>' if linked else order
            buttons = "".join(
                f'<button type="button" {MARK}="{order}:{what}">{what}</button>' for what in ("Edit", "Remove")[: 1 + linked]
            )
            price = f"{self.data.uniform(5, 400):.2f}"
            rows.append(
                f"<tr data-row><td>{cell}</td><td>{self.data.choice(GOODS)}</td><td>${price}</td><td>{buttons}</td></tr>"
            )
        head = "".join(f"<th scope=col>{title}</th>" for title in ("Order", "Article", "Price", ""))
        return f"<table><caption>{name}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"

    def lines(self) -> str:
        """The same fields once for each of several lines, as in an order form."""
        fields = [concept for concept in FIELDS if concept.label in ("Article", "Quantity")]
        lines = []
        for article in self.data.sample(GOODS, self.data.randrange(2, 4)):
            inner = "".join(self.field(concept, row=article) for concept in fields)
            lines.append(f'<div class="line" data-row><span class="what">{article}</span>{inner}</div>')
        return "".join(lines)


def form_page(seed: int, data: int = 0) -> str:
    """A case page as HTML: navigation, facts, sections of fields, tabs, a table, buttons."""
    made = _Maker(seed, data)
    build = made.build
    links = build.sample(LINKS, 4)
    tabs = build.sample(TABS, 3)
    sections = build.sample(SECTIONS, build.randrange(2, 5))
    names = build.sample(FIELDS, min(len(sections) * 5, len(FIELDS)))
    if build.random() < 0.5:  # two addresses on one page have the same fields
        sections = [s for s in SECTIONS if s.label in ("Shipping address", "Billing address")] + sections[:2]
    person, order = made.person(), f"O-{made.data.randrange(100_000, 999_999)}"
    parts = []
    for n, section in enumerate(dict.fromkeys(sections)):
        fields = names[n * 5 : n * 5 + build.randrange(2, 6)]
        if section.label.endswith("address"):
            fields = [
                concept
                for concept in FIELDS
                if concept.label in ("Street", "City", "Postal code", "Address line 1", "Address line 2")
            ]
        inner = "".join(made.field(concept) for concept in fields)
        if build.random() < 0.3:
            inner += made.button(BUTTONS[9 + n])
        parts.append(made.section(section.label, inner))
    if build.random() < 0.3:
        parts.append(made.section("Order lines", made.lines()))
    if build.random() < 0.6:
        parts.append(made.section("Orders", made.table("Orders")))
    buttons = "".join(made.button(concept) for concept in build.sample(BUTTONS[:9], build.randrange(2, 5)))
    nav = "".join(f'<li><a href="/{c.label.lower()}" {MARK}="{made.identity("n")}">{c.label}</a></li>' for c in links)
    chosen = made.data.randrange(3) if build.random() < 0.5 else 0
    shown = "".join(
        f'<button role="tab" type="button" aria-selected="{str(n == chosen).lower()}" {MARK}="{made.identity("t")}">{c.label}'
        f"{f' ({made.data.randrange(20)})' if seed % 3 == 0 else ''}</button>"
        for n, c in enumerate(tabs)
    )
    aside = made.section(person, made.button(BUTTONS[17])) if build.random() < 0.3 else ""
    title = "Case" if seed % 2 else "Request"
    return (
        f'<!doctype html><html lang="en"><head><title>Case {order}</title></head><body><nav aria-label="Main">'
        f"<ul>{nav}</ul></nav><main><h1>{title} {order}</h1>{made.icons()}<dl><dt>Customer name</dt><dd>{person}</dd>"
        f"<dt>Order</dt><dd>{order}</dd></dl>{aside}<div role=tablist>{shown}</div>"
        f'<form method="post" action="/save">{"".join(parts)}<div class="buttons">{buttons}</div></form></main></body></html>'
    )
