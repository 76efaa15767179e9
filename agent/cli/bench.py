"""`casepilot bench`: measurements beside what a user would otherwise pick."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.bench_models import models

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

    Exits with 1 when a figure falls short of its limit. With all peers it takes ten to twenty minutes on two cores.
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


@bench.command(
    epilog="Examples:\n\n  casepilot bench hands\n\n  casepilot bench hands --quick --target practice\n\n"
    "  casepilot bench hands --no-targets --out runs/bench/hands"
)
def hands(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for results.json.")] = Path("runs/bench/hands"),
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Times each widget is worked.")] = 5,
    quick: Annotated[bool, typer.Option("--quick", help="Each widget once, five looks at each page, two cases.")] = False,
    target: Annotated[
        list[str] | None, typer.Option("--target", help="Replay on this application only: practice, rt5, viewflow.")
    ] = None,
    no_targets: Annotated[bool, typer.Option("--no-targets", help="Replay no cases.")] = False,
) -> None:
    """Operating pages: widgets and sabotaged ones, pages that are never quite still, and recorded cases done again.

    Exits with 1 when a figure falls short of its limit. All of it takes about half an hour on two cores.
    """
    import asyncio
    import tempfile

    from rich.console import Console

    from agent.bench import hands as measuring
    from agent.bench.replays import TARGETS
    from agent.logs import log_to
    from agent.progress import counting

    log_to()
    console = Console()
    if unknown := sorted({*(target or [])} - {*TARGETS}):
        raise typer.BadParameter(f"Expected one of {', '.join(TARGETS)}, met {unknown[0]!r}.", param_hint="--target")
    chosen = () if no_targets else tuple(target or TARGETS)
    settings = (
        measuring.HandsSettings(repeats=1, runs=5, cases=2, targets=chosen)
        if quick
        else measuring.HandsSettings(repeats=repeats, targets=chosen)
    )
    with counting(console, "parts") as progress, tempfile.TemporaryDirectory(prefix="casepilot-hands-") as folder:
        found = asyncio.run(measuring.run(settings, Path(folder), progress))
    for table in measuring.tables(found):
        console.print(table)
    console.print(f"an action alone takes {found.overhead:.2f}x the time of its plain calls (median)", highlight=False)
    for words in found.short:
        console.print(f"[red]short[/]  {words}", highlight=False)
    found.write(out / "results.json")
    console.print(f"figures: {out / 'results.json'}", highlight=False)
    raise typer.Exit(1 if found.short else 0)


@bench.command(epilog="Examples:\n\n  casepilot bench handoff\n\n  casepilot bench handoff --quick --out runs/bench/handoff")
def handoff(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for results.json.")] = Path("runs/bench/handoff"),
    quick: Annotated[bool, typer.Option("--quick", help="A third of the measurements, and five sessions.")] = False,
    sessions: Annotated[int, typer.Option("--sessions", min=1, help="Sessions at the same time, with one operator.")] = 20,
) -> None:
    """To the operator and back: decision to card, operator's change to agent's next action, many sessions, the live page.

    Exits with 1 when a figure falls short of its limit. Takes about three minutes on two cores.
    """
    import asyncio
    import tempfile

    from rich.console import Console

    from agent.bench.handoff import main as measuring
    from agent.bench.handoff.results import HandoffSettings
    from agent.logs import log_to
    from agent.progress import counting

    log_to()
    console = Console()
    settings = HandoffSettings(resumes=20, cards=20, sessions=5, seconds=2.0) if quick else HandoffSettings(sessions=sessions)
    with counting(console, "hand-offs") as progress, tempfile.TemporaryDirectory(prefix="casepilot-handoff-") as folder:
        found = asyncio.run(measuring.run(settings, Path(folder), progress))
    for table in measuring.tables(found):
        console.print(table)
    console.print(
        f"runnable processes before it began: {found.machine.load:.1f} on {found.machine.cores} cores", highlight=False
    )
    for words in found.short:
        console.print(f"[red]short[/]  {words}", highlight=False)
    found.write(out / "results.json")
    console.print(f"figures: {out / 'results.json'}", highlight=False)
    raise typer.Exit(1 if found.short else 0)


bench.add_typer(models)


def add_to(app: typer.Typer) -> None:
    app.add_typer(bench, name="bench")
