"""What a store knows of one version: where it came from, what it is, and the sha256 of each of its files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from policies.disk import sha256
from policies.errors import ModelError
from schema_extraction.view import Frozen

MANIFEST = "manifest.json"
MODEL = "model"
"""The folder of the model, beside its manifest."""


class Manifest(Frozen):
    """`created`: when the version came into the store, UTC. `parent`: the version it follows. `view_version`, `traces`
    (digest), `cases`, `metrics`: see `policies.bundle.Meta`. `profile`: sha256 of the profile in it, empty for none. `files`:
    sha256 by name."""

    version: int
    created: datetime
    parent: int | None = None
    note: str = ""
    kind: str = "small"
    view_version: int
    traces: str = ""
    cases: int = 0
    metrics: dict[str, float] = {}
    profile: str = ""
    files: dict[str, str]

    @property
    def name(self) -> str:
        return version_name(self.version)


def version_name(version: int) -> str:
    """The folder of a version: four digits, more when needed."""
    return f"{version:04d}"


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of every file at or below a folder, by its path in it."""
    return {file.relative_to(folder).as_posix(): sha256(file) for file in sorted(folder.rglob("*")) if file.is_file()}


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the version in `folder`.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"No manifest in {str(folder)!r}: it is no whole version. See `casepilot models ls` for those there are."
        ) from error
    except (OSError, ValueError, ValidationError) as error:
        raise ModelError(
            f"Version {str(folder)!r} is damaged: {MANIFEST} cannot be read. Go back with `casepilot models rollback`."
        ) from error


def intact(folder: Path) -> Manifest:
    """The manifest of a version, once its files are those that it names.

    Raises:
        ModelError: a file is missing, was changed, or came from elsewhere.
    """
    manifest = read_manifest(folder)
    there = digests(folder / MODEL)
    faults = [f"{name} is missing" for name in sorted(manifest.files.keys() - there.keys())]
    faults += [f"{name} is not in the manifest" for name in sorted(there.keys() - manifest.files.keys())]
    faults += [
        f"{name} was changed (sha256 {there[name][:12]}, expected {digest[:12]})"
        for name, digest in manifest.files.items()
        if name in there and there[name] != digest
    ]
    if faults:
        raise ModelError(
            f"Version {manifest.name} of {str(folder.parent.parent)!r} is damaged: {'; '.join(faults)}. "
            "Go back with `casepilot models rollback`, or add the model again."
        )
    return manifest
