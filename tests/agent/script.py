"""A policy for the tiny application, as a script over what the view shows, and the settings of a run on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from agent.settings import Credentials, RunSettings
from agent.verdicts import holds
from policies.proposal import Decision, History, Proposal
from schema_extraction.action import Action, Click, CloseCase, Fill, Target
from schema_extraction.view import Control, View
from tests.agent.app import TinyApp


def named(view: View, name: str) -> Control | None:
    return next((control for control in view.controls if control.name == name), None)


def target(control: Control) -> Target:
    return Target(key=control.key, role=control.role, name=control.name, ref=control.ref)


def decide_and_close(view: View, history: History) -> Action | None:
    """Amount 25.50, submit, close as Refunded."""
    amount, submit = named(view, "Amount"), named(view, "Submit decision")
    if amount is not None and submit is not None:
        if not holds(view, amount.key, "25.50"):
            return Fill(target=target(amount), value="25.50")
        return Click(target=target(submit))
    return CloseCase(resolution="Refunded") if named(view, "Close case") else None


class OpenGate:
    """A gate that lets everything through."""

    def decide(self, view: View, history: History, ranked: tuple[Proposal, ...], slice: str = "") -> Decision:
        if not ranked:
            return Decision(kind="hand_off", code="no_proposal", reason="I found nothing to do on this page.")
        return Decision(kind="execute", code="certified", reason="Certified.", score=1.0, tau=0.5)


class HandsOff:
    """A gate that hands off every step."""

    def decide(self, view: View, history: History, ranked: tuple[Proposal, ...], slice: str = "") -> Decision:
        return Decision(kind="hand_off", code="copilot", reason="Every step is yours.")


def settings(app: TinyApp, run_dir: Path, **changes: Any) -> RunSettings:
    values = {
        "profile": app.profile(),
        "run_dir": run_dir,
        "stage": "copilot",
        "concurrency": 2,
        "credentials": Credentials(username="agent", password=SecretStr(app.password)),
        "operator": "kim",
    }
    return RunSettings.model_validate(values | changes)
