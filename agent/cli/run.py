"""`casepilot run`: work cases, in copilot or selective automation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agent.cli.options import (
    AccountsPath,
    BaseUrl,
    ConsoleFile,
    ConsolePort,
    Headed,
    ModelPath,
    Operator,
    OptionalProfilePath,
    Password,
    Username,
    console_settings,
    the_credentials,
    the_profile_for,
)

if TYPE_CHECKING:
    from agent.console.settings import ConsoleSettings
    from agent.settings import RunSettings
    from policies.bundle import Bundle

EPILOG = """Examples:\n
  casepilot run -p bpm.yaml -m models/first --stage copilot --headed --interactive --operator kim\n
  casepilot run -p bpm.yaml -m models/first --stage copilot --console   (operators answer in a browser)\n
  casepilot run -p bpm.yaml -m models/first --stage selective --concurrency 4 --limit 50\n
  casepilot run -p bpm.yaml -m models/first --attach http://127.0.0.1:9222   (in your own Chrome, started with
    --remote-debugging-port=9222 --user-data-dir=FOLDER)\n
  casepilot run -m models/store --stage selective   (the active version of a store, with the profile it was added with)\n
  casepilot run -p bpm.yaml -m models/first --stage selective --run-dir runs/monday   (goes on where that run stopped)
"""


def run(
    model: ModelPath,
    profile: OptionalProfilePath = None,
    stage: Annotated[
        Literal["copilot", "calibrating", "selective"],
        typer.Option("--stage", help="copilot: an operator confirms every critical step. selective: certified ones run alone."),
    ] = "copilot",
    case: Annotated[
        list[str] | None, typer.Option("--case", help="A case id; repeat for more. Default: the work list.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many cases of the work list (0: all).")] = 0,
    concurrency: Annotated[int, typer.Option("--concurrency", "-c", min=1, help="Cases worked at the same time.")] = 2,
    audit_rate: Annotated[
        float,
        typer.Option(
            "--audit-rate", min=0.0, max=1.0, help="Share of cases whose unattended steps an operator checks unawares."
        ),
    ] = 0.05,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the audit draw.")] = 0,
    headed: Headed = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="You are the operator: hand-offs come to the front one by one (headed).")
    ] = False,
    operator: Operator = "operator",
    attach: Annotated[
        str,
        typer.Option("--attach", help="Work in windows of your own Chrome, at this DevTools address.", show_default=False),
    ] = "",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="DevTools port for others to join at (0: free).")] = 0,
    patience: Annotated[
        float, typer.Option("--patience", min=0.1, help="Seconds to wait for the page to change before an operator is asked.")
    ] = 10.0,
    run_dir: Annotated[
        Path | None,
        typer.Option("--run-dir", help="Folder of the run; an unfinished one is taken up again.", show_default=False),
    ] = None,
    console: Annotated[bool, typer.Option("--console", help="Serve the operators' console beside the agents.")] = False,
    console_port: ConsolePort = 8020,
    accounts: AccountsPath = Path("runs/console.sqlite"),
    console_config: ConsoleFile = None,
    base_url: BaseUrl = "",
    username: Username = "",
    password: Password = "",
) -> None:
    """Work the open cases: act when sure, hand over when not.

    Hand-offs wait in their page, which others can join at the printed DevTools address. Ctrl-C stops after the present
    steps; run again with the same --run-dir to go on.
    """
    from datetime import datetime

    from agent.errors import UsageError
    from agent.interrupt import run as run_async
    from agent.logs import log_to
    from agent.settings import Limits, RunSettings
    from policies.bundle import load

    if attach and headed:
        raise UsageError("A browser of your own has its window already. Give --attach or --headed, not both.")
    if attach and not attach.startswith(("http://", "https://", "ws://", "wss://")):
        raise UsageError(f"Expected an address such as http://127.0.0.1:9222 for --attach, met {attach!r}.")
    folder = run_dir or Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}"
    settings = RunSettings(
        profile=the_profile_for(profile, model, base_url),
        run_dir=folder,
        stage=stage,
        concurrency=concurrency,
        headed=(headed or interactive) and not attach,
        attach=attach,
        devtools_port=port,
        credentials=the_credentials(username, password),
        operator=operator,
        limits=Limits(wait_seconds=patience),
    )
    bundle = load(model)
    log_to(folder)
    serving = console_settings(console_config, console_port, accounts) if console else None
    code = run_async(_work(settings, bundle, case or [], limit, interactive, audit_rate, seed, serving))
    raise typer.Exit(code)


async def _work(
    settings: RunSettings,
    bundle: Bundle,
    cases: list[str],
    limit: int,
    interactive: bool,
    audit_rate: float,
    seed: int,
    serving: ConsoleSettings | None = None,
) -> int:
    import asyncio
    from contextlib import AsyncExitStack

    from rich.console import Console

    from agent.desk import Desk
    from agent.handoff import Handoff
    from agent.interrupt import Interrupt
    from agent.person import at_the_screen, whoever_comes
    from agent.progress import run_progress, summary_table
    from agent.runner import Runner
    from policies.gate import Gate

    console, interrupt, desk = Console(), Interrupt(), Desk()
    critic, thresholds = bundle.judge(settings.profile.critic)
    gate = Gate(settings.stage, thresholds, critic, audit_rate=audit_rate, seed=seed)

    def tell(handoff: Handoff) -> None:
        console.print(f"[yellow]hand-off[/] {handoff.case_id}: {handoff.suggestion or 'no proposal'} [dim]{handoff.reason}[/]")

    with run_progress(console) as progress:
        policy = bundle.offering(settings.operator)
        async with Runner(settings, policy, lambda _: gate, desk, progress) as runner, AsyncExitStack() as beside:
            with interrupt.handler(runner.stop):
                if serving is not None:
                    from agent.console.parts import with_runner
                    from agent.console.serving import running_console

                    address = await beside.enter_async_context(running_console(with_runner(serving, runner)))
                    console.print(f"operators' console on {address}", highlight=False)
                console.print(f"others can join at {runner.devtools}; records go to {settings.run_dir}", highlight=False)
                answering = asyncio.create_task(
                    at_the_screen(desk, settings.operator, tell) if interactive else whoever_comes(desk, tell)
                )
                todo = cases or runner.unfinished() + await runner.open_cases()
                todo = list(dict.fromkeys(todo))
                summaries = await runner.run(todo[:limit] if limit else todo)
            stopped = runner.stopped
        await asyncio.gather(answering, return_exceptions=True)
    console.print(summary_table(summaries))
    if interrupt.asked or stopped:
        done = sum(s.status != "stopped" for s in summaries)
        why = "Stopped" if interrupt.asked else "The browser was closed"
        typer.secho(
            f"{why}: {done} of {len(summaries)} cases done; go on with --run-dir {settings.run_dir}", fg="red", err=True
        )
        return 130 if interrupt.asked else 1
    return 1 if any(s.status == "failed" for s in summaries) else 0


def add_to(app: typer.Typer) -> None:
    app.command(epilog=EPILOG)(run)
