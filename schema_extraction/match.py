"""Finding a control again that was named on an earlier view: by its key, else by a scored match, else not at all.

A key that names one control, then and now, is trusted. Where it is gone, or several controls share its words and something
about them has changed, the controls of the page are ranked. The score of the best is its probability under a conditional logit
model over all candidates and 'none of them' (McFadden 1974), so it is low both when nothing is alike and when two are equally
so. It counts only from a threshold on at which matches were right in at least 99% of cases with probability 0.95, on generated
page versions that the weights were not fitted on (`match.json`, written by `casepilot bench identity --fit`). All else goes
to the operator: a wrong match is worse than a question.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from schema_extraction.action import Action, Check, Click, Fill, Select, Target
from schema_extraction.likeness import FEATURES, features, kin
from schema_extraction.traits import Traits, digest, stem, traits_of
from schema_extraction.view import Control, Frozen, View

SHOWN = 3


class Weights(Frozen):
    """A fitted model: one weight a feature, the constant, and the least score that may be used. `tau` is None when none could
    be certified; then no match is ever used. `certificate`: what the threshold rests on, in words."""

    weights: dict[str, float]
    constant: float
    tau: float | None
    certificate: str = ""
    written_by: str = ""


class Candidate(Frozen):
    """A control that might be meant, with its probability."""

    control: Control
    score: float


class Match(Frozen):
    """The control that is meant. `exact`: its key says so, with its row where several share its words; `score` is then 1."""

    control: Control
    score: float = 1.0
    exact: bool = True


class NoMatch(Frozen):
    """It is not certain which control is meant. `reason` is for the operator; `ranked` are the likeliest."""

    reason: str
    ranked: tuple[Candidate, ...] = ()


@cache
def shipped() -> Weights:
    """The weights and the threshold that come with casepilot."""
    return Weights.model_validate_json(files("schema_extraction").joinpath("match.json").read_bytes())


def seen(target: Target, view: View) -> Target:
    """The target with its traits on the view that it was chosen on; unchanged where that has no such control."""
    traits = traits_of(view).get(target.key)
    return target if traits is None else target.model_copy(update={"traits": traits})


def remembered(view: View, action: Action) -> Action:
    """An action that may outlive `view`, on which it was chosen: its target keeps its traits."""
    if not isinstance(action, Click | Fill | Select | Check):
        return action
    return action.model_copy(update={"target": seen(action.target, view)})


def decided(target: Target, view: View, now: Mapping[str, Traits] | None = None) -> Control | None:
    """The control that the key names, where that is beyond doubt. Of several that share its words, the one in the same row of
    data or with the same address; the one at the same place only while nothing around them has changed."""
    found, was = view.control(target.key), target.traits
    twins = [control for control in view.controls if stem(control.key) == stem(target.key)]
    if was is None or (found is not None and was.twins == len(twins) == 1):
        return found
    if not twins:
        return None
    now = now or traits_of(view)
    if found is not None and was.twins == len(twins) and was.around == now[target.key].around:
        return found
    same = [control for control in twins if control.name == target.name and _marks(now[control.key]) == _marks(was)]
    return same[0] if len(same) == 1 and any(_marks(was)) else None


def _marks(traits: Traits) -> tuple[str, str]:
    return traits.row, traits.href


def match(target: Target, view: View, weights: Weights | None = None) -> Match | NoMatch:
    """The control of `view` that `target` means. Pure: the same target and view give the same answer."""
    if (found := decided(target, view)) is not None:
        return Match(control=found)
    there = view.control(target.key) is not None
    now = traits_of(view)
    model = weights or shipped()
    ranked = rank(target, view, model, now)
    if target.traits is None or not ranked:
        return NoMatch(reason=f"The {_named(target)} is no longer on the page, and nothing there is like it.")
    named = _named(target)
    best = ranked[0]
    if not told_apart(target.traits, best.control, view, now):
        return NoMatch(
            reason=f"Several controls are called like the {named}, and nothing tells them apart.", ranked=ranked[:SHOWN]
        )
    if model.tau is not None and best.score >= model.tau:
        return Match(control=best.control, score=best.score, exact=False)
    return NoMatch(reason=_doubt(named, ranked, model.tau, there), ranked=ranked[:SHOWN])


def _named(target: Target) -> str:
    return f"{target.role or 'control'} {target.name or target.key!r}"


def told_apart(was: Traits, control: Control, view: View, now: Mapping[str, Traits]) -> bool:
    """Whether something other than its place tells a control from those of the same name: its row of data, or its address.

    Where several controls had or have the same name, place says nothing: one may have come or gone before it. And one of two
    streets, the billing address's and the delivery's, is looked for in its own section only.
    """
    if was.homonyms > 1 and control.section.casefold() != was.section.casefold():
        return False
    if was.namesakes == now[control.key].namesakes == 1:
        return True

    same = [c for c in view.controls if (stem(c.key), c.name) == (stem(control.key), control.name)]
    mine = _marks(was)
    return any(mine) and [_marks(now[c.key]) for c in same].count(mine) == 1 and _marks(now[control.key]) == mine


def _doubt(named: str, ranked: Sequence[Candidate], tau: float | None, there: bool) -> str:
    lost = f"Several controls on the page are called like the {named}" if there else f"The {named} is no longer on the page"
    best = ranked[0]
    alike = f"{best.control.role} {best.control.name or best.control.key!r} in {best.control.section or 'no section'!r}"
    if len(ranked) > 1 and ranked[1].score > 0.2 * best.score and best.score + ranked[1].score > 0.5:
        other = ranked[1].control.name or ranked[1].control.key
        return f"{lost}, and it cannot be told whether {alike} or {other!r} is meant."
    least = f"at least {tau:.3f} is needed" if tau is not None else "no score is certified"
    return f"{lost}. The likeliest is {alike}, with a score of {best.score:.3f}; {least}."


def rank(target: Target, view: View, model: Weights, now: dict[str, Traits] | None = None) -> tuple[Candidate, ...]:
    """Every control that may be meant, likeliest first; none where nothing is known of the target but its key."""
    if target.traits is None:
        return ()
    found = eligible(target, view)
    rows = likenesses(target, found, now or traits_of(view))
    vector = [model.weights.get(name, 0.0) for name in FEATURES]
    logits = [model.constant + sum(w * x for w, x in zip(vector, row, strict=True)) for row in rows]
    top = max([0.0, *logits])
    total = math.exp(-top) + sum(math.exp(z - top) for z in logits)
    scored = [Candidate(control=c, score=math.exp(z - top) / total) for c, z in zip(found, logits, strict=True)]
    return tuple(sorted(scored, key=lambda candidate: -candidate.score))


def eligible(target: Target, view: View) -> list[Control]:
    """Controls that take the same actions and that are not known to be another one. What was harmless never becomes a
    critical press, and what is secret stays so."""
    was = target.traits
    assert was is not None
    groups = Counter(stem(control.key) for control in view.controls)
    known = frozenset(was.alone)
    return [
        control
        for control in view.controls
        if kin(target.role, control.role)
        and control.sensitive == was.sensitive
        and not (control.critical and not was.critical)
        and not (groups[stem(control.key)] == 1 and digest(control.key) in known)
    ]


def likenesses(target: Target, controls: Sequence[Control], now: dict[str, Traits]) -> list[tuple[float, ...]]:
    """The features of each of `controls` beside the target, as `FEATURES`."""
    was = target.traits
    assert was is not None
    return [features(target.role, target.name, was, control, now[control.key]) for control in controls]
