"""What could be had without casepilot: the next step by n-grams over steps, TF-IDF with logistic regression, and the policy's
own confidence as the gate. For replay of the nearest recorded case see `policies.replay`.

As in robotic process automation set up with variables, both policies learn where a value came from and not the value itself: a
fill names the place on the page that it was copied from, a message its wording with the places of what it names. All else is
literal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from policies.calibrate import histories
from policies.errors import TraceError
from policies.proposal import History, Proposal
from policies.sources import sources
from policies.templates import Template, delexicalise, values
from policies.trace import Step
from schema_extraction.action import (
    ACTION,
    Action,
    Check,
    Click,
    CloseCase,
    Fill,
    Select,
    SendMessage,
    Target,
    TransferCase,
    action_value,
    target_key,
)
from schema_extraction.render import render
from schema_extraction.view import Frozen, View

LONGEST = 4
"""Steps that an n-gram looks back on; the beginning of a case, with the name of its process, counts as one."""
FEATURES = 5_000
RECENT = 3
"""Steps whose targets are features of the logistic regression."""


class Recipe(Frozen):
    """An action apart from the case it was done in. `slot`: where its value stands on the page; `wording`: of a message;
    `literal`: its value otherwise."""

    type: str
    target: str
    slot: str = ""
    wording: Template | None = None
    literal: str = ""

    @property
    def place(self) -> str:
        """What is done where, value aside."""
        return f"{self.type} {self.target}"

    def on(self, view: View) -> Action | None:
        """The action on another view, or None where that lacks the control or the place of the value."""
        if self.type not in ("click", "fill", "select", "check"):
            return self._composite(view)
        control = view.control(self.target)
        if control is None or control.disabled:
            return None
        target = Target(key=control.key, role=control.role, name=control.name, ref=control.ref).model_dump()
        match self.type:
            case "fill":
                text = values(sources(view)).get(self.slot) if self.slot else self.literal
                return None if text is None else ACTION.validate_python({"type": "fill", "target": target, "value": text})
            case "select":
                return ACTION.validate_python({"type": "select", "target": target, "option": self.literal})
            case "check":
                return ACTION.validate_python({"type": "check", "target": target, "checked": self.literal == "on"})
            case _:
                return ACTION.validate_python({"type": "click", "target": target})

    def _composite(self, view: View) -> Action | None:
        match self.type:
            case "send_message":
                text = self.wording.fill(values(sources(view))) if self.wording is not None else None
                return SendMessage(text=text) if text is not None else None
            case "close_case":
                return CloseCase(resolution=self.literal)
            case "transfer_case":
                return TransferCase(team=self.literal)
            case _:
                return None


def recipe(view: View, action: Action) -> Recipe:
    """What an operator did on `view`, as a recipe."""
    value = action_value(action) or ""
    plain = Recipe(type=action.type, target=target_key(action), literal=value)
    match action:
        case Fill():
            own = f"control:{action.target.key}"
            slot = next((s.slot for s in sources(view) if s.text == value.strip() and s.origin != own), "")
            return plain.model_copy(update={"slot": slot, "literal": ""}) if slot else plain
        case SendMessage():
            draft = delexicalise(value, sources(view))
            wording = Template(pieces=draft.pieces, slots=tuple(slots[0] for slots in draft.choices))
            return plain.model_copy(update={"wording": wording, "literal": ""})
        case Click() | Select() | Check() | CloseCase() | TransferCase():
            return plain
        case _:
            return plain


def literal(action: Action) -> Recipe:
    """What an operator did, with its value as it is."""
    text = action_value(action) or ""
    wording = Template(pieces=(text,)) if isinstance(action, SendMessage) else None
    return Recipe(type=action.type, target=target_key(action), wording=wording, literal="" if wording else text)


class NGramPolicy:
    """The most frequent next step after the last steps of the case: the longest run of steps that was recorded decides.

    A step is what was done, where, and with what value. With `variables` values are recipes as everywhere here, which takes a
    look at the page that n-grams alone do not have; without, they are literal.
    """

    def __init__(self, steps: Iterable[Step], variables: bool = False, longest: int = LONGEST) -> None:
        self.longest = longest
        self._next: defaultdict[tuple[str, ...], Counter[Recipe]] = defaultdict(Counter)
        for step, history in _recorded(steps):
            if step.action is not None:
                made = recipe(step.view, step.action) if variables else literal(step.action)
                for context in self._contexts(step.view, history):
                    self._next[context][made] += 1

    def propose(self, view: View, history: History) -> tuple[Proposal, ...]:
        for context in self._contexts(view, history):
            if context in self._next:
                counts = self._next[context]
                found = ((made.on(view), n / counts.total()) for made, n in counts.most_common(3))
                return tuple(Proposal(action=action, probability=p) for action, p in found if action is not None)
        return ()

    def _contexts(self, view: View, history: History) -> list[tuple[str, ...]]:
        """The last steps before this one, the longest run first, down to none."""
        run = [f"begin {view.slice}", *(_named(item.action) for item in history)][-self.longest :]
        return [tuple(run[i:]) for i in range(len(run) + 1)]


class TextPolicy:
    """TF-IDF of the page's text and the last targets, logistic regression for what is done where, another for its value."""

    def __init__(self, steps: Iterable[Step], strength: float = 10.0) -> None:
        texts: list[str] = []
        made: list[Recipe] = []
        for step, history in _recorded(steps):
            if step.action is not None:
                texts.append(_text(step.view, history))
                made.append(recipe(step.view, step.action))
        self._words = TfidfVectorizer(
            sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"(?u)\S+", max_features=FEATURES, min_df=2
        )
        rows = self._words.fit_transform(texts)
        self._strength = strength
        self._place = self._fit(rows, [one.place for one in made])
        self._values: dict[str, tuple[LogisticRegression | None, list[Recipe]]] = {}
        for place in sorted({one.place for one in made}):
            mine = [i for i, one in enumerate(made) if one.place == place]
            kinds = list(dict.fromkeys(made[i] for i in mine))
            names = {one: str(n) for n, one in enumerate(kinds)}
            fitted = self._fit(rows[mine], [names[made[i]] for i in mine]) if len(kinds) > 1 else None
            self._values[place] = (fitted, kinds)

    def propose(self, view: View, history: History) -> tuple[Proposal, ...]:
        row = self._words.transform([_text(view, history)])
        found: list[Proposal] = []
        for place, p_target in _likely(self._place, row):
            fitted, kinds = self._values[place]
            ranked = [("0", 1.0)] if fitted is None else _likely(fitted, row)
            for name, p_value in ranked[:3]:
                action = kinds[int(name)].on(view)
                if action is not None:
                    found.append(Proposal(action=action, probability=p_target * p_value, p_target=p_target, p_value=p_value))
        return tuple(sorted(found, key=lambda one: -one.probability))

    def _fit(self, rows: object, labels: Sequence[str]) -> LogisticRegression:
        return LogisticRegression(C=self._strength, max_iter=100, tol=1e-2).fit(rows, labels)


