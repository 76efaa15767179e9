"""The one `Action` union that policy, executor, recorder, console and trace share, and what came of an action.

A takeover is therefore training data unchanged.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schema_extraction.traits import Traits
from schema_extraction.view import Frozen

Source = Literal["message", "fact", "cell", "option", "template", "constant", "derived", "generated", "operator"]


class Provenance(Frozen):
    """Where a value came from. `where` is the fact or table key, or the index of the message; `span` a slice of it. `formula`
    says in words how a derived value was worked out."""

    source: Source
    where: str = ""
    span: tuple[int, int] | None = None
    formula: str = ""


class Target(Frozen):
    """The control an action is for. `key` is stable; `ref` is only good for the snapshot the action was made from. `traits` are
    kept where the action outlives its view, so that the control can be told when its key is gone (see `match`)."""

    key: str
    role: str = ""
    name: str = ""
    ref: str = ""
    traits: Traits | None = None


class Click(Frozen):
    type: Literal["click"] = "click"
    target: Target


class Fill(Frozen):
    """Type `value` into a text control in place of what it holds."""

    type: Literal["fill"] = "fill"
    target: Target
    value: str
    provenance: Provenance = Provenance(source="operator")


class Select(Frozen):
    """Choose the option whose label is `option`, of a select, listbox, combobox or radio group."""

    type: Literal["select"] = "select"
    target: Target
    option: str
    provenance: Provenance = Provenance(source="option")


class Check(Frozen):
    """Bring a checkbox or switch to `checked`."""

    type: Literal["check"] = "check"
    target: Target
    checked: bool = True


class SendMessage(Frozen):
    """Send `text` to the customer: a composite whose parts the profile names."""

    type: Literal["send_message"] = "send_message"
    text: str
    provenance: Provenance = Provenance(source="operator")


class CloseCase(Frozen):
    """Close the case with the option `resolution` (empty where the profile has no such part)."""

    type: Literal["close_case"] = "close_case"
    resolution: str = ""
    provenance: Provenance = Provenance(source="option")


class TransferCase(Frozen):
    """Hand the case to the team `team`."""

    type: Literal["transfer_case"] = "transfer_case"
    team: str = ""
    provenance: Provenance = Provenance(source="option")


class Wait(Frozen):
    """Wait until the page changes."""

    type: Literal["wait"] = "wait"


class Done(Frozen):
    """Nothing is left to do in this case."""

    type: Literal["done"] = "done"


class AskOperator(Frozen):
    """Hand the step to an operator."""

    type: Literal["ask_operator"] = "ask_operator"
    question: str = ""


Composite = SendMessage | CloseCase | TransferCase
Action = Annotated[
    Click | Fill | Select | Check | SendMessage | CloseCase | TransferCase | Wait | Done | AskOperator,
    Field(discriminator="type"),
]
ACTION: TypeAdapter[Action] = TypeAdapter(Action)

CLOSING = ("close_case", "transfer_case")
"""Actions that end the agent's part in a case."""
CRITICAL_TYPES = ("send_message", *CLOSING)
COMPOSITE_VALUES = {"send_message": "text", "close_case": "resolution", "transfer_case": "team"}
"""The field of each composite action that holds its value; the profile's part of the same name takes it."""


def action_value(action: Action) -> str | None:
    """The value that an action enters, or None for actions without one."""
    match action:
        case Fill():
            return action.value
        case Select():
            return action.option
        case Check():
            return "on" if action.checked else "off"
        case SendMessage():
            return action.text
        case CloseCase():
            return action.resolution
        case TransferCase():
            return action.team
        case _:
            return None


def target_key(action: Action) -> str:
    """The stable key of the control an action is for, or the action's type for actions without a target."""
    match action:
        case Click() | Fill() | Select() | Check():
            return action.target.key
        case _:
            return action.type


def same_action(a: Action, b: Action) -> bool:
    """Whether two actions do the same thing: type, target and value, with white space folded; refs and provenance aside."""

    def fold(value: str | None) -> str | None:
        return None if value is None else " ".join(value.split())

    return a.type == b.type and target_key(a) == target_key(b) and fold(action_value(a)) == fold(action_value(b))


class Outcome(Frozen):
    """What came of an action, judged by its effect on the page.

    `done`: the effect shows. `refused`: the page said no, in `message`'s words. `no_effect`: nothing came of it.
    `not_sent`: it was not carried out (stale target, covered, disabled, native dialog). `unknown`: it may or may not have
    taken effect; never repeat it blindly.
    """

    result: Literal["done", "refused", "no_effect", "not_sent", "unknown"]
    message: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.result == "done"
