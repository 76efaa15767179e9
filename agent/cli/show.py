"""`casepilot demo` and `casepilot doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.options import Headed, Operator


def doctor(
    port: Annotated[int, typer.Option("--port", help="Also check that this port is free (0: any).")] = 0,
    folder: Annotated[Path, typer.Option("--dir", help="Where runs will be written.")] = Path(),
    headed: Headed = False,
) -> None:
    """Check this machine: what is missing, and how to get it. Exit 1 if something needed is missing."""
    from rich.console import Console

    from agent.doctor import examine, report

    checks = examine(folder, port=port, headed=headed)
    Console().print(report(checks))
    raise typer.Exit(0 if all(check.ok or not check.needed for check in checks) else 1)


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report and all records.")] = Path("runs/demo"),
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 1,
    recorded: Annotated[int, typer.Option("--recorded", min=1, help="Cases recorded live, added to the traces that ship.")] = 8,
    copilot: Annotated[int, typer.Option("--copilot", min=1, help="Cases worked in copilot.")] = 140,
    held_out: Annotated[int, typer.Option("--held-out", min=1, help="Held-out cases worked unattended.")] = 102,
    concurrency: Annotated[int, typer.Option("--concurrency", "-c", min=1, help="Held-out cases worked at the same time.")] = 4,
    headed: Headed = False,
    interactive: Annotated[bool, typer.Option("--interactive", help="You are the operator of the held-out cases.")] = False,
    operator: Operator = "you",
) -> None:
    """The whole way once, on the practice BPM: record, learn, hand off, run unattended, report."""
    from rich.console import Console

    from agent.errors import UsageError

    try:
        from agent.demo.pipeline import main
        from agent.demo.settings import DemoSettings
    except ModuleNotFoundError as error:
        raise UsageError(f"The demo needs {error.name!r}. Install it with `pip install -e '.[practice]'`.") from error
    settings = DemoSettings(
        out=out,
        seed=seed,
        recorded=recorded,
        copilot=copilot,
        held_out=held_out,
        concurrency=concurrency,
        headed=headed or interactive,
        interactive=interactive,
        operator=operator,
    )
    try:
        code = main(settings, Console())
    except KeyboardInterrupt:
        typer.secho(f"Stopped: all that was recorded so far is kept in {out}.", fg="red", err=True)
        code = 130
    raise typer.Exit(code)


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Examples:\n\n  casepilot demo\n\n  casepilot demo --headed --held-out 10 --copilot 40")(demo)
    app.command(epilog="Example:\n\n  casepilot doctor --headed")(doctor)
