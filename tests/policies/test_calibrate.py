from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from policies.calibrate import (
    CalibrationSettings,
    calibrate,
    feedback_part,
    histories,
    is_right,
    judged,
    read_judged,
    score_all,
    thresholds_from,
)
from policies.candidates import Memory
from policies.errors import FeedbackError, ModelError
from policies.evaluate import evaluate
from policies.feedback import Reason, Verdict
from policies.proposal import History, Proposal
from policies.scripted import FixedCritic, ScriptedPolicy
from policies.thresholds import Thresholds
from policies.trace import Step, TraceWriter
from schema_extraction.action import Action, CloseCase, SendMessage
from schema_extraction.view import View
from tests.policies.made import CLOSES, SENDS, SUBMITS, TRANSFERS, fill, recorded, reviewed


def of_part(part: str, count: int) -> list[str]:
    return [name for name in (f"C-{i}" for i in range(10 * count + 100)) if feedback_part(name) == part][:count]


def write(folder: Path, steps: list[Step]) -> Path:
    writer = TraceWriter(folder, "feedback")
    for step in steps:
        writer.write(step)
    writer.close()
    return folder


def test_a_third_of_the_cases_is_the_critics_and_stays_so() -> None:
    parts = [feedback_part(f"C-{i}") for i in range(400)]
    assert 105 <= parts.count("critic") <= 165
    assert parts == [feedback_part(f"C-{i}") for i in range(400)]


def test_what_counts_as_right() -> None:
    def verdict(kind: str, reason: Reason | None = None) -> Verdict:
        return Verdict.model_validate({"kind": kind, "operator": "mia", "reason": reason})

    assert is_right(verdict("accept")) is True
    assert is_right(verdict("edit", Reason.WRONG_VALUE)) is False
    assert is_right(verdict("reject", Reason.WRONG_ACTION)) is False
    assert is_right(verdict("reject", Reason.ENVIRONMENT)) is None
    for reason in (Reason.PREFERENCE, Reason.OPTIONAL_STEP):
        assert is_right(verdict("reject", reason)) is False
        assert is_right(verdict("reject", reason), preferences_pass=True) is True


def test_only_verdicts_that_did_not_depend_on_the_score_count() -> None:
    kept = [
        reviewed("C-1", 0, SENDS),
        reviewed("C-1", 1, SENDS, code="calibrating"),
        reviewed("C-1", 2, SENDS, code="no_certificate"),
    ]
    left_out = [
        reviewed("C-2", 0, SENDS, code="below_threshold"),
        reviewed("C-2", 1, SENDS, code="audit"),
        reviewed("C-2", 2, SENDS, code="unfamiliar"),
        reviewed("C-2", 3, SENDS, novelty=9.0),
        reviewed("C-2", 4, SENDS, "reject", Reason.ENVIRONMENT),
        recorded("C-2", 5, SENDS),
    ]
    assert [item.step for item in judged([*kept, *left_out])] == kept


@pytest.mark.parametrize(
    ("proposed", "reason", "own", "counts"),
    [
        (SUBMITS, Reason.OTHER, SUBMITS, True),
        (SUBMITS, None, SUBMITS, True),
        (SENDS, Reason.OTHER, SendMessage(text="The same in my own words."), True),
        (SUBMITS, Reason.OTHER, fill("Bo"), False),
        (CLOSES, Reason.OTHER, CloseCase(resolution="refused"), False),
        (SUBMITS, Reason.WRONG_VALUE, SUBMITS, False),
        (SUBMITS, Reason.OTHER, None, False),
    ],
)
def test_a_rejection_that_names_no_error_is_a_preference_where_the_operator_then_did_the_same(
    proposed: Action, reason: Reason | None, own: Action | None, counts: bool
) -> None:
    steps = [reviewed("C-1", 0, proposed, "reject", reason), *([] if own is None else [recorded("C-1", 1, own)])]
    (item,) = judged(steps, CalibrationSettings(preferences_pass=True))
    assert item.accepted is counts
    (item,) = judged(steps)
    assert not item.accepted


def test_each_step_has_the_history_of_its_own_session() -> None:
    steps = [reviewed("C-1", 2, SENDS), recorded("C-1", 0, fill("Ada")), recorded("C-2", 0, SUBMITS)]
    steps.append(recorded("C-1", 1, SUBMITS).model_copy(update={"session": "another"}))
    found = {(step.case_id, step.index): history for step, history in histories(steps)}
    assert found[("C-1", 0)] == found[("C-2", 0)] == found[("C-1", 1)] == ()
    assert [item.action for item in found[("C-1", 2)]] == [fill("Ada")]


