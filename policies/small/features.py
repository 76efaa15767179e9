"""What a critic may know of a proposal, in groups that can be switched off one by one.

    policy       the policy's distribution: how sure it was, here and of every value entered before, by its own account
    review       the form as it stands, read again: what rules and ear say of each value that it holds, and of what is empty
    text         vectors of target, value and view, and what notices say (free text)
    familiarity  how far the view is from what was learned from
    state        typed state: empty, required and invalid fields, an open dialog, what could not be read
    history      what was done before in this session, by whom, and what came of it
    action       the kind of action, and how often its value came from that source
    provenance   where the action's value came from, and those of all values that would go with it

The last four are the `TYPED` ones: no word that is written in the case has a part in them (messages, notices, facts that are
text), nor has the policy, which reads those words. To them comes the review of the form by rules over typed literals alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from policies.derive.comparisons import Comparison
from policies.literals import Names
from policies.proposal import History, HistoryItem, Proposal, is_critical
from policies.small.columns import SOURCES
from policies.small.hearing import options_name
from policies.small.knowledge import Knowledge, Opinion
from policies.small.rules import Rules, task_name
from policies.small.typed import typed_truths
from policies.sources import sources
from policies.templates import fold, values
from schema_extraction.action import Action, CloseCase, Provenance, Select, TransferCase, action_value, target_key
from schema_extraction.view import Control, View

Floats = npt.NDArray[np.float64]
Group = Literal["policy", "review", "text", "familiarity", "state", "history", "action", "provenance"]

TYPES = ("click", "send_message", "close_case", "transfer_case")
CONFIDENCE = ("log_p_target", "log_p_value", "log_least_p", "log_joint_p")
REVIEW = ("least_rule", "joint_rule", "least_heard", "joint_heard", "left_out", "put_in", "own_uptake", "formula_doubt")
GROUPS: dict[Group, tuple[str, ...]] = {
    "policy": (*CONFIDENCE, "margin", "entropy", "log_least_session", "sources", "rule", "heard", "rule_doubt", "heard_doubt"),
    "review": REVIEW,
    "text": ("invalid", "first_message"),
    "familiarity": ("novelty", "most_novelty"),
    "state": ("empty", "required_empty", "invalid_fields", "filled", "dialog", "missing"),
    "history": ("steps", "by_operator", "since_critical", "entered", "again", "failed", "sent"),
    "action": ("seen", *(f"type {name}" for name in TYPES)),
    "provenance": (*(f"from {name}" for name in SOURCES), *(f"entered from {name}" for name in SOURCES)),
}
TYPED: tuple[Group, ...] = ("state", "history", "action", "provenance")
ALL: tuple[Group, ...] = tuple(GROUPS)
NAMES = tuple(name for group in GROUPS.values() for name in group)
TYPED_NAMES = (
    *(name for group in TYPED for name in GROUPS[group] if name != "seen"),
    *(f"typed {name}" for name in REVIEW if name not in ("least_heard", "joint_heard", "formula_doubt")),
)

FIELD_ROLES = frozenset(
    {"textbox", "searchbox", "spinbutton", "combobox", "listbox", "radiogroup", "checkbox", "switch", "radio"}
)


@dataclass(frozen=True)
class Stretch:
    """What was done since the last critical action. `entered`: the last entry into each field."""

    recent: History
    entered: dict[str, HistoryItem]

    @classmethod
    def of(cls, view: View, history: History) -> Stretch:
        since = next((n for n, item in enumerate(reversed(history)) if is_critical(view, item.action)), len(history))
        recent = history[len(history) - since :]
        entered = {target_key(item.action): item for item in recent if item.action.type in ("fill", "select", "check")}
        return cls(recent, entered)


def typed(
    view: View, history: History, ranked: Sequence[Proposal], rules: Rules | None, comparisons: Sequence[Comparison] = ()
) -> Floats:
    """(len(TYPED_NAMES),) of the first proposal. No free text of the view has a part in it."""
    action, stretch = ranked[0].action, Stretch.of(view, history)
    named = structure(view, history, action, stretch)
    if rules is not None:
        true = typed_truths(view, history, comparisons)
        stable = typed_truths(view, history, comparisons, controls=False)
        found = review(view, action, stretch, rules, true, stable)
        named |= {f"typed {name}": value for name, value in found.items()}
    return np.array([named.get(name, 0.0) for name in TYPED_NAMES], np.float64)


def structure(view: View, history: History, action: Action, stretch: Stretch) -> dict[str, float]:
    """The typed groups, without any text of the case."""
    fields = [c for c in view.controls if c.role in FIELD_ROLES and not c.part and not c.disabled and not c.readonly]
    empty = [c for c in fields if not _filled(c)]
    named: dict[str, float] = {
        "empty": math.log1p(sum(c.role not in ("checkbox", "switch", "radio") for c in empty)),
        "required_empty": float(sum(c.required for c in empty)),
        "invalid_fields": float(sum(c.invalid for c in view.controls)),
        "filled": math.log1p(len(fields) - len(empty)),
        "dialog": float(view.dialog is not None),
        "missing": float(bool(view.missing)),
        "steps": math.log1p(len(history)),
        "by_operator": float(any(item.actor == "operator" for item in stretch.recent)),
        "since_critical": math.log1p(len(stretch.recent)),
        "entered": math.log1p(len(stretch.entered)),
        "again": float(sum(target_key(item.action) == target_key(action) for item in history)),
        "failed": float(sum(item.outcome is not None and not item.outcome.ok for item in stretch.recent)),
        "sent": float(sum(item.action.type == "send_message" for item in history)),
        f"type {action.type}": 1.0,
    }
    provenance = _provenance(action)
    if provenance is not None:
        named[f"from {provenance.source}"] = 1.0
    sources = Counter(p.source for item in stretch.entered.values() if (p := _provenance(item.action)) is not None)
    return named | {f"entered from {source}": math.log1p(count) for source, count in sources.items()}


def review(
    view: View,
    action: Action,
    stretch: Stretch,
    rules: Rules,
    true: Names,
    stable: Names,
    heard: Mapping[str, Mapping[str, float]] | None = None,
    slots: Mapping[str, str] | None = None,
) -> dict[str, float]:
    """What rules (and ear, by control key) say of the form as it stands, in log odds: the least likely of the values that it
    holds, all of them together, the likeliest entry among those left out, the least likely among those put in, and the action
    itself. Without `slots` (texts by source) only options are looked at."""
    held = list(_held(view, action, typed=slots is None))
    by_rule = [p for key, text in held if (p := _share(rules.value(key, true), text, slots or {})) is not None]
    by_ear = [p for key, text in held if (p := _share((heard or {}).get(key, {}), text, {})) is not None]
    task = task_name(view)
    uptake = {c.key: rules.uptake(c.key, stable, task) for c in view.controls if c.role in FIELD_ROLES and not c.part}
    out = [p for c in view.controls if (p := uptake.get(c.key)) is not None and not _filled(c)]
    put = [p for key in stretch.entered if (p := uptake.get(key)) is not None]
    return {
        "least_rule": log_odds(min([1.0, *by_rule])),
        "joint_rule": log_odds(math.prod(by_rule)),
        "least_heard": log_odds(min([1.0, *by_ear])),
        "joint_heard": log_odds(math.prod(by_ear)),
        "left_out": log_odds(max([0.0, *out])),
        "put_in": log_odds(min([1.0, *put])),
        "own_uptake": log_odds(own if (own := rules.uptake(target_key(action), stable, task)) is not None else 0.5),
    }


def full_review(view: View, action: Action, stretch: Stretch, known: Knowledge, opinion: Opinion) -> dict[str, float]:
    """The review by all that the policy knows; the form has changed since the policy filled it."""
    heard: dict[str, dict[str, float]] = {}
    for control in view.controls:
        ear = known.hearing.ears.get(options_name(control))
        if ear is not None and len(opinion.said):
            heard[_key(control)] = ear(opinion.said)
    return review(view, action, stretch, known.rules, opinion.true, opinion.stable, heard, values(sources(view)))


def _held(view: View, action: Action, typed: bool) -> Iterator[tuple[str, str]]:
    """What would go with the action: key and text of every value that is held, the action's own choice included."""
    for control in view.controls:
        if control.part or not _filled(control) or control.role not in FIELD_ROLES:
            continue
        chosen = next((o.label for o in control.options if o.selected and o.label.strip()), "")
        if chosen or not (typed or control.options or control.value is None):
            yield control.key, chosen or (control.value.raw if control.value else "")
    if isinstance(action, CloseCase | TransferCase | Select):
        yield target_key(action), action_value(action) or ""


def _key(control: Control) -> str:
    return control.part.split(".")[0] if control.part else control.key


def _share(odds: Mapping[str, float], text: str, slots: Mapping[str, str]) -> float | None:
    """How likely a text is by the odds of the slots that would give it; None where nothing is known of it."""
    said = fold(text)
    found = {slot: p for slot, p in odds.items() if slot in slots or slot.startswith(("option:", "constant:"))}
    return sum(p for slot, p in found.items() if fold(slots.get(slot, slot.split(":", 1)[1])) == said) if found else None


def _filled(control: Control) -> bool:
    return bool(control.checked) or (control.value is not None and control.value.raw != "")


def _provenance(action: Action) -> Provenance | None:
    found = getattr(action, "provenance", None)
    return found if isinstance(found, Provenance) else None


def log_odds(p: float) -> float:
    p = min(max(p, 0.002), 0.998)
    return math.log(p / (1 - p))


def columns_of(groups: Iterable[Group]) -> tuple[int, ...]:
    """The places in `NAMES` of the features of these groups."""
    wanted = {name for group in groups for name in GROUPS[group]}
    return tuple(place for place, name in enumerate(NAMES) if name in wanted)
