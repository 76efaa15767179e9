from __future__ import annotations

import numpy as np
import pytest

from policies.calibrate import judged
from policies.errors import TraceError
from policies.evaluate import evaluate_critic, evaluate_policy
from policies.proposal import History
from policies.scripted import ScriptedPolicy
from schema_extraction.action import Action
from schema_extraction.view import View
from tests.policies.made import CLOSES, SENDS, SUBMITS, choose, fill, recorded, reviewed, view


def test_step_accuracy_by_process_and_action() -> None:
    steps = [
        recorded("C-1", 0, fill("Ada  Byron"), view("C-1", slice="refund")),
        recorded("C-1", 1, choose("damaged"), view("C-1", slice="refund")),
        recorded("C-2", 0, fill("Grace Hopper"), view("C-2", slice="delivery")),
        recorded("C-2", 1, SUBMITS, view("C-2", slice="delivery")),
        recorded("C-2", 2, CLOSES, view("C-2", slice="delivery")),
    ]

    def script(seen: View, history: History) -> Action | None:
        if seen.case_id == "C-2" and len(history) == 2:
            return None
        return [fill("Ada Byron"), choose("late") if seen.case_id == "C-1" else SUBMITS][len(history)]

    done: list[int] = []
    found = evaluate_policy(ScriptedPolicy(script), steps, done.append)
    assert (found.cases, found.no_proposal, found.overall.count, done[-1]) == (2, 1, 5, 5)
    assert found.overall.step == pytest.approx(2 / 5)
    assert found.overall.target == pytest.approx(4 / 5)
    assert found.overall.value == pytest.approx(1 / 3)
    assert found.by_process["refund"].step == 0.5
    assert found.by_action["click"].step == 1.0
    assert found.by_action["close_case"].type == 0.0


def test_traces_without_an_operators_step() -> None:
    with pytest.raises(TraceError, match="casepilot record"):
        evaluate_policy(ScriptedPolicy([]), [reviewed("C-1", 0, SENDS)])


def test_critic_and_confidence_are_judged_on_the_same_verdicts() -> None:
    random = np.random.default_rng(0)
    steps = []
    for i in range(120):
        right = bool(random.random() < 0.7)
        steps.append(
            reviewed(
                f"C-{i // 2:03}",
                i % 2,
                SENDS if i % 2 else SUBMITS,
                "accept" if right else "reject",
                probability=random.random(),
            )
        )
    found = list(judged(steps))
    scores = [0.9 if item.accepted else 0.1 for item in found]
    evaluation = evaluate_critic(found, scores)
    assert (evaluation.cases, evaluation.critic.count, evaluation.confidence.count) == (60, 120, 120)
    assert evaluation.critic.macro_f1 == evaluation.critic.auroc == 1.0
    assert evaluation.critic.e_aurc == pytest.approx(0.0)
    assert 0.3 < (evaluation.confidence.auroc or 0) < 0.7
    assert evaluation.critic.acceptance == evaluation.confidence.acceptance
    assert sum(total for _, total in evaluation.acceptance_by_action.values()) == 120
    assert set(evaluation.acceptance_by_action) == {"click", "send_message"}
    assert evaluation.critic_curve[-1].coverage == 1.0


def test_thresholds_come_from_other_cases() -> None:
    """A score without any information gains nothing from a threshold that was fitted to the very same labels."""
    random = np.random.default_rng(1)
    steps = [reviewed(f"C-{i}", 0, SENDS, "accept" if random.random() < 0.5 else "reject") for i in range(200)]
    found = list(judged(steps))
    noise = list(random.random(200))
    assert evaluate_critic(found, noise).critic.macro_f1 < 0.58
    others = (found[:100], [1.0 if item.accepted else 0.0 for item in found[:100]])
    evaluation = evaluate_critic(found[100:], [1.0 if item.accepted else 0.0 for item in found[100:]], others)
    assert evaluation.critic.threshold == 0.5
    assert evaluation.critic.threshold_rule == "best macro F1 on other cases"
    assert evaluation.critic.macro_f1 == 1.0
