"""`casepilot console`: accounts of the operators' console, and serving it over the records of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agent.cli.options import AccountsPath, ConsoleFile, ConsolePort, console_settings

if TYPE_CHECKING:
    from sqlite3 import Connection

    from agent.console.settings import ConsoleSettings

app = typer.Typer(
    help="The operators' console: accounts, tokens, audit log. `casepilot run --console` serves it beside the agents.",
    epilog="Example:\n\n  casepilot console init --name kim && casepilot run ... --console",
    no_args_is_help=True,
)
RoleName = Literal["operator", "supervisor", "admin"]
Name = Annotated[str, typer.Argument(help="Name of the account.", show_default=False)]
NewPassword = Annotated[
    str,
    typer.Option(
        "--password",
        envvar="CASEPILOT_CONSOLE_PASSWORD",
        prompt=True,
        hide_input=True,
        confirmation_prompt=True,
        help="Its password, at least 10 characters; asked for when it is not given.",
        show_default=False,
    ),
]


def _database(path: Path) -> Connection:
    from agent.console.database import opened
    from agent.errors import ConsoleError

    if not path.exists():
        raise ConsoleError(f"There is no database {str(path)!r}. Make it with `casepilot console init`, or give --accounts.")
    return opened(path)


def _by(name: str) -> str:
    """Who did it, for the audit log: whoever has the machine."""
    return f"command line ({name})"


@app.command()
def init(
    password: NewPassword,
    name: Annotated[str, typer.Option("--name", help="Name of the first admin.")] = "admin",
    accounts: AccountsPath = Path("runs/console.sqlite"),
) -> None:
    """Make the console's database with its first admin."""
    from agent.console.accounts import Accounts
    from agent.console.audit import Audit
    from agent.console.database import opened
    from agent.errors import ConsoleError

    db = opened(accounts)
    if Accounts(db).all():
        raise ConsoleError(f"{str(accounts)!r} has accounts already. Add more with `casepilot console add`.")
    Accounts(db).add(name, password, "admin")
    Audit(db).write(_by("init"), "account_added", name, role="admin")
    typer.echo(f"{name} may administer; the database is {accounts}")


@app.command()
def add(
    name: Name,
    password: NewPassword,
    role: Annotated[RoleName, typer.Option("--role", help="Each may do what those before it may.")] = "operator",
    accounts: AccountsPath = Path("runs/console.sqlite"),
) -> None:
    """Add an account."""
    from agent.console.accounts import Accounts
    from agent.console.audit import Audit

    db = _database(accounts)
    Accounts(db).add(name, password, role)
    Audit(db).write(_by("add"), "account_added", name, role=role)
    typer.echo(f"{name} is {role}")


@app.command()
def password(name: Name, password: NewPassword, accounts: AccountsPath = Path("runs/console.sqlite")) -> None:
    """Set another password; the account's logins end."""
    from agent.console.accounts import Accounts
    from agent.console.audit import Audit

    db = _database(accounts)
    Accounts(db).set_password(name, password)
    Audit(db).write(_by("password"), "password_set", name)
    typer.echo(f"{name} has another password")


@app.command()
def role(
    name: Name,
    role: Annotated[RoleName | None, typer.Argument(help="The new role; left out, it stays.", show_default=False)] = None,
    disable: Annotated[bool, typer.Option("--disable/--enable", help="Whether the account may sign in no more.")] = False,
    accounts: AccountsPath = Path("runs/console.sqlite"),
) -> None:
    """Change what an account may do."""
    from agent.console.accounts import Accounts
    from agent.console.audit import Audit
    from agent.errors import ConsoleError

    db = _database(accounts)
    account = Accounts(db).find(name)
    if account is None:
        raise ConsoleError(f"There is no account {name!r}. Add it with `casepilot console add`.")
    chosen = role or account.role
    Accounts(db).set_role(name, chosen, disabled=disable)
    Audit(db).write(_by("role"), "role_set", name, role=chosen, disabled=disable)
    typer.echo(f"{name} is {chosen}{', disabled' if disable else ''}")


