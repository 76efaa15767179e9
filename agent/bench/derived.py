"""What derived values and comparisons bring: the same policy trained with and without them on the same cases, on held-out ones.

    python -m agent.bench.derived TRACES --out runs/bench/derived
    python -m agent.bench.derived TRACES --reach      # without training: what can be expressed at all, in a minute

The last `--share` of the cases, by the time of their first step, are held out, or those of other traces (`--held-out`); all
variants see the same rest. What an entry
is (copied, chosen, derived, free) is told by the formulas that the full variant found in the training cases.
"""

from __future__ import annotations

import gzip
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from policies.candidates import Memory
from policies.proposal import Policy
from policies.trace import Step
from schema_extraction.action import same_action, target_key
from schema_extraction.view import Frozen


class Variant(Frozen):
    """What a variant is given."""

    name: str
    derived: bool
    comparisons: bool


VARIANTS = (
    Variant(name="both", derived=True, comparisons=True),
    Variant(name="neither", derived=False, comparisons=False),
    Variant(name="no comparisons", derived=True, comparisons=False),
    Variant(name="no derived values", derived=False, comparisons=True),
)


class Tally(Frozen):
    """`right` of `count` steps: action, target and value."""

    count: int = 0
    right: int = 0

    @property
    def share(self) -> float:
        return self.right / self.count if self.count else 0.0


class VariantResult(Frozen):
    """Steps right in all, by what the entry is, and by field. `seconds`: of training."""

    variant: Variant
    overall: Tally
    by_use: dict[str, Tally]
    by_field: dict[str, Tally]
    seconds: float


class Reach(Frozen):
    """What the candidates of a view can express of held-out entries, with and without derived values. `steps`: those whose
    target and value are among the candidates. `expressed`, `likeliest`: entries, by what they are, whose value is among the
    candidates, and is the one that was right most often in training."""

    derived: bool
    steps: Tally
    expressed: dict[str, Tally]
    likeliest: dict[str, Tally]


class DerivedBench(Frozen):
    """`formulas` and `comparisons` in words, as the full variant found them; `fields`: how many fields are of each kind."""

    training_cases: int
    held_out_cases: int
    training_steps: int
    held_out_steps: int
    fields: dict[str, int]
    entries: dict[str, int]
    formulas: tuple[str, ...]
    comparisons: tuple[str, ...]
    results: tuple[VariantResult, ...]


Cases = Sequence[Sequence[Step]]


def divided(traces: Path, share: float, most: int = 0, held_out: Path | None = None) -> tuple[Cases, Cases]:
    """The cases to learn from and those held out."""
    from policies.dataset import read_cases

    cases = sorted(read_cases(traces).values(), key=lambda steps: (steps[0].time, steps[0].case_id))
    cases = cases[-most:] if most else cases
    cut = len(cases) if held_out else round(len(cases) * (1 - share))
    return cases[:cut], list(read_cases(held_out).values()) if held_out else cases[cut:]


def reach(learned: Cases, held: Cases) -> tuple[Reach, Reach]:
    """What can be expressed without and with derived values."""
    from policies.dataset import coverage, example, learn_memory, samples
    from policies.derive.derived import Derived, learn_formulas
    from policies.derive.fields import use_of
    from policies.small.lexicon import learn_lexicon
    from policies.small.values import meaning_of

    cases = [list(samples(case)) for case in learned]
    known = [sample for case in cases for sample in case]
    full = learn_memory(known, past=True).but(derived=Derived(formulas=learn_formulas(known)))
    found = []
    for memory in (learn_memory(known), full):
        examples = {case[0].case_id: [made for s in case if (made := example(s, memory))] for case in cases if case}
        lexicon = learn_lexicon(examples)
        pairs = [(sample, example(sample, memory)) for case in held for sample in samples(case)]
        expressed: dict[str, list[bool]] = defaultdict(list)
        likeliest: dict[str, list[bool]] = defaultdict(list)
        for sample, made in pairs:
            use = use_of(sample.view, sample.history, sample.action, full)
            if use is None or sample.action.type not in ("fill", "select"):
                continue
            expressed[use].append(made is not None and bool(made.matches))
            right = False
            if made is not None and made.candidates:
                key = made.choices[made.target].key
                best = max(made.candidates, key=lambda c: lexicon.prior(key, c.slot)[0])
                right = meaning_of(best) in {meaning_of(made.candidates[i]) for i in made.matches}
            likeliest[use].append(right)
        whole = coverage(pairs)
        steps = Tally(count=whole.samples, right=round(whole.both * whole.samples))
        found.append(Reach(derived=memory is full, steps=steps, expressed=_tallies(expressed), likeliest=_tallies(likeliest)))
    return found[0], found[1]


def _tallies(rows: Mapping[str, Sequence[bool]]) -> dict[str, Tally]:
    return {key: Tally(count=len(found), right=sum(found)) for key, found in sorted(rows.items())}


