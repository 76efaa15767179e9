"""The console beside agents that work cases of the practice BPM, with a policy that knows what is right."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from agent.demo.record import PROFILE
from agent.settings import Credentials, RunSettings
from fixtures.bpm.serving import running_bpm
from fixtures.bpm.settings import BpmSettings
from fixtures.operators.formstate import field_control, form_state
from fixtures.operators.oracle import Oracle
from policies.gate import Gate
from policies.proposal import History, Proposal
from policies.scripted import ScriptedPolicy
from schema_extraction.action import (
    Action,
    Check,
    Click,
    CloseCase,
    Fill,
    Provenance,
    Select,
    SendMessage,
    Target,
    TransferCase,
)
from schema_extraction.profile import load_profile
from schema_extraction.view import Control, View
from tests.agent.console.staffed import Staffed, staffed

FOUND = Provenance(source="generated")


def target(control: Control) -> Target:
    return Target(key=control.key, role=control.role, name=control.name, ref=control.ref)


def right_step(oracle: Oracle) -> Callable[[View, History], Action | None]:
    """What is right on a page of the practice BPM, one entry after the other."""

    def step(view: View, history: History) -> Action | None:
        now = oracle.step(view.case_id)
        if now.task is None or now.waiting:
            return None
        if now.task.kind == "message":
            return SendMessage(text=now.task.replies[0], provenance=Provenance(source="template"))
        if now.task.kind == "wrapup":
            return TransferCase(team=now.case.team) if now.case.team else CloseCase(resolution=now.case.resolution)
        wrong = now.task.wrong_fields(form_state(view, now.task))
        for field in now.task.fields:
            if field.id not in wrong:
                continue
            if field.widget == "radio":
                chosen = next((c for c in view.controls if c.role == "radio" and c.name == field.accept[0]), None)
                return Check(target=target(chosen), checked=True) if chosen else None
            control = field_control(view, now.task, field)
            if control is None:
                return None
            if field.widget == "checkbox":
                return Check(target=target(control), checked=field.accept[0] == "Yes")
            if field.options:
                return Select(target=target(control), option=field.accept[0], provenance=Provenance(source="option"))
            return Fill(target=target(control), value=field.accept[0], provenance=FOUND)
        button = next((control for control in view.controls if control.name == oracle.labels["complete"]), None)
        return Click(target=target(button)) if button else None

    return step


class Ranking(ScriptedPolicy):
    """Also offers the other resolutions where it would close a case."""

    def propose(self, view: View, history: History) -> tuple[Proposal, ...]:
        best = super().propose(view, history)
        return best + tuple(Proposal(action=other, probability=0.1 / n) for n, other in enumerate(_others(view, best), start=2))


def _others(view: View, best: tuple[Proposal, ...]) -> list[Action]:
    action = best[0].action if best else None
    part = view.part("close_case", "resolution")
    if not isinstance(action, CloseCase) or part is None:
        return []
    return [action.but(resolution=o.label) for o in part.options if o.value and o.label != action.resolution][:2]


@asynccontextmanager
async def practising(folder: Path, cases: int = 6, **changes: Any) -> AsyncIterator[Staffed]:
    """A run in copilot on so many cases of the practice BPM, whose database is `bpm.sqlite` in `folder`. `console`: settings of
    the console; others are the run's."""
    db = folder / "bpm.sqlite"
    console = changes.pop("console", {})
    gates = changes.pop("gates", lambda _: Gate("copilot"))
    bpm = BpmSettings(db=db, cases=cases, splits=("test",), answer_seconds=(0.0, 0.02))
    async with running_bpm(bpm) as base_url:
        oracle = Oracle(db)
        settings = RunSettings(
            **{
                "profile": load_profile(PROFILE).model_copy(update={"base_url": base_url}),
                "run_dir": folder / "run",
                "stage": "copilot",
                "concurrency": 3,
                "credentials": Credentials(username="agent1", password=SecretStr("practice")),
                "operator": "kim",
            }
            | changes
        )
        policy = Ranking(right_step(oracle), probability=0.87)
        try:
            async with staffed(settings, policy, oracle.case_ids(), gates, **console) as run:
                yield run
        finally:
            oracle.close()