class ConfidenceCritic:
    """The policy's own probability of what it proposes, in place of a critic."""

    def score(self, view: View, history: History, ranked: tuple[Proposal, ...]) -> float:
        return ranked[0].probability


def _recorded(steps: Iterable[Step]) -> list[tuple[Step, History]]:
    """Operators' own steps with what was done before.

    Raises:
        TraceError: there is none.
    """
    found = [(s, history) for s, history in histories(steps) if s.actor == "operator" and s.action is not None]
    if not found:
        raise TraceError("No step that an operator took in these traces. Record some with `casepilot record`.")
    return found


def _named(action: Action) -> str:
    """A step as n-grams know it: what was chosen belongs to it, what was typed does not."""
    chosen = action_value(action) if isinstance(action, Select | Check | CloseCase | TransferCase) else ""
    return f"{action.type} {target_key(action)} {chosen}".strip()


def _text(view: View, history: History) -> str:
    last = " ".join(f"last{n}:{_named(item.action).replace(' ', '_')}" for n, item in enumerate(history[: -RECENT - 1 : -1]))
    return f"{render(view)} {last}"


def _likely(fitted: LogisticRegression, row: object, most: int = 3) -> list[tuple[str, float]]:
    """The likeliest classes with their probabilities."""
    p = fitted.predict_proba(row)[0]
    return [(str(fitted.classes_[i]), float(p[i])) for i in p.argsort()[::-1][:most]]
