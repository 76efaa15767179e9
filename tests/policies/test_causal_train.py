"""Training a causal LM: from nothing and by adapters, interrupted and resumed, kept in a folder and refused when it is
damaged."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from transformers import AutoTokenizer, TrainerControl, TrainerState

from policies import bundle
from policies.calibrate import read_judged, score_all
from policies.causal_lm import learning, scratch, store
from policies.causal_lm.clock import SPENT, Clock
from policies.causal_lm.data import Lesson, Reply, drafts, gather, habits, lessons
from policies.causal_lm.menu import menu
from policies.causal_lm.policy import CausalPolicy, Reach
from policies.causal_lm.train import train_critic, train_policy
from policies.errors import FeedbackError, ModelError
from policies.trace import TraceWriter
from schema_extraction.action import Select
from tests.policies import lm, made


@pytest.fixture(scope="module", autouse=True)
def tiny_models() -> Iterator[None]:
    """`scratch:tiny` is a size for a real training; here it is smaller."""
    patch = pytest.MonkeyPatch()
    patch.setitem(scratch.SIZES, "tiny", lm.SIZE)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lm")
    train_policy(lm.write_traces(folder / "traces"), folder / "model", lm.TINY)
    return folder / "model"


def test_a_model_trained_from_nothing_does_what_operators_did(trained: Path) -> None:
    loaded = bundle.load(trained)
    assert isinstance(loaded.policy, CausalPolicy)
    first = loaded.policy.propose(made.view("C-77", name="Emmy Noether"), ())
    assert first[0].action.type == "fill" and first[0].probability > 0.3
    assert not list(trained.parent.glob(".model.training*"))
    with pytest.raises(ModelError, match="small model"):
        _ = loaded.small


def test_adapters_of_policy_and_critic_are_learned_on_one_base(trained: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(trained / store.BASE, base)
    shutil.copytree(trained / store.TOKENIZER, base, dirs_exist_ok=True)
    out = tmp_path / "model"
    train_policy(trained.parent / "traces", out, lm.TINY.but(base=str(base), epochs=1.0))
    assert (out / store.ADAPTERS / "policy" / "adapter_model.safetensors").is_file()
    assert not (out / store.BASE).exists()
    feedback = write_feedback(tmp_path / "feedback")
    train_critic(out, feedback, lm.TINY.but(base=str(base), critic_epochs=1.0), part=None)
    loaded = bundle.load(out)
    assert loaded.critic is not None
    ranked = loaded.policy.propose(made.view(), ())
    assert 0.0 < loaded.critic.score(made.view(), (), ranked) < 1.0
    other = AutoTokenizer.from_pretrained(str(base))
    other.add_tokens(["casepilot"])
    other.save_pretrained(str(base))
    with pytest.raises(ModelError, match="another tokenizer"):
        bundle.load(out)


def write_feedback(folder: Path, cases: int = 12) -> Path:
    """Operators let 'Submit' pass and reject 'Show'."""
    view = made.view().but(controls=tuple(c.but(critical=True) for c in made.view().controls))
    for number in range(cases):
        case_id = f"F-{number}"
        right = number % 2 == 0
        reviewed = made.reviewed(case_id, 0, made.SUBMITS if right else made.click(made.SAVE), "accept" if right else "reject")
        writer = TraceWriter(folder, case_id)
        writer.write(reviewed.but(view=view.but(case_id=case_id)))
        writer.close()
    return folder


def test_a_critic_learns_what_operators_reject(trained: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(trained, model)
    feedback = write_feedback(tmp_path / "feedback")
    train_critic(model, feedback, lm.TINY.but(critic_epochs=25, critic_rate=5e-3), part=None)
    loaded = bundle.load(model)
    found = read_judged(feedback, None)
    assert loaded.critic is not None
    scores = score_all(loaded.critic, found)
    assert min(s for s, item in zip(scores, found, strict=True) if item.accepted) > max(
        s for s, item in zip(scores, found, strict=True) if not item.accepted
    )


def test_without_both_verdicts_the_model_stays_as_it_was(trained: Path, tmp_path: Path) -> None:
    feedback = write_feedback(tmp_path / "feedback", cases=1)
    before = (trained / bundle.META).read_text()
    with pytest.raises(FeedbackError, match="verdicts of both kinds"):
        train_critic(trained, feedback, lm.TINY, part=None)
    assert (trained / bundle.META).read_text() == before
    assert bundle.load(trained).critic is None


def test_an_interrupted_training_goes_on_to_the_same_loss(tmp_path: Path) -> None:
    found = gather(lm.write_traces(tmp_path / "traces"), 0.1, 0)
    mine = [sample for case_id in found.learned for sample in found.samples[case_id]]
    reach = Reach(budget=900, spelt=False)
    rows = list(lessons(mine, found.memory, habits(mine, found.memory), lm.language(), reach))
    written = [Reply(sample, lm.MEMORY.templates["send_message"], "Thank you, {Name first}.") for sample in mine[::3]]
    replies = list(drafts(written, found.memory, lm.language(), reach))
    assert rows and len(replies) == len(written)
    rows += replies
    settings = learning.LoopSettings(batch=4, rows=4, steps=8, save_steps=3, learning_rate=1e-3)

    def losses(folder: Path, stop_at: int = 0) -> list[float]:
        class Stop(learning.Telling):
            def on_step_end(self, args: object, state: object, control: object, **kwargs: object) -> None:
                if stop_at and state.global_step == stop_at:  # type: ignore[attr-defined]
                    raise KeyboardInterrupt

        telling = Stop(None)
        arguments = learning.arguments(folder, settings, len(rows), checkpointing=False)
        arguments.logging_steps = 1
        trainer = learning.PolicyTrainer(
            model=lm.model(),
            args=arguments,
            train_dataset=learning.Rows(rows),
            data_collator=learning.Lessons(0),
            callbacks=[telling],
        )
        try:
            learning.run(trainer, folder)
        except KeyboardInterrupt:
            assert stop_at
        return telling.losses

    whole = losses(tmp_path / "whole")
    losses(tmp_path / "cut", stop_at=5)
    resumed = losses(tmp_path / "cut")
    assert len(whole) == 8 and len(resumed) == 5
    assert resumed == pytest.approx(whole[3:], abs=1e-5)


def test_a_damaged_model_is_refused(trained: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(trained, model)
    (model / store.TOKENIZER / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="tokenizer/tokenizer.json was changed"):
        bundle.load(model)


def test_an_unknown_size_is_named(tmp_path: Path) -> None:
    traces = lm.write_traces(tmp_path / "traces")
    with pytest.raises(ModelError, match="scratch:tiny"):
        train_policy(traces, tmp_path / "model", lm.TINY.but(base="scratch:huge"))
    assert not (tmp_path / "model").exists()


def test_the_answer_of_a_step_names_the_option() -> None:
    offered = menu(made.view(), (), lm.MEMORY)
    entry = offered.find(made.choose("late"))
    assert entry is not None and entry.text == "select Reason = late" and isinstance(entry.action, Select)


def test_training_by_the_clock_ends_in_time_with_a_rate_that_falls_to_nothing(tmp_path: Path) -> None:
    found = gather(lm.write_traces(tmp_path / "traces"), 0.1, 0)
    mine = [sample for case_id in found.learned for sample in found.samples[case_id]]
    rows = list(lessons(mine, found.memory, habits(mine, found.memory), lm.language(), Reach(budget=900, spelt=False)))
    groups = learning.grouped(rows, 4, seed=0)
    assert sorted(one.prompt for group in groups for one in group) == sorted(one.prompt for one in rows)
    assert all(len(group) == 4 for group in groups[:-1])
    long = learning.grouped([Lesson(tuple(range(n)), (1,)) for n in range(50, 850)], 8, seed=0)
    assert sum(8 * max(len(one.prompt) for one in group) for group in long) < 1.2 * sum(range(50, 850))
    settings = learning.LoopSettings(batch=8, rows=4, steps=100_000, seconds=1.5, learning_rate=1e-3)
    trainer = learning.PolicyTrainer(
        model=lm.model(),
        args=learning.arguments(tmp_path / "work", settings, len(rows), checkpointing=False, grouped=True),
        train_dataset=learning.Rows(groups),
        data_collator=learning.GroupedLessons(0),
    )
    learning.run(trainer, tmp_path / "work", settings)
    assert 0 < trainer.state.global_step < 100_000
    assert trainer.clock is not None and trainer.clock.spent >= 1.5
    assert trainer.lr_scheduler.get_last_lr()[0] < 1e-4


def test_seconds_that_were_spent_before_an_interruption_count(tmp_path: Path) -> None:
    before = Clock(100.0, tmp_path, warmup=0.0)
    before.on_train_begin(None, TrainerState(global_step=0), TrainerControl())
    before.on_save(None, TrainerState(global_step=5), TrainerControl())
    (tmp_path / SPENT).write_text("60")
    after = Clock(100.0, tmp_path, warmup=0.0)
    after.on_train_begin(None, TrainerState(global_step=5), TrainerControl())
    assert 60.0 <= after.spent < 100.0
    anew = Clock(100.0, tmp_path, warmup=0.0)
    anew.on_train_begin(None, TrainerState(global_step=0), TrainerControl())
    assert anew.spent < 60.0
