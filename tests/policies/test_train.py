"""Training from end to end on a made-up desk: a policy, then a critic from verdicts on what it proposed."""

from __future__ import annotations

import dataclasses
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from policies.bundle import changed, load
from policies.calibrate import feedback_part, read_judged
from policies.encoder import EncoderSettings
from policies.errors import FeedbackError, ModelError, TraceError
from policies.feedback import Reason, Verdict
from policies.proposal import Decision, HistoryItem, is_critical
from policies.small.policy import SmallPolicy
from policies.trace import Step, TraceWriter
from policies.train import TINY, train_critic, train_policy
from schema_extraction.action import action_value, same_action, target_key
from tests.policies import worlds


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> EncoderSettings:
    return EncoderSettings(cache=tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    worlds.record(folder, 48, seed=2)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, traces: Path, texts: EncoderSettings) -> Path:
    out = tmp_path_factory.mktemp("models") / "m"
    train_policy(traces, out, TINY, encoder=texts)
    return out


def copilot(policy: SmallPolicy, folder: Path, count: int, seed: int) -> None:
    """Work cases as in copilot: the policy fills, an operator judges every critical step by the truth and puts it right."""
    rng = random.Random(seed)
    for number in range(count):
        case = worlds.draw(20000 + number, rng)
        writer = TraceWriter(folder, case.case_id)
        for step in _worked(policy, case):
            writer.write(step)
        writer.close()


def _worked(policy: SmallPolicy, case: worlds.Case) -> Iterator[Step]:
    history: tuple[HistoryItem, ...] = ()
    wrong = False
    for index, (view, truth) in enumerate(worlds.script(case)):
        ranked = policy.propose(view, history)
        right = same_action(ranked[0].action, truth)
        critical = is_critical(view, truth)
        verdict = None
        if critical:
            fine = right and not wrong
            verdict = Verdict(kind="accept" if fine else "reject", operator="op", reason=None if fine else Reason.WRONG_VALUE)
            wrong = False
        elif target_key(ranked[0].action) == target_key(truth):
            wrong = wrong or not right
        yield Step(
            case_id=case.case_id,
            session=case.case_id,
            index=index,
            time=worlds.START,
            stage="copilot",
            actor="agent",
            view=view,
            ranked=ranked,
            critical=critical,
            decision=Decision(kind="hand_off", code="copilot", reason="") if critical else None,
            verdict=verdict,
            action=truth,
        )
        item = HistoryItem(action=truth, actor="agent", probability=ranked[0].probability)
        history = (*history, item)


def test_a_tiny_training_learns_and_says_how_well(model: Path, texts: EncoderSettings) -> None:
    meta = load(model, texts).meta
    assert meta.metrics["step_accuracy"] > 0.8
    assert meta.metrics["coverage"] > 0.98
    assert meta.metrics["seconds"] > 0
    assert meta.settings["width"] == TINY.width and meta.seed == 0 and len(meta.traces) == 24 and meta.cases == 48


def test_the_same_traces_and_seed_give_the_same_model(
    model: Path, traces: Path, texts: EncoderSettings, tmp_path: Path
) -> None:
    train_policy(traces, tmp_path / "again", TINY, encoder=texts)
    assert load(tmp_path / "again", texts).meta.files == load(model, texts).meta.files


