from __future__ import annotations

import pytest

from policies.gate import Gate, Stage
from policies.proposal import CRITICAL_CLASSES, HistoryItem
from policies.scripted import FixedCritic
from policies.thresholds import Certificate, Thresholds
from schema_extraction.action import Action, AskOperator, Done, Wait
from schema_extraction.view import Dialog
from tests.policies.made import CLOSES, SAVE, SENDS, SUBMITS, TRANSFERS, click, fill, proposals, view


def certified(tau: float | None = 0.6) -> Thresholds:
    base = {"target": 0.9, "delta": 0.1, "count": 30, "passing": 30, "accepted": 30, "precision_lower": 0.92}
    return Thresholds(
        certificates=tuple(Certificate.model_validate({"action_class": n, "tau": tau, **base}) for n in CRITICAL_CLASSES)
    )


def decide(action: Action, stage: Stage = "selective", score: float = 0.8, **options: object) -> tuple[str, str]:
    settings = {"audit_rate": 0.0, **options}
    decision = Gate(stage, certified(), FixedCritic(score), **settings).decide(view(), (), proposals(action))  # type: ignore[arg-type]
    return decision.kind, decision.code


@pytest.mark.parametrize("action", [fill("Ada"), click(SAVE), Wait(), Done()])
def test_reversible_actions_run_in_every_stage_but_logging(action: Action) -> None:
    for stage in ("copilot", "calibrating", "selective"):
        assert decide(action, stage) == ("execute", "reversible")  # type: ignore[arg-type]
    assert decide(action, "logging")[0] == "hand_off"


@pytest.mark.parametrize("action", [SUBMITS, SENDS, CLOSES, TRANSFERS])
def test_critical_actions_by_stage(action: Action) -> None:
    assert decide(action, "copilot", score=1.0) == ("hand_off", "copilot")
    assert decide(action, "selective", score=0.8) == ("execute", "certified")
    assert decide(action, "selective", score=0.6) == ("execute", "certified")
    assert decide(action, "selective", score=0.59) == ("hand_off", "below_threshold")
    assert decide(action, "selective", score=float("nan")) == ("hand_off", "below_threshold")
    closing = action in (CLOSES, TRANSFERS)
    assert decide(action, "calibrating") == (("hand_off", "calibrating") if closing else ("execute", "certified"))


def test_what_is_missing_goes_to_the_operator() -> None:
    ranked = proposals(SENDS)
    critic = FixedCritic(1.0)
    for gate in (
        Gate("selective"),
        Gate("selective", certified(), None),
        Gate("selective", None, critic),
        Gate("selective", Thresholds(), critic),
        Gate("selective", certified(None), critic),
    ):
        assert gate.decide(view(), (), ranked).code == "no_certificate"
    assert Gate("selective", certified(), critic).decide(view(), (), ()).code == "no_proposal"
    asked = Gate("selective", certified(), critic).decide(view(), (), proposals(AskOperator(question="Which order?")))
    assert (asked.kind, asked.code, asked.reason) == ("hand_off", "asked", "Which order?")
    gone = Gate("selective", certified(), critic).decide(view(), (), proposals(click("main|button|Gone|0")))
    assert (gone.kind, gone.code) == ("hand_off", "blocked")


def test_a_native_dialog_blocks_everything() -> None:
    seen = view(dialog=Dialog(name="", kind="native", text="Leave this page?"))
    decision = Gate("selective", certified(), FixedCritic(1.0)).decide(seen, (), proposals(fill("Ada")))
    assert (decision.kind, decision.code) == ("hand_off", "blocked")
    assert "Leave this page?" in decision.reason


def test_unfamiliar_views_are_handed_off_whatever_the_score() -> None:
    gate = Gate("selective", certified(), FixedCritic(1.0), novelty_limit=1.0, audit_rate=0.0)
    assert gate.decide(view(), (), proposals(SENDS, novelty=1.01)).code == "unfamiliar"
    assert gate.decide(view(), (), proposals(fill("Ada"), novelty=1.01)).code == "unfamiliar"
    assert gate.decide(view(), (), proposals(SENDS, novelty=1.0)).kind == "execute"


def test_a_page_that_was_not_read_whole_is_for_the_operator_where_it_is_critical() -> None:
    gate = Gate("selective", certified(), FixedCritic(1.0), audit_rate=0.0)
    partial = view().but(missing=("the frame /claims, which does not answer",))
    decision = gate.decide(partial, (), proposals(SENDS))
    assert (decision.kind, decision.code) == ("hand_off", "unread")
    assert "the frame /claims, which does not answer" in decision.reason
    assert gate.decide(partial, (), proposals(fill("Ada"))).kind == "execute"
    assert gate.decide(view(), (), proposals(SENDS)).kind == "execute"


def test_the_score_is_recorded_in_copilot_too() -> None:
    decision = Gate("copilot", None, FixedCritic(0.3)).decide(view(), (), proposals(SENDS))
    assert (decision.score, decision.tau) == (0.3, None)
    decision = Gate("selective", certified(), FixedCritic(0.3)).decide(view(), (), proposals(SENDS))
    assert (decision.score, decision.tau) == (0.3, 0.6)


def test_an_audit_cannot_be_told_from_a_low_score() -> None:
    audit = Gate("selective", certified(), FixedCritic(0.8), audit_rate=1.0).decide(view(), (), proposals(SENDS))
    unsure = Gate("selective", certified(), FixedCritic(0.2), audit_rate=1.0).decide(view(), (), proposals(SENDS))
    assert (audit.kind, audit.code, audit.audit, audit.score) == ("hand_off", "audit", True, 0.8)
    assert (unsure.kind, unsure.code, unsure.audit) == ("hand_off", "below_threshold", False)
    assert audit.reason == unsure.reason


def test_audits_are_a_random_share_of_cases_that_a_restart_does_not_change() -> None:
    def audited(seed: int) -> list[bool]:
        gate = Gate("selective", certified(), FixedCritic(0.8), audit_rate=0.2, seed=seed)
        return [gate.decide(view(f"C-{i}"), (), proposals(SENDS)).audit for i in range(1000)]

    first = audited(1)
    assert 160 <= sum(first) <= 240
    assert audited(1) == first
    assert audited(2) != first
    gate = Gate("selective", certified(), FixedCritic(0.8), audit_rate=0.5, seed=3)
    histories = [tuple(HistoryItem(action=Wait(), actor="agent") for _ in range(n)) for n in range(40)]
    for case in (f"C-{i}" for i in range(20)):
        assert len({gate.decide(view(case), history, proposals(SENDS)).audit for history in histories}) == 1
    nameless = view().but(case_id=None)
    assert len({gate.decide(nameless, history, proposals(SENDS)).audit for history in histories}) == 2
    with pytest.raises(ValueError, match="audit rate"):
        Gate("selective", audit_rate=5)


def test_the_slice_picks_the_threshold() -> None:
    strict = certified(0.6).certificates[1].model_copy(update={"slice": "refund", "tau": 0.95})
    thresholds = Thresholds(certificates=(*certified().certificates, strict))
    gate = Gate("selective", thresholds, FixedCritic(0.8), audit_rate=0.0)
    assert gate.decide(view(), (), proposals(SENDS), "refund").code == "below_threshold"
    assert gate.decide(view(), (), proposals(SENDS), "other").code == "certified"
    assert gate.decide(view(slice="refund"), (), proposals(SENDS)).code == "below_threshold"
