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

import numpy as np
import pytest
import torch

from policies.bundle import CRITIC, TYPED, Meta, write_meta
from policies.dataset import example, learn_memory, read_cases, samples
from policies.encoder import EncoderSettings, TextEncoder
from policies.novelty import learn_novelty
from policies.registry.registry import Registry
from policies.replies.learning import learn_replies
from policies.replies.store import save as save_replies
from policies.small.critic import SmallCritic, TypedCritic, Weights
from policies.small.features import NAMES, TYPED_NAMES
from policies.small.knowledge import learn_knowledge
from policies.small.model import NetConfig, PolicyNet
from policies.small.policy import SmallPolicy
from policies.small.store import save
from tests.policies import worlds
from tests.policies.elsewhere import decisions

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
    """All parts of a model, those that would take a training with random weights, which are no kinder to the last bit."""
    folder = tmp_path_factory.mktemp("here")
    encoder = TextEncoder(EncoderSettings(cache=folder / "texts"))
    worlds.record(folder / "traces", 8, seed=2)
    done = {case_id: list(samples(steps)) for case_id, steps in read_cases(folder / "traces").items()}
    every = [sample for found in done.values() for sample in found]
    memory = learn_memory(every)
    examples = {case_id: [made for s in found if (made := example(s, memory))] for case_id, found in done.items()}
    known = learn_knowledge(examples, encoder.embed, 0)
    torch.manual_seed(0)
    net = PolicyNet(NetConfig(width=32, hidden=64, layers=1, words=len(known.lexicon.words)))
    policy = SmallPolicy(net, memory, known, encoder, learn_novelty((s.view for s in every), ()))
    out = folder / "model"
    out.mkdir()
    save(policy, out)
    rng = np.random.default_rng(0)
    (out / CRITIC).write_text(SmallCritic(policy, weights(rng, len(NAMES), 3 * 32)).to_json(), encoding="utf-8")
    (out / TYPED).write_text(TypedCritic(weights(rng, len(TYPED_NAMES), 0)).to_json(), encoding="utf-8")
    replies = learn_replies(every, memory.templates["send_message"], encoder.embed)
    assert replies is not None
    save_replies(replies, out)
    write_meta(out, Meta(encoder_sha=encoder.sha))
    return out


def weights(rng: np.random.Generator, features: int, vector: int) -> Weights:
    """A critic that weighs all features, and four directions of the vectors."""
    k = 4 if vector else 0
    return Weights(
        np.arange(features),
        rng.normal(size=(k, vector)),
        rng.normal(size=vector),
        rng.normal(size=features + k),
        rng.uniform(1, 9, size=features + k),
        rng.normal(size=features + k),
        np.array(0.1),
    )


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


def test_a_hugging_face_tokenizer_can_be_read_from_a_model_folder(model: Path) -> None:
    from safetensors import safe_open
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(model).tokenize("Where is my refund?") == ["where", "is", "my", "refund", "?"]
    with safe_open(model / "model.safetensors", "pt") as arrays:
        assert arrays.get_tensor("net.trust").shape == (3,)
    assert json.loads((model / "config.json").read_text(encoding="utf-8"))["model_type"] == "casepilot-small"
