"""`casepilot models`: the model store, with its versions, the active one, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from policies.registry.difference import Change
    from policies.registry.manifest import Manifest

models = typer.Typer(
    no_args_is_help=True, help="Keep versions of a model; one of them is active, and going back is one command."
)

StorePath = Annotated[Path, typer.Argument(help="Folder of the model store.", show_default=False)]
Version = Annotated[int, typer.Argument(help="Number of a version.", min=1, show_default=False)]
LISTED = ("step_accuracy", "critic_auroc")


@models.command(epilog="Example:\n\n  casepilot models init models/store")
def init(store: StorePath) -> None:
    """Make an empty store."""
    from policies.registry.registry import Registry

    Registry.create(store)
    typer.echo(f"Empty store at {store}. Add a model with `casepilot models add {store} MODEL`.")


@models.command(epilog="Example:\n\n  casepilot models add models/store models/first --profile desk.yaml --activate")
def add(
    store: StorePath,
    model: Annotated[Path, typer.Argument(help="Folder of a trained model.", show_default=False)],
    note: Annotated[str, typer.Option("--note", help="What is new in it, for people.")] = "",
    profile: Annotated[
        Path | None, typer.Option("--profile", "-p", help="Profile of the UI that it is for; kept with it.", show_default=False)
    ] = None,
    activate: Annotated[bool, typer.Option("--activate", help="Make it the active version.")] = False,
) -> None:
    """Copy a model into the store as its next version, which never changes."""
    from policies.registry.registry import Registry
    from schema_extraction.profile import load_profile

    registry = Registry.at(store)
    if profile is not None:
        load_profile(profile)
    manifest = registry.add(model, note, profile)
    typer.echo(f"Version {manifest.name} of {store}: {len(manifest.files)} files from {model}.")
    if activate:
        registry.activate(manifest.version)
        typer.echo(f"Version {manifest.name} is active.")


@models.command("ls", epilog="Example:\n\n  casepilot models ls models/store")
def ls(store: StorePath) -> None:
    """List the versions. One that is damaged or of another view version is listed as refused, with the reason."""
    from rich.console import Console
    from rich.table import Table

    from policies.registry.registry import Registry

    table = Table(title=f"models in {store}")
    for heading in ("Version", "Active", "Created (UTC)", "Follows", "Cases", "Steps right", "Critic AUROC", "Note"):
        table.add_column(heading, overflow="fold")
    refused = []
    for listed in Registry.at(store).listed():
        name = f"{listed.version:04d}"
        mark = "refused" if listed.refused else "active" if listed.active else ""
        table.add_row(name, f"active, {mark}" if listed.active and listed.refused else mark, *_row(listed.manifest))
        if listed.refused:
            refused.append(listed.refused)
    Console().print(table)
    for words in refused:
        typer.echo(words)


@models.command(epilog="Example:\n\n  casepilot models show models/store 2")
def show(
    store: StorePath,
    version: Annotated[int | None, typer.Argument(help="Number of a version. Default: the active one.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Tell all that is known of a version, once its files are found to be whole."""
    from rich.console import Console
    from rich.table import Table

    from policies.errors import ModelError
    from policies.registry.registry import Registry

    registry = Registry.at(store)
    pointer = registry.pointer
    wanted = pointer.active if version is None else version
    if wanted is None:
        raise ModelError(f"Store {str(store)!r} has no active version. Name one, or choose with `casepilot models activate`.")
    manifest = registry.checked(wanted)
    if json:
        typer.echo(manifest.model_dump_json(indent=2))
        return
    table = Table("", "Value", title=f"version {manifest.name} of {store}{' (active)' if wanted == pointer.active else ''}")
    plain = manifest.model_dump(exclude={"metrics", "files", "version"})
    for name, value in plain.items():
        table.add_row(name.replace("_", " "), "-" if value in (None, "") else str(value))
    for name, figure in manifest.metrics.items():
        table.add_row(name.replace("_", " "), f"{figure:.4g}")
    for name, digest in manifest.files.items():
        table.add_row(name, f"sha256 {digest[:12]}")
    Console().print(table)
    for move in pointer.moves:
        typer.echo(f"{move.at:%Y-%m-%d %H:%M} UTC  {move.how} {move.version:04d}")


@models.command(epilog="Example:\n\n  casepilot models diff models/store 1 2")
def diff(store: StorePath, first: Version, second: Version) -> None:
    """Tell what sets two versions apart: training, metrics, thresholds, files."""
    from rich.console import Console

    from policies.registry.difference import difference
    from policies.registry.registry import Registry

    found = difference(Registry.at(store), first, second)
    parts = {"about": found.about, "metrics": found.metrics, "thresholds": found.thresholds, "files": found.files}
    for name, changes in parts.items():
        if changes:
            Console().print(_changes(name, first, second, changes))
    if not any(parts.values()):
        typer.echo("No difference.")


@models.command(epilog="Example:\n\n  casepilot models activate models/store 2")
def activate(store: StorePath, version: Version) -> None:
    """Make a version the active one. A damaged one, or one of another view version, is refused."""
    from policies.registry.registry import Registry

    Registry.at(store).activate(version)
    typer.echo(f"Version {version:04d} of {store} is active.")


@models.command(epilog="Example:\n\n  casepilot models rollback models/store")
def rollback(store: StorePath) -> None:
    """Go back to the version that was active before."""
    from policies.registry.registry import Registry

    typer.echo(f"Version {Registry.at(store).rollback().active:04d} of {store} is active again.")


def _row(manifest: Manifest | None) -> tuple[str, ...]:
    if manifest is None:
        return ("-",) * 6
    figures = ("-" if (value := manifest.metrics.get(name)) is None else f"{value:.3f}" for name in LISTED)
    parent = "-" if manifest.parent is None else f"{manifest.parent:04d}"
    return f"{manifest.created:%Y-%m-%d %H:%M}", parent, str(manifest.cases), *figures, manifest.note


def _changes(name: str, first: int, second: int, changes: tuple[Change, ...]) -> Table:
    from rich.table import Table

    table = Table("", f"{first:04d}", f"{second:04d}", title=name, title_justify="left")
    for change in changes:
        table.add_row(change.what.replace("_", " "), *("-" if v in (None, "") else v for v in (change.first, change.second)))
    return table


def add_to(app: typer.Typer) -> None:
    app.add_typer(models, name="models")
