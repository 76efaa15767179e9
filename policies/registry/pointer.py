"""Which version of a store is active: one small file, replaced in one stroke."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from policies.disk import replace_text
from policies.errors import ModelError
from policies.registry.manifest import MODEL, intact, version_name
from schema_extraction.view import Frozen

STORE = "store.json"
ACTIVE = "active.json"
VERSIONS = "versions"


class Move(Frozen):
    """One change of the active version, UTC. `version` is None where there is none any more."""

    how: Literal["activate", "rollback"]
    version: int | None
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


class Pointer(Frozen):
    """`earlier`: the versions that were active before, the latest last; a rollback goes back along them. `moves`: all that was
    done."""

    active: int | None = None
    earlier: tuple[int, ...] = ()
    moves: tuple[Move, ...] = ()

    def activated(self, version: int) -> Pointer:
        """With another active version; the present one is the first to go back to."""
        if version == self.active:
            return self
        earlier = self.earlier if self.active is None else (*self.earlier, self.active)
        return Pointer(active=version, earlier=earlier, moves=(*self.moves, Move(how="activate", version=version)))

    def rolled_back(self) -> Pointer:
        """With the version that was active before this one; there must be one."""
        version = self.earlier[-1]
        return Pointer(active=version, earlier=self.earlier[:-1], moves=(*self.moves, Move(how="rollback", version=version)))


def is_store(path: Path) -> bool:
    return (path / STORE).is_file()


def outside(path: Path) -> None:
    """Raises ModelError when a folder that is to be written to is a store, or lies among the versions of one."""
    whole = path.resolve()
    if is_store(whole) or any(parent.name == VERSIONS and is_store(parent.parent) for parent in whole.parents):
        raise ModelError(
            f"{str(path)!r} belongs to a model store, whose versions never change. Work on a folder of its own, "
            "then `casepilot models add STORE FOLDER`."
        )


def read_pointer(store: Path) -> Pointer:
    """Which version of a store is active.

    Raises:
        ModelError: the file that says so is damaged.
    """
    file = store / ACTIVE
    if not file.is_file():
        return Pointer()
    try:
        return Pointer.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError) as error:
        raise ModelError(
            f"Store {str(store)!r}: {ACTIVE} cannot be read. Delete it and choose with `casepilot models activate`."
        ) from error


def write_pointer(store: Path, pointer: Pointer) -> None:
    replace_text(store / ACTIVE, pointer.model_dump_json(indent=1))


def version_folder(store: Path, version: int) -> Path:
    return store / VERSIONS / version_name(version)


def resolved(path: Path) -> Path:
    """The model folder that a path stands for: of a store that of its active version, else the path itself.

    Raises:
        ModelError: the store has no active version, or the files of that version are not those of its manifest.
    """
    if not is_store(path):
        return path
    active = read_pointer(path).active
    if active is None:
        raise ModelError(f"Store {str(path)!r} has no active version. Choose one with `casepilot models activate`.")
    folder = version_folder(path, active)
    intact(folder)
    return folder / MODEL
