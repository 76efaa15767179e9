"""The figures of one demonstration, by their metrics' names: what `results.json` holds and the report and the table show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from policies.evaluate import CriticEvaluation, PolicyEvaluation
from policies.metrics import Share
from policies.thresholds import Thresholds
from schema_extraction.view import Frozen


class Spread(Frozen):
    """A quantity over cases, in seconds unless its field says otherwise."""

    count: int
    mean: float
    median: float
    p90: float

    @classmethod
    def of(cls, values: list[float]) -> Spread | None:
        """The spread of the values, or None when there are none."""
        if not values:
            return None
        return cls(
            count=len(values),
            mean=float(np.mean(values)),
            median=float(np.median(values)),
            p90=float(np.percentile(values, 90)),
        )


class ProcessResult(Frozen):
    """One process among the held-out cases. `automated`: closed with no operator action, `silent_wrong` of them wrongly."""

    process: str
    cases: int
    automated: int
    silent_wrong: int = 0
    replay_closed: int = 0


class WrongOutcome(Frozen):
    """A case that no operator touched and that ended otherwise than the ground truth says."""

    case_id: str
    process: str = ""
    expected: str
    found: str


class HandOffShown(Frozen):
    """One hand-off for the gallery. `screenshot` is a path below the folder given to `write_report`."""

    case_id: str
    process: str = ""
    action: str = ""
    suggestion: str
    reason: str
    code: str = ""
    verdict: str = ""
    score: float | None = None
    tau: float | None = None
    screenshot: str = ""


class HeldOutRun(Frozen):
    """Cases worked with nobody at the screen, judged by the application's own audit log against ground truth.

    session_automation           cases closed with no operator action, of all cases
    session_automation_correct   cases closed with no operator action and with the right final state, of all cases
    unattended_precision         right ones among critical actions that ran with no operator behind them
    silent_wrong_outcomes        wrong final states among cases closed with no operator action (session-level risk)
    wrong_outcomes               wrong final states among all cases
    over_caution                 proposals that were right among those handed off
    agent_seconds                working time of the agent per case, waiting left out
    operator_seconds             time of operators on hand-offs per case, cases without any counted as 0
    """

    cases: int
    session_automation: Share
    session_automation_correct: Share
    unattended_precision: Share
    silent_wrong_outcomes: Share
    wrong_outcomes: Share
    over_caution: Share | None = None
    hand_offs: int = 0
    hand_offs_by_code: dict[str, int] = {}
    audits: int = 0
    agent_seconds: Spread | None = None
    operator_seconds: Spread | None = None


class Phase(Frozen):
    """One part of the demonstration. `cases` is 0 where it has none."""

    name: str
    seconds: float
    cases: int = 0


class Check(Frozen):
    """A promise with what was met. `unit` "share" shows as per cent, "cases" (of whatever kind) and "ratio" as bare numbers."""

    name: str
    relation: Literal["at least", "at most"]
    wanted: float
    met: float | None
    unit: Literal["share", "seconds", "MB", "cases", "ms", "ratio"] = "share"

    @property
    def passed(self) -> bool:
        if self.met is None:
            return False
        return self.met >= self.wanted if self.relation == "at least" else self.met <= self.wanted

    def text(self, value: float | None) -> str:
        """A value in the unit of this check."""
        if value is None:
            return "–"
        if self.unit == "share":
            return percent(value, 0 if float(100 * value).is_integer() else 1)
        if self.unit == "ratio":
            return f"{value:.2f}"
        return f"{value:,.0f}" if self.unit == "cases" else f"{value:,.0f} {'s' if self.unit == 'seconds' else self.unit}"

    def describe(self) -> str:
        return f"{self.name}: {self.text(self.met)} ({self.relation} {self.text(self.wanted)})"


class Results(Frozen):
    """Everything that one demonstration found out.

    `recorded_handling_seconds`: an operator's time per case while recording, the yardstick for handling time.
    `copilot_acceptance`: proposals accepted as they were, by type of action; `rejection_reasons` of the others.
    """

    version: int = 1
    created: datetime = Field(default_factory=lambda: datetime.now(UTC))
    seed: int = 0
    recorded_cases: int = 0
    copilot_cases: int = 0
    run: HeldOutRun
    replay: HeldOutRun | None = None
    processes: tuple[ProcessResult, ...] = ()
    policy: PolicyEvaluation | None = None
    critic: CriticEvaluation | None = None
    critic_on: str = ""
    """Which verdicts `critic` was evaluated on, in words."""
    thresholds: Thresholds | None = None
    copilot_acceptance: dict[str, Share] = {}
    rejection_reasons: dict[str, int] = {}
    recorded_handling_seconds: Spread | None = None
    hand_offs: tuple[HandOffShown, ...] = ()
    silent_wrong: tuple[WrongOutcome, ...] = ()
    checks: tuple[Check, ...] = ()
    phases: tuple[Phase, ...] = ()
    peak_memory_mb: float | None = None
    recount: tuple[str, ...] = ()
    """Commands that recompute the figures from the database alone."""

    @property
    def short(self) -> tuple[Check, ...]:
        """The checks that were not met."""
        return tuple(check for check in self.checks if not check.passed)

    def write(self, path: Path) -> None:
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")


class Figure(Frozen):
    """One line of the headline table, in words: `casepilot` beside `replay`, and what the figure means."""

    name: str
    casepilot: str
    replay: str = ""
    note: str = ""


def percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f}%"


def of_total(share: Share | None) -> str:
    """E.g. ``52.0% (52 of 100)``."""
    return "–" if share is None else f"{percent(share.value)} ({share.count} of {share.total})"


def headline(results: Results) -> Iterator[Figure]:
    """The lines of the one table that the demonstration prints and the report begins with."""
    run, replay = results.run, results.replay

    def shares(name: str, field: str, note: str, bound: Literal["lower", "upper", ""] = "") -> Figure:
        def text(side: HeldOutRun | None) -> str:
            share: Share | None = getattr(side, field) if side else None
            if share is None:
                return ""
            limit = ""
            if bound and share.total:
                word = "at least" if bound == "lower" else "at most"
                limit = f", {word} {percent(getattr(share, bound))}"
            return of_total(share) + limit

        return Figure(name=name, casepilot=text(run), replay=text(replay), note=note)

    def seconds(side: HeldOutRun | None, field: str) -> str:
        spread: Spread | None = getattr(side, field) if side else None
        return f"{spread.mean:.1f} s (median {spread.median:.1f} s)" if spread else ""

    level = percent(run.session_automation.confidence, 0)
    yield Figure(name="Held-out cases", casepilot=str(run.cases), replay=str(replay.cases) if replay else "")
    yield shares(
        "Session automation", "session_automation", f"cases closed with no operator action; bounds at {level}", "lower"
    )
    yield shares("Closed unattended and right", "session_automation_correct", "of all cases")
    yield shares("Precision of unattended critical actions", "unattended_precision", f"lower bound at {level}", "lower")
    yield shares("Silent wrong outcomes", "silent_wrong_outcomes", "of cases closed unattended, by the audit log", "upper")
    yield shares("Over-caution", "over_caution", "of handed-off proposals, those that were right")
    yield Figure(
        name="Hand-offs",
        casepilot=f"{run.hand_offs} ({run.audits} blind audits)",
        replay=str(replay.hand_offs) if replay else "",
        note="steps that waited for an operator",
    )
    if run.operator_seconds:
        yield Figure(
            name="Operator time per case",
            casepilot=seconds(run, "operator_seconds"),
            replay=seconds(replay, "operator_seconds"),
            note=f"by hand: {results.recorded_handling_seconds.mean:.1f} s" if results.recorded_handling_seconds else "",
        )
    yield Figure(name="Agent time per case", casepilot=seconds(run, "agent_seconds"), replay=seconds(replay, "agent_seconds"))
    if results.policy:
        accuracy = results.policy.overall
        yield Figure(
            name="Step accuracy of the policy",
            casepilot=percent(accuracy.step),
            note=f"action, target and value right on {accuracy.count} held-out recorded steps",
        )
    if results.critic:
        yield Figure(
            name="Macro F1, critic against confidence",
            casepilot=f"{percent(results.critic.critic.macro_f1)} against {percent(results.critic.confidence.macro_f1)}",
            note=results.critic_on,
        )
        yield Figure(
            name="AURC, critic against confidence",
            casepilot=f"{results.critic.critic.aurc:.3f} against {results.critic.confidence.aurc:.3f}",
            note="lower is better",
        )
