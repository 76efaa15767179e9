"""The benchmark of causal LMs: every figure is measured, and every drawn answer is checked."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from agent.bench import learning
from agent.bench import lm as measuring
from agent.bench.autonomy.results import Accuracy, Comparison, Verdicts
from fixtures.views import strange_views
from policies.causal_lm import scratch
from policies.causal_lm.train import CausalSettings, train_policy
from policies.errors import ModelError
from policies.metrics import Estimate
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


def verdict(name: str, macro_f1: float, aurc: float) -> Verdicts:
    plain = dict.fromkeys(field for field in Verdicts.model_fields if field not in ("name", "count", "cases", "accepted"))
    found = {field: Estimate(value=0.5) for field in plain}
    found |= {"macro_f1": Estimate(value=macro_f1), "aurc": Estimate(value=aurc)}
    return Verdicts(name=name, count=90, cases=30, accepted=0.8, **found)


def learned(invalid: int = 0, ours: float = 0.8, critic: float = 0.7) -> learning.LearnBench:
    shares = {learning.LM: ours, learning.READING_NGRAM: 0.7, learning.NGRAM: 0.5}
    fields = ("tool", "target", "value", "step", "true", "case", "top3")
    systems = learning.Systems(
        accuracy={
            name: Accuracy(cases=9, steps=80, **{field: Estimate(value=share) for field in fields})
            for name, share in shares.items()
        }
    )
    trained = learning.Trained(folder=Path("model"), metrics={"seconds": 1000.0, "cases": 90.0, "steps": 900.0})
    drawn = learning.Decoded(drawn=10_000, invalid=invalid, views=700, strange=400)
    comparison = Comparison(
        on="verdicts of 30 cases",
        critic=verdict("critic", critic, 0.02),
        confidence=verdict("confidence", 0.6, 0.03),
        f1_gain=Estimate(value=critic - 0.6),
        e_aurc_ratio=Estimate(value=0.5),
    )
    judged = learning.Judged(metrics={"seconds": 60.0}, comparison=comparison)
    return learning.LearnBench(
        seed=1,
        training=trained.metrics,
        accuracy=systems.accuracy,
        decoded=drawn,
        critic=judged,
        checks=learning.checks(learning.LearnSettings(), trained, systems, drawn, judged),
    )


def test_what_a_learned_model_has_to_show_is_checked_figure_by_figure(tmp_path: Path) -> None:
    assert learned().short == ()
    assert [check.name for check in learned(invalid=1).short] == ["Invalid of the drawn answers"]
    assert [check.name for check in learned(ours=0.6).short] == [f"Steps right, against the {learning.READING_NGRAM}"]
    assert [check.name for check in learned(critic=0.5).short] == ["Macro F1 of the critic, against confidence"]
    learned().write(tmp_path / "results.json")
    assert learning.LearnBench.model_validate_json((tmp_path / "results.json").read_text()) == learned()
    assert len(learning.tables(learned())) == 3


def test_answers_on_generated_views_are_valid_actions() -> None:
    policy = lm.policy()
    pages = strange_views(60, 3)
    assert strange_views(60, 3) == pages
    asked = [(view, ()) for view in pages if not view.closed and policy.read(view, ()) is not None]
    assert len(asked) > 20
    invalid, drawn = measuring.invalid_decodes(policy, asked, measuring.LmSettings(decodes=2_000))
    assert (invalid, drawn) == (0, 2_000)
