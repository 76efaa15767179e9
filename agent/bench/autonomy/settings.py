"""How large the benchmark is, and what it has to show."""

from __future__ import annotations

from pathlib import Path

from agent.demo.settings import PartSettings
from policies.thresholds import LEAST
from policies.train import TrainSettings
from schema_extraction.view import Frozen

CASEPILOT = "casepilot"
CONFIDENCE = "policy confidence as the gate"
REPLAY = "replay of the nearest recorded case"
NGRAM = "n-gram over steps"
READING_NGRAM = "n-gram that reads values from the page"
TEXT = "TF-IDF + logistic regression"


class AutonomySettings(PartSettings):
    """Numbers of cases. `logged`: recorded before anything is learned. `curve`: smaller numbers of these to learn from, for the
    learning curve. `copilot`: with operators' verdicts, for the critic; `calibration`: the same, for the thresholds.
    `held_out`: worked unattended, and by hand for comparison. `newcomer_logged`, `newcomer_copilot`: the numbers tried of the
    process that comes later, the last of each being all of them; `newcomer_held_out` of it are worked unattended.

    `target`, `delta`, `least`: see `policies.thresholds`; `newcomer_target` of the process that comes later. `audit_rate`:
    share of cases whose certified steps an operator checks unawares.
    """

    out: Path = Path("runs/bench/autonomy")
    quick: bool = False
    logged: int = 600
    curve: tuple[int, ...] = (150,)
    copilot: int = 200
    calibration: int = 260
    held_out: int = 250
    newcomer_logged: tuple[int, ...] = (75, 150)
    newcomer_copilot: tuple[int, ...] = (25, 50, 75, 100, 125, 150)
    newcomer_held_out: int = 60
    concurrency: int = 4
    copilot_concurrency: int = 6
    target: float = 0.95
    newcomer_target: float = 0.95
    delta: float = 0.1
    least: int = LEAST
    audit_rate: float = 0.02
    timed_views: int = 400
    errors: float | None = 0.05
    training: TrainSettings = TrainSettings()


def quick(settings: AutonomySettings) -> AutonomySettings:
    """The same experiment on so few cases that it takes about ten minutes, certified at 90%: it shows that it works, not what
    can be reached."""
    return settings.model_copy(
        update={
            "quick": True,
            "logged": 75,
            "curve": (40,),
            "copilot": 20,
            "calibration": 40,
            "held_out": 20,
            "newcomer_logged": (16,),
            "newcomer_copilot": (8, 16),
            "newcomer_held_out": 6,
            "target": 0.9,
            "newcomer_target": 0.9,
            "least": 1,
            "timed_views": 100,
        }
    )


class Wanted(Frozen):
    """What it must show. Shares unless their names say otherwise."""

    step_accuracy: float = 0.95
    automation: float = 0.60
    precision: float = 0.97
    precision_lower: float = 0.95
    silent_wrong: float = 0.01
    saving: float = 0.60
    f1_gain: float = 0.05
    e_aurc_ratio: float = 0.50
    newcomer_logged: int = 150
    newcomer_copilot: int = 150
    train_seconds: float = 240.0
    p50_ms: float = 25.0
    replay: float = 0.25
    ngram: float = 0.50
    processes: int = 20
    slices: int = 5
    seconds: float = 5400.0
    quick_seconds: float = 600.0