@app.command(epilog="Example:\n\n  casepilot console tokens --issue robot --label 'nightly checks' --days 30")
def tokens(
    issue: Annotated[str, typer.Option("--issue", metavar="ACCOUNT", help="Issue a token that acts for this account.")] = "",
    revoke: Annotated[str, typer.Option("--revoke", metavar="ID", help="Revoke a token.")] = "",
    label: Annotated[str, typer.Option("--label", help="What it is for.")] = "",
    days: Annotated[float, typer.Option("--days", min=0.0, help="How long it is good for.")] = 90.0,
    accounts: AccountsPath = Path("runs/console.sqlite"),
) -> None:
    """List the tokens of programs that use the API; issue or revoke one."""
    from rich.console import Console
    from rich.table import Table

    from agent.console.audit import Audit
    from agent.console.tokens import Tokens

    db = _database(accounts)
    if issue:
        id, secret = Tokens(db).issue(issue, label, days)
        Audit(db).write(_by("tokens"), "token_issued", id, account=issue, label=label)
        typer.echo(f"token {id} for {issue}, told this once:", err=True)
        typer.echo(secret)
        return
    if revoke:
        Tokens(db).revoke(revoke)
        Audit(db).write(_by("tokens"), "token_revoked", revoke)
        typer.echo(f"token {revoke} is revoked")
        return
    table = Table("Id", "Account", "Label", "Created", "Expires", "Revoked")
    for token in Tokens(db).all():
        created = token.created[:19]
        table.add_row(token.id, token.name, token.label, created, token.expires[:19], "yes" if token.revoked else "")
    Console().print(table)


@app.command()
def audit(
    most: Annotated[int, typer.Option("--most", min=1, help="So many of the newest entries.")] = 50,
    accounts: AccountsPath = Path("runs/console.sqlite"),
) -> None:
    """Print the audit log, newest first; exits with 1 when it was changed behind the console's back."""
    import json

    from rich.console import Console
    from rich.table import Table

    from agent.console.audit import Audit

    log = Audit(_database(accounts))
    table = Table("No.", "Time", "Who", "What", "Subject", "Detail")
    for entry in log.entries(most):
        detail = json.dumps(entry.detail, ensure_ascii=False)[:160] if entry.detail else ""
        table.add_row(str(entry.seq), entry.time[:19], entry.who, entry.what, entry.subject, detail)
    Console().print(table, markup=False)
    if (broken := log.broken()) is not None:
        typer.secho(f"Entry {broken} does not follow from the one before it: the log was changed.", fg="red", err=True)
        raise typer.Exit(1)


@app.command(epilog="Example:\n\n  casepilot console serve runs/monday --console-port 8020")
def serve(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a run that is not going on now.", show_default=False)],
    port: ConsolePort = 8020,
    accounts: AccountsPath = Path("runs/console.sqlite"),
    config: ConsoleFile = None,
) -> None:
    """Serve the console over the records of a run, without agents: all can be seen, nothing answered."""
    from agent.interrupt import run

    settings = console_settings(config, port, accounts)
    run(_serve(run_dir, settings))


async def _serve(run_dir: Path, settings: ConsoleSettings) -> None:
    import asyncio

    from agent.console.parts import without_agents
    from agent.console.serving import running_console
    from agent.errors import RunError
    from agent.interrupt import Interrupt
    from agent.runner import locked
    from agent.store import Store

    if not (run_dir / "casepilot.sqlite").is_file():
        raise RunError(f"There is no run in {str(run_dir)!r}. Give the folder of one, or start one with --console.")
    stopped, interrupt = asyncio.Event(), Interrupt()
    with locked(run_dir):
        store = Store(run_dir / "casepilot.sqlite")
        try:
            async with running_console(without_agents(settings, store)) as address:
                typer.echo(f"console on {address}; Ctrl-C ends it", err=True)
                with interrupt.handler(stopped.set):
                    await stopped.wait()
        finally:
            store.close()


def add_to(parent: typer.Typer) -> None:
    parent.add_typer(app, name="console")
