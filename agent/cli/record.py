"""`casepilot record`: record what an operator does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.options import Headed, Operator, ProfilePath, the_profile

if TYPE_CHECKING:
    from schema_extraction.profile import Profile

EPILOG = """Examples:\n
  casepilot record http://127.0.0.1:8700 -p bpm.yaml --out runs/logging --cases 5\n
  casepilot record http://127.0.0.1:8700 -p bpm.yaml --out runs/logging --headless --port 9222   (drive it over CDP)\n
  casepilot record http://127.0.0.1:8700 -p bpm.yaml --out runs/logging --attach http://127.0.0.1:9222
"""


def record(
    url: Annotated[str, typer.Argument(help="Address to start at, as an operator would.")],
    profile: ProfilePath,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the traces.", show_default=False)],
    cases: Annotated[int, typer.Option("--cases", min=0, help="End after so many closed cases (0: Ctrl-C ends it).")] = 0,
    attach: Annotated[
        str,
        typer.Option(
            "--attach", metavar="CDP_URL", help="Join this running browser in place of a new one.", show_default=False
        ),
    ] = "",
    headed: Headed = True,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="DevTools port for a driving program (0: free).")] = 0,
    operator: Operator = "operator",
) -> None:
    """Record the steps that a person, or another program, takes in a browser.

    Ends with Ctrl-C, when the browser is closed, or after --cases closed cases; every step is on disk as soon as it is taken.
    """
    from agent.interrupt import run
    from agent.logs import log_to

    chosen = the_profile(profile)
    log_to()
    raise typer.Exit(run(_record(url, chosen, out, cases, attach, headed, port, operator)))


async def _record(
    url: str, profile: Profile, out: Path, cases: int, attach: str, headed: bool, port: int, operator: str
) -> int:
    from rich.console import Console

    from agent.interrupt import Interrupt
    from agent.recording import Recording
    from browser.launch import BrowserSettings
    from browser.session import attached, free_port, opened, visit

    console, interrupt = Console(stderr=True), Interrupt()
    port = port or free_port()
    endpoint = attach or f"http://127.0.0.1:{port}"
    with console.status("starting the browser") as status:

        def tell(steps: int, closed: int) -> None:
            status.update(f"recording: {steps} steps, {closed} cases closed (Ctrl-C ends)")

        recording = Recording(profile, out, operator, cases, tell)
        browsers = attached(attach) if attach else opened(BrowserSettings(headed=headed, devtools_port=port))
        async with browsers as browser:
            with interrupt.handler(recording.stop):
                if attach:
                    await recording.watch(browser)
                else:
                    context = await browser.new_context(no_viewport=headed)
                    await recording.watch_context(context)
                    page = await context.new_page()
                    await recording.join(page)
                    await visit(page, url)
                console.print(f"recording to {out}; others can join at {endpoint}", highlight=False)
                tell(0, 0)
                await recording.until_ended()
    told = f"{recording.steps} steps of {len(recording.closed)} closed cases kept in {out}"
    if interrupt.asked:
        typer.secho(f"Stopped: {told}", fg="red", err=True)
        return 130
    console.print(told, highlight=False)
    return 0


def add_to(app: typer.Typer) -> None:
    app.command(epilog=EPILOG)(record)
