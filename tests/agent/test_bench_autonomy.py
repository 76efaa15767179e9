"""The benchmark of autonomy: its figures, its records of phases, its tables and its report."""

from __future__ import annotations

import io
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from anyio.from_thread import BlockingPortal
from rich.console import Console
from sklearn.metrics import precision_recall_fscore_support

from agent.bench.autonomy import accuracy as accuracies
from agent.bench.autonomy import figures
from agent.bench.autonomy.checks import checks
from agent.bench.autonomy.experiment import Mixes, cases_with, linked
from agent.bench.autonomy.newcomer import copilot_point
from agent.bench.autonomy.phases import Phases, digest_of, opened_folder
from agent.bench.autonomy.report import render_report
from agent.bench.autonomy.results import AutonomyResults
from agent.bench.autonomy.settings import AutonomySettings, Wanted, quick
from agent.bench.autonomy.tables import checks_table, tables
from agent.bench.autonomy.verdicts import class_scores, compare, curves
from agent.errors import RunError
from agent.klm import by_hand
from policies.calibrate import CalibrationSettings, Judged
from policies.evaluate import StepRow
from policies.metrics import proportion
from policies.proposal import Decision, Proposal, action_class
from policies.trace import Step
from schema_extraction.action import Action, Click, CloseCase, SendMessage, Target
from schema_extraction.view import Frozen, View
from tests.agent.sample_autonomy import results
from tests.agent.test_figures import case, submission

SETTINGS = AutonomySettings(out=Path("nowhere"))
PRESS = Click(target=Target(key="b", name="Complete task"))


def row(case_id: str, right: bool, action: str = "click") -> StepRow:
    return StepRow(
        case_id=case_id,
        process="refund",
        action=action,
        type=right,
        target=right,
        value=right,
        has_value=False,
        top3=right,
        true=right,
    )


def step(case_id: str, action: Action = PRESS, actor: str = "operator", hand_off: bool = False, index: int = 0) -> Step:
    return Step.model_validate(
        {
            "case_id": case_id,
            "session": case_id,
            "index": index,
            "actor": actor,
            "view": View(path="/", today=date(2026, 1, 1), slice="refund"),
            "action": action if actor == "operator" else None,
            "critical": True,
            "ranked": (Proposal(action=action, probability=0.9),),
            "decision": Decision(kind="hand_off", code="below_threshold", reason="Please check.") if hand_off else None,
        }
    )


def judged(case_id: str, accepted: bool, action: Action = PRESS, confidence: float = 0.9) -> Judged:
    made = step(case_id, action, actor="agent").model_copy(
        update={"ranked": (Proposal(action=action, probability=confidence),)}
    )
    return Judged(step=made, history=(), accepted=accepted)


def test_step_accuracy_is_told_by_step_by_case_and_by_action() -> None:
    rows = [row("A", True), row("A", True), row("B", True), row("B", False, "fill")]
    found = accuracies.accuracy(rows)
    assert (found.cases, found.steps, found.step.value, found.case.value) == (2, 4, 0.75, 0.5)
    assert found.by_action["fill"].value == 0.0 and found.by_action["click"].value == 1.0
    assert found.value.value is None  # no step entered a value
    assert found.step.lower is not None and found.step.lower <= 0.75


def test_a_live_run_is_told_by_the_audit_log() -> None:
    verdicts = [
        case("C-1", submission(), submission()),
        case("C-2", submission(), submission(operator="op1")),
        case("C-3", submission(right=False)),
        case("C-4", submission(), over=False),
    ]
    found = figures.live(verdicts, [], [])
    assert (found.session_automation.count, found.session_automation.total) == (2, 4)
    assert (found.silent_wrong.count, found.silent_wrong.total) == (1, 4)
    assert (found.session_risk.count, found.session_risk.total) == (1, 2)
    assert found.saving is None


