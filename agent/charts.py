"""Charts as inline SVG: no scripts, no external resources; colours come from the classes of the page around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from markupsafe import Markup, escape

from schema_extraction.view import Frozen


class Series(Frozen):
    """A line with the CSS class `style`; points are (x, y) in data units, x rising. `step`: flat up to the next point."""

    name: str
    style: str
    points: tuple[tuple[float, float], ...]
    step: bool = False


class Rule(Frozen):
    """A straight line across the plot, at `at` on `axis`."""

    axis: Literal["x", "y"]
    at: float
    label: str = ""
    style: str = "rule"


class Part(Frozen):
    """A stretch of a bar with the CSS class `style`; `words` show on hovering."""

    value: float
    style: str
    words: str


class Bar(Frozen):
    """One row: `parts` laid end to end on a track that is `whole` long, `text` at its right end."""

    label: str
    whole: float
    parts: tuple[Part, ...]
    text: str = ""


def lines(
    series: Sequence[Series],
    *,
    width: int = 520,
    height: int = 300,
    x_label: str = "",
    y_label: str = "",
    x_range: tuple[float, float] = (0.0, 1.0),
    y_range: tuple[float, float] = (0.0, 1.0),
    x_ticks: int = 5,
    y_ticks: int = 4,
    rules: Sequence[Rule] = (),
    x_percent: bool = True,
) -> Markup:
    """A line chart with a y axis in per cent, and the x axis too unless `x_percent` is off."""
    left, right, top, bottom = 44, 14, 12, 40 if x_label else 22
    inner_width, inner_height = width - left - right, height - top - bottom
    floor = height - bottom

    def x(value: float) -> float:
        return left + inner_width * (value - x_range[0]) / (x_range[1] - x_range[0])

    def y(value: float) -> float:
        held = min(max(value, y_range[0]), y_range[1])
        return top + inner_height * (1 - (held - y_range[0]) / (y_range[1] - y_range[0]))

    out: list[str] = []
    for i in range(y_ticks + 1):
        at = y_range[0] + (y_range[1] - y_range[0]) * i / y_ticks
        out.append(_line("grid" if i else "axis", left, y(at), width - right, y(at)))
        out.append(_text("tick", left - 7, y(at) + 3.5, _percent(at), "end"))
    for i in range(x_ticks + 1):
        at = x_range[0] + (x_range[1] - x_range[0]) * i / x_ticks
        out.append(_text("tick", x(at), floor + 15, _percent(at) if x_percent else f"{at:.3g}", "middle"))
    for line in series:
        out.append(_path(f"line {line.style}", [(x(a), y(b)) for a, b in line.points], line.step, line.name))
    for rule in rules:
        if rule.axis == "x":
            anchor: Literal["start", "end"] = "end" if rule.at > sum(x_range) / 2 else "start"
            out.append(_line(rule.style, x(rule.at), top, x(rule.at), floor))
            out.append(_text("note", x(rule.at) + (-5 if anchor == "end" else 5), floor - 7, rule.label, anchor))
        else:
            out.append(_line(rule.style, left, y(rule.at), width - right, y(rule.at)))
            out.append(_text("note", width - right, y(rule.at) - 5, rule.label, "end"))
    if x_label:
        out.append(_text("label", left + inner_width / 2, height - 5, x_label, "middle"))
    return _svg(width, height, f"{y_label} against {x_label or 'score'}", out)


def bars(
    rows: Sequence[Bar], *, width: int = 520, row_height: int = 30, label_width: int = 160, text_width: int = 96
) -> Markup:
    """Horizontal bars, one above the other."""
    track = width - label_width - text_width
    out: list[str] = []
    for i, row in enumerate(rows):
        top = i * row_height + 6
        out.append(_text("label", label_width - 10, top + 12.5, _cut(row.label, 25), "end", row.label))
        out.append(_rect("track", label_width, top, track))
        at = float(label_width)
        for part in row.parts:
            length = track * part.value / row.whole if row.whole else 0.0
            if length > 0:
                out.append(_rect(part.style, at, top, max(length - 1, 1), part.words))
            at += length
        out.append(_text("value", width, top + 12.5, row.text, "end"))
    return _svg(width, row_height * len(rows) + 2, "; ".join(f"{row.label}: {row.text}" for row in rows), out)


def _svg(width: float, height: float, label: str, parts: Sequence[str]) -> Markup:
    return Markup(f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>')


def _line(style: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(style: str, x: float, y: float, text: str, anchor: Literal["start", "middle", "end"], title: str = "") -> str:
    words = f"<title>{escape(title)}</title>" if title else ""
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}{words}</text>'


def _rect(style: str, x: float, y: float, width: float, title: str = "") -> str:
    words = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="16" rx="3">{words}</rect>'


def _path(style: str, points: Sequence[tuple[float, float]], step: bool, title: str) -> str:
    if not points:
        return ""
    first, *rest = points
    moves = [f"M{first[0]:.1f} {first[1]:.1f}"]
    moves += [f"H{px:.1f}V{py:.1f}" if step else f"L{px:.1f} {py:.1f}" for px, py in rest]
    return f'<path class="{style}" d="{"".join(moves)}"><title>{escape(title)}</title></path>'


def _percent(value: float) -> str:
    return f"{100 * value:.3g}%"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
