"""Small views and steps for the tests of this folder."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from policies.feedback import Reason, Verdict
from policies.proposal import Decision, Proposal
from policies.trace import Step
from schema_extraction.action import Action, Click, CloseCase, Fill, Select, SendMessage, Target, TransferCase
from schema_extraction.view import Control, Dialog, Fact, Message, Option, Value, View

TODAY = date(2026, 3, 2)
SAVE, NAME, REASON, SUBMIT = "main|button|Show|0", "main|textbox|Name|0", "main|combobox|Reason|0", "main|button|Submit|0"


def view(
    case_id: str = "C-1",
    *,
    name: str = "Ada Byron",
    order: str = "ORD-100",
    problem: str = "broken",
    messages: tuple[str, ...] = ("Hello, my order arrived broken.",),
    options: tuple[str, ...] = ("damaged", "late"),
    slice: str = "refund",
    dialog: Dialog | None = None,
) -> View:
    def choices(*labels: str) -> tuple[Option, ...]:
        return tuple(Option(label=label) for label in labels)

    return View(
        path=f"/case/{case_id}",
        title=f"Case {case_id}",
        case_id=case_id,
        slice=slice,
        today=TODAY,
        dialog=dialog,
        facts=(
            Fact(key="Customer/Name", label="Name", value=Value(raw=name)),
            Fact(key="Order/Number", label="Order number", value=Value(raw=order, kind="id", normal=order)),
            Fact(key="Order/Problem", label="Problem", value=Value(raw=problem)),
        ),
        messages=tuple(Message(author="Customer", direction="inbound", text=text) for text in messages),
        controls=(
            Control(ref="e1", key=SAVE, role="button", name="Show"),
            Control(ref="e2", key=NAME, role="textbox", name="Name"),
            Control(ref="e3", key=REASON, role="combobox", name="Reason", options=choices(*options)),
            Control(ref="e4", key=SUBMIT, role="button", name="Submit", critical=True),
            Control(ref="e5", key="r", role="combobox", part="close_case.resolution", options=choices("solved", "refused")),
            Control(ref="e6", key="t", role="combobox", part="transfer_case.team", options=choices("billing", "legal")),
        ),
    )


def click(key: str) -> Click:
    return Click(target=Target(key=key, role="button", name=key.split("|")[2]))


def fill(value: str) -> Fill:
    return Fill(target=Target(key=NAME, role="textbox", name="Name"), value=value)


def choose(option: str) -> Select:
    return Select(target=Target(key=REASON, role="combobox", name="Reason"), option=option)


SUBMITS = click(SUBMIT)
SENDS = SendMessage(text="Thank you, we will look into it.")
CLOSES = CloseCase(resolution="solved")
TRANSFERS = TransferCase(team="billing")


def proposals(action: Action, probability: float = 0.9, novelty: float = 0.0) -> tuple[Proposal, ...]:
    return (Proposal(action=action, probability=probability, p_target=probability, novelty=novelty),)


def recorded(case_id: str, index: int, action: Action, seen: View | None = None) -> Step:
    """A step that an operator recorded."""
    return Step(
        case_id=case_id,
        session=f"s-{case_id}",
        index=index,
        time=datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(minutes=index),
        actor="operator",
        view=seen or view(case_id),
        action=action,
    )


def reviewed(
    case_id: str,
    index: int,
    action: Action,
    kind: str = "accept",
    reason: Reason | None = None,
    *,
    probability: float = 0.9,
    code: str = "copilot",
    novelty: float = 0.0,
) -> Step:
    """A critical step that was handed off and got a verdict."""
    return Step(
        case_id=case_id,
        session=f"s-{case_id}",
        index=index,
        time=datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(minutes=index),
        stage="copilot",
        actor="agent",
        view=view(case_id),
        ranked=proposals(action, probability, novelty),
        critical=True,
        decision=Decision.model_validate({"kind": "hand_off", "code": code, "reason": "please check"}),
        verdict=Verdict.model_validate({"kind": kind, "operator": "mia", "reason": reason}),
        action=action if kind == "accept" else None,
    )