def test_what_is_saved_is_told_on_the_same_cases() -> None:
    manual = [step(name, SendMessage(text="Hello"), index=i) for i, name in enumerate(("C-1", "C-2", "C-3"))]
    alone = by_hand(manual[:1]).seconds
    verdicts = [case("C-1", submission()), case("C-2", submission()), case("C-9", submission())]
    found = figures.saving(verdicts, [step("C-1", actor="agent")], manual)
    assert found is not None and found.cases == 2
    assert found.by_hand.value == pytest.approx(alone) and found.saving.value == pytest.approx(1.0)
    asked = figures.saving(verdicts, [step("C-1", actor="agent", hand_off=True)], manual)
    assert asked is not None and asked.saving.value is not None and 0.0 < asked.saving.value < 1.0


def test_a_case_that_was_not_brought_to_its_end_costs_all_of_its_work_by_hand() -> None:
    left = figures.saving([case("C-1", over=False)], [], [step("C-1")])
    assert left is not None and left.saving.value == pytest.approx(0.0)


def test_critic_and_confidence_are_compared_with_intervals() -> None:
    found = [judged(f"C-{i // 3}", i % 5 != 0, confidence=0.9 if i % 2 else 0.8) for i in range(90)]
    perfect = [0.9 if item.accepted else 0.1 for item in found]
    made = compare(found, perfect, "made-up verdicts", repeats=50)
    assert made.critic.macro_f1.value == 1.0 and made.critic.e_aurc.value == pytest.approx(0.0)
    assert made.f1_gain.value is not None and made.f1_gain.lower is not None and made.f1_gain.lower > 0
    assert made.e_aurc_ratio.value == pytest.approx(0.0)
    [one] = curves(found, perfect, lambda item: action_class(item.step.ranked[0].action))
    assert (one.name, one.count, one.wrong) == ("click", 90, 18)
    assert curves(found[:5], perfect[:5], lambda item: "few") == ()


def test_classes_are_scored_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(0)
    for labels, accepts in [(rng.integers(0, 2, 40), rng.random(40) < 0.7), (np.ones(5, np.int64), np.zeros(5, np.bool_))]:
        theirs = precision_recall_fscore_support(labels, accepts, labels=[1, 0], zero_division=0.0)
        for place, part in enumerate(("precision", "recall", "f1")):
            for label in (1, 0):
                assert class_scores(labels, accepts, part, label) == pytest.approx(theirs[place][1 - label])
            assert class_scores(labels, accepts, part, None) == pytest.approx(theirs[place].mean())


def test_a_new_process_is_selective_once_every_class_of_its_actions_is_certified() -> None:
    settings = CalibrationSettings(target=0.9, preferences_pass=True, slices=False)
    found = [judged(f"C-{100 + i}", True, action) for i in range(40) for action in (PRESS, CloseCase(resolution="Done"))]
    scores = [0.9] * len(found)
    early, late = copilot_point(found, scores, 10, settings), copilot_point(found, scores, 40, settings)
    assert not early.selective and early.needs == {"click": 19, "end_case": 19}  # 29 without an error, at half of delta
    assert late.selective and (late.projected.count, late.projected.total, late.right.value) == (40, 40, 1.0)
    wrong = [judged("C-100", False, SendMessage(text="x")), *found]
    assert not copilot_point(wrong, [0.9, *scores], 40, settings).selective


class Counted(Frozen):
    number: int


def test_a_phase_that_is_done_is_not_done_again(tmp_path: Path, portal: BlockingPortal) -> None:
    opened_folder(tmp_path / "out", fresh=False)
    done: list[str] = []

    async def work(name: str) -> Counted:
        done.append(name)
        (tmp_path / "out" / name).mkdir()
        return Counted(number=len(done))

    def run(digest: str, *names: str) -> list[int]:
        phases = Phases(tmp_path / "out", digest, Console(file=io.StringIO()))

        async def all_of() -> list[int]:
            return [(await phases.run(name, name, Counted, lambda name=name: work(name))).number for name in names]  # type: ignore[misc]

        return portal.call(all_of)

    assert run("one", "a", "b") == [1, 2]
    assert run("one", "a", "b") == [1, 2] and done == ["a", "b"]
    (tmp_path / "out" / "phases" / "a.json").unlink()
    assert run("one", "a", "b") == [3, 4], "what rests on a phase is done again with it"
    assert run("two", "a") == [5], "other settings"


