"""`report.html` of the benchmark: one self-contained page, from `AutonomyResults` and the pictures of hand-offs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from agent.bench.autonomy.results import AutonomyResults, Curve, LearningPoint
from agent.bench.autonomy.settings import CASEPILOT
from agent.bench.autonomy.tables import ACCURACY, LIVE, counted
from agent.charts import Bar, Part, Rule, Series, bars, lines
from agent.report import Shown, ThresholdShown, environment, picture, risk_coverage_chart, threshold_chart, words
from agent.results import percent
from policies.derive.fields import USES
from policies.metrics import Estimate

WRONG_SHOWN = 40
"""Silent wrong effects listed at most; the others are in results.json."""


def write_report(results: AutonomyResults, out: Path, screenshots: Path | None = None) -> Path:
    """Write the page to `out`. `screenshots` is the folder that `HandOffShown.screenshot` is relative to."""
    out.write_text(render_report(results, screenshots), encoding="utf-8")
    return out


def render_report(results: AutonomyResults, screenshots: Path | None = None) -> str:
    """The page as text: no scripts, no external resources."""
    made = environment()
    made.filters |= {"estimate": estimate, "plain": plain, "inline": inline, "interval": interval, "counted": counted}
    ours = results.system(CASEPILOT)
    target = results.thresholds.target if results.thresholds else None
    shown = [one for one in (results.thresholds.certificates if results.thresholds else ()) if not one.slice]
    return made.get_template("autonomy.html").render(
        results=results,
        ours=ours,
        live_rows=LIVE,
        accuracy_rows=ACCURACY,
        uses=USES,
        processes=process_chart(results),
        reasons=reason_chart(results.reasons),
        acceptance=acceptance_chart(results.acceptance),
        learning=learning_chart(results.learning, "logged cases"),
        newcomer_learning=learning_chart(_with_none(results), "logged cases of the new process") if results.newcomer else None,
        classes=[(curve, curve_chart(curve, target)) for curve in results.by_class],
        slices=[(curve, curve_chart(curve, target)) for curve in results.by_slice],
        thresholds=[ThresholdShown(certificate=one, chart=threshold_chart(one)) for one in shown],
        sliced=[one for one in (results.thresholds.certificates if results.thresholds else ()) if one.slice],
        gallery=[Shown(hand_off=one, picture=picture(screenshots, one.screenshot)) for one in results.hand_offs],
        wrong=results.silent_wrong[:WRONG_SHOWN],
    )


def estimate(found: Estimate | None, digits: int = 1) -> Markup | str:
    """A share as per cent, its interval below."""
    if found is None or found.value is None:
        return "–"
    return Markup("{}<small>{}</small>").format(percent(found.value, digits), interval(found, digits))


def plain(found: Estimate | None, digits: int = 3) -> Markup | str:
    """A bare number, its interval below."""
    if found is None or found.value is None:
        return "–"
    bounds = "" if found.lower is None else f"{found.lower:.{digits}f} to {found.upper:.{digits}f}"
    return Markup("{}<small>{}</small>").format(f"{found.value:.{digits}f}", bounds)


def inline(found: Estimate | None, digits: int = 2) -> str:
    """A bare number with its interval in one line, e.g. ``0.36 (0.29 to 0.44)``."""
    if found is None or found.value is None:
        return "–"
    bounds = "" if found.lower is None else f" ({found.lower:.{digits}f} to {found.upper:.{digits}f})"
    return f"{found.value:.{digits}f}{bounds}"


def interval(found: Estimate | None, digits: int = 1) -> str:
    """E.g. ``59.6 to 70.7%``."""
    if found is None or found.lower is None or found.upper is None:
        return ""
    return f"{100 * found.lower:.{digits}f} to {percent(found.upper, digits)}"


def curve_chart(curve: Curve, target: float | None) -> Markup:
    """A small risk-coverage chart of one class or slice."""
    return risk_coverage_chart(curve.critic, curve.confidence, target, small=True)


def process_chart(results: AutonomyResults) -> Markup:
    """Per process: closed unattended and right, closed unattended with something wrong, with an operator."""
    rows = [
        Bar(
            label=one.process,
            whole=max(one.cases, 1),
            parts=(
                Part(value=one.automated - one.silent_wrong, style="good", words=f"{one.automated - one.silent_wrong} right"),
                Part(value=one.silent_wrong, style="bad", words=f"{one.silent_wrong} with something wrong"),
            ),
            text=f"{percent(one.automated / one.cases if one.cases else None, 0)} of {one.cases}",
        )
        for one in sorted(results.by_process, key=lambda one: (-one.automated / max(one.cases, 1), one.process))
    ]
    return bars(rows)


def reason_chart(reasons: dict[str, int]) -> Markup:
    """Why proposals were not accepted, as shares of all that were not."""
    total = max(sum(reasons.values()), 1)
    rows = [
        Bar(
            label=words(name),
            whole=total,
            parts=(Part(value=count, style="fill", words=f"{count} of {total}"),),
            text=f"{percent(count / total, 0)} ({count})",
        )
        for name, count in sorted(reasons.items(), key=lambda pair: -pair[1])
    ]
    return bars(rows)


def acceptance_chart(acceptance: dict[str, Estimate]) -> Markup:
    """Proposals that operators accepted as they were, by tool."""
    rows = [
        Bar(
            label=words(name),
            whole=one.total or 1,
            parts=(Part(value=one.count or 0, style="fill", words=f"{one.count} of {one.total} accepted as they were"),),
            text=f"{percent(one.value, 0)} of {one.total}",
        )
        for name, one in sorted(acceptance.items(), key=lambda pair: -(pair[1].value or 0.0))
    ]
    return bars(rows)


def learning_chart(points: Sequence[LearningPoint], x_label: str) -> Markup | None:
    """Step accuracy over logged cases with its interval; None for fewer than two points."""
    known = [(one.cases, one.true) for one in points if one.true.value is not None]
    if len(known) < 2:
        return None

    def line(name: str, style: str, part: str) -> Series:
        found = [(float(cases), getattr(step, part)) for cases, step in known]
        return Series(name=name, style=style, points=tuple((x, float(y)) for x, y in found if y is not None))

    low = min((step.lower or 0.0) for _, step in known)
    floor = max(math.floor((low - 0.05) * 10) / 10, 0.0)
    return lines(
        [line("lower", "band", "lower"), line("upper", "band", "upper"), line("step accuracy", "first", "value")],
        x_label=x_label,
        y_label="step accuracy",
        x_range=(0.0, float(known[-1][0])),
        y_range=(floor, 1.0),
        y_ticks=round((1.0 - floor) * 10),
        x_percent=False,
        rules=[Rule(axis="y", at=0.95, style="goal")],
    )


def _with_none(results: AutonomyResults) -> list[LearningPoint]:
    """The new process's curve, from no logged case of it on."""
    assert results.newcomer is not None
    return [results.newcomer.before, *results.newcomer.logged]
