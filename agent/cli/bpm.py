"""`casepilot bpm`: the practice application."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(
    help="The practice BPM application: serve it, or recount what happened in it.",
    epilog="Example:\n\n  casepilot bpm serve --port 8010",
    no_args_is_help=True,
)

FAULTS_HELP = "What goes wrong on purpose, e.g. slow_ms=300,error_rate=0.02,expire_rate=0.01 (see fixtures/bpm/settings.py)."


@app.command(epilog="Example:\n\n  casepilot bpm serve --port 8010 --cases 20 --split test --db runs/bpm.sqlite")
def serve(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Loopback port.")] = 8010,
    seed: Annotated[int, typer.Option("--seed", help="Seed of customers, orders and cases.")] = 1,
    cases: Annotated[int, typer.Option("--cases", min=1, help="Open cases per split.")] = 60,
    split: Annotated[
        list[str] | None,
        typer.Option(
            "--split", help="train, copilot or test, in the set bench also calibration; repeat for more.", show_default="train"
        ),
    ] = None,
    db: Annotated[Path, typer.Option("--db", help="Its database, which holds the audit log.")] = Path("bpm.sqlite"),
    processes: Annotated[Literal["demo", "bench"], typer.Option("--set", help="Set of processes.")] = "demo",
    release: Annotated[int, typer.Option("--release", min=1, max=2, help="2: renamed labels, moved controls.")] = 1,
    faults: Annotated[str, typer.Option("--faults", metavar="NAME=VALUE,...", help=FAULTS_HELP, show_default=False)] = "",
) -> None:
    """Serve the practice BPM until Ctrl-C."""
    from agent.errors import UsageError

    try:
        from pydantic import ValidationError

        from fixtures.bpm.serving import serve as serve_bpm
        from fixtures.bpm.settings import BpmSettings
    except ImportError as error:
        raise UsageError(f"The practice BPM needs {error.name!r}. Install it with `pip install -e '.[practice]'`.") from error
    broken = dict(part.partition("=")[::2] for part in faults.split(",") if part)
    try:
        settings = BpmSettings.model_validate(
            {
                "db": db,
                "seed": seed,
                "cases": cases,
                "splits": split or ["train"],
                "release": release,
                "faults": broken,
                "mix": {"name": processes},
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"Cannot set {where!r} to {first['input']!r}: {first['msg']}. {FAULTS_HELP}") from error
    typer.echo(f"practice BPM on http://127.0.0.1:{port}, database {db}; Ctrl-C ends it", err=True)
    serve_bpm(settings, port=port)


@app.command(epilog="Example:\n\n  casepilot bpm judge runs/bpm.sqlite")
def judge(
    db: Annotated[Path, typer.Argument(help="Database of a practice BPM.", show_default=False)],
    wrong: Annotated[bool, typer.Option("--wrong", help="Also list every wrong request, with the reason.")] = False,
) -> None:
    """Recount, from the audit log and the truth alone, what became of every case."""
    from rich.console import Console
    from rich.table import Table

    from agent.errors import UsageError

    try:
        from agent.demo.figures import agent_part
        from fixtures.bpm.judge import judge as recount
    except ImportError as error:
        raise UsageError(f"The practice BPM needs {error.name!r}. Install it with `pip install -e '.[practice]'`.") from error
    verdicts = recount(db)
    table = Table(title=f"{len(verdicts)} cases in {db}")
    for heading in ("Process", "Cases", "Over", "Right", "No operator", "of these wrong", "Refused", "Doubled"):
        table.add_column(heading, justify="left" if heading == "Process" else "right")
    for process in [*sorted({v.process for v in verdicts}), ""]:
        some = [v for v in verdicts if v.process == process or not process]
        table.add_row(
            process or "[bold]all[/]",
            str(len(some)),
            str(sum(v.over for v in some)),
            str(sum(v.outcome_right for v in some)),
            str(sum(v.automated for v in some)),
            str(sum(v.silent_wrong for v in some)),
            str(sum(v.refused for v in some)),
            str(sum(v.doubled for v in some)),
        )
    alone = [right for v in verdicts for right in agent_part(v)]
    table.caption = f"{sum(alone)} of {len(alone)} critical actions with no operator behind them right"
    console = Console()
    console.print(table)
    if wrong:
        for verdict in verdicts:
            for one in verdict.wrong:
                who = one.operator or one.account
                console.print(f"{verdict.case_id} {one.task} {one.action} by {who}: {one.why}", highlight=False)


@app.command(
    epilog="Example (how the traces that ship were made):\n\n"
    "  casepilot bpm record --split train --cases 800 --out fixtures/traces/train/recorded.jsonl.gz"
)
def record(
    out: Annotated[Path, typer.Option("--out", "-o", help="Trace file to write (.jsonl.gz).", show_default=False)],
    split: Annotated[
        Literal["train", "copilot", "calibration", "test"], typer.Option("--split", help="Whose cases; see `bpm serve`.")
    ] = "train",
    processes: Annotated[Literal["demo", "bench"], typer.Option("--set", help="Set of processes.")] = "demo",
    cases: Annotated[int, typer.Option("--cases", min=1, help="How many.")] = 60,
    seed: Annotated[int, typer.Option("--seed", help="Seed of customers, orders, cases and operators' slips.")] = 1,
    headed: Annotated[bool, typer.Option("--headed/--headless", help="Show the browser's window.")] = False,
) -> None:
    """Let scripted operators work cases of the practice BPM under the recorder, and pack their traces into one file."""
    from rich.console import Console

    from agent.errors import UsageError
    from agent.interrupt import run
    from agent.logs import log_to
    from agent.progress import counting

    try:
        from agent.demo.record import record_split
        from fixtures.bpm.settings import CaseMix
    except ImportError as error:
        raise UsageError(f"The practice BPM needs {error.name!r}. Install it with `pip install -e '.[practice]'`.") from error
    if not out.name.endswith(".jsonl.gz"):
        raise UsageError(f"Expected a file name that ends in .jsonl.gz, met {out.name!r}. Change --out.")
    mix = CaseMix(name=processes)
    if split not in mix.splits:
        raise UsageError(f"Set {processes!r} has the splits {', '.join(mix.splits)}, not {split!r}. Change --split or --set.")
    log_to()
    with counting(Console(stderr=True), "cases") as progress:
        steps = run(record_split(out, split, cases, seed, headed, progress, mix))
    typer.echo(f"{steps} steps of {cases} cases in {out}")


def add_to(parent: typer.Typer) -> None:
    parent.add_typer(app, name="bpm")
