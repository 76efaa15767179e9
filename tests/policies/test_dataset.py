"""From traces to examples: what counts as a sample, what is remembered, what can be expressed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from loguru import logger

from policies.dataset import coverage, example, learn_memory, read_cases, samples, split, trace_digest
from policies.errors import TraceError
from policies.feedback import Reason, Verdict
from policies.trace import Step
from schema_extraction.action import Outcome, Select, action_value, target_key
from tests.policies import worlds
from tests.policies.made import SENDS, SUBMITS, reviewed


def steps(number: int = 1, seed: int = 3) -> list[Step]:
    case = worlds.draw(number, random.Random(seed))
    return [
        Step(case_id=case.case_id, session="s", index=i, time=worlds.START, actor="operator", view=view, action=action)
        for i, (view, action) in enumerate(worlds.script(case))
    ]


def actions(found: Sequence[Step]) -> list[str]:
    return [f"{target_key(s.action)}={action_value(s.action)}" for s in samples(found)]


def test_the_history_of_a_sample_is_what_was_done_before_it_in_its_session() -> None:
    found = list(samples(steps()))
    assert [len(sample.history) for sample in found] == list(range(len(found)))
    assert [item.action for item in found[-1].history] == [sample.action for sample in found[:-1]]


def test_corrections_and_accepted_proposals_are_samples_and_unreviewed_or_failed_steps_are_not() -> None:
    first, second, third, fourth, *_ = steps()
    mixed = [
        first.model_copy(update={"actor": "agent"}),
        second.model_copy(update={"actor": "agent", "verdict": Verdict(kind="accept", operator="op1")}),
        third.model_copy(update={"outcome": Outcome(result="refused")}),
        fourth,
    ]
    assert [sample.action for sample in samples(mixed)] == [second.action, fourth.action]


def test_an_entry_that_was_corrected_at_once_is_no_sample() -> None:
    found = steps()
    place = next(i for i, step in enumerate(found) if isinstance(step.action, Select))
    action = found[place].action
    assert isinstance(action, Select)
    wrong = found[place].model_copy(update={"action": action.model_copy(update={"option": "Other"})})
    assert actions([*found[:place], wrong, *found[place:]]) == actions(found)


def test_nothing_of_a_single_customer_is_remembered(tmp_path: Path) -> None:
    worlds.record(tmp_path, 40)
    cases = read_cases(tmp_path)
    memory = learn_memory(sample for case in cases.values() for sample in samples(case))
    dump = memory.model_dump_json()
    names = {step.view.facts[0].value.raw for case in cases.values() for step in case}
    assert memory.templates["send_message"]
    assert not [name for name in names if name in dump]


def test_all_that_operators_did_can_be_expressed(tmp_path: Path) -> None:
    worlds.record(tmp_path, 40)
    found = [sample for case in read_cases(tmp_path).values() for sample in samples(case)]
    memory = learn_memory(found)
    pairs = [(sample, example(sample, memory)) for sample in found]
    reach = coverage(pairs)
    assert reach.samples == len(found)
    assert reach.target == 1.0 and reach.both > 0.98
    for sample, made in pairs:
        if made is not None and made.matches:
            texts = {made.candidates[i].text for i in made.matches}
            assert action_value(sample.action) in texts


def test_what_cannot_be_expressed_is_counted_and_named() -> None:
    step = next(s for s in steps() if isinstance(s.action, Select))
    assert isinstance(step.action, Select)
    gone = step.model_copy(update={"action": step.action.model_copy(update={"option": "No such option"})})
    found = list(samples([gone]))
    reach = coverage([(found[0], example(found[0], learn_memory(found)))])
    assert (reach.target, reach.both) == (1.0, 0.0)
    assert reach.missed == ((f"select {target_key(step.action)}", 1),)


def test_a_malformed_line_is_named_and_the_rest_is_used(tmp_path: Path) -> None:
    worlds.record(tmp_path, 2)
    file = sorted(tmp_path.glob("*.jsonl"))[0]
    file.write_text("{broken\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    try:
        assert len(read_cases(tmp_path)) == 2
    finally:
        logger.remove(sink)
    assert any(f"{file}:1" in line for line in lines)


def test_traces_of_another_view_version_are_refused(tmp_path: Path) -> None:
    worlds.record(tmp_path, 1)
    for file in tmp_path.glob("*.jsonl"):
        file.write_text(file.read_text(encoding="utf-8").replace('"view":{"version":1', '"view":{"version":999'))
    with pytest.raises(TraceError, match="view version 1 .*met [0-9]+ of version 999.*casepilot record"):
        read_cases(tmp_path)


@pytest.mark.parametrize("also", ["", '"of_tomorrow":1,'])
def test_steps_of_another_view_version_are_left_out_and_counted_file_by_file(tmp_path: Path, also: str) -> None:
    """Whether or not they would still fit the models of this version."""
    worlds.record(tmp_path, 2)
    first, second = sorted(tmp_path.glob("*.jsonl"))
    old = first.read_text(encoding="utf-8")
    first.write_text(old.replace('"view":{"version":1,', f'"view":{{{also}"version":2,'), encoding="utf-8")
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    try:
        assert list(read_cases(tmp_path)) == [second.stem]
    finally:
        logger.remove(sink)
    count = len(old.splitlines())
    assert lines == [f"{first}: {count} steps of view version 2 skipped, this is version 1; record again to use them\n"]


def test_what_was_done_about_a_page_that_misbehaved_is_no_sample() -> None:
    rejected = reviewed("C-1", 0, SUBMITS, "reject", Reason.ENVIRONMENT)
    edited = reviewed("C-1", 1, SENDS, "edit", Reason.WRONG_WORDING)
    for step, count in ((rejected, 0), (edited, 1)):
        worked = step.model_copy(update={"action": SENDS, "actor": "operator"})
        assert len(list(samples([worked]))) == count


def test_cases_are_split_whole_and_always_alike() -> None:
    ids = [f"C{n}" for n in range(50)]
    learned, held = split(ids, 0.2, seed=1)
    assert len(held) == 10 and not learned & held and learned | held == set(ids)
    assert split(reversed(ids), 0.2, seed=1) == (learned, held)
    assert split(ids, 0.2, seed=2) != (learned, held)
    assert split(["only"], 0.5, seed=1) == (frozenset({"only"}), frozenset())


def test_the_digest_names_the_steps_not_the_files(tmp_path: Path) -> None:
    worlds.record(tmp_path / "a", 3)
    lines = "".join(f.read_text(encoding="utf-8") for f in sorted((tmp_path / "a").iterdir()))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "all.jsonl").write_text(lines, encoding="utf-8")
    assert trace_digest(read_cases(tmp_path / "a")) == trace_digest(read_cases(tmp_path / "b"))
    worlds.record(tmp_path / "b", 1, seed=9, first=90)
    assert trace_digest(read_cases(tmp_path / "a")) != trace_digest(read_cases(tmp_path / "b"))
