"""Critics compared on the same verdicts, and the truth they are held against."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from agent.bench.critic import practice_truth, tables
from fixtures.bpm.cases import FIRST_NUMBER, generate_case
from fixtures.bpm.labels import LABELS
from fixtures.bpm.truth import CaseTruth
from policies.calibrate import CalibrationSettings, Judged
from policies.compare import Comparison, cross_fitted, scores_of
from policies.errors import FeedbackError
from policies.feedback import Reason
from policies.proposal import Proposal
from policies.small import features as f
from policies.small.verdicts import CriticSettings, Table
from policies.trace import Step, read_steps
from schema_extraction.action import Action, CloseCase, TransferCase
from tests.policies.made import SUBMITS, reviewed
from tests.policies.test_critics import table

TRACES = Path(__file__).parents[2] / "fixtures" / "traces" / "test"


class Truths:
    """Stands for the database behind the traces that ship."""

    labels = LABELS[1]

    def __init__(self, db: Path) -> None:
        self.today = {step.case_id: step.view.today for step in STEPS}

    def truth(self, case_id: str) -> CaseTruth:
        index = int(case_id.removeprefix("C-")) - FIRST_NUMBER["test"]
        return generate_case(1, "test", index, self.today[case_id]).truth


STEPS = [step for step in islice(read_steps(TRACES), 110) if step.action is not None]


def judged(step: Step, action: Action) -> Judged:
    return Judged(step=step.but(ranked=(Proposal(action=action, probability=0.9),)), history=(), accepted=True)


def test_the_truth_of_a_proposal_is_the_applications_not_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixtures.operators.oracle.Oracle", Truths)
    right = practice_truth(Path("any"))
    done = [(step, right(judged(step, step.action))) for step in STEPS if step.action and step.action.type != "fill"]
    assert np.mean([said for _, said in done if said is not None]) > 0.9
    closed = [step for step in STEPS if isinstance(step.action, CloseCase | TransferCase)]
    assert closed
    for step in closed:
        assert right(judged(step, CloseCase(resolution="Nobody's"))) is False
        assert right(judged(step, TransferCase(team="Nobody's"))) is False


def scored(drawn: Table, settings: CriticSettings, name: str) -> Comparison:
    """Proposals like those of `drawn`, all clicks of one process, with the scores of one variant."""
    reasons = {"preference": Reason.PREFERENCE, "error": Reason.WRONG_VALUE, "environment": Reason.ENVIRONMENT}
    found = []
    for i, (case, said) in enumerate(zip(drawn.cases, drawn.grades, strict=True)):
        kind = "accept" if said == "accepted" else "reject"
        step = reviewed(str(case), i, SUBMITS, kind, reasons.get(str(said)), probability=float(drawn.confidence[i]))
        found.append(Judged(step=step, history=(), accepted=said == "accepted"))
    scores, labels = cross_fitted(drawn, settings)
    of = scores_of(name, found, scores, labels, lambda item: item.accepted or None, CalibrationSettings())
    counts = {g: int((drawn.grades == g).sum()) for g in ("accepted", "preference", "error", "environment")}
    return Comparison(verdicts=counts, cases=len(set(drawn.cases)), folds=5, target=0.9, variants=(of,))


def test_variants_are_read_in_three_ways_and_shown() -> None:
    drawn = table(180, 30, 40, 12)
    found = scored(drawn, CriticSettings(), "graded")
    (of,) = found.variants
    assert of.accepted.critic.count == 250 and of.right.critic.count == 250
    assert of.accepted.critic.acceptance == pytest.approx(180 / 250)
    assert of.right.critic.acceptance == pytest.approx(210 / 250)
    assert of.truth is not None and of.truth.critic.count == 180
    assert of.right.critic.auroc is not None and of.right.critic.auroc > 0.8
    assert 0.0 < of.automation < 1.0
    assert found.find("graded") is of
    assert [len(shown.rows) for shown in tables(found)] == [1, 1, 1]
    assert Comparison.model_validate_json(found.model_dump_json()) == found


def test_every_score_comes_from_other_cases() -> None:
    """A feature that names the case's own verdict would give a perfect score to a critic that had seen it."""
    drawn = table(120, 0, 60)
    rows = np.zeros_like(drawn.features)
    cases = {case: place for place, case in enumerate(sorted(set(drawn.cases)))}
    by_case = np.random.default_rng(2).normal(0, 1, (len(cases), len(f.NAMES)))
    rows[:] = by_case[[cases[case] for case in drawn.cases]]
    grades = np.where(np.array([cases[case] % 3 for case in drawn.cases]) == 0, "error", "accepted")
    scores, _ = cross_fitted(Table(rows, drawn.vectors, drawn.typed, grades, drawn.cases, drawn.confidence), CriticSettings())
    wrong, right = scores[grades == "error"], scores[grades == "accepted"]
    assert abs(float(np.mean(wrong[:, None] < right[None, :])) - 0.5) < 0.3


def test_one_sided_feedback_is_refused() -> None:
    with pytest.raises(FeedbackError, match="all say the same"):
        cross_fitted(table(60, 0, 0), CriticSettings())
