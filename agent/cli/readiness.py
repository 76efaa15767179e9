"""`casepilot readiness`: what each kind of case could do unattended today, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agent.cli.options import ModelPath

if TYPE_CHECKING:
    from policies.readiness import ClassReadiness, Readiness

EPILOG = """Examples:\n
  casepilot readiness runs/copilot --model models/first\n
  casepilot readiness runs/copilot --model models/first --target 0.95 --preferences-pass\n
  casepilot readiness runs/copilot --model models/first --json > readiness.json
"""


def readiness(
    feedback: Annotated[
        Path,
        typer.Argument(help="Operators' verdicts: the run folder of a copilot run, or one trace file.", show_default=False),
    ],
    model: ModelPath,
    target: Annotated[
        float, typer.Option("--target", min=0.01, max=0.999, help="Precision that unattended steps must have.")
    ] = 0.9,
    delta: Annotated[float, typer.Option("--delta", min=0.001, max=0.5, help="Chance that any certificate is wrong.")] = 0.1,
    critic: Annotated[
        Literal["full", "typed"], typer.Option("--critic", help="typed: the critic that reads no text.")
    ] = "full",
    preferences_pass: Annotated[
        bool, typer.Option("--preferences-pass", help="A right step that the operator does another way counts as right.")
    ] = False,
    by_case: Annotated[
        bool, typer.Option("--by-case", help="Count cases, not actions: where the steps of one case go wrong together.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
) -> None:
    """Which stage each kind of case could be in today, what would run unattended, and what is missing.

    Nothing is written. Thresholds are certified anew on the two thirds of the cases that the critic did not learn from.
    """
    from agent.cli.learn import bar
    from agent.logs import log_to
    from policies.bundle import load
    from policies.calibrate import CalibrationSettings
    from policies.readiness import readiness as measure

    log_to()
    settings = CalibrationSettings(
        target=target, delta=delta, preferences_pass=preferences_pass, unit="case" if by_case else "action"
    )
    judge, _ = load(model).judge(critic)
    with bar("scoring") as progress:
        found = measure(judge, feedback, settings, progress)
    if json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _print(found)


def _print(found: Readiness) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(
        title=f"readiness at a precision of {found.target:.0%} (confidence {1 - found.delta:.0%}), "
        f"{found.cases} cases of the calibration part"
    )
    for heading in (
        "Process",
        "Could be in",
        "Cases",
        "Verdicts: click",
        "message",
        "end",
        "Steps alone",
        "Cases alone",
        "Missing",
    ):
        table.add_column(
            heading, overflow="fold", justify="right" if heading in ("Cases", "Steps alone", "Cases alone") else "left"
        )
    for one in found.slices:
        table.add_row(
            one.slice or "-",
            one.stage,
            str(one.cases),
            *(_verdicts(c) for c in one.classes),
            f"{one.automation:.0%}",
            f"{one.whole_cases:.0%}",
            "; ".join(one.missing) or "nothing",
        )
    table.add_row(
        "all", "", str(found.cases), "", "", "", f"{found.automation:.0%}", f"{found.whole_cases:.0%}", "", style="bold"
    )
    console.print(table)


def _verdicts(one: ClassReadiness) -> str:
    """Right of all, marked where they are certified, and what is still needed."""
    if one.tau is not None:
        return f"{one.right}/{one.verdicts} {'own' if one.basis == 'own' else 'ok'}"
    return f"{one.right}/{one.verdicts}" + (f", +{one.needs}" if one.needs is not None else "")


def add_to(app: typer.Typer) -> None:
    app.command(epilog=EPILOG)(readiness)
