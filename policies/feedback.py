"""The operator's verdict on a proposal: graded feedback."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from schema_extraction.action import Action
from schema_extraction.view import Frozen


class Reason(StrEnum):
    """Why a proposal was not simply accepted. `environment` trains nothing; preferences are soft labels."""

    WRONG_ACTION = "wrong_action"
    WRONG_VALUE = "wrong_value"
    WRONG_WORDING = "wrong_wording"
    PREFERENCE = "preferred_another_way"
    OPTIONAL_STEP = "optional_step"
    ENVIRONMENT = "environment"
    OTHER = "other"


class Verdict(Frozen):
    """`edit` accepts the action with another value (`edited`); `reject` leaves the step to the operator.

    `implicit` marks a verdict that nobody pressed: the operator simply did the step, and it was compared with the proposal.
    """

    kind: Literal["accept", "edit", "reject"]
    operator: str
    reason: Reason | None = None
    edited: Action | None = None
    seconds: float = 0.0
    note: str = ""
    implicit: bool = False


Grade = Literal["accepted", "preference", "error", "environment"]
"""What a verdict says of a proposal: accepted as it was; right but not this person's way; wrong; nothing."""


def grade(verdict: Verdict) -> Grade:
    """A verdict without a reason is taken at its word: an error."""
    if verdict.kind == "accept":
        return "accepted"
    match verdict.reason:
        case Reason.ENVIRONMENT:
            return "environment"
        case Reason.PREFERENCE | Reason.OPTIONAL_STEP:
            return "preference"
        case _:
            return "error"


def critic_label(verdict: Verdict, preference: float = 0.5) -> float | None:
    """The critic's target in [0, 1] for a proposal with this verdict, or None when it teaches nothing. `preference`: that of a
    right proposal which the operator would have done another way."""
    return {"accepted": 1.0, "preference": preference, "error": 0.0, "environment": None}[grade(verdict)]
