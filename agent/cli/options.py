"""Options that several commands share. Credentials are read here and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agent.console.settings import ConsoleSettings
    from agent.settings import Credentials
    from schema_extraction.profile import Profile

ProfilePath = Annotated[
    Path, typer.Option("--profile", "-p", help="Profile of the application's UI (YAML).", show_default=False)
]
OptionalProfilePath = Annotated[
    Path | None, typer.Option("--profile", "-p", help="Profile of the application's UI (YAML).", show_default=False)
]
ModelPath = Annotated[
    Path,
    typer.Option("--model", "-m", help="Folder of a trained model, or a model store: its active version.", show_default=False),
]
Username = Annotated[
    str, typer.Option("--username", envvar="CASEPILOT_USERNAME", help="Account to sign in with.", show_default=False)
]
Password = Annotated[
    str,
    typer.Option(
        "--password", envvar="CASEPILOT_PASSWORD", help="Its password; better given in the environment.", show_default=False
    ),
]
BaseUrl = Annotated[
    str, typer.Option("--base-url", help="Address of the application, in place of the profile's.", show_default=False)
]
Headed = Annotated[bool, typer.Option("--headed/--headless", help="Show the browser's window.")]
Operator = Annotated[str, typer.Option("--operator", help="Name of the operator who works in the page.")]

AccountsPath = Annotated[
    Path, typer.Option("--accounts", envvar="CASEPILOT_CONSOLE_DB", help="The console's database: accounts, audit log.")
]
ConsolePort = Annotated[int, typer.Option("--console-port", min=0, max=65535, help="Port of the console.")]
ConsoleFile = Annotated[
    Path | None,
    typer.Option("--console-config", help="Further settings of the console (YAML); see docs/console.md.", show_default=False),
]


def the_profile(path: Path, base_url: str = "") -> Profile:
    """The profile in a file, with another address if one is given."""
    from schema_extraction.profile import load_profile

    profile = load_profile(path)
    return profile.model_copy(update={"base_url": base_url.rstrip("/")}) if base_url else profile


def the_profile_for(path: Path | None, model: Path, base_url: str = "") -> Profile:
    """The profile in a file, or without one that which came with the model.

    Raises:
        UsageError: there is neither, or they are not the same.
    """
    from agent.errors import UsageError
    from policies.bundle import PROFILE
    from policies.registry.pointer import resolved

    kept = resolved(model) / PROFILE
    if path is None and not kept.is_file():
        raise UsageError(f"Expected a profile: {str(model)!r} came without one. Give it with --profile.")
    profile = the_profile(path or kept, base_url)
    if path is not None and kept.is_file() and profile != the_profile(kept, profile.base_url):
        raise UsageError(
            f"{str(path)!r} is another profile than the one that model {str(model)!r} was added with. "
            "Leave --profile out to use that one, or add the model again with the new profile."
        )
    return profile


def the_credentials(username: str, password: str) -> Credentials | None:
    """The account to sign in with, or None when none is given.

    Raises:
        UsageError: one of the two is missing.
    """
    from pydantic import SecretStr

    from agent.errors import UsageError
    from agent.settings import Credentials

    if not username and not password:
        return None
    if not username or not password:
        missing = "CASEPILOT_PASSWORD" if username else "CASEPILOT_USERNAME"
        raise UsageError(f"Expected a user name and a password, met only one; set {missing} too.")
    return Credentials(username=username, password=SecretStr(password))


def console_settings(config: Path | None, port: int, accounts: Path) -> ConsoleSettings:
    """The console's settings: those of a file, with port and database from the command line.

    Raises:
        UsageError: the file cannot be read, or has a setting that is not known or not right.
    """
    import yaml
    from pydantic import ValidationError

    from agent.console.settings import ConsoleSettings
    from agent.errors import UsageError

    try:
        found = yaml.safe_load(config.read_text(encoding="utf-8")) if config else {}
        return ConsoleSettings.model_validate({"port": port, "accounts": accounts} | (found or {}))
    except (OSError, yaml.YAMLError, TypeError) as error:
        raise UsageError(f"Cannot read the settings {str(config)!r}: {error}. Give a YAML file of names and values.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{str(config)!r}: cannot set {where!r} to {first['input']!r}: {first['msg']}.") from error
