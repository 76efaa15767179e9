"""The gate: execute or hand off. Doubt goes to the operator.

    stage        reversible   critical                                    closing (ends the agent's part in the case)
    logging      hand off     hand off                                    hand off
    copilot      execute      hand off                                    hand off
    calibrating  execute      as its threshold says                       hand off: a person reviews every one
    selective    execute      as its threshold says                       as its threshold says

Where part of the page could not be read, critical steps go to the operator whatever their score.

In a random share of the cases, every step that would have run is handed off as a blind audit (decision 26). The operator
must not be able to tell an audit from a step that fell short of its threshold, so both give the same `reason`; `code`, `audit`,
`score` and `tau` are for the record.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from policies.proposal import Critic, Decision, History, Proposal, action_class, is_critical
from policies.thresholds import Thresholds
from schema_extraction.action import (
    CLOSING,
    Action,
    Check,
    Click,
    CloseCase,
    Fill,
    Select,
    SendMessage,
    TransferCase,
)
from schema_extraction.view import View

Stage = Literal["logging", "copilot", "calibrating", "selective"]
NOVELTY_LIMIT = 1.5
AUDIT_RATE = 0.05


def describe(action: Action) -> str:
    """An action in words, as the second half of 'check before I ...'."""
    match action:
        case Click():
            return f"press {action.target.name or action.target.key!r}"
        case Fill():
            return f"enter {action.value!r} in {action.target.name or action.target.key!r}"
        case Select():
            return f"choose {action.option!r} in {action.target.name or action.target.key!r}"
        case Check():
            return f"{'tick' if action.checked else 'untick'} {action.target.name or action.target.key!r}"
        case SendMessage():
            return "send this message"
        case CloseCase():
            return f"close the case as {action.resolution!r}" if action.resolution else "close the case"
        case TransferCase():
            return f"transfer the case to {action.team!r}" if action.team else "transfer the case"
        case _:
            return action.type.replace("_", " ")


class Gate:
    """Decides one step. It keeps no state: the same seed, view and history give the same decision, also after a restart.

    `novelty_limit`: hand off views that are further from the training data than this (1.0 is the 99th percentile of
    held-out training views). `audit_rate`: the share of cases whose gate-passed critical actions an operator checks unawares.
    """

    def __init__(
        self,
        stage: Stage,
        thresholds: Thresholds | None = None,
        critic: Critic | None = None,
        *,
        audit_rate: float = AUDIT_RATE,
        seed: int = 0,
        novelty_limit: float = NOVELTY_LIMIT,
    ) -> None:
        if not 0.0 <= audit_rate <= 1.0:
            raise ValueError(f"Expected an audit rate between 0 and 1, met {audit_rate!r}; try 0.05.")
        self.stage = stage
        self.thresholds = thresholds
        self.critic = critic
        self.audit_rate = audit_rate
        self.seed = seed
        self.novelty_limit = novelty_limit

    def decide(self, view: View, history: History, ranked: tuple[Proposal, ...], slice: str = "") -> Decision:
        """What to do with `ranked[0]`. `slice` (default: the view's) picks the thresholds."""
        if view.dialog is not None and view.dialog.kind == "native":
            return _hand_off("blocked", f"A browser dialog stands open: {view.dialog.text!r}. It needs a person's answer.")
        if not ranked:
            return _hand_off("no_proposal", "I found nothing to do on this page.")
        proposal = ranked[0]
        action = proposal.action
        if action.type == "ask_operator":
            return _hand_off("asked", action.question or "I do not know how to go on here.")
        if isinstance(action, Click | Fill | Select | Check) and view.control(action.target.key) is None:
            return _hand_off("blocked", f"The control to {describe(action)} is no longer on the page.")

        critical = is_critical(view, action)
        score = self.critic.score(view, history, ranked) if critical and self.critic is not None else None
        if proposal.novelty > self.novelty_limit:
            return _hand_off("unfamiliar", "This page does not look like any I have learned from.", score)
        if self.stage == "logging":
            return _hand_off("copilot", "Recording only: the operator does every step.", score)
        if not critical:
            return Decision(kind="execute", code="reversible", reason=f"I can {describe(action)}: it can be taken back.")
        if self.stage == "copilot":
            return _hand_off("copilot", f"Please check before I {describe(action)}.", score)
        if view.missing:
            # What was not read may be what speaks against it: an error in a frame that did not answer, a remark further down.
            return _hand_off("unread", f"I could not read {view.missing[0]}. Please check before I {describe(action)}.", score)
        if self.stage == "calibrating" and action.type in CLOSING:
            return _hand_off(
                "calibrating", f"Closing steps are still reviewed. Please check before I {describe(action)}.", score
            )
        return self._by_threshold(view, history, action, score, slice or view.slice)

    def _by_threshold(self, view: View, history: History, action: Action, score: float | None, slice: str) -> Decision:
        certificate = self.thresholds.find(action_class(action), slice) if self.thresholds else None
        what = action.type.replace("_", " ")
        if self.critic is None or certificate is None or certificate.tau is None:
            return _hand_off(
                "no_certificate", f"'{what}' may not run unattended yet. Please check before I {describe(action)}.", score
            )
        unsure = f"Please check before I {describe(action)}."
        if not certificate.allows(score):
            return _hand_off("below_threshold", unsure, score, certificate.tau)
        if self._draw(view, history) < self.audit_rate:
            return _hand_off("audit", unsure, score, certificate.tau, audit=True)
        return Decision(
            kind="execute",
            code="certified",
            reason=f"Scored {score:.3f}; '{what}' is certified from {certificate.tau:.3f} on.",
            score=score,
            tau=certificate.tau,
        )

    def _draw(self, view: View, history: History) -> float:
        """A number in [0, 1) that is random over cases (over steps where the page tells no case), but the same whenever this
        very one is decided again."""
        name = f"{self.seed}|{view.case_id or len(history)}"
        return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") / 2**64


def _hand_off(
    code: Literal[
        "blocked",
        "no_proposal",
        "asked",
        "unfamiliar",
        "unread",
        "copilot",
        "calibrating",
        "no_certificate",
        "below_threshold",
        "audit",
    ],
    reason: str,
    score: float | None = None,
    tau: float | None = None,
    *,
    audit: bool = False,
) -> Decision:
    return Decision(kind="hand_off", code=code, reason=reason, score=score, tau=tau, audit=audit)
