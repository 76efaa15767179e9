"""`casepilot profile`: draft the profile of an application, test it, and print the form that a profile has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.options import Headed

if TYPE_CHECKING:
    from agent.profiling.check import Checked
    from agent.profiling.draft import Drafted
    from agent.settings import Credentials
    from schema_extraction.profile import Profile

app = typer.Typer(
    help="The profile of an application's UI: draft it from the live pages, test it, print its form.",
    epilog="Example:\n\n  casepilot profile init https://desk.example --user kim --out desk.yaml",
    no_args_is_help=True,
)
PASSWORD_ENV = "CASEPILOT_PASSWORD"

User = Annotated[
    str,
    typer.Option("--user", "--username", envvar="CASEPILOT_USERNAME", help="Account to sign in with.", show_default=False),
]
PasswordEnv = Annotated[
    str, typer.Option("--password-env", metavar="NAME", help="Environment variable that holds the account's password.")
]


def _credentials(user: str, variable: str) -> Credentials | None:
    from agent.cli.options import the_credentials
    from agent.errors import UsageError

    password = os.environ.get(variable, "")
    if not user:
        return None
    if not password:
        raise UsageError(f"Expected the password of {user!r} in the environment variable {variable}; set it, or name another.")
    return the_credentials(user, password)


def _png(path: Path | None) -> Path | None:
    from agent.errors import UsageError

    if path is not None and path.suffix.casefold() != ".png":
        raise UsageError(f"Expected a file name that ends in .png, met {str(path)!r}. Change --picture.")
    return path


def _free(path: Path, force: bool, option: str) -> None:
    from agent.errors import UsageError

    if path.exists() and not force:
        raise UsageError(f"{str(path)!r} is there already and is kept. Give another {option}, or --force to write it anew.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {str(path.parent)!r}. Make it first, or give another {option}.")


INIT_EXAMPLES = """Examples:\n
  CASEPILOT_PASSWORD=... casepilot profile init https://desk.example --user kim --out desk.yaml\n
  casepilot profile init http://127.0.0.1:8010 --user agent1 --password-env BPM_PASSWORD --cases 8\n
  casepilot profile init https://desk.example/queue --no-picture   (no login needed)
"""


@app.command(epilog=INIT_EXAMPLES)
def init(
    url: Annotated[str, typer.Argument(metavar="URL", help="Address of the application: its start page, or its work list.")],
    user: User = "",
    password_env: PasswordEnv = PASSWORD_ENV,
    out: Annotated[Path, typer.Option("--out", "-o", help="Profile to write.")] = Path("profile.yaml"),
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="PNG with the guesses drawn over the pages.", show_default="beside --out"),
    ] = None,
    pictures: Annotated[bool, typer.Option("--with-picture/--no-picture", help="Whether to draw it.")] = True,
    cases: Annotated[int, typer.Option("--cases", min=1, max=50, help="Cases of the work list to look at.")] = 5,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    headed: Headed = False,
) -> None:
    """Draft a profile from the live application: sign in, look at the work list and a few cases, write down what was guessed.

    Only links are opened, and none that speaks of doing something; nothing but the sign-in is typed or pressed.
    """
    import asyncio

    from agent.errors import UsageError
    from agent.logs import log_to

    if not url.startswith(("http://", "https://")):
        raise UsageError(f"Expected an address that begins with http:// or https://, met {url!r}.")
    drawing = (_png(picture) or out.with_suffix(".png")) if pictures else None
    for path, option in ((out, "--out"), (drawing, "--picture")):
        if path is not None:
            _free(path, force, option)
    credentials = _credentials(user, password_env)
    log_to()
    asyncio.run(_init(url, credentials, out, drawing, cases, headed))


async def _init(url: str, credentials: Credentials | None, out: Path, drawing: Path | None, cases: int, headed: bool) -> None:
    from rich.console import Console
    from rich.markup import escape

    from agent.profiling.draft import draft
    from agent.profiling.picture import picture
    from agent.profiling.written import written
    from browser.launch import BrowserSettings
    from browser.session import opened

    console = Console(stderr=True)
    with console.status("starting the browser") as status:
        async with opened(BrowserSettings(headed=headed)) as browser:
            made = await draft(
                browser, url, credentials, cases, drawing is not None, lambda words: status.update(escape(words))
            )
            out.write_text(written(made.profile, made.notes), encoding="utf-8")
            if drawing is not None and made.shots:
                drawing.write_bytes(await picture(browser, made.profile, made.shots, made.profile.name))
    typer.echo(_told(made, out, drawing, credentials))


def _told(made: Drafted, out: Path, drawing: Path | None, credentials: Credentials | None) -> str:
    lines = [f"{out}: drafted from {made.cases} cases."]
    if drawing is not None and made.shots:
        lines.append(f"{drawing}: the same, drawn over the pages. Look at it first.")
    if made.open:
        lines += ["Look at:", *(f"  - {note}" for note in made.open)]
    user = f" --user {credentials.username}" if credentials else ""
    lines.append(f"Then test it: casepilot profile check {out}{user}")
    return "\n".join(lines)


CHECK_EXAMPLES = """Examples:\n
  CASEPILOT_PASSWORD=... casepilot profile check desk.yaml --user kim\n
  casepilot profile check desk.yaml --user kim --case 4711 --picture desk.png\n
  casepilot profile check fixtures/bpm/profile.yaml --url http://127.0.0.1:8010 --user agent1 --password-env BPM_PASSWORD
