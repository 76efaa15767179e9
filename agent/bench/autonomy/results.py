"""What one benchmark found: `results.json`, and what report and tables are made from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from agent.bench.results import Machine
from agent.results import Check, HandOffShown, Phase, WrongOutcome
from policies.compare import Comparison as CriticsCompared
from policies.derive.fields import FieldReport
from policies.metrics import Estimate, RiskCoveragePoint
from policies.thresholds import Thresholds
from schema_extraction.view import Frozen


class Accuracy(Frozen):
    """First proposals against what operators did on recorded cases: shares of steps, bootstrapped by case.

    `tool`: the right kind of action. `target`: also the right control. `value`: of steps that enter a value and whose target
    was right, the right value. `step`: all of it; another known wording of a right message counts too. `true`: right by the
    truth of the case, whatever the operator did there: another order of entries counts, a slip of the operator does not.
    `case`: cases with every step right in that way.
    """

    cases: int
    steps: int
    tool: Estimate
    target: Estimate
    value: Estimate
    step: Estimate
    true: Estimate
    case: Estimate
    top3: Estimate
    by_action: dict[str, Estimate] = {}
    by_process: dict[str, Estimate] = {}
    by_use: dict[str, Estimate] = {}
    """Of steps that enter something into a field, by where it comes from: copied, chosen, derived, free."""


class Saving(Frozen):
    """Handling time by the Keystroke-Level Model (see `agent.klm`): seconds of a person's time a case, on the same cases.

    `canned_saving`: the saving if messages were picked from a list of replies and not typed.
    """

    cases: int
    by_hand: Estimate
    with_casepilot: Estimate
    saving: Estimate
    canned_saving: Estimate
    hand_reading: float
    casepilot_reading: float


class Live(Frozen):
    """Held-out cases worked unattended where certified, judged by the application's own audit log against ground truth.

    session_automation   cases closed with no operator action, of all cases
    automation_right     cases closed with no operator action and right in everything, of all cases
    precision            right ones among critical actions that ran with no operator behind them
    silent_wrong         cases closed with no operator action and something wrong in the records, of all cases
    session_risk         the same, of cases closed with no operator action
    wrong                cases with something wrong in the records, whoever did it, of all that are over
    over_caution         of the proposals handed off, blind audits aside, those that were right
    """

    cases: int
    session_automation: Estimate
    automation_right: Estimate
    precision: Estimate
    silent_wrong: Estimate
    session_risk: Estimate
    wrong: Estimate
    over_caution: Estimate | None = None
    hand_offs: int = 0
    hand_offs_by_code: dict[str, int] = {}
    audits: int = 0
    agent_seconds: float | None = None
    saving: Saving | None = None


class System(Frozen):
    """One row of the main table. `live` is None for what was measured on recorded steps only."""

    name: str
    note: str = ""
    accuracy: Accuracy | None = None
    live: Live | None = None


class ByProcess(Frozen):
    """One process among the held-out cases."""

    process: str
    slice: str = ""
    cases: int
    automated: int
    silent_wrong: int
    replay_closed: int


class Verdicts(Frozen):
    """How well a score tells accepted from other proposals, bootstrapped by case. The threshold is
    that of the best macro F1 on the other half of the cases."""

    name: str
    count: int
    cases: int
    accepted: float
    macro_precision: Estimate
    macro_recall: Estimate
    macro_f1: Estimate
    precision_accept: Estimate
    recall_accept: Estimate
    f1_accept: Estimate
    precision_reject: Estimate
    recall_reject: Estimate
    f1_reject: Estimate
    auroc: Estimate
    aurc: Estimate
    e_aurc: Estimate
    ece: Estimate


class Comparison(Frozen):
    """Critic against policy confidence on the same verdicts. `f1_gain`: macro F1 of the critic less that of confidence.
    `e_aurc_ratio`: excess AURC of the critic over that of confidence."""

    on: str
    critic: Verdicts
    confidence: Verdicts
    f1_gain: Estimate
    e_aurc_ratio: Estimate


class Curve(Frozen):
    """Risk against coverage of a part of the verdicts."""

    name: str
    count: int
    wrong: int
    critic: tuple[RiskCoveragePoint, ...]
    confidence: tuple[RiskCoveragePoint, ...]


class LearningPoint(Frozen):
    """A policy from so many logged cases. `step`, `true`: see `Accuracy`. `seconds`: to train it."""

    cases: int
    steps: int
    step: Estimate
    true: Estimate
    seconds: float


class CopilotPoint(Frozen):
    """After so many copilot cases of the new process: which of its classes of action are `certified` on its own verdicts; of
    the cases of these verdicts how many would have closed unattended (`projected`), how many of these `right`."""

    cases: int
    verdicts: int
    certified: dict[str, bool]
    needs: dict[str, int]
    projected: Estimate
    right: Estimate

    @property
    def selective(self) -> bool:
        """Whether every class of its actions may run unattended where its score is high enough."""
        return bool(self.certified) and all(self.certified.values())


class Newcomer(Frozen):
    """The process that was held out entirely and introduced later. `logged_needed`: the fewest logged cases with the step
    accuracy wanted; `copilot_needed`: the fewest copilot cases with every class certified; None where none sufficed."""

    process: str
    wanted_step: float
    logged: tuple[LearningPoint, ...]
    copilot: tuple[CopilotPoint, ...]
    logged_needed: int | None
    copilot_needed: int | None
    before: LearningPoint
    """The policy before anything of it was logged."""
    live: Live | None = None


class Timing(Frozen):
    """`p50_ms`, `p95_ms`: to propose on a view and to score the first proposal."""

    train_steps: int
    train_seconds: float
    p50_ms: float
    p95_ms: float
    views: int

    @property
    def seconds_per_5000(self) -> float:
        """Training time in proportion to 5,000 steps; it is measured on the number of steps nearest to that."""
        return self.train_seconds * 5000 / self.train_steps


class AutonomyResults(Frozen):
    """Everything that one benchmark found. Intervals are two-sided at 95%."""

    version: int = 1
    created: datetime = Field(default_factory=lambda: datetime.now(UTC))
    seed: int
    quick: bool
    machine: Machine
    settings: dict[str, Any] = {}
    processes: int
    slices: int
    logged_cases: int
    logged_steps: int
    copilot_cases: int
    systems: tuple[System, ...]
    by_process: tuple[ByProcess, ...] = ()
    critic: Comparison | None = None
    critics: CriticsCompared | None = None
    critics_none: str = ""
    """Why critics of several kinds were not compared."""
    by_class: tuple[Curve, ...] = ()
    by_slice: tuple[Curve, ...] = ()
    thresholds: Thresholds | None = None
    confidence_thresholds: Thresholds | None = None
    automation_gain: Estimate | None = None
    """Session automation of casepilot less that with policy confidence as the gate, on the same cases."""
    acceptance: dict[str, Estimate] = {}
    reasons: dict[str, int] = {}
    fields: FieldReport | None = None
    learning: tuple[LearningPoint, ...] = ()
    newcomer: Newcomer | None = None
    timing: Timing | None = None
    hand_offs: tuple[HandOffShown, ...] = ()
    silent_wrong: tuple[WrongOutcome, ...] = ()
    checks: tuple[Check, ...] = ()
    phases: tuple[Phase, ...] = ()
    recount: tuple[str, ...] = ()

    def system(self, name: str) -> System | None:
        return next((one for one in self.systems if one.name == name), None)

    @property
    def short(self) -> tuple[Check, ...]:
        """The checks that were not met."""
        return tuple(check for check in self.checks if not check.passed)

    def write(self, path: Path) -> None:
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")