def test_progress_runs_from_nought_to_all_and_an_interrupted_training_leaves_nothing(
    traces: Path, texts: EncoderSettings, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        if done >= 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_policy(traces, tmp_path / "out", TINY, progress, texts)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert list(tmp_path.iterdir()) == []


def test_too_few_cases_are_refused(tmp_path: Path, texts: EncoderSettings) -> None:
    with pytest.raises(TraceError, match="casepilot record"):
        train_policy(tmp_path, tmp_path / "out", TINY, encoder=texts)
    worlds.record(tmp_path / "traces", 2)
    with pytest.raises(TraceError, match="at least 4 cases.*Record more"):
        train_policy(tmp_path / "traces", tmp_path / "out", TINY, encoder=texts)
    assert not (tmp_path / "out").exists()


def test_a_critic_learns_from_verdicts_and_ranks_better_than_chance(
    model: Path, texts: EncoderSettings, tmp_path: Path
) -> None:
    policy = load(model, texts).policy
    copilot(policy, tmp_path / "feedback", 120, seed=8)
    with changed(model) as folder:
        (folder / "thresholds.json").write_text('{"certificates": []}', encoding="utf-8")
    metrics = train_critic(model, tmp_path / "feedback", TINY, encoder=texts)
    bundle = load(model, texts)
    assert bundle.critic is not None
    assert not (model / "thresholds.json").exists()
    assert bundle.meta.metrics["critic_verdicts"] == metrics["verdicts"] > 100
    scores, right = [], []
    for item in read_judged(tmp_path / "feedback", "calibration"):
        scores.append(bundle.critic.score(item.step.view, item.history, item.step.ranked))
        right.append(item.accepted)
    assert all(0.0 <= score <= 1.0 for score in scores)
    from sklearn.metrics import roc_auc_score

    confidence = [item.confidence for item in read_judged(tmp_path / "feedback", "calibration")]
    assert roc_auc_score(right, scores) > max(0.75, roc_auc_score(right, confidence) - 0.05)
    assert abs(float(np.mean(scores)) - float(np.mean(right))) < 0.1
    assert load(model, texts).critic.score(item.step.view, item.history, item.step.ranked) == scores[-1]  # type: ignore[union-attr]


def test_a_critic_gives_nought_to_what_the_policy_would_not_propose(
    model: Path, texts: EncoderSettings, tmp_path: Path
) -> None:
    bundle = load(model, texts)
    if bundle.critic is None:
        copilot(bundle.policy, tmp_path / "feedback", 60, seed=9)
        train_critic(model, tmp_path / "feedback", TINY, encoder=texts)
        bundle = load(model, texts)
    assert bundle.critic is not None
    case = worlds.draw(1, random.Random(1))
    view, _ = next(iter(worlds.script(case)))
    (first, *_) = bundle.policy.propose(view, ())
    odd = first.model_copy(update={"action": worlds.SendMessage(text="Something nobody ever wrote.")})
    assert bundle.critic.score(view, (), (odd,)) == 0.0
    assert bundle.critic.score(view, (), ()) == 0.0


def digests(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_loss_that_is_no_number_leaves_the_model_as_it_was(model: Path, texts: EncoderSettings, tmp_path: Path) -> None:
    out, traces = shutil.copytree(model, tmp_path / "m"), tmp_path / "traces"
    worlds.record(traces, 5, seed=2, process="Return")
    before = digests(out)
    with pytest.raises(ModelError, match="expected a finite loss, met (nan|inf).*earlier model is kept.*learning rate"):
        train_policy(traces, out, TINY.model_copy(update={"learning_rate": 1e30}), encoder=texts)
    assert digests(out) == before
    assert sorted(f.name for f in tmp_path.iterdir()) == ["m", "traces"]


def test_a_critic_that_cannot_be_learned_or_written_leaves_the_earlier_one(
    model: Path, texts: EncoderSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = shutil.copytree(model, tmp_path / "m")
    copilot(load(out, texts).policy, tmp_path / "feedback", 20, seed=4)
    train_critic(out, tmp_path / "feedback", TINY, encoder=texts)
    with changed(out) as folder:
        (folder / "thresholds.json").write_text('{"certificates": []}', encoding="utf-8")
    before = digests(out)
    with pytest.raises(FeedbackError):
        train_critic(out, tmp_path / "none", TINY, encoder=texts)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("policies.bundle.replace_text", full)
    with pytest.raises(OSError, match="No space"):
        train_critic(out, tmp_path / "feedback", TINY, encoder=texts)
    assert digests(out) == before
    bundle = load(out, texts)
    assert bundle.critic is not None and bundle.typed is not None and bundle.preferences is not None
    assert bundle.judge("typed")[0] is bundle.typed
    assert bundle.typed.rules is not None
    with pytest.raises(ModelError, match="reads no text.*casepilot critic"):
        dataclasses.replace(bundle, typed=None).judge("typed")


def test_verdicts_that_all_say_the_same_teach_nothing(model: Path, texts: EncoderSettings, tmp_path: Path) -> None:
    policy = load(model, texts).policy
    number = next(n for n in range(20000, 20100) if feedback_part(f"C{n:05d}") == "critic")
    case = worlds.draw(number, random.Random(3))
    writer = TraceWriter(tmp_path, case.case_id)
    for step in _worked(policy, case):
        accepted = Verdict(kind="accept", operator="op") if step.verdict else None
        writer.write(step.model_copy(update={"verdict": accepted}))
    writer.close()
    with pytest.raises(FeedbackError, match="all say the same"):
        train_critic(model, tmp_path, TINY, encoder=texts)


def test_a_critic_needs_a_model_and_feedback(model: Path, texts: EncoderSettings, tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match="casepilot run --stage copilot"):
        train_critic(model, tmp_path, TINY, encoder=texts)
    copilot(load(model, texts).policy, tmp_path / "feedback", 6, seed=1)
    with pytest.raises(ModelError, match="casepilot train"):
        train_critic(tmp_path / "nothing", tmp_path / "feedback", TINY, encoder=texts)
    assert action_value(worlds.SendMessage(text="x")) == "x"