def measure(
    traces: Path,
    out: Path,
    share: float = 0.2,
    seed: int = 0,
    most: int = 0,
    held_out: Path | None = None,
    variants: Sequence[Variant] = VARIANTS,
) -> DerivedBench:
    """Train every variant on the earlier cases at or below `traces` and measure it on the later ones, or on `held_out`. `most`:
    cases of `traces` at most. The first of `variants` must be the full one."""
    from policies.bundle import load
    from policies.dataset import samples
    from policies.derive.fields import USES, report
    from policies.train import TrainSettings, train_policy

    learned, held = divided(traces, share, most, held_out)
    out.mkdir(parents=True, exist_ok=True)
    file = out / "training.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8", compresslevel=1) as lines:
        lines.writelines(step.model_dump_json() + "\n" for case in learned for step in case)
    seconds = {}
    for variant in variants:
        started = time.monotonic()
        settings = TrainSettings(seed=seed, derived=variant.derived, comparisons=variant.comparisons)
        train_policy(file, out / variant.name.replace(" ", "-"), settings)
        seconds[variant.name] = time.monotonic() - started
    bundles = {variant.name: load(out / variant.name.replace(" ", "-"), threads=2) for variant in variants}
    memory = bundles[variants[0].name].policy.memory
    fields = report((sample for case in learned for sample in samples(case)), memory)
    steps = [step for case in held for step in case]
    return DerivedBench(
        training_cases=len(learned),
        held_out_cases=len(held),
        training_steps=sum(map(len, learned)),
        held_out_steps=len(steps),
        fields={use: fields.count(use) for use in USES},
        entries={use: fields.entries(use) for use in USES},
        formulas=tuple(f"{f.name} = {'; or '.join(f.formulas)}" for f in fields.fields if f.formulas),
        comparisons=tuple(comparison.worded() for comparison in memory.derived.comparisons),
        results=tuple(_judged(v, bundles[v.name].policy, steps, memory, seconds[v.name]) for v in variants),
    )


def _judged(variant: Variant, policy: Policy, steps: Sequence[Step], memory: Memory, seconds: float) -> VariantResult:
    from policies.calibrate import histories
    from policies.derive.fields import use_of

    rows: dict[str, dict[str, list[bool]]] = {name: defaultdict(list) for name in ("all", "use", "field")}
    for step, history in histories(steps):
        if step.actor != "operator" or step.action is None:
            continue
        ranked = policy.propose(step.view, history)
        right = bool(ranked) and same_action(ranked[0].action, step.action)
        rows["all"][""].append(right)
        use = use_of(step.view, history, step.action, memory) or "no entry"
        rows["use"][use].append(right)
        rows["field"][f"{step.view.slice}: {target_key(step.action)}"].append(right)

    overall = _tallies(rows["all"]).get("", Tally())
    by_use, by_field = _tallies(rows["use"]), _tallies(rows["field"])
    return VariantResult(variant=variant, overall=overall, by_use=by_use, by_field=by_field, seconds=seconds)


def show(bench: DerivedBench) -> None:
    """Print the tables."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    uses = sorted({use for result in bench.results for use in result.by_use})
    title = f"{bench.held_out_steps} held-out steps of {bench.held_out_cases} cases, learned from {bench.training_cases} cases"
    table = Table("variant", "steps right", *uses, "training s", title=title)
    for result in bench.results:
        cells = [result.overall, *(result.by_use.get(use, Tally()) for use in uses)]
        table.add_row(result.variant.name, *(f"{cell.share:.1%} of {cell.count}" for cell in cells), f"{result.seconds:.0f}")
    console.print(table)
    kinds = Table("", *bench.fields, title="where what operators entered came from")
    kinds.add_row("fields", *map(str, bench.fields.values()))
    kinds.add_row("entries", *map(str, bench.entries.values()))
    console.print(kinds)
    first, last = bench.results[:2]
    moved = Table(
        "field",
        "steps",
        *(result.variant.name for result in bench.results),
        title="fields that moved by 3 steps between the first two",
    )
    for key, tally in first.by_field.items():
        if abs(tally.right - last.by_field[key].right) >= 3:
            moved.add_row(key, str(tally.count), *(f"{result.by_field[key].share:.1%}" for result in bench.results))
    console.print(moved)
    for heading, found in (("formulas", bench.formulas), ("comparisons", bench.comparisons)):
        console.print(f"{len(found)} {heading}", *found, sep="\n  ", markup=False, highlight=False)


def show_reach(without: Reach, full: Reach) -> None:
    """Print what can be expressed."""
    from rich.console import Console
    from rich.table import Table

    table = Table("", "without derived values", "with", title="held-out entries that the candidates can express")
    table.add_row("steps", *(f"{r.steps.right} of {r.steps.count} ({r.steps.share:.1%})" for r in (without, full)))
    for use in full.expressed:
        pairs = [(r.expressed[use], r.likeliest[use]) for r in (without, full)]
        table.add_row(use, *(f"{a.right} of {a.count}; {b.right} by the likeliest source" for a, b in pairs))
    Console().print(table)


def main(
    traces: Annotated[Path, typer.Argument(help="Recorded traces: a file, or a folder that is searched.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the models and results.json.")] = Path(
        "runs/bench/derived"
    ),
    share: Annotated[float, typer.Option("--share", min=0.05, max=0.8, help="Share of the cases held out.")] = 0.2,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    most: Annotated[int, typer.Option("--most", help="Only the latest so many cases; 0 for all.")] = 0,
    held_out: Annotated[Path | None, typer.Option("--held-out", help="Other traces to measure on.")] = None,
    only_reach: Annotated[bool, typer.Option("--reach", help="Only what can be expressed; trains nothing.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Only with both and with neither.")] = False,
) -> None:
    """Measure what derived values and comparisons bring."""
    from agent.logs import log_to

    log_to()
    if only_reach:
        show_reach(*reach(*divided(traces, share, most, held_out)))
        return
    bench = measure(traces, out, share, seed, most, held_out, VARIANTS[: 2 if quick else 4])
    (out / "results.json").write_text(bench.model_dump_json(indent=1), encoding="utf-8")
    show(bench)


if __name__ == "__main__":
    typer.run(main)