def test_thresholds_per_class_from_the_calibration_half(tmp_path: Path) -> None:
    steps: list[Step] = []
    for i, name in enumerate(of_part("calibration", 60)):
        wrong = i % 4 == 0
        steps.append(reviewed(name, 0, SENDS, "reject" if wrong else "accept", probability=0.2 if wrong else 0.9))
        if i < 35:
            steps.append(reviewed(name, 1, SUBMITS))
        if i < 5:
            steps += [reviewed(name, 2, CLOSES), reviewed(name, 3, TRANSFERS)]
    steps += [reviewed(name, 0, SUBMITS, "reject") for name in of_part("critic", 50)]

    class Confident:
        def score(self, view: View, history: History, ranked: tuple[Proposal, ...]) -> float:
            return ranked[0].probability

    found = read_judged(write(tmp_path / "feedback", steps), "calibration")
    assert len(found) == 105
    thresholds = thresholds_from(found, score_all(Confident(), found))
    sends, submits, ends = (thresholds.find(name) for name in ("send_message", "click", "end_case"))
    assert sends is not None and sends.tau == 0.9 and sends.passing == 45
    assert submits is not None and submits.tau is not None and submits.count == 35
    assert ends is not None and (ends.tau, ends.count, ends.needs) == (None, 10, 19)


def test_progress_counts_every_proposal() -> None:
    found = list(judged([reviewed("C-1", i, SENDS) for i in range(3)]))
    seen: list[tuple[int, int]] = []
    assert score_all(FixedCritic(0.4), found, lambda done, total: seen.append((done, total))) == [0.4] * 3
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_empty_feedback_is_one_line_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match="casepilot run --stage copilot") as none:
        read_judged(tmp_path, "calibration")
    with pytest.raises(FeedbackError, match="No verdicts on critical actions .*casepilot run --stage copilot") as unjudged:
        read_judged(write(tmp_path / "some", [recorded("C-1", 0, SUBMITS)]), None)
    with pytest.raises(FeedbackError, match="calibration part"):
        read_judged(write(tmp_path / "part", [reviewed(of_part("critic", 1)[0], 0, SENDS)]), "calibration")
    assert "\n" not in str(none.value) + str(unjudged.value)


def test_settings_refuse_impossible_targets() -> None:
    with pytest.raises(ValueError, match="less than 1"):
        CalibrationSettings(target=1.0)


def bundle_module(critic: object) -> ModuleType:
    """Stands for `policies.bundle`, which loads a trained model."""
    module = ModuleType("policies.bundle")
    policy = ScriptedPolicy(lambda view, history: SUBMITS)
    policy.memory = Memory()  # type: ignore[attr-defined]
    module.THRESHOLDS, module.TYPED_THRESHOLDS = "thresholds.json", "thresholds_typed.json"  # type: ignore[attr-defined]
    module.changed = nullcontext  # type: ignore[attr-defined]
    module.load = lambda path: SimpleNamespace(policy=policy, critic=critic, typed=None)  # type: ignore[attr-defined]
    return module


def test_calibrate_writes_into_the_bundle_and_evaluate_reads_the_same_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [reviewed(name, 0, SUBMITS, "reject" if i == 0 else "accept") for i, name in enumerate(of_part("calibration", 40))]
    feedback = write(tmp_path / "feedback", steps)
    traces = write(tmp_path / "traces", [recorded("R-1", 0, SUBMITS), recorded("R-1", 1, CLOSES)])
    monkeypatch.setitem(sys.modules, "policies.bundle", bundle_module(FixedCritic(0.8)))
    thresholds = calibrate(tmp_path, feedback)
    assert Thresholds.read(tmp_path / "thresholds.json") == thresholds
    clicks = thresholds.find("click")
    assert clicks is not None and (clicks.tau, clicks.accepted, clicks.count) == (0.8, 39, 40)
    evaluation = evaluate(tmp_path, traces, feedback)
    assert evaluation.policy.overall.step == 0.5
    assert evaluation.critic is not None and evaluation.critic.critic.count == 40
    assert evaluate(tmp_path, traces).critic is None


def test_a_score_that_is_no_number_leaves_the_thresholds_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feedback = write(tmp_path / "feedback", [reviewed(name, 0, SUBMITS) for name in of_part("calibration", 30)])
    monkeypatch.setitem(sys.modules, "policies.bundle", bundle_module(FixedCritic(0.8)))
    before = calibrate(tmp_path, feedback)
    monkeypatch.setitem(sys.modules, "policies.bundle", bundle_module(FixedCritic(float("nan"))))
    with pytest.raises(ModelError, match="met nan.*casepilot critic.*left as they are"):
        calibrate(tmp_path, feedback)
    assert Thresholds.read(tmp_path / "thresholds.json") == before


def test_calibrate_needs_a_critic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feedback = write(tmp_path / "feedback", [reviewed(of_part("calibration", 1)[0], 0, SUBMITS)])
    monkeypatch.setitem(sys.modules, "policies.bundle", bundle_module(None))
    with pytest.raises(ModelError, match="casepilot critic"):
        calibrate(tmp_path, feedback)
    assert not (tmp_path / "thresholds.json").exists()
