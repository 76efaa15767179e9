"""`casepilot bench`: what models learn, and how fast they answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.options import ModelPath

models = typer.Typer()


@models.command(
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


@models.command(
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


@models.command(
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


@models.command(
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
