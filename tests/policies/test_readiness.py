from __future__ import annotations

from pathlib import Path

import pytest

from policies.calibrate import CalibrationSettings
from policies.errors import FeedbackError
from policies.feedback import Reason
from policies.readiness import SliceReadiness, readiness
from policies.scripted import FixedCritic
from policies.trace import Step
from tests.policies.made import CLOSES, SENDS, SUBMITS, recorded, reviewed, view
from tests.policies.test_calibrate import of_part, write


def of(slice: str, step: Step) -> Step:
    return step.model_copy(update={"view": view(step.case_id, slice=slice)})


def feedback(folder: Path, closings: bool = True) -> Path:
    """40 cases of refunds, 3 of returns, 6 of complaints that go wrong, 2 on pages that nobody has seen."""
    names = of_part("calibration", 51)
    steps: list[Step] = []
    for name in names[:40]:
        steps += [of("refund", reviewed(name, 0, SENDS)), of("refund", reviewed(name, 1, SUBMITS))]
        steps += [of("refund", reviewed(name, 2, CLOSES))] if closings else []
    for name in names[40:42]:
        steps += [of("return", reviewed(name, 0, SENDS)), of("return", reviewed(name, 1, SUBMITS))]
    for name in names[43:49]:
        steps += [of("complaint", reviewed(name, 0, SENDS, "reject", Reason.WRONG_WORDING))]
    for name in names[49:]:
        steps += [of("new", reviewed(name, 0, SENDS, code="unfamiliar", novelty=3.0))]
    return write(folder, steps)


def test_each_slice_has_a_stage_what_would_run_alone_and_what_is_missing(tmp_path: Path) -> None:
    found = readiness(FixedCritic(0.8), feedback(tmp_path), CalibrationSettings(target=0.7))
    of_slice: dict[str, SliceReadiness] = {one.slice: one for one in found.slices}
    assert {name: one.stage for name, one in of_slice.items()} == {
        "complaint": "copilot",
        "new": "logging",
        "refund": "selective",
        "return": "copilot",
    }
    refund, small, bad = of_slice["refund"], of_slice["return"], of_slice["complaint"]
    assert (refund.automation, refund.whole_cases, refund.missing) == (1.0, 1.0, ())
    assert {c.basis for c in refund.classes} <= {"class", "own"}
    assert (small.automation, small.cases) == (0.0, 2)
    assert any("2 verdicts so far" in words and "from 3 on" in words for words in small.missing)
    assert [c.needs for c in small.classes if c.verdicts] == [1, 1]
    assert any("refuted: 0 of 6" in words for words in bad.missing)
    assert "unfamiliar" in of_slice["new"].missing[0]
    assert found.automation == pytest.approx(120 / 132)
    assert found.model_validate_json(found.model_dump_json()) == found


def test_three_cases_are_no_ground_to_stand_on_and_it_says_what_is_missing(tmp_path: Path) -> None:
    names = of_part("calibration", 3)
    found = readiness(FixedCritic(0.8), write(tmp_path, [of("refund", reviewed(name, 0, SENDS)) for name in names]))
    (only,) = found.slices
    assert only.stage == "copilot"
    assert "needs about 19 more accepted actions without another error (3 of 3 so far)" in only.missing[0]
    (sends,) = [c for c in only.classes if c.verdicts]
    assert (sends.needs, sends.cases) == (19, 29)


def test_without_closings_a_person_reviews_them(tmp_path: Path) -> None:
    found = readiness(FixedCritic(0.8), feedback(tmp_path, closings=False), CalibrationSettings(target=0.7))
    (refund,) = [one for one in found.slices if one.slice == "refund"]
    assert (refund.stage, refund.missing) == ("calibrating", ("end case: no verdict yet",))


def test_without_a_critic_nothing_is_past_copilot(tmp_path: Path) -> None:
    found = readiness(None, feedback(tmp_path))
    assert {one.stage for one in found.slices} == {"copilot", "logging"}
    assert found.automation == 0.0
    assert "casepilot critic" in found.slices[0].missing[0]


def test_feedback_that_says_nothing_is_one_line_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match="No feedback to go by.*No traces"):
        readiness(None, tmp_path)
    with pytest.raises(FeedbackError, match="met 1 steps.*casepilot run --stage copilot"):
        readiness(None, write(tmp_path / "some", [recorded(of_part("calibration", 1)[0], 0, SUBMITS)]))
