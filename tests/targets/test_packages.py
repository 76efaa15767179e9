"""Packages of third parties: what is said when they cannot be had, and that half an installation is never taken for one."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from fixtures.targets import packages
from fixtures.targets.errors import TargetError, UnavailableError
from fixtures.targets.packages import cache_folder, npm_package, python_with

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache_folder()


@pytest.fixture
def no_pypi(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"CONFIG_FILE": "/dev/null", "INDEX_URL": f"{NOBODY}/simple", "FIND_LINKS": "", "TIMEOUT": "1"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for npm: a script that packs a file inside of the package and one that climbs out of it."""
    packed = tmp_path / "made.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        for name in ("package/dist/form.js", "../outside.js"):
            entry = tarfile.TarInfo(name)
            entry.size = len(name)
            archive.addfile(entry, io.BytesIO(name.encode()))
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs\ncp {packed} made-1.0.tgz\n")
    npm.chmod(0o755)
    monkeypatch.setattr(packages, "_npm", lambda: str(npm))
    return tmp_path


def test_a_registry_out_of_reach_is_told_with_what_to_do(empty_cache: Path, no_pypi: None) -> None:
    with pytest.raises(UnavailableError, match=r"Connect this machine, or name a mirror"):
        python_with("never", ("there==1.0",))


def test_another_failure_is_not_taken_for_a_registry_out_of_reach(package: Path, empty_cache: Path) -> None:
    (package / "npm").write_text("#!/bin/sh\necho 'no such option'; exit 3\n")
    with pytest.raises(TargetError, match="no such option") as raised:
        npm_package("@made/form", "1.0")
    assert not isinstance(raised.value, UnavailableError)


def test_what_failed_is_begun_anew(package: Path, empty_cache: Path) -> None:
    working = (package / "npm").read_text()
    (package / "npm").write_text("#!/bin/sh\ntouch half; echo 'ENOTFOUND'; exit 1\n")
    with pytest.raises(UnavailableError, match="ENOTFOUND"):
        npm_package("@made/form", "1.0")
    (package / "npm").write_text(working)
    folder = npm_package("@made/form", "1.0")
    assert (folder / "dist" / "form.js").exists()
    assert not (folder.parent / "half").exists()


def test_a_package_is_fetched_once_and_stays_in_its_folder(package: Path, empty_cache: Path) -> None:
    folder = npm_package("@made/form", "1.0")
    assert npm_package("@made/form", "1.0") == folder
    assert (folder / "dist" / "form.js").read_text() == "package/dist/form.js"
    assert not list(package.rglob("outside.js"))
    assert (package / "runs").read_text().splitlines() == ["run"]
