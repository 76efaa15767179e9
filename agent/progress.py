"""What a run shows while it runs and when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from agent.runner import RunState
from agent.store import CaseSummary


class RunProgress:
    """A line of progress: cases done, automated, handed off and waiting. Call it with every `RunState`."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("cases", total=None, detail="starting")

    def __call__(self, state: RunState) -> None:
        parts = [f"{state.automated} automated", f"{state.handed_off} hand-offs", f"{state.working} working"]
        if state.waiting:
            parts.append(f"[yellow]{state.waiting} wait for an operator[/]")
        if state.failed:
            parts.append(f"[red]{state.failed} failed[/]")
        self._progress.update(
            self._task, total=state.total or None, completed=state.done + state.failed, detail=" · ".join(parts)
        )


@contextmanager
def run_progress(console: Console) -> Iterator[RunProgress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=console, refresh_per_second=2) as progress:
        yield RunProgress(progress)


def summary_table(summaries: Sequence[CaseSummary]) -> Table:
    """One row a case, and a row of totals."""
    table = Table(title=f"{sum(s.automated for s in summaries)} of {len(summaries)} cases closed with no operator asked")
    for heading in ("Case", "Status", "Steps", "Hand-offs", "Unattended", "Supervised", "Operator", "Seconds"):
        table.add_column(heading, justify="left" if heading in ("Case", "Status") else "right")
    for s in summaries:
        table.add_row(
            s.case_id,
            s.status.replace("_", " "),
            *(str(n) for n in (s.steps, s.handoffs, s.critical_unattended, s.critical_supervised, s.critical_operator)),
            f"{s.wall_seconds:.1f}",
        )
    table.caption = "Unattended, supervised (accepted or edited) and operator: critical actions by who answered for them."
    return table


@contextmanager
def counting(console: Console, title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar to call with how many of how many are done; it shows from the first call on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=console, refresh_per_second=4)
    task = progress.add_task(title, total=None)

    def advance(done: int, total: int) -> None:
        progress.start()
        progress.update(task, completed=done, total=total or None)

    try:
        yield advance
    finally:
        if progress.live.is_started:
            progress.stop()
