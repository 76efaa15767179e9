"""What the demonstration is made of, and what its parts need wherever they are used."""

from __future__ import annotations

from pathlib import Path

from schema_extraction.view import Frozen


class PartSettings(Frozen):
    """What every part needs. `out`: the folder that all parts write to. `interactive`: the person at the screen is the operator
    of the unattended cases, in place of the scripted ones. `errors`: the share of critical proposals that the policy is
    expected to get wrong, by which the benchmark's operators turn down so much of what is right that their reasons come in the
    mix that the paper has; None leaves their habits as they are."""

    out: Path
    seed: int = 1
    errors: float | None = None
    headed: bool = False
    interactive: bool = False
    operator: str = "you"


class DemoSettings(PartSettings):
    """`recorded`: cases recorded live, on top of the traces that ship. `copilot`, `held_out`: cases of these two parts.

    `concurrency`: held-out sessions at work at the same time; `copilot_concurrency`: the same in copilot.
    `target`, `delta`: see `policies.thresholds`. `audit_rate`: share of cases whose certified steps
    an operator checks unawares.
    """

    out: Path = Path("runs/demo")
    recorded: int = 8
    copilot: int = 140
    held_out: int = 102
    concurrency: int = 4
    copilot_concurrency: int = 6
    target: float = 0.95
    delta: float = 0.1
    audit_rate: float = 0.02


class Promise(Frozen):
    """What the demonstration must show, or it fails."""

    cases: int = 100
    automation: float = 0.45
    precision: float = 0.90
    replay: float = 0.25
    seconds: float = 600.0
    memory_mb: float = 4096.0
