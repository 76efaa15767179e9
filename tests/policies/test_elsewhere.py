"""A model taken to another machine decides the same, to the last bit.

The other machine is a process whose libraries are told that they run on a processor of 2008: it adds in another order and knows
no fused multiplication. Its texts are embedded anew.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from policies.bundle import load
from policies.encoder import EncoderSettings, _model_folder
from policies.errors import ModelError
from policies.registry.registry import Registry
from policies.train import TINY, train_critic, train_policy
from tests.policies import made, worlds
from tests.policies.elsewhere import decisions
from tests.policies.test_train import copilot

REPOSITORY = Path(__file__).parents[2]
OLD_PROCESSOR = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "NEHALEM",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F,-AVX",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained a little, with critics."""
    folder = tmp_path_factory.mktemp("here")
    texts = EncoderSettings(cache=folder / "texts")
    little = TINY.but(epochs=1, min_steps=20, strengths=(0.1,), derived=False, comparisons=False)
    worlds.record(folder / "traces", 16, seed=2)
    train_policy(folder / "traces", folder / "model", little, encoder=texts)
    copilot(load(folder / "model", texts).policy, folder / "feedback", 12, seed=8)
    train_critic(folder / "model", folder / "feedback", little, encoder=texts, part=None)
    return folder / "model"


def test_a_model_decides_the_same_on_another_machine_to_the_last_bit(model: Path, tmp_path: Path) -> None:
    registry = Registry.create(tmp_path / "here")
    registry.activate(registry.add(model).version)
    there = shutil.copytree(registry.folder, tmp_path / "there")
    done = subprocess.run(
        [sys.executable, "-m", "tests.policies.elsewhere", str(there), str(tmp_path / "texts")],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **OLD_PROCESSOR},
        capture_output=True,
        text=True,
        check=True,
    )
    capability, found = json.loads(done.stdout)
    assert capability in ("DEFAULT", "NO AVX")
    mine = decisions(registry.folder, tmp_path / "own texts")
    assert len(mine) > 20
    assert found == json.loads(json.dumps(mine))


def test_a_text_encoder_of_ones_own_travels_with_the_model(tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(_model_folder(""), own)
    texts = EncoderSettings(model=str(own), cache=tmp_path / "texts")
    worlds.record(tmp_path / "traces", 8, seed=2)
    little = TINY.but(epochs=1, min_steps=5, derived=False, comparisons=False)
    train_policy(tmp_path / "traces", tmp_path / "model", little, encoder=texts)
    there = tmp_path / "there"
    (tmp_path / "model").rename(there)
    shutil.rmtree(own)
    loaded = load(there, EncoderSettings(cache=tmp_path / "new texts"))
    assert loaded.policy.propose(made.view(), ())
    (there / "encoder" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"encoder/config.json was changed"):
        load(there)


def test_a_hugging_face_tokenizer_can_be_read_from_a_model_folder(model: Path) -> None:
    from safetensors import safe_open
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(model).tokenize("Where is my order?") == ["where", "is", "my", "order", "?"]
    with safe_open(model / "model.safetensors", "pt") as arrays:
        assert arrays.get_tensor("net.trust").shape == (3,)
    assert json.loads((model / "config.json").read_text(encoding="utf-8"))["model_type"] == "casepilot-small"