def test_only_a_folder_of_the_benchmark_is_cleared(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(RunError, match="another --out"):
        opened_folder(tmp_path, fresh=True)
    assert (tmp_path / "letter.txt").exists()


def test_the_digest_tells_settings_apart_but_not_folders() -> None:
    assert digest_of(SETTINGS) == digest_of(SETTINGS.model_copy(update={"out": Path("elsewhere"), "headed": True}))
    assert digest_of(SETTINGS) != digest_of(quick(SETTINGS))


def test_the_first_cases_with_so_many_steps_go_into_a_folder_of_their_own(tmp_path: Path) -> None:
    files = [tmp_path / f"C-{n}.jsonl" for n in range(4)]
    for n, file in enumerate(files):
        file.write_text("{}\n" * (n + 1))
    assert [cases_with(files, steps) for steps in (1, 2, 3, 4, 10, 99)] == [1, 2, 2, 3, 4, 4]
    folder = linked(tmp_path / "both", files[:1], [files[0], files[3]])
    assert sorted(path.name for path in folder.iterdir()) == ["0-C-0.jsonl", "1-C-0.jsonl", "1-C-3.jsonl"]


def test_the_new_process_is_in_no_case_before_it_comes() -> None:
    mixes = Mixes.of(SETTINGS)
    [late] = mixes.newcomer["logged"].mix.only
    assert late not in mixes.base["logged"].mix.only and mixes.names[late] == mixes.newcomer_name
    before = {case for part in mixes.base.values() for case in part.case_ids}
    assert not before & {case for part in mixes.newcomer.values() for case in part.case_ids}
    assert len(mixes.names) >= Wanted().processes and len(set(mixes.slices.values())) >= Wanted().slices


def test_what_falls_short_is_told_beside_what_is_reached() -> None:
    found = results()
    short = {check.name for check in found.short}
    assert "Silent wrong effects, of all sessions" not in short and "Session automation" not in short
    worse = found.systems[0].live
    assert worse is not None
    live = worse.model_copy(update={"silent_wrong": proportion(9, 300)})
    systems = (found.systems[0].model_copy(update={"live": live}), *found.systems[1:])
    told = checks(found.model_copy(update={"systems": systems}), Wanted(), 9999.0)
    fell = {check.name for check in told if not check.passed}
    assert {"Silent wrong effects, of all sessions", "Time"} <= fell
    unknown = checks(found.model_copy(update={"newcomer": None, "timing": None}), Wanted(), 1.0)
    assert sum(check.met is None for check in unknown) == 4
    assert all(not check.passed for check in unknown if check.met is None)


def printed(found: AutonomyResults) -> str:
    console = Console(file=io.StringIO(), width=220)
    for table in tables(found):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_tables_show_every_system_with_intervals() -> None:
    text = printed(results())
    assert "67.0% [61.4, 72.3]" in text and "n-gram over steps" in text and "Use the warranty" in text
    assert len(checks_table(results()).rows) == len(results().checks)


class Tags(HTMLParser):
    """Which elements stand open at the end, and which were closed wrongly."""

    VOID = {"meta", "link", "img", "br", "path", "line", "rect"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_the_report_is_one_page_without_scripts() -> None:
    page = render_report(results())
    tags = Tags()
    tags.feed(page)
    assert not tags.wrong and not tags.open and "script" not in tags.names
    for words in (
        "Where entries come from",
        "without text",
        "900 accepted, 60 preference, 90 error",
        "Use the warranty",
        "TF-IDF + logistic regression",
        "fee: wrong in",
        "practice application",
        "casepilot bpm judge",
    ):
        assert words in page
    assert "None" not in page and "nan" not in page
