"""The model folder: whole or refused, with one line that says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policies.bundle import META, Meta, load, new_folder, read_meta, write_meta
from policies.errors import ModelError


def folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    (path / "policy.json").write_text("{}", encoding="utf-8")
    write_meta(path, Meta(metrics={"step_accuracy": 0.9}))
    return path


def one_line(error: pytest.ExceptionInfo[ModelError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_missing_model_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        load(tmp_path / "nothing")
    assert "casepilot train" in one_line(error)


def test_a_changed_file_is_found_by_its_digest(tmp_path: Path) -> None:
    path = folder(tmp_path / "m")
    (path / "policy.json").write_text('{"changed": 1}', encoding="utf-8")
    with pytest.raises(ModelError) as error:
        load(path)
    assert "damaged: policy.json" in one_line(error)


def test_another_view_version_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path / "m")
    plain = json.loads((path / META).read_text(encoding="utf-8"))
    (path / META).write_text(json.dumps(plain | {"view_version": 99}), encoding="utf-8")
    with pytest.raises(ModelError) as error:
        load(path)
    assert "view version 99" in one_line(error) and "Train it again" in one_line(error)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "x"}'])
def test_an_unreadable_description_is_refused(tmp_path: Path, text: str) -> None:
    path = folder(tmp_path / "m")
    (path / META).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError) as error:
        read_meta(path)
    assert "damaged" in one_line(error)


def test_a_model_is_replaced_whole(tmp_path: Path) -> None:
    out = folder(tmp_path / "m")
    (out / "thresholds.json").write_text("{}", encoding="utf-8")
    with new_folder(out) as draft:
        folder(draft)
        assert (out / "thresholds.json").exists()
    assert read_meta(out).metrics == {"step_accuracy": 0.9}
    assert not (out / "thresholds.json").exists()
    assert [f.name for f in tmp_path.iterdir()] == ["m"]


def test_an_interrupted_writing_leaves_the_old_model_and_no_litter(tmp_path: Path) -> None:
    out = folder(tmp_path / "m")
    before = (out / META).read_bytes()
    with pytest.raises(KeyboardInterrupt), new_folder(out) as draft:
        (draft / "half").write_text("x", encoding="utf-8")
        raise KeyboardInterrupt
    assert (out / META).read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["m"]


def test_a_folder_with_other_things_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ModelError) as error, new_folder(tmp_path):
        pytest.fail("never reached")
    assert "is no model" in one_line(error)
    assert (tmp_path / "thesis.txt").exists()
