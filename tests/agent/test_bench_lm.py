"""The benchmark of causal LMs: every figure is measured, and every drawn answer is checked."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from agent.bench import lm as measuring
from policies.causal_lm import scratch
from policies.causal_lm.train import CausalSettings, train_policy
from policies.errors import ModelError
from tests.policies import lm


def test_every_figure_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scratch.SIZES, "tiny", lm.SIZE)
    monkeypatch.setattr(measuring, "SECONDS", 0.05)
    traces = lm.write_traces(tmp_path / "traces", cases=6)
    settings = CausalSettings(epochs=0.5, batch=4, rows=4, budget=900, threads=1, judged=2)
    train_policy(traces, tmp_path / "model", settings)
    found = measuring.measure(tmp_path / "model", traces, measuring.LmSettings(decisions=9, decodes=400, decoded=4))
    assert found.decisions == 9 and found.p95 >= found.p50 > 0
    assert 0.3 < found.reused < 1.0
    assert found.decodes == 400 and found.invalid == 0
    figures = (found.prefill, found.decode, found.batched, found.of_arithmetic, found.of_bandwidth)
    assert all(math.isfinite(figure) and figure > 0 for figure in figures)
    assert "invalid" in str([str(cell) for cell in measuring.table(found).columns[0].cells])
    found.write(tmp_path / "out" / "results.json")
    assert measuring.LmBench.model_validate_json((tmp_path / "out" / "results.json").read_text()) == found


def test_the_machines_limits_are_those_of_a_product_and_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "SECONDS", 0.05)
    operations, moved = measuring.limits(torch.device("cpu"), torch.float32)
    assert operations > 1e7 and moved > 1e7


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No model at"):
        measuring.measure(tmp_path, tmp_path)
