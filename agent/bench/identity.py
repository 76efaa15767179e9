"""Which controls are known again on another version of their page: by key, by the scored match, or not; how often wrongly."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.table import Table

from agent.bench.versions import KEPT, KINDS, Base, Seen, bases, changed, look
from policies.metrics import precision_bounds
from schema_extraction.action import Target
from schema_extraction.match import Candidate, Match, Weights, decided, match, rank, shipped, told_apart
from schema_extraction.traits import Traits, traits_of
from schema_extraction.view import Control, Frozen

TARGET = 0.99
Progress = Callable[[int, int], None]


class Share(Frozen):
    """`count` of `of`, with the exact (Clopper-Pearson) two-sided 95% interval; None for 0 of 0."""

    count: int
    of: int
    value: float | None = None
    lower: float = 0.0
    upper: float = 1.0

    def __str__(self) -> str:
        return "-" if self.value is None else f"{self.value:.1%} [{self.lower:.1%}, {self.upper:.1%}]"


def share(count: int, of: int) -> Share:
    if not of:
        return Share(count=0, of=0)
    lower, upper = precision_bounds(count, of, confidence=0.975)
    return Share(count=count, of=of, value=count / of, lower=lower, upper=upper)


class Kind(Frozen):
    """One kind of change. `kept`: of the controls on both versions, those that the key still names; `kept_alone`, those whose
    words no other control shares. Of all on the first version: `mistaken`, the key names another control now, which would be
    taken without `match`; `right`, `wrong` and `handed_off`, what `match` makes of them. `recovered`: found right, of those
    that the key leaves open and that are still there; `gone_wrong`: found to be another, of those that are gone."""

    kind: str
    pages: int
    kept: Share
    kept_alone: Share
    mistaken: Share
    right: Share
    wrong: Share
    recovered: Share
    handed_off: Share
    gone_wrong: Share


class Point(Frozen):
    """Using every match that scores at least `score`: the share of undecided targets that are matched, and of these wrong."""

    score: float
    coverage: float
    risk: float


class IdentityBench(Frozen):
    """`kinds`: by kind of change, all controls counted. Then one target a base page, among those that the key leaves open:
    `precision` of the matches used, `coverage` the share of the targets that were matched, `found` the share of those still
    there that were; `curve`: risk and coverage of the score. `faults`: wrong ones in words; `short`: what fell short."""

    kinds: tuple[Kind, ...]
    precision: Share
    coverage: Share
    found: Share
    curve: tuple[Point, ...]
    tau: float | None
    certificate: str
    bases: dict[str, int]
    faults: tuple[str, ...]
    seconds: float
    short: tuple[str, ...]

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")


@dataclass(frozen=True)
class Case:
    """One control on the first version of a page, looked for on the second. `true`: its key there, None when it is gone."""

    base: Base
    kind: str
    control: Control
    target: Target
    after: Seen
    now: dict[str, Traits]
    true: str | None
    alone: bool

    @property
    def undecided(self) -> bool:
        return decided(self.target, self.after.view, self.now) is None

    def best(self, model: Weights) -> Candidate | None:
        """The likeliest control by the scored match, whatever its score; None where nothing tells it apart."""
        ranked = rank(self.target, self.after.view, model, self.now)
        was = self.target.traits
        assert was is not None
        return ranked[0] if ranked and told_apart(was, ranked[0].control, self.after.view, self.now) else None


def cases(base: Base, kind: str, rng: Random, before: Seen | None = None) -> list[Case]:
    """Every control of a page, to be found again after a change of this kind; none where there is nothing to change."""
    markup = changed(base, kind, rng)
    if markup is None:
        return []
    before, after = before or look(base.html), look(markup)
    was, now = traits_of(before.view), traits_of(after.view)
    where = {identity: key for key, identity in after.true.items()}
    # On another case there is no same row: a control that stands in a row of data has no counterpart.
    skip = {key for key, identity in before.true.items() if ":" in identity} if kind == "other data" else set()
    return [
        Case(
            base=base,
            kind=kind,
            control=control,
            target=Target(key=control.key, role=control.role, name=control.name, traits=was[control.key]),
            after=after,
            now=now,
            true=where.get(before.true[control.key]),
            alone=was[control.key].twins == 1 and not (control.key in now and now[control.key].twins > 1),
        )
        for control in before.view.controls
        if control.key in before.true and (control.key not in skip or base.family == "practice BPM")
    ]


def draws(part: Sequence[Base], seed: int, kinds: Sequence[str] = tuple(KINDS)) -> Iterator[Case]:
    """At most one undecided control of each base page, after a change of a kind drawn for the page. So no two share a page."""
    for base in part:
        rng = Random(f"{seed} {base.name}")
        before = look(base.html)
        for kind in rng.sample(kinds, 4):
            if found := [case for case in cases(base, kind, rng, before) if case.undecided]:
                yield rng.choice(found)
                break


def run(
    forms: int = 3000,
    each: int = 60,
    seed: int = 1,
    weights: Weights | None = None,
    progress: Progress = lambda done, total: None,
) -> IdentityBench:
    """Measure on the test pages: every control of `each` forms after every kind of change, and one target of every page."""
    started = time.monotonic()
    model = weights or shipped()
    part = bases("test", forms)
    families = Counter(base.family for base in part)
    left = Counter({family: each for family in families} | {"practice BPM": each})
    shown = []
    for base in part:
        left[base.family] -= 1
        if left[base.family] >= 0:
            shown.append(base)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    faults: list[str] = []
    for number, base in enumerate(shown):
        progress(number, len(shown) + 1)
        before = look(base.html)
        for kind in KINDS:
            found = cases(base, kind, Random(f"{seed} {base.name} {kind}"), before)
            counts[kind]["pages"] += bool(found)
            for case in found:
                _count(case, model, counts[kind], faults)
    drawn = [(case, case.best(model)) for case in draws(part, seed)]
    progress(len(shown) + 1, len(shown) + 1)
    scored = [(best.score, best.control.key == case.true) for case, best in drawn if best is not None]
    used = [right for score, right in scored if model.tau is not None and score >= model.tau]
    kinds = tuple(_kind(kind, counts[kind]) for kind in KINDS)
    precision = share(sum(used), len(used))
    return IdentityBench(
        kinds=kinds,
        precision=precision,
        coverage=share(len(used), len(drawn)),
        found=share(sum(used), sum(case.true is not None for case, _ in drawn)),
        curve=curve(scored, len(drawn)),
        tau=model.tau,
        certificate=model.certificate,
        bases=dict(families),
        faults=tuple(faults[:40]),
        seconds=round(time.monotonic() - started, 1),
        short=tuple(_short(kinds, precision, model)),
    )


def _count(case: Case, model: Weights, counted: Counter[str], faults: list[str]) -> None:
    there = case.true is not None
    found = case.after.view.control(case.target.key)
    counted["all"] += 1
    counted["there"] += there
    counted["alone"] += there and case.alone
    if there and found is not None and found.key == case.true:
        counted["kept"] += 1
        counted["kept alone"] += case.alone
    counted["mistaken"] += found is not None and found.key != case.true
    answer = match(case.target, case.after.view, model)
    undecided = case.undecided
    counted["lost"] += undecided and there
    if isinstance(answer, Match):
        right = answer.control.key == case.true
        counted["right" if right else "wrong"] += 1
        counted["recovered"] += right and undecided
        counted["gone wrong"] += not there
        if not right:
            how = "key" if answer.exact else f"score {answer.score:.3f}"
            faults.append(f"{case.kind}, {case.base.name}: {case.target.key} taken for {answer.control.key}, by {how}")
    else:
        counted["handed off"] += 1
    counted["gone"] += not there


def _kind(kind: str, n: Counter[str]) -> Kind:
    return Kind(
        kind=kind,
        pages=n["pages"],
        kept=share(n["kept"], n["there"]),
        kept_alone=share(n["kept alone"], n["alone"]),
        mistaken=share(n["mistaken"], n["all"]),
        right=share(n["right"], n["all"]),
        wrong=share(n["wrong"], n["all"]),
        recovered=share(n["recovered"], n["lost"]),
        handed_off=share(n["handed off"], n["all"]),
        gone_wrong=share(n["gone wrong"], n["gone"]),
    )


def curve(scored: Sequence[tuple[float, bool]], total: int) -> tuple[Point, ...]:
    """Risk at every twentieth of the scored ones, best scores first; coverage is of `total`."""
    ordered = sorted(scored, key=lambda pair: -pair[0])
    points = []
    for twentieth in range(1, 21):
        taken = ordered[: max(round(len(ordered) * twentieth / 20), 1)]
        if taken:
            wrong = sum(not right for _, right in taken)
            points.append(Point(score=taken[-1][0], coverage=len(taken) / total, risk=wrong / len(taken)))
    return tuple(points)


def _short(kinds: Sequence[Kind], precision: Share, model: Weights) -> Iterator[str]:
    for kind in kinds:
        if kind.kind in KEPT and kind.kept.value != 1.0:
            yield f"{kind.kind}: {kind.kept.of - kind.kept.count} of {kind.kept.of} keys did not survive, all are to"
        if kind.wrong.value is not None and kind.wrong.value > 1.0 - TARGET:
            yield f"{kind.kind}: {kind.wrong.value:.2%} of the controls were taken for another, at most {1 - TARGET:.0%} wanted"
    if model.tau is None:
        yield "no threshold is certified, so no match is ever used"
    elif precision.value is None or precision.value < TARGET:
        yield f"{precision} of the matches were right, at least {TARGET:.0%} wanted"


def table(bench: IdentityBench) -> Table:
    """For the terminal: one row a kind of change."""
    caption = "Shares of controls; 'recovered' of those that the key leaves open and that are still there."
    shown = Table(title="Controls on another version of their page", caption=caption)
    for heading in ("Change", "Controls", "Key kept", "Key misleads", "Recovered", "Right", "Wrong", "Handed off"):
        shown.add_column(heading, justify="left" if heading == "Change" else "right", no_wrap=heading == "Change")
    for kind in bench.kinds:
        shown.add_row(
            kind.kind,
            str(kind.right.of),
            *(_percent(s) for s in (kind.kept, kind.mistaken, kind.recovered, kind.right, kind.wrong, kind.handed_off)),
            end_section=kind.kind == list(KEPT)[-1],
        )
    return shown


def _percent(found: Share) -> str:
    return "-" if found.value is None else f"{found.value:.1%}" if found.value not in (0.0, 1.0) else f"{found.value:.0%}"