"""


@app.command(epilog=CHECK_EXAMPLES)
def check(
    profile: Annotated[Path, typer.Argument(metavar="PROFILE", help="Profile to test (YAML).", show_default=False)],
    url: Annotated[
        str,
        typer.Option("--url", "--base-url", help="Address of the application, in place of the profile's.", show_default=False),
    ] = "",
    user: User = "",
    password_env: PasswordEnv = PASSWORD_ENV,
    cases: Annotated[int, typer.Option("--cases", min=1, max=50, help="Cases of the work list to open.")] = 3,
    case: Annotated[
        list[str] | None, typer.Option("--case", metavar="ID", help="Open this case instead; may be repeated.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Also draw the profile over the pages (PNG).", show_default=False)
    ] = None,
    headed: Headed = False,
) -> None:
    """Test a profile against the live application, part by part. Exit 1 when a part fails.

    Nothing is typed or pressed but the sign-in.
    """
    import asyncio

    from rich.console import Console

    from agent.cli.options import the_profile
    from agent.logs import log_to
    from agent.profiling.check import report

    chosen = the_profile(profile, url)
    credentials = _credentials(user, password_env)
    _png(picture)
    log_to()
    checked = asyncio.run(_check(chosen, credentials, cases, case or [], picture, headed))
    Console().print(report(checked))
    counts = f"{checked.count('ok')} ok, {checked.count('warning')} warnings, {checked.count('fail')} failed"
    typer.echo(f"{profile}: {counts}." + (f" Drawn in {picture}." if picture else ""))
    raise typer.Exit(0 if checked.ok else 1)


async def _check(
    profile: Profile, credentials: Credentials | None, cases: int, wanted: list[str], drawing: Path | None, headed: bool
) -> Checked:
    from rich.console import Console
    from rich.markup import escape

    from agent.profiling.check import check as test
    from agent.profiling.picture import picture
    from browser.launch import BrowserSettings
    from browser.session import opened

    with Console(stderr=True).status("starting the browser") as status:
        async with opened(BrowserSettings(headed=headed)) as browser:
            checked = await test(
                browser, profile, credentials, cases, wanted, drawing is not None, lambda words: status.update(escape(words))
            )
            if drawing is not None and checked.shots:
                drawing.write_bytes(await picture(browser, profile, checked.shots, profile.name))
    return checked


@app.command(
    epilog="Example (for an editor that completes and checks YAML):\n\n  casepilot profile schema > profile.schema.json"
)
def schema() -> None:
    """Print the JSON schema of a profile, with a description of every field."""
    import json

    from schema_extraction.profile import Profile

    typer.echo(json.dumps(Profile.model_json_schema(), indent=2))


def add_to(parent: typer.Typer) -> None:
    parent.add_typer(app, name="profile")
