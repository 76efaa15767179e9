"""`report.html`: the figures of a demonstration as one self-contained page, from `Results` and a folder of screenshots."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from loguru import logger
from markupsafe import Markup

from agent.charts import Bar, Part, Rule, Series, bars, lines
from agent.results import Check, HandOffShown, Results, headline, of_total, percent
from policies.metrics import RiskCoveragePoint
from policies.thresholds import Certificate
from schema_extraction.view import Frozen

GALLERY = 6
"""Hand-offs shown at most."""
WRONG_SHOWN = 40
"""Silent wrong outcomes listed at most; the others are in results.json."""
IMAGE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}


class Shown(Frozen):
    """A hand-off with its picture as a data address (empty where there is none)."""

    hand_off: HandOffShown
    picture: str


class ThresholdShown(Frozen):
    certificate: Certificate
    chart: Markup | None = None

    model_config = {**Frozen.model_config, "arbitrary_types_allowed": True}


def write_report(results: Results, out: Path, screenshots: Path | None = None) -> Path:
    """Write the page to `out`. `screenshots` is the folder that `HandOffShown.screenshot` is relative to."""
    out.write_text(render_report(results, screenshots), encoding="utf-8")
    return out


def render_report(results: Results, screenshots: Path | None = None) -> str:
    """The page as text: no scripts, no external resources."""
    # Slices that go by the certificate of their class are many, and all that is to be said of them is said there.
    certificates = (
        [c for c in results.thresholds.certificates if c.standing in (None, "own", "refuted")] if results.thresholds else []
    )
    critic, target = results.critic, results.thresholds.target if results.thresholds else None
    template = environment().get_template("report.html")
    return template.render(
        results=results,
        figures=list(headline(results)),
        risk_coverage=risk_coverage_chart(critic.critic_curve, critic.confidence_curve, target) if critic else None,
        processes=process_chart(results),
        acceptance=acceptance_chart(results),
        thresholds=[ThresholdShown(certificate=c, chart=threshold_chart(c)) for c in certificates],
        gallery=[Shown(hand_off=h, picture=picture(screenshots, h.screenshot)) for h in results.hand_offs[:GALLERY]],
        wrong=results.silent_wrong[:WRONG_SHOWN],
    )


def environment() -> Environment:
    """Where the pages of reports are made: templates, and the filters that they use."""
    made = Environment(
        loader=PackageLoader("agent"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"percent": percent, "of_total": of_total, "words": words, "check": Check.text}
    return made


def words(name: str) -> str:
    """`send_message` as ``send message``."""
    return name.replace("_", " ")


def risk_coverage_chart(
    critic: Sequence[RiskCoveragePoint], confidence: Sequence[RiskCoveragePoint], target: float | None, small: bool = False
) -> Markup:
    """Risk among the best-scoring share of proposals, for the critic and for the policy's own confidence."""
    worst = max((p.risk for curve in (critic, confidence) for p in curve if p.coverage >= 0.05), default=0.1)
    top = math.ceil(max(worst, 0.15) * 10) / 10

    def points(curve: Sequence[RiskCoveragePoint]) -> tuple[tuple[float, float], ...]:
        return tuple((p.coverage, p.risk) for p in curve)

    return lines(
        [
            Series(name="policy's own confidence", style="second", points=points(confidence)),
            Series(name="critic", style="first", points=points(critic)),
        ],
        x_label="" if small else "coverage: share of critical proposals that would run",
        y_label="risk",
        y_range=(0.0, top),
        y_ticks=2 if small else round(top * (20 if top <= 0.3 else 10)),
        x_ticks=2 if small else 5,
        rules=[Rule(axis="y", at=1 - target, style="goal")] if target else [],
        width=240 if small else 520,
        height=140 if small else 300,
    )


def process_chart(results: Results) -> Markup:
    """Per process: closed unattended and right, closed unattended and wrong, with an operator."""
    rows = [
        Bar(
            label=p.process,
            whole=max(p.cases, 1),
            parts=(
                Part(
                    value=p.automated - p.silent_wrong, style="good", words=f"{p.automated - p.silent_wrong} unattended, right"
                ),
                Part(value=p.silent_wrong, style="bad", words=f"{p.silent_wrong} unattended, wrong"),
            ),
            text=f"{percent(p.automated / p.cases if p.cases else None, 0)} of {p.cases}",
        )
        for p in sorted(results.processes, key=lambda p: (-(p.automated / p.cases if p.cases else 0), p.process))
    ]
    return bars(rows)


def acceptance_chart(results: Results) -> Markup:
    rows = [
        Bar(
            label=words(name),
            whole=max(share.total, 1),
            parts=(Part(value=share.count, style="fill", words=f"{share.count} of {share.total} accepted as they were"),),
            text=f"{percent(share.value, 0)} of {share.total}",
        )
        for name, share in sorted(results.copilot_acceptance.items(), key=lambda item: -(item[1].value or 0))
    ]
    return bars(rows)


def threshold_chart(certificate: Certificate) -> Markup | None:
    """Precision among the calibration actions at or above each score, with tau and the target."""
    curve = certificate.curve
    if len(curve) < 2:
        return None
    scores = np.array([p.score for p in curve])
    right = np.cumsum([p.accepted for p in curve]) / np.cumsum([p.count for p in curve])
    rules = [Rule(axis="y", at=certificate.target, style="goal")]
    if certificate.tau is not None:
        rules.append(Rule(axis="x", at=certificate.tau, label=f"τ {certificate.tau:.2f}", style="tau"))
    low = min(0.5, math.floor(float(right.min()) * 10) / 10)
    return lines(
        [
            Series(
                name="precision at or above this score",
                style="first",
                points=tuple(zip(map(float, scores[::-1]), map(float, right[::-1]), strict=True)),
            )
        ],
        width=240,
        height=140,
        y_label="precision",
        y_range=(low, 1.0),
        x_ticks=2,
        x_percent=False,
        y_ticks=2,
        rules=rules,
    )


def picture(folder: Path | None, name: str) -> str:
    """An image file as a data address; empty when there is none, which is logged."""
    if folder is None or not name:
        return ""
    path = folder / name
    kind = IMAGE_TYPES.get(path.suffix.lower())
    if kind is None or not path.is_file():
        logger.warning("Screenshot {!r} left out of the report: expected a PNG, JPEG or WebP file in {}.", name, folder)
        return ""
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
