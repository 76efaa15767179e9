"""`casepilot bench`: measurements beside what a user would otherwise pick."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.options import ModelPath

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


@bench.command(
    epilog="Examples:\n\n"
    "  casepilot bench critic runs/demo/copilot/traces --model runs/demo/model --db runs/demo/copilot.sqlite\n\n"
    "  casepilot bench critic runs/copilot --model models/first --no-ablations"
)
def critic(
    feedback: Annotated[Path, typer.Argument(help="Operators' verdicts: a copilot run's folder.", show_default=False)],
    model: ModelPath,
    db: Annotated[
        Path | None,
        typer.Option("--db", help="Database of the practice BPM behind it, to judge by the truth.", show_default=False),
    ] = None,
    target: Annotated[float, typer.Option("--target", min=0.01, max=0.999, help="Precision to certify.")] = 0.95,
    ablations: Annotated[
        bool, typer.Option("--ablations/--no-ablations", help="Also critics without one group of inputs each.")
    ] = True,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for results.json.")] = Path("runs/bench/critic"),
) -> None:
    """Critics on the same verdicts: graded against binary feedback, and without one group of inputs after the other.

    Every proposal is scored by a critic that saw no verdict of the same case. Alone: the share that certified thresholds would
    let through.
    """
    from rich.console import Console

    from agent.bench import critic as measuring
    from agent.logs import log_to
    from agent.progress import counting
    from policies.calibrate import CalibrationSettings

    log_to()
    console = Console()
    settings = CalibrationSettings(target=target, preferences_pass=True)
    with counting(console, "proposals") as progress:
        found = measuring.measure(model, feedback, settings, db, ablations, progress)
    for table in measuring.tables(found):
        console.print(table)
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(found.model_dump_json(indent=1), encoding="utf-8")
    console.print(f"figures: {out / 'results.json'}", highlight=False)


@bench.command(
    epilog="Examples:\n\n  casepilot bench autonomy --quick\n\n  casepilot bench autonomy --seed 2 --out runs/bench/seed-2\n\n"
    "  casepilot bench autonomy            (again: phases that an interrupted run has done are not done again)\n\n"
    "  casepilot bpm judge runs/bench/autonomy/held-out.sqlite --wrong"
)
def autonomy(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for results.json, report.html and all that was done.")
    ] = Path("runs/bench/autonomy"),
    seed: Annotated[int, typer.Option("--seed", help="Of cases, customers, operators, faults and training.")] = 1,
    quick: Annotated[
        bool, typer.Option("--quick", help="So few cases that it takes about ten minutes: it works, and falls short.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what an earlier run did in that folder.")] = False,
    headed: Annotated[bool, typer.Option("--headed/--headless", help="Show the browser's window.")] = False,
) -> None:
    """The whole staged pipeline as an experiment: logging, copilot, calibration, selective automation, and baselines.

    Operators with different habits work the practice BPM; a policy and a critic learn from them; what is certified runs
    unattended on held-out cases with other customers, in other words, on later days. One process comes later. Exits with 1 when
    a figure falls short of what is wanted. It takes more than an hour on two cores.
    """
    from rich.console import Console

    from agent.errors import UsageError

    try:
        from agent.bench.autonomy.main import main
        from agent.bench.autonomy.settings import AutonomySettings
        from agent.bench.autonomy.settings import quick as smaller
    except ImportError as error:
        raise UsageError(f"The practice BPM needs {error.name!r}. Install it with `pip install -e '.[practice]'`.") from error
    settings = AutonomySettings(out=out, seed=seed, headed=headed)
    raise typer.Exit(main(smaller(settings) if quick else settings, Console(), fresh))


@bench.command(
    epilog="Examples:\n\n  casepilot bench replies fixtures/traces/train --held-out fixtures/traces/test\n\n"
    "  casepilot bench replies runs/logging --held-out runs/later --feedback runs/copilot --model models/first"
)
def replies(
    traces: Annotated[Path, typer.Argument(help="Recorded cases to learn replies from.", show_default=False)],
    held_out: Annotated[Path, typer.Option("--held-out", help="Recorded cases to suggest replies for.", show_default=False)],
    feedback: Annotated[
        Path | None,
        typer.Option("--feedback", help="A copilot run: how operators changed the messages proposed.", show_default=False),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="Also measure the policy of a model.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for results.json.")] = Path("runs/bench/replies"),
) -> None:
    """Reply suggestions: is what the operator sent among the first three, and how far is the first from it.

    Beside the most frequent replies. Exits with 1 when a figure falls short of its limit.
    """
    from rich.console import Console

    from agent.bench import replies as measuring
    from agent.logs import log_to
    from agent.progress import counting

    log_to()
    console = Console()
    with counting(console, "messages") as progress:
        found = measuring.measure(traces, held_out, feedback, model, progress)
    console.print(measuring.table(found))
    if found.edited is not None:
        console.print(measuring.changed(found.edited), highlight=False)
    if found.drafts:
        console.print(measuring.drafts(found.drafts), highlight=False)
    for words in found.short:
        console.print(f"[red]short[/]  {words}", highlight=False)
    found.write(out / "results.json")
    console.print(f"figures: {out / 'results.json'}", highlight=False)
    raise typer.Exit(1 if found.short else 0)


@bench.command(
    epilog="Examples:\n\n  casepilot bench lm fixtures/traces/test --model models/lm\n\n  casepilot bench lm --learn"
)
def lm(
    traces: Annotated[Path | None, typer.Argument(help="Recorded sessions to go through.", show_default=False)] = None,
    model: Annotated[Path | None, typer.Option("--model", "-m", help="A model's folder.", show_default=False)] = None,
    decisions: Annotated[int, typer.Option("--decisions", min=1, help="Steps that are timed.")] = 100,
    decodes: Annotated[
        int, typer.Option("--decodes", min=1, help="Answers that are drawn and checked to be valid (--learn: 10000 at least).")
    ] = 1_000,
    learn: Annotated[
        bool, typer.Option("--learn", help="Instead: train one from nothing on the practice BPM, and see what it learned.")
    ] = False,
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, help="With --learn: time to train the policy in.")] = 22.0,
    cases: Annotated[int, typer.Option("--cases", min=9, help="With --learn: cases worked in copilot for verdicts.")] = 240,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="With --learn: of torch; 1 where other work keeps the processor busy.")
    ] = 2,
    seed: Annotated[int, typer.Option("--seed", help="With --learn: of training and of the cases worked.")] = 1,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="With --learn: forget what an earlier run did in that folder.")
    ] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for results.json.")] = Path("runs/bench/lm"),
) -> None:
    """Speed of a causal LM: tokens per second, time of a decision, what is reused, and the share of the machine's limits.

    With --learn, whether a tiny one that is trained from nothing learns the practice BPM: beside n-grams on recorded cases, and
    its critic beside its own confidence on verdicts of cases that it works in copilot. Exits with 1 when an answer is no valid
    action or a figure falls short.
    """
    from rich.console import Console

    from agent.errors import UsageError
    from agent.logs import log_to
    from agent.progress import counting

    console = Console()
    if learn:
        try:
            from agent.bench.learning import LearnSettings, main
        except ImportError as error:
            raise UsageError(
                f"The practice BPM needs {error.name!r}. Install it with `pip install -e '.[practice]'`."
            ) from error
        asked = LearnSettings(
            out=out / "learn", seed=seed, minutes=minutes, copilot=cases, decodes=max(decodes, 10_000), threads=threads
        )
        raise typer.Exit(main(asked, console, fresh))
    if traces is None or model is None:
        raise UsageError("Expected recorded sessions and --model, or --learn. Try `casepilot bench lm TRACES --model MODEL`.")

    from agent.bench import lm as measuring

    log_to()
    with counting(console, "decisions") as progress:
        found = measuring.measure(model, traces, measuring.LmSettings(decisions=decisions, decodes=decodes), progress)
    console.print(measuring.table(found))
    found.write(out / "results.json")
    console.print(f"figures: {out / 'results.json'}", highlight=False)
    raise typer.Exit(1 if found.invalid else 0)


def add_to(app: typer.Typer) -> None:
    app.add_typer(bench, name="bench")
