"""`casepilot bench autonomy`: runs the benchmark, prints its tables, writes its files."""

from __future__ import annotations

from rich.console import Console

from agent.bench.autonomy.phases import opened_folder
from agent.bench.autonomy.pipeline import run
from agent.bench.autonomy.report import write_report
from agent.bench.autonomy.settings import AutonomySettings, Wanted
from agent.bench.autonomy.tables import tables
from agent.interrupt import run as run_async
from agent.logs import log_to, tame_warnings


def main(settings: AutonomySettings, console: Console, fresh: bool = False, wanted: Wanted = Wanted()) -> int:
    """0 when everything wanted was reached, else 1.

    Raises:
        RunError: the output folder holds something else than an earlier benchmark.
    """
    opened_folder(settings.out, fresh)
    log_to(settings.out)
    tame_warnings()
    results = run_async(run(settings, console, wanted))
    results.write(settings.out / "results.json")
    write_report(results, settings.out / "report.html", settings.out)
    for table in tables(results):
        console.print(table)
    console.print(f"report: {settings.out / 'report.html'}   figures: {settings.out / 'results.json'}", highlight=False)
    for command in results.recount:
        console.print(f"recount: [bold]{command}[/]", highlight=False)
    return 1 if results.short else 0
