"""Critics of several kinds on one run's feedback, judged by verdicts and, on the practice BPM, by what was true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from policies.compare import ABLATIONS, FEEDBACK, Comparison, Scores, Truth, compare
from policies.errors import FeedbackError, TraceError
from policies.evaluate import CriticEvaluation
from policies.trace import read_steps

if TYPE_CHECKING:
    from policies.calibrate import CalibrationSettings

Progress = Callable[[int, int], None]


def measure(
    model: Path,
    feedback: Path,
    settings: CalibrationSettings,
    db: Path | None = None,
    ablations: bool = True,
    progress: Progress = lambda done, total: None,
) -> Comparison:
    """Compare graded with binary feedback and, with `ablations`, critics without one group of inputs each. `db`: the practice
    BPM's database behind the feedback.

    Raises:
        ModelError, FeedbackError: model or feedback cannot be used. StoreError: there is no such database.
    """
    from policies.bundle import load

    try:
        steps = list(read_steps(feedback))
    except TraceError as error:
        raise FeedbackError(f"No feedback to go by: {error}") from error
    variants = FEEDBACK | (ABLATIONS if ablations else {})
    truth = practice_truth(db) if db is not None else None
    return compare(load(model).small, steps, variants, truth, settings, progress=progress)


def practice_truth(db: Path) -> Truth:
    """Whether a proposal was right by the practice BPM's own records, whatever the operator said; None where the step's task is
    not on the page."""
    from fixtures.operators.oracle import Oracle, StepTruth
    from fixtures.operators.proposal import judge_proposal
    from policies.calibrate import Judged

    oracle = Oracle(db)

    def right(item: Judged) -> bool | None:
        view = item.step.view
        case = oracle.truth(item.step.case_id)
        titles = {section.name for section in view.sections}
        due = [task for task in case.tasks.values() if task.title in titles]
        if len(due) != 1:
            return None
        step = StepTruth(case=case, task=due[0])
        return judge_proposal(step, view, item.step.ranked[0].action, oracle.labels).kind == "accept"

    return right


def tables(found: Comparison) -> list[Table]:
    """One table a reading of the verdicts."""
    readings: dict[str, list[tuple[Scores, CriticEvaluation | None]]] = {
        "against what operators accepted": [(v, v.accepted) for v in found.variants],
        "against what was right by their reasons": [(v, v.right) for v in found.variants],
        "against the application's records": [(v, v.truth) for v in found.variants if v.truth is not None],
    }
    return [_table(f"{name} ({_said(found)})", rows) for name, rows in readings.items() if rows]


def _said(found: Comparison) -> str:
    return ", ".join(f"{count} {name}" for name, count in found.verdicts.items() if count)


def _table(title: str, rows: list[tuple[Scores, CriticEvaluation | None]]) -> Table:
    table = Table(title=title)
    for heading in ("Critic", "F1 (macro)", "AUROC", "AURC", "E-AURC", "ECE", "Alone"):
        table.add_column(heading, justify="left" if heading == "Critic" else "right")
    for variant, evaluation in rows:
        if evaluation is not None:
            of = evaluation.confidence if variant.name == "confidence" else evaluation.critic
            table.add_row(
                variant.name,
                f"{of.macro_f1:.3f}",
                "-" if of.auroc is None else f"{of.auroc:.3f}",
                f"{of.aurc:.4f}",
                f"{of.e_aurc:.4f}",
                f"{of.ece:.3f}",
                f"{variant.automation:.1%}",
            )
    return table
