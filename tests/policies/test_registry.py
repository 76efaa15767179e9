"""The model store: versions that never change, one active, one command back, and reasons for what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from policies.bundle import META, PROFILE, Meta, changed, load, new_folder, read_meta, write_meta
from policies.errors import ModelError
from policies.registry.difference import difference
from policies.registry.manifest import MODEL
from policies.registry.pointer import ACTIVE, STORE, resolved, version_folder
from policies.registry.registry import Registry
from policies.remote.server import Served, connect
from policies.thresholds import Certificate, Thresholds


def model(path: Path, words: str = "{}", **about: object) -> Path:
    """A model folder as far as a store reads it."""
    path.mkdir(parents=True)
    (path / "policy.json").write_text(words, encoding="utf-8")
    write_meta(path, Meta.model_validate({"metrics": {"step_accuracy": 0.9}, "traces": "abc", **about}))
    return path


@pytest.fixture
def store(tmp_path: Path) -> Registry:
    """With two versions, the second one active after the first."""
    registry = Registry.create(tmp_path / "store")
    for number, words in enumerate(("{}", '{"new": 1}'), start=1):
        registry.add(model(tmp_path / f"m{number}", words), note=f"model {number}")
        registry.activate(number)
    return registry


def content(registry: Registry, version: int) -> str:
    return (registry.model(version) / "policy.json").read_text(encoding="utf-8")


def test_versions_are_numbered_and_say_where_they_come_from(store: Registry, tmp_path: Path) -> None:
    first, second = (listed.manifest for listed in store.listed())
    assert first is not None and second is not None
    assert (first.version, first.parent, first.note) == (1, None, "model 1")
    assert (second.version, second.parent) == (2, 1)
    assert second.traces == "abc" and second.metrics == {"step_accuracy": 0.9}
    assert set(second.files) == {META, "policy.json"}
    assert store.add(tmp_path / "m1", parent=1).parent == 1
    assert store.versions() == [1, 2, 3]


def test_a_store_stands_for_its_active_version_and_one_call_goes_back(store: Registry) -> None:
    assert resolved(store.folder) == store.model(2)
    assert read_meta(resolved(store.folder)).traces == "abc"
    assert store.rollback().active == 1
    assert resolved(store.folder) == store.model(1)
    with pytest.raises(ModelError, match="was active before.*models activate"):
        store.rollback()
    assert [(move.how, move.version) for move in store.pointer.moves] == [("activate", 1), ("activate", 2), ("rollback", 1)]


def test_each_rollback_goes_one_further_back(store: Registry, tmp_path: Path) -> None:
    store.add(tmp_path / "m1")
    store.activate(3)
    assert [store.rollback().active, store.rollback().active] == [2, 1]
    store.activate(3)
    assert store.rollback().active == 1


def test_a_path_that_is_no_store_is_the_model_folder_itself(tmp_path: Path) -> None:
    assert resolved(tmp_path) == tmp_path
    empty = Registry.create(tmp_path / "store")
    with pytest.raises(ModelError, match="no active version.*models activate"):
        load(empty.folder)


@pytest.mark.parametrize("damage", ["changed", "missing", "foreign", "description"])
def test_a_damaged_version_is_refused_with_the_reason_wherever_it_is_met(store: Registry, damage: str) -> None:
    folder = store.model(2)
    if damage == "changed":
        (folder / "policy.json").chmod(0o644)
        (folder / "policy.json").write_text("{ }", encoding="utf-8")
        reason = r"policy\.json was changed \(sha256 [0-9a-f]{12}, expected [0-9a-f]{12}\)"
    elif damage == "missing":
        (folder / "policy.json").unlink()
        reason = r"policy\.json is missing"
    elif damage == "foreign":
        (folder / "thresholds.json").write_text("{}", encoding="utf-8")
        reason = r"thresholds\.json is not in the manifest"
    else:  # with digests that fit one another again
        (folder / "policy.json").chmod(0o644)
        (folder / META).chmod(0o644)
        (folder / "policy.json").write_text("{ }", encoding="utf-8")
        write_meta(folder, read_meta(folder))
        reason = r"bundle\.json was changed"
    for attempt in (lambda: load(store.folder), lambda: store.activate(2), lambda: difference(store, 1, 2)):
        with pytest.raises(ModelError, match=reason):
            attempt()
    first, second = store.listed()
    assert not first.refused and second.active and "casepilot models rollback" in second.refused
    store.rollback()
    assert resolved(store.folder) == store.model(1)


def test_a_rollback_to_a_damaged_version_is_refused_and_changes_nothing(store: Registry) -> None:
    (store.model(1) / "policy.json").unlink()
    with pytest.raises(ModelError, match="Version 0001 .* is damaged"):
        store.rollback()
    assert store.pointer.active == 2


def test_another_view_version_is_refused(store: Registry, tmp_path: Path) -> None:
    old = model(tmp_path / "old")
    plain = json.loads((old / META).read_text(encoding="utf-8"))
    (old / META).write_text(json.dumps(plain | {"view_version": 99}), encoding="utf-8")
    with pytest.raises(ModelError, match="view version 99"):
        store.add(old)
    assert store.versions() == [1, 2]
    manifest = version_folder(store.folder, 1) / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"view_version": ', '"view_version": 9'), encoding="utf-8")
    with pytest.raises(ModelError, match="Version 0001 .* view version 9"):
        store.activate(1)


def test_a_damaged_model_does_not_come_in(store: Registry, tmp_path: Path) -> None:
    (tmp_path / "m1" / "policy.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError, match=r"policy\.json was changed"):
        store.add(tmp_path / "m1")
    assert [path.name for path in (store.folder / "versions").iterdir() if path.name.startswith(".")] == []


def test_versions_never_change(store: Registry) -> None:
    for path in (store.folder, store.model(1)):
        with pytest.raises(ModelError, match="never change.*casepilot models add"), changed(path):
            pytest.fail("never reached")
        with pytest.raises(ModelError, match="never change"), new_folder(path):
            pytest.fail("never reached")
        with pytest.raises(ModelError, match="never change"):
            store.add(path)
    assert content(store, 1) == "{}"


def test_a_store_is_not_connected_to_a_server(store: Registry) -> None:
    for path in (store.folder, version_folder(store.folder, 1) / "model"):
        with pytest.raises(ModelError, match="belongs to a model store"):
            connect(path, Served(url="http://127.0.0.1:9/v1", policy="policy"))


def test_a_version_that_was_copied_out_can_be_worked_on(store: Registry, tmp_path: Path) -> None:
    out = shutil.copytree(store.model(2), tmp_path / "work")
    assert not (out / "policy.json").stat().st_mode & 0o222
    with changed(out) as folder:
        assert (folder / "policy.json").stat().st_mode & 0o200
        (folder / "policy.json").write_text('{"newer": 1}', encoding="utf-8")
    assert store.add(out).version == 3 and content(store, 2) == '{"new": 1}'


def test_the_profile_is_kept_with_the_model(store: Registry, tmp_path: Path) -> None:
    profile = tmp_path / "desk.yaml"
    profile.write_text("name: desk\n", encoding="utf-8")
    manifest = store.add(tmp_path / "m1", profile=profile)
    assert manifest.profile == manifest.files[PROFILE]
    store.activate(manifest.version)
    assert (resolved(store.folder) / PROFILE).read_text(encoding="utf-8") == "name: desk\n"
    assert not (tmp_path / "m1" / PROFILE).exists()


def test_what_sets_two_versions_apart(store: Registry, tmp_path: Path) -> None:
    certificate = Certificate(
        action_class="click", target=0.9, delta=0.1, tau=0.7, count=50, passing=40, accepted=39, precision_lower=0.91
    )
    third = model(tmp_path / "m3", '{"new": 1}', seed=4, metrics={"step_accuracy": 0.95})
    with changed(third) as folder:
        Thresholds(certificates=(certificate,)).write(folder / "thresholds.json")
    store.add(third, note="model 2")
    found = difference(store, 2, 3)
    assert {change.what for change in found.about} == {"parent", "seed"}
    assert [(c.what, c.first, c.second) for c in found.metrics] == [("step_accuracy", "0.9", "0.95")]
    assert [(c.what, c.first, c.second) for c in found.thresholds] == [("thresholds click", None, "0.7")]
    assert {change.what for change in found.files} == {META, "thresholds.json"}
    assert difference(store, 3, 3).files == ()


def test_a_store_is_not_made_where_something_is(store: Registry, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a model store already"):
        Registry.create(store.folder)
    with pytest.raises(ModelError, match="not empty"):
        Registry.create(tmp_path)
    with pytest.raises(ModelError, match="No model store.*models init"):
        Registry.at(tmp_path)


def test_an_unknown_version_names_those_there_are(store: Registry) -> None:
    with pytest.raises(ModelError, match="no version 0007; it has: 0001, 0002"):
        store.activate(7)


def test_a_damaged_pointer_says_what_to_do(store: Registry) -> None:
    (store.folder / ACTIVE).write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"active\.json cannot be read.*models activate"):
        load(store.folder)
    (store.folder / STORE).write_text('{"format": 9}', encoding="utf-8")
    with pytest.raises(ModelError, match="format 9, expected 1"):
        Registry.at(store.folder)


def test_a_version_number_that_somebody_else_took_meanwhile_is_not_taken_twice(
    store: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = Registry.versions, []

    def late(self: Registry) -> list[int]:
        seen.append(1)
        return real(self)[:1] if len(seen) == 2 else real(self)  # as it was before the other one came in

    monkeypatch.setattr(Registry, "versions", late)
    assert store.add(tmp_path / "m1", parent=1).version == 3
    assert content(store, 2) == '{"new": 1}'


def test_the_folder_of_a_version_holds_the_model_alone(store: Registry) -> None:
    assert sorted(path.name for path in version_folder(store.folder, 1).iterdir()) == ["manifest.json", MODEL]
