"""What sets two versions of a model apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from policies.bundle import THRESHOLDS, TYPED_THRESHOLDS, read_meta
from policies.registry.manifest import Manifest
from policies.registry.registry import Registry
from policies.thresholds import Thresholds
from schema_extraction.view import Frozen


class Change(Frozen):
    """One thing that differs; None where a version has no such thing."""

    what: str
    first: str | None
    second: str | None


class Difference(Frozen):
    """`about`: of the manifests and the settings of training; `metrics` and `thresholds` by name; `files`: whose contents
    differ."""

    about: tuple[Change, ...]
    metrics: tuple[Change, ...]
    thresholds: tuple[Change, ...]
    files: tuple[Change, ...]


def difference(registry: Registry, first: int, second: int) -> Difference:
    """What sets `second` apart from `first`. Raises ModelError when one of them cannot be used."""
    manifests = registry.checked(first), registry.checked(second)
    folders = registry.model(first), registry.model(second)
    pairs = list(zip(manifests, folders, strict=True))
    about, metrics = (tuple(read(*pair) for pair in pairs) for read in (_about, _metrics))
    files = tuple({name: digest[:12] for name, digest in manifest.files.items()} for manifest in manifests)
    taus = tuple(_thresholds(folder) for folder in folders)
    return Difference(about=_changes(*about), metrics=_changes(*metrics), thresholds=_changes(*taus), files=_changes(*files))


def _about(manifest: Manifest, folder: Path) -> dict[str, str]:
    meta = read_meta(folder)
    plain: dict[str, Any] = manifest.model_dump(
        include={"kind", "parent", "note", "view_version", "traces", "cases", "profile"}
    )
    plain |= {"encoder": meta.encoder_sha[:12], "seed": meta.seed}
    plain |= {f"setting {name}": value for name, value in meta.settings.items()}
    return {name: str(value) for name, value in plain.items()}


def _metrics(manifest: Manifest, folder: Path) -> dict[str, str]:
    return {name: f"{value:.4g}" for name, value in manifest.metrics.items()}


def _thresholds(folder: Path) -> dict[str, str]:
    found = {}
    for name in (THRESHOLDS, TYPED_THRESHOLDS):
        if (folder / name).is_file():
            for certificate in Thresholds.read(folder / name).certificates:
                what = " ".join(filter(None, (name.removesuffix(".json"), certificate.action_class, certificate.slice)))
                found[what] = "none certified" if certificate.tau is None else f"{certificate.tau:.6g}"
    return found


def _changes(first: Mapping[str, str], second: Mapping[str, str]) -> tuple[Change, ...]:
    return tuple(
        Change(what=name, first=first.get(name), second=second.get(name))
        for name in dict.fromkeys((*first, *second))
        if first.get(name) != second.get(name)
    )
