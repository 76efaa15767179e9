"""What the demonstration is made of."""

from __future__ import annotations

from pathlib import Path

from schema_extraction.view import Frozen


class DemoSettings(Frozen):
    """`recorded`: cases recorded live, on top of the traces that ship. `copilot`, `held_out`: cases of these two parts.

    `concurrency`: held-out sessions at work at the same time; `copilot_concurrency`: the same in copilot.
    `target`, `delta`: see `policies.thresholds`. `audit_rate`: share of certified steps that an operator checks unawares.
    `interactive`: the person at the screen is the operator of the held-out cases, in place of the scripted ones.
    """

    out: Path = Path("runs/demo")
    seed: int = 1
    recorded: int = 8
    copilot: int = 140
    held_out: int = 102
    concurrency: int = 4
    copilot_concurrency: int = 6
    target: float = 0.95
    delta: float = 0.1
    audit_rate: float = 0.02
    headed: bool = False
    interactive: bool = False
    operator: str = "you"


class Promise(Frozen):
    """What the demonstration must show, or it fails."""

    cases: int = 100
    automation: float = 0.45
    precision: float = 0.90
    replay: float = 0.25
    seconds: float = 600.0
    memory_mb: float = 4096.0
