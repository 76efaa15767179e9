"""`casepilot train`, `critic`, `calibrate` and `evaluate`: from traces to a model that may run unattended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.options import ModelPath

if TYPE_CHECKING:
    from rich.table import Table

    from policies.derive.fields import FieldReport
    from policies.metrics import StepAccuracy

Traces = Annotated[Path, typer.Argument(help="Recorded traces: a file, or a folder that is searched.", show_default=False)]
Feedback = Annotated[
    Path, typer.Argument(help="Operators' verdicts: the run folder of a copilot run, or one trace file.", show_default=False)
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the training.")]


def train(
    traces: Traces,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the model to write.", show_default=False)],
    seed: Seed = 0,
    base: Annotated[
        str,
        typer.Option(
            "--base", help="A causal LM: folder or hub id, or scratch:tiny, scratch:small. Default: the small policy."
        ),
    ] = "",
    epochs: Annotated[float, typer.Option("--epochs", min=0.0, help="Of a causal LM (0: two).")] = 0.0,
) -> None:
    """Train the policy on recorded work: the small one, or a causal language model.

    A causal LM's training that was interrupted goes on from its last checkpoint when it is started again.
    """
    from agent.logs import log_to

    log_to()
    with bar("training the policy") as progress:
        if base:
            from policies.causal_lm.train import CausalSettings
            from policies.causal_lm.train import train_policy as train_causal

            metrics = train_causal(traces, out, CausalSettings(base=base, seed=seed, epochs=epochs or None), progress)
        else:
            from policies.train import TrainSettings, train_policy

            metrics = train_policy(traces, out, TrainSettings(seed=seed), progress)
    _print_metrics(f"policy in {out}", metrics)


def critic(
    feedback: Feedback,
    model: ModelPath,
    seed: Seed = 0,
    alone: Annotated[
        bool, typer.Option("--alone", help="Of a causal LM: one that reads the whole page itself, as behind a server it must.")
    ] = False,
) -> None:
    """Train the critic of a model on operators' verdicts."""
    from agent.logs import log_to
    from policies.bundle import CAUSAL_LM, read_meta, read_preferences
    from policies.registry.pointer import outside

    log_to()
    outside(model)
    meta = read_meta(model)
    with bar("training the critic") as progress:
        if meta.kind == CAUSAL_LM:
            from policies.causal_lm.train import CausalSettings
            from policies.causal_lm.train import train_critic as train_causal

            made_with = CausalSettings.model_validate(meta.settings)
            metrics = train_causal(model, feedback, made_with.but(seed=seed, shared=not alone), progress)
        else:
            from policies.train import TrainSettings, train_critic

            metrics = train_critic(model, feedback, TrainSettings(seed=seed), progress)
    _print_metrics(f"critic of {model}", metrics)
    liked = read_preferences(model)
    for habit in liked.habits() if liked is not None else ():
        typer.echo(habit.describe())


def connect(
    model: ModelPath,
    url: Annotated[str, typer.Option("--url", help="Root of an OpenAI-compatible server, ending in /v1.")] = "",
    policy: Annotated[str, typer.Option("--policy", help="The policy's name there.")] = "policy",
    critic: Annotated[str, typer.Option("--critic", help="The critic's name there; empty for none.")] = "",
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds to wait for an answer.")] = 20.0,
    off: Annotated[bool, typer.Option("--off", help="Run the model in this process again.")] = False,
) -> None:
    """Have a causal LM answered for by a server, such as vLLM, after a look whether it runs that model.

    A key, where the server wants one, is read from CASEPILOT_LM_KEY. Whatever goes wrong leaves the model as it was.
    """
    from agent.errors import UsageError
    from policies.remote.server import Served, disconnect
    from policies.remote.server import connect as join

    if off == bool(url):
        raise UsageError("Expected either --url or --off. Try `casepilot connect MODEL --url http://127.0.0.1:8000/v1`.")
    if off:
        disconnect(model)
        typer.echo(f"{model} runs in this process.")
        return
    join(model, Served(url=url, policy=policy, critic=critic, timeout=timeout))
    typer.echo(f"{model} is answered for by {url}.")


def calibrate(
    feedback: Feedback,
    model: ModelPath,
    target: Annotated[
        float, typer.Option("--target", min=0.01, max=0.999, help="Precision that unattended steps must have.")
    ] = 0.9,
    delta: Annotated[float, typer.Option("--delta", min=0.001, max=0.5, help="Chance that any certificate is wrong.")] = 0.1,
    slices: Annotated[
        bool, typer.Option("--slices/--no-slices", help="Look at each process: large ones stand alone, bad ones stay out.")
    ] = True,
    by_case: Annotated[
        bool, typer.Option("--by-case", help="Count cases, not actions: where the steps of one case go wrong together.")
    ] = False,
    preferences_pass: Annotated[
        bool, typer.Option("--preferences-pass", help="A right step that the operator does another way counts as right.")
    ] = False,
) -> None:
    """Certify, per kind of action and process, from which score on it may run unattended.

    With the confidence asked for, all certificates hold at once.
    """
    from rich.console import Console
    from rich.table import Table

    from agent.logs import log_to
    from policies.calibrate import CalibrationSettings
    from policies.calibrate import calibrate as certify

    log_to()
    settings = CalibrationSettings(
        target=target,
        delta=delta,
        slices=slices,
        unit="case" if by_case else "action",
        preferences_pass=preferences_pass,
    )
    with bar("scoring") as progress:
        thresholds = certify(model, feedback, settings, progress)
    table = Table(title=f"thresholds in {model} (precision at least {target:.0%}, confidence {1 - delta:.0%})")
    for heading in ("Action", "Process", "Verdicts", "What the data say"):
        table.add_column(heading, overflow="fold")
    pooled = [c for c in thresholds.certificates if c.standing == "class"]
    for certificate in (c for c in thresholds.certificates if c.standing != "class"):
        table.add_row(
            certificate.action_class,
            certificate.slice or (f"all {n}" if (n := len(certificate.covers)) > 1 else "all"),
            str(certificate.count),
            certificate.describe(),
        )
    Console().print(table)
    if pooled:
        typer.echo(
            f"{len(pooled)} of these in single processes go by the certificate of their class; see `casepilot readiness`."
        )


