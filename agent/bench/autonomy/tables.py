"""The benchmark for the terminal: what was wanted and reached, the systems beside one another, critic and new process."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from agent.bench.autonomy.results import AutonomyResults, Comparison, Live, Newcomer, System
from agent.bench.critic import tables as critic_kinds
from agent.results import percent
from policies.metrics import Estimate


def share(estimate: Estimate | None, digits: int = 1) -> str:
    """E.g. ``65.3% [59.6, 70.7]``."""
    if estimate is None or estimate.value is None:
        return "–"
    return f"{percent(estimate.value, digits)}{_interval(estimate, 100.0, digits)}"


def number(estimate: Estimate | None, digits: int = 3) -> str:
    """E.g. ``0.012 [0.004, 0.021]``."""
    if estimate is None or estimate.value is None:
        return "–"
    return f"{estimate.value:.{digits}f}{_interval(estimate, 1.0, digits)}"


def counted(estimate: Estimate | None) -> str:
    """E.g. ``52 of 100``."""
    return "–" if estimate is None or estimate.total is None else f"{estimate.count} of {estimate.total}"


def tables(results: AutonomyResults) -> Iterator[Table]:
    """All tables, in the order to be printed in."""
    yield systems_table(results.systems)
    if results.critic:
        yield critic_table(results.critic)
    if results.critics:
        yield from critic_kinds(results.critics)
    yield learning_table(results)
    if results.newcomer:
        yield newcomer_table(results.newcomer)
    yield checks_table(results)


def systems_table(systems: tuple[System, ...]) -> Table:
    """One column a system."""
    table = Table(title="Held-out cases, with 95% intervals", title_justify="left")
    table.add_column("")
    for system in systems:
        table.add_column(system.name, overflow="fold")
    for name, title in ACCURACY:
        table.add_row(title, *(share(getattr(one.accuracy, name) if one.accuracy else None) for one in systems))
    for name, title in LIVE:
        table.add_row(title, *(share(getattr(one.live, name) if one.live else None) for one in systems))
    table.add_row("hand-offs (of these blind audits)", *(_hand_offs(one.live) for one in systems))
    table.add_row("handling time saved", *(share(_saving(one.live)) for one in systems))
    return table


ACCURACY = (
    ("tool", "tool accuracy"),
    ("target", "target accuracy"),
    ("value", "value accuracy"),
    ("step", "step accuracy, as the operator did"),
    ("true", "step accuracy, right by the truth"),
    ("case", "cases with every step right"),
)
"""What is shown of step accuracy, in this order."""
LIVE = (
    ("session_automation", "session automation"),
    ("automation_right", "automated and right"),
    ("precision", "precision of unattended critical actions"),
    ("silent_wrong", "silent wrong effects, of all sessions"),
    ("session_risk", "the same, of automated sessions"),
    ("over_caution", "over-caution"),
)
"""What is shown of a live run, in this order."""


def critic_table(found: Comparison) -> Table:
    table = Table(title=f"Critic against policy confidence: {found.critic.count} {found.on}", title_justify="left")
    for heading in ("", "critic", "confidence"):
        table.add_column(heading)
    for name in ("macro_precision", "macro_recall", "macro_f1", "f1_accept", "f1_reject"):
        table.add_row(name.replace("_", " "), share(getattr(found.critic, name)), share(getattr(found.confidence, name)))
    for name in ("auroc", "aurc", "e_aurc", "ece"):
        title = {"auroc": "AUROC", "aurc": "AURC", "e_aurc": "excess AURC", "ece": "ECE"}[name]
        table.add_row(title, number(getattr(found.critic, name), 4), number(getattr(found.confidence, name), 4))
    return table


def learning_table(results: AutonomyResults) -> Table:
    table = Table(title="Learning curve of the policy", title_justify="left")
    for heading in ("logged cases", "steps", "right by the truth", "as the operator did", "training, s"):
        table.add_column(heading, justify="right")
    for point in results.learning:
        table.add_row(f"{point.cases:,}", f"{point.steps:,}", share(point.true), share(point.step), f"{point.seconds:.0f}")
    return table


def newcomer_table(found: Newcomer) -> Table:
    table = Table(title=f"A process that comes later: {found.process}", title_justify="left")
    for heading in ("cases of it", "step accuracy", "certified", "would close alone"):
        table.add_column(heading)
    table.add_row("none", share(found.before.true), "", "")
    for point in found.logged:
        table.add_row(f"{point.cases} logged", share(point.true), "", "")
    for review in found.copilot:
        said = ", ".join(
            name.replace("_", " ") + ("" if done else f" [dim]needs {review.needs.get(name, '?')} more[/]")
            for name, done in review.certified.items()
        )
        table.add_row(f"{review.cases} in copilot", "", said, share(review.projected))
    if found.live:
        table.add_row(
            f"{found.live.cases} held out",
            "",
            f"precision {share(found.live.precision)}",
            share(found.live.session_automation),
        )
    return table


def checks_table(results: AutonomyResults) -> Table:
    """What was wanted and what was reached."""
    table = Table(title="Wanted and reached", title_justify="left")
    for heading in ("", "wanted", "reached", ""):
        table.add_column(heading)
    for check in results.checks:
        sign = "[green]reached[/]" if check.passed else "[red]NOT reached[/]"
        table.add_row(check.name, f"{check.relation} {check.text(check.wanted)}", check.text(check.met), sign)
    return table


def _interval(estimate: Estimate, scale: float, digits: int) -> str:
    if estimate.lower is None or estimate.upper is None:
        return ""
    return f" \\[{scale * estimate.lower:.{digits}f}, {scale * estimate.upper:.{digits}f}]"


def _hand_offs(live: Live | None) -> str:
    return f"{live.hand_offs} ({live.audits})" if live else "–"


def _saving(live: Live | None) -> Estimate | None:
    return live.saving.saving if live and live.saving else None
