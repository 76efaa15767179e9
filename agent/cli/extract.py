"""`casepilot extract`: the view of any page."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.options import BaseUrl, OptionalProfilePath, Password, Username, the_credentials, the_profile

EPILOG = """Examples:\n
  casepilot extract https://example.org/form\n
  casepilot extract saved.html --json\n
  casepilot extract http://127.0.0.1:8700/cases/C-1001 --profile fixtures/bpm/profile.yaml
"""


def extract(
    source: Annotated[str, typer.Argument(metavar="URL|FILE", help="Address, HTML file, or recorded snapshot (.json).")],
    profile: OptionalProfilePath = None,
    json: Annotated[bool, typer.Option("--json/--text", help="Print the whole view as JSON, or as readable text.")] = False,
    username: Username = "",
    password: Password = "",
    base_url: BaseUrl = "",
) -> None:
    """Print the structured view of a page, as the policy sees it."""
    import asyncio

    from agent.logs import log_to
    from agent.look import look
    from schema_extraction.render import render

    log_to()
    chosen = the_profile(profile, base_url) if profile else None
    view = asyncio.run(look(source, chosen, the_credentials(username, password) if chosen else None))
    typer.echo(view.model_dump_json(indent=2) if json else render(view))


def add_to(app: typer.Typer) -> None:
    app.command(epilog=EPILOG)(extract)
