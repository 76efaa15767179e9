"""`casepilot bench`: measurements beside what a user would otherwise pick."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

bench = typer.Typer(no_args_is_help=True, help="Measure casepilot beside what a user would otherwise pick.")

EXAMPLES = """Examples:

  casepilot bench extract\n
  casepilot bench extract --quick --peer browser-use\n
  casepilot bench extract --no-peers --out runs/bench/extract\n
  casepilot bench extract --peer-python ~/stagehand/bin/python

pip install 'casepilot\\[peers]' brings browser-use, browsergym and MiniWoB++. Stagehand cannot live beside browser-use; give it
an environment of its own (stagehand>=4.3) and name its Python. What is not installed is left out, and said so."""


@bench.command(epilog=EXAMPLES)
def extract(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for results.json.")] = Path("runs/bench/extract"),
    repeats: Annotated[int, typer.Option("--repeats", min=3, help="Times each page is read, at the most.")] = 20,
    quick: Annotated[bool, typer.Option("--quick", help="Three times each page, and one seed of each MiniWoB++ task.")] = False,
    peer: Annotated[list[str] | None, typer.Option("--peer", help="Only this peer beside Playwright; may be repeated.")] = None,
    no_peers: Annotated[bool, typer.Option("--no-peers", help="No peer beside Playwright.")] = False,
    peer_python: Annotated[
        list[Path] | None, typer.Option("--peer-python", help="Python of another environment to look for peers in.")
    ] = None,
) -> None:
    """Reading pages: time, size and completeness of the view on generated pages of up to 96,000 nodes and on MiniWoB++.

    Exits with 1 when a figure falls short of its limit. With all peers it takes about twelve minutes on two cores.
    """
    import asyncio

    from rich.console import Console

    from agent.bench import extract as measuring
    from agent.bench.limits import ratio
    from agent.bench.readers import AI_SNAPSHOT
    from agent.bench.tables import tables
    from agent.logs import log_to
    from agent.progress import counting

    log_to()
    console = Console()
    try:
        peers = () if no_peers else measuring.names(peer or [])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--peer") from error
    settings = measuring.BenchSettings(
        repeats=3 if quick else repeats,
        peers=peers,
        pythons=(Path(sys.executable), *(peer_python or [])),
        seeds=measuring.SEEDS[:1] if quick else measuring.SEEDS,
    )
    with counting(console, "readings") as progress:
        found = asyncio.run(measuring.run(settings, progress))
    for table in tables(found):
        console.print(table)
    if found.miniwob_none:
        console.print(f"MiniWoB++ pages: {found.miniwob_none}", highlight=False, markup=False)
    for page in found.pages:
        if page.changes and (of_peer := ratio(page)) is not None:
            console.print(f"{page.name}: {of_peer:.2f}x the time of {AI_SNAPSHOT}", highlight=False)
    for page in (*found.pages, *found.miniwob):
        for words, times in Counter(page.completeness.wrong).items():
            console.print(f"{page.name}: {words}{f' ({times} times)' if times > 1 else ''}", highlight=False, markup=False)
    for words in found.short:
        console.print(f"[red]short[/]  {words}", highlight=False)
    found.write(out / "results.json")
    console.print(f"figures: {out / 'results.json'}", highlight=False)
    raise typer.Exit(1 if found.short else 0)


def add_to(app: typer.Typer) -> None:
    app.add_typer(bench, name="bench")
