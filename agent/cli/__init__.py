"""The command line. Every command imports what it needs when it runs, so that `casepilot --help` answers at once."""

from __future__ import annotations

import gc
import sys

import typer

from agent.cli import bench, bpm, console, extract, learn, models, profile, readiness, record, run, show
from schema_extraction.errors import CasepilotError

app = typer.Typer(
    name="casepilot",
    help="Works cases in the web UI of a BPM or support platform: learns from operators, acts when sure, hands over when not.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
extract.add_to(app)
profile.add_to(app)
record.add_to(app)
learn.add_to(app)
models.add_to(app)
readiness.add_to(app)
run.add_to(app)
show.add_to(app)
console.add_to(app)
bpm.add_to(app)
bench.add_to(app)

RARELY = (50_000, 10, 10)
"""When Python looks for garbage in cycles. Reading a page makes up to a hundred thousand objects that all stay for a while;
looking for garbage among them after every 700, as is the default, takes a sixth of the reading's time."""


def main() -> None:
    """Entry point. Foreseen errors are one line on standard error and exit 1; Ctrl-C exits 130."""
    gc.set_threshold(*RARELY)
    try:
        app()
    except CasepilotError as error:
        fail(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        fail("Stopped.")
        sys.exit(130)


def fail(text: str) -> None:
    """One red line on standard error, or a list of them."""
    for line in text.splitlines():
        indent = "  " if line.startswith("  ") else ""
        typer.secho(indent + " ".join(line.split()), fg="red", err=True)
