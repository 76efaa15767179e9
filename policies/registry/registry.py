"""Versions come in, one is active, and going back is one call."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from policies.bundle import META, PROFILE, verified, write_meta
from policies.disk import replace_text
from policies.errors import ModelError
from policies.registry.manifest import MANIFEST, MODEL, Manifest, digests, intact, read_manifest, version_name
from policies.registry.pointer import (
    STORE,
    VERSIONS,
    Pointer,
    is_store,
    outside,
    read_pointer,
    version_folder,
    write_pointer,
)
from schema_extraction.view import VIEW_VERSION, Frozen

FORMAT = 1


class Mark(Frozen):
    """What `store.json` says."""

    format: int = FORMAT


@dataclass(frozen=True)
class Listed:
    """One version as it is listed. `refused`: why it cannot be used, empty when it can."""

    version: int
    active: bool
    manifest: Manifest | None
    refused: str = ""


@dataclass(frozen=True)
class Registry:
    """The store in a folder; make one with `Registry.create`, open one with `Registry.at`."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> Registry:
        """Make an empty store.

        Raises:
            ModelError: the folder is one already, or holds something else.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            what = "is a model store already" if is_store(folder) else "exists and is not empty"
            raise ModelError(f"{str(folder)!r} {what}. Give a new folder for the store.")
        (folder / VERSIONS).mkdir(parents=True)
        replace_text(folder / STORE, Mark().model_dump_json(indent=1))
        return cls(folder)

    @classmethod
    def at(cls, folder: Path) -> Registry:
        """The store in a folder.

        Raises:
            ModelError: there is none, or one of another format.
        """
        if not is_store(folder):
            raise ModelError(f"No model store at {str(folder)!r}. Make one with `casepilot models init {folder}`.")
        try:
            mark = Mark.model_validate_json((folder / STORE).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ModelError(f"Store {str(folder)!r}: {STORE} cannot be read. Take it from a copy of the store.") from error
        if mark.format != FORMAT:
            raise ModelError(
                f"Store {str(folder)!r} is of format {mark.format}, expected {FORMAT}: another casepilot wrote it. "
                "Use that one, or make a new store."
            )
        return cls(folder)

    @property
    def pointer(self) -> Pointer:
        return read_pointer(self.folder)

    def versions(self) -> list[int]:
        """The numbers of all versions, earliest first."""
        return sorted(int(path.name) for path in (self.folder / VERSIONS).iterdir() if path.name.isdigit())

    def add(self, model: Path, note: str = "", profile: Path | None = None, parent: int | None = None) -> Manifest:
        """Copy a model folder into the store as its next version, with the `profile` (YAML) that it is for. `parent`: the
        version it follows, None for the active one. It does not become active by this.

        Raises:
            ModelError: the model is missing, damaged or of another view version, in a store, or there is no such parent.
        """
        outside(model)
        meta = verified(model)
        parent = self.pointer.active if parent is None else self._known(parent)
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder / VERSIONS))
        try:
            copy = draft / MODEL
            copy.mkdir()
            for name in (META, *meta.files):
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(model / name, copy / name)
            if profile is not None:
                shutil.copyfile(profile, copy / PROFILE)
                meta = write_meta(copy, meta)
            for file in copy.rglob("*"):
                if file.is_file():
                    file.chmod(0o444)
            draft.chmod(0o755)
            while True:
                version = max(self.versions(), default=0) + 1
                manifest = Manifest(
                    version=version,
                    created=datetime.now(UTC),
                    parent=parent,
                    note=note,
                    kind=meta.kind,
                    view_version=meta.view_version,
                    traces=meta.traces,
                    cases=meta.cases,
                    metrics=meta.metrics,
                    profile=meta.files.get(PROFILE, ""),
                    files=digests(copy),
                )
                replace_text(draft / MANIFEST, manifest.model_dump_json(indent=1))
                try:
                    draft.rename(version_folder(self.folder, version))
                    return manifest
                except OSError:
                    if version not in self.versions():  # else somebody else took the number: take the next one
                        raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def listed(self) -> Iterator[Listed]:
        """All versions, earliest first; one that cannot be used says why."""
        active = self.pointer.active
        for version in self.versions():
            try:
                yield Listed(version, version == active, self.checked(version))
            except ModelError as error:
                try:
                    manifest = read_manifest(version_folder(self.folder, version))
                except ModelError:
                    manifest = None
                yield Listed(version, version == active, manifest, str(error))

    def model(self, version: int) -> Path:
        """The model folder of a version. Raises ModelError when there is no such version."""
        return version_folder(self.folder, self._known(version)) / MODEL

    def checked(self, version: int) -> Manifest:
        """The manifest of a version that can be used.

        Raises:
            ModelError: there is no such version, its files are not those of its manifest, or it is of another view version.
        """
        manifest = intact(version_folder(self.folder, self._known(version)))
        if manifest.view_version != VIEW_VERSION:
            raise ModelError(
                f"Version {manifest.name} of {str(self.folder)!r} was trained for view version {manifest.view_version}, "
                f"this is version {VIEW_VERSION}. Train it again on traces of this version."
            )
        verified(self.model(version))
        return manifest

    def activate(self, version: int) -> Pointer:
        """Make a version the active one. Raises ModelError when it cannot be used; the active one then stays as it is."""
        self.checked(version)
        return self._point(self.pointer.activated(version))

    def rollback(self) -> Pointer:
        """Make that version active that was active before the present one.

        Raises:
            ModelError: there was none, or it cannot be used; the active one then stays as it is.
        """
        pointer = self.pointer
        if not pointer.earlier:
            raise ModelError(
                f"No version of {str(self.folder)!r} was active before the present one. "
                "Choose with `casepilot models activate`."
            )
        self.checked(pointer.earlier[-1])
        return self._point(pointer.rolled_back())

    def _point(self, pointer: Pointer) -> Pointer:
        write_pointer(self.folder, pointer)
        return pointer

    def _known(self, version: int) -> int:
        versions = self.versions()
        if version not in versions:
            there = ", ".join(map(version_name, versions)) or "none yet"
            raise ModelError(f"Store {str(self.folder)!r} has no version {version_name(version)}; it has: {there}.")
        return version