def evaluate(
    traces: Traces,
    model: ModelPath,
    feedback: Annotated[
        Path | None, typer.Option("--feedback", help="Also judge the critic on these verdicts.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
) -> None:
    """Measure a model on recorded cases that it was not trained on."""
    from agent.logs import log_to
    from policies.evaluate import evaluate as measure

    log_to()
    with bar("evaluating") as progress:
        evaluation = measure(model, traces, feedback, progress)
    if json:
        typer.echo(evaluation.model_dump_json(indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    policy = evaluation.policy
    table = Table(title=f"{policy.overall.count} steps of {policy.cases} cases")
    for heading in ("Steps of", "Number", "Right", "Kind", "Target", "Value", "In the first 3"):
        table.add_column(heading, justify="left" if heading == "Steps of" else "right")
    rows = {"all": policy.overall} | policy.by_process | policy.by_action
    for name, accuracy in rows.items():
        table.add_row(name, *_accuracy(accuracy))
    Console().print(table)
    if evaluation.fields is not None:
        Console().print(_fields(evaluation.fields, policy.by_use))
    if evaluation.critic is not None:
        both = Table(title="critic against the policy's own confidence")
        for heading in ("", "Precision", "Recall", "F1 (macro)", "AUROC", "AURC"):
            both.add_column(heading, justify="left" if not heading else "right")
        for name, found in (("critic", evaluation.critic.critic), ("confidence", evaluation.critic.confidence)):
            figures = (found.macro_precision, found.macro_recall, found.macro_f1, found.auroc, found.aurc)
            both.add_row(name, *(f"{figure:.3f}" for figure in figures))
        Console().print(both)


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console

    from agent.progress import counting

    try:
        with counting(Console(stderr=True), title) as progress:
            yield progress
    except KeyboardInterrupt:
        typer.secho(f"Stopped while {title}: nothing was written, all that there was is kept.", fg="red", err=True)
        raise typer.Exit(130) from None


def _print_metrics(title: str, metrics: Mapping[str, float]) -> None:
    """The figures of a training, one a row."""
    from rich.console import Console
    from rich.table import Table

    table = Table("Figure", "Value", title=title)
    for name, value in metrics.items():
        table.add_row(name.replace("_", " "), f"{value:.3f}" if value % 1 else f"{value:.0f}")
    Console().print(table)


def _fields(fields: FieldReport, by_use: Mapping[str, StepAccuracy]) -> Table:
    """Where the recorded values came from, and the formulas behind those that were worked out."""
    from rich.table import Table

    from policies.derive.fields import USES

    table = Table(title="where what operators entered came from")
    for heading in ("Entries", "Fields", "Number", "Value right", "Worked out as"):
        table.add_column(heading, justify="left" if heading in ("Entries", "Worked out as") else "right", overflow="fold")
    for use in USES:
        found = by_use.get(use)
        right = "-" if found is None or found.value is None else f"{found.value:.1%}"
        table.add_row(use, str(fields.count(use)), str(fields.entries(use)), right, "")
        if use == "derived":
            for field in fields.fields:
                for formula in field.formulas if field.derived else ():
                    table.add_row("", "", str(field.derived), "", f"{field.name} = {formula}")
    return table


def _accuracy(accuracy: StepAccuracy) -> tuple[str, ...]:
    figures = (accuracy.step, accuracy.type, accuracy.target, accuracy.value, accuracy.top3)
    return str(accuracy.count), *("-" if figure is None else f"{figure:.1%}" for figure in figures)


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog="Examples:\n\n  casepilot train runs/logging --out models/first\n\n"
        "  casepilot train runs/logging --out models/lm --base Qwen/Qwen2.5-7B-Instruct"
    )(train)
    app.command(epilog="Example:\n\n  casepilot critic runs/copilot --model models/first")(critic)
    app.command(epilog="Example:\n\n  casepilot connect -m models/lm --url http://127.0.0.1:8000/v1 --critic critic")(connect)
    app.command(epilog="Example:\n\n  casepilot calibrate runs/copilot --model models/first --target 0.9")(calibrate)
    app.command(epilog="Example:\n\n  casepilot evaluate runs/held-out --model models/first --feedback runs/copilot")(evaluate)
