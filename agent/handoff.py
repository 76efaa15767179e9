"""A hand-off: a step that waits for an operator, and the messages that end it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from policies.feedback import Verdict
from policies.proposal import Decision, Proposal
from policies.trace import Step
from schema_extraction.action import Action
from schema_extraction.view import Frozen, View


class Handoff(Frozen):
    """The step `step` of `session`, as the operator gets it.

    `devtools` is the browser's DevTools endpoint (``http://127.0.0.1:PORT``) and `target_id` the page's CDP target: with
    both, any other program can join the page. Both are empty while no page is open (evicted, or between two runs).
    `screenshot` is a path below the run folder. `step` holds view, ranked proposals, score and decision. `taken_by`: the
    operator for whom a session at work came to a stop; empty where the agent asked by itself.
    """

    id: str
    session: str
    case_id: str
    step: Step
    suggestion: str = ""
    page_url: str = ""
    devtools: str = ""
    target_id: str = ""
    screenshot: str = ""
    taken_by: str = ""
    opened_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def view(self) -> View:
        return self.step.view

    @property
    def ranked(self) -> tuple[Proposal, ...]:
        return self.step.ranked

    @property
    def proposal(self) -> Proposal | None:
        """What the policy would do, or None when it had nothing to propose."""
        return self.step.ranked[0] if self.step.ranked else None

    @property
    def decision(self) -> Decision:
        assert self.step.decision is not None
        return self.step.decision

    @property
    def reason(self) -> str:
        return self.decision.reason

    @property
    def critical(self) -> bool:
        return self.step.critical


class Ending(Frozen):
    """What ends a hand-off; delivered to the session through `DBOS.send`.

    `verdict`: accept or edit, which the agent now carries out. `acted`: the operator did the step. `given_back`: look
    again. `stale`: the page is no longer as it was when the step was handed off. `ended`: the operator ends the session.
    `actions` are the operator's, in order, each with whether it was critical.
    """

    kind: Literal["verdict", "acted", "given_back", "stale", "ended"]
    operator: str = ""
    verdict: Verdict | None = None
    actions: tuple[OperatorAction, ...] = ()
    note: str = ""


class OperatorAction(Frozen):
    action: Action
    critical: bool
