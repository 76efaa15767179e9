"""`casepilot bench`: measurements beside what a user would otherwise pick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

bench = typer.Typer(no_args_is_help=True, help="Measure casepilot beside what a user would otherwise pick.")


@bench.command(epilog="Example:\n\n  casepilot bench extract --out runs/bench/extract")
def extract(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for results.json.")] = Path("runs/bench/extract"),
    repeats: Annotated[int, typer.Option("--repeats", min=3, help="Times each page is read, at the most.")] = 20,
) -> None:
    """Reading pages: time, size and completeness of the view on generated pages of 1,300 to 86,000 nodes."""
    import asyncio

    from rich.console import Console

    from agent.bench import extract as measuring
    from agent.logs import log_to
    from agent.progress import counting

    log_to()
    console = Console()
    with counting(console, "readings") as progress:
        found = asyncio.run(measuring.run(repeats, progress))
    console.print(measuring.table(found))
    for name, ratio in found.ratios.items():
        console.print(f"{name}: {ratio:.2f}x the time of {measuring.PEER}", highlight=False)
    for words in found.short:
        console.print(f"[red]short[/]  {words}", highlight=False)
    found.write(out / "results.json")
    console.print(f"figures: {out / 'results.json'}", highlight=False)
    raise typer.Exit(1 if found.short else 0)


def add_to(app: typer.Typer) -> None:
    app.add_typer(bench, name="bench")
