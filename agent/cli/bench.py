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


@bench.command(
    epilog="Examples:\n\n  casepilot bench identity --out runs/bench/identity\n\n"
    "  casepilot bench identity --fit schema_extraction/match.json"
)
def identity(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for results.json.")] = Path("runs/bench/identity"),
    forms: Annotated[int, typer.Option("--forms", min=10, help="Generated test pages.")] = 3000,
    each: Annotated[
        int, typer.Option("--each", min=5, help="Pages of each family on which every kind of change is tried.")
    ] = 60,
    seed: Annotated[int, typer.Option("--seed", help="Of the changes; the pages are the same for every seed.")] = 1,
    fit: Annotated[
        Path | None, typer.Option("--fit", help="Fit weights and threshold anew, on other pages, and write them to this file.")
    ] = None,
) -> None:
    """Stable identity: which controls are known again on other versions of their page, by key or by the scored match."""
    from rich.console import Console

    from agent.bench import identity as measuring
    from agent.logs import log_to
    from agent.progress import counting

    log_to()
    console = Console()
    weights = None
    if fit is not None:
        from agent.bench import fitting

        with counting(console, "fitting") as progress:
            weights = fitting.learn(seed=seed, progress=progress)
        fitting.write(weights, fit, f"casepilot bench identity --fit {fit} --seed {seed}")
        console.print(f"weights: {fit}", highlight=False)
    with counting(console, "pages") as progress:
        found = measuring.run(forms, each, seed, weights, progress)
    console.print(measuring.table(found))
    console.print(f"threshold {found.tau}: {found.certificate}", highlight=False)
    console.print(f"one target a page: {found.precision} of the matches right, {found.coverage} matched", highlight=False)
    for words in found.faults:
        console.print(f"[yellow]wrong[/]  {words}", highlight=False)
    for words in found.short:
        console.print(f"[red]short[/]  {words}", highlight=False)
    found.write(out / "results.json")
    console.print(f"figures: {out / 'results.json'}", highlight=False)
    raise typer.Exit(1 if found.short else 0)


def add_to(app: typer.Typer) -> None:
    app.add_typer(bench, name="bench")
