"""The benchmark of reply suggestions: what it measures, and when it falls short."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.bench import replies as bench
from agent.bench.replies import (
    ALONE,
    DRAFTED,
    FREQUENT,
    OF_PROCESS,
    OWN,
    RETRIEVED,
    THEN,
    WITH_DRAFTS,
    RepliesBench,
    SystemResult,
    changed,
    drafts,
    edited,
    measure,
)
from policies.causal_lm import scratch
from policies.causal_lm.train import CausalSettings, train_policy
from policies.encoder import EncoderSettings
from policies.errors import TraceError
from policies.replies.edits import Edit
from policies.trace import TraceWriter
from schema_extraction.action import SendMessage
from schema_extraction.view import Control
from tests.policies import lm
from tests.policies.made import SUBMITS, recorded, view

KINDS = {"broken": "I am sorry, {}. We replace it.", "late": "Please wait a little, {}.", "lost": "{}, we look for it."}
FIRST = "Ana Boris Carla Deniz Emil Fatima Goran Hana Igor Jana Kemal Lena Marek Nadia Omar Petra".split()
COMPOSER = Control(ref="e9", key="m", role="textbox", part="send_message.text")


def write(folder: Path, numbers: range) -> Path:
    """Cases of three kinds, as three quarters 'broken'; what is sent follows from the kind."""
    for number in numbers:
        kind, name = ("broken", "broken", "late", "lost")[number % 4], FIRST[number % len(FIRST)]
        page = view(f"C-{number}", name=f"{name} Adler{number}", problem=kind)
        page = page.but(controls=(*page.controls, COMPOSER))
        step = recorded(f"C-{number}", 0, SendMessage(text=KINDS[kind].format(name)), page)
        writer = TraceWriter(folder, f"C-{number}")
        writer.write(step.model_copy(update={"user": "op1"}))
        writer.close()
    return folder


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> EncoderSettings:
    return EncoderSettings(cache=tmp_path_factory.mktemp("texts"))


def test_retrieval_is_measured_beside_the_most_frequent_reply(tmp_path: Path, texts: EncoderSettings) -> None:
    seen: list[tuple[int, int]] = []
    learned, held = write(tmp_path / "learned", range(24)), write(tmp_path / "held", range(24, 32))
    found = measure(learned, held, progress=lambda done, total: seen.append((done, total)), encoder=texts)
    by = {system.name: system for system in found.systems}
    assert (found.training_messages, found.held_out_messages, found.reach) == (24, 8, 1.0)
    assert by[FREQUENT].first == by[OF_PROCESS].first == 0.5
    assert by[OWN].first == by[RETRIEVED].first == 1.0 and by[OWN].edit == 0
    assert by[FREQUENT].edit > 0
    assert found.short == ()
    assert seen[-1] == (4 * 8, 4 * 8) and seen == sorted(seen)
    found.write(tmp_path / "out" / "results.json")
    assert RepliesBench.model_validate_json((tmp_path / "out" / "results.json").read_text(encoding="utf-8")) == found


def test_the_drafts_of_a_causal_lm_are_measured_beside_them(tmp_path: Path, texts: EncoderSettings) -> None:
    model = tmp_path / "model"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scratch.SIZES, "tiny", lm.SIZE)
        settings = CausalSettings(epochs=1.0, batch=4, rows=4, budget=900, threads=1, judged=2)
        train_policy(write(tmp_path / "learned", range(24)), model, settings, encoder=texts)
    found = measure(tmp_path / "learned", write(tmp_path / "held", range(24, 28)), model=model, encoder=texts)
    names = [system.name for system in found.systems]
    assert names[4:] == [ALONE, THEN, DRAFTED, WITH_DRAFTS]
    assert sum(found.drafts.values()) == 4 == found.held_out_messages
    offered = found.drafts.get("offered", 0)
    assert found.systems[6].none == 4 - offered
    assert drafts({"offered": 3, "it is empty": 1}) == "of 4 drafts 3 offered; 1 dropped, since it is empty"


def test_traces_without_messages_are_refused(tmp_path: Path, texts: EncoderSettings) -> None:
    writer = TraceWriter(tmp_path / "none", "C-1")
    writer.write(recorded("C-1", 0, SUBMITS))
    writer.close()
    with pytest.raises(TraceError, match="met none"):
        measure(tmp_path / "none", tmp_path / "none", encoder=texts)


def results(top3: float, edit: float) -> RepliesBench:
    def system(name: str, top3: float, edit: float) -> SystemResult:
        return SystemResult(
            name=name, messages=9, first=0.1, top3=top3, near=top3, edit=edit, edit_share=0.5, best_edit=edit, none=0
        )

    systems = (system(FREQUENT, 0.2, 60), system(OF_PROCESS, 0.4, 40), system(OWN, top3, edit))
    return RepliesBench(
        training_cases=1,
        training_messages=1,
        templates=1,
        held_out_cases=1,
        held_out_messages=9,
        reach=1.0,
        hearing=0.1,
        systems=systems,
    )


@pytest.mark.parametrize(
    ("top3", "edit", "words"),
    [(0.9, 0, []), (0.7, 0, ["70.0% of the messages"]), (0.9, 21, ["median edit distance 21"]), (0.7, 21, ["70.0%", "21"])],
)
def test_what_falls_short_is_said(top3: float, edit: float, words: list[str]) -> None:
    found = bench.short(results(top3, edit))
    assert len(found) == len(words) and all(word in text for word, text in zip(words, found, strict=True))


def test_what_operators_changed_is_counted_apart_from_what_they_left() -> None:
    def found() -> Iterator[Edit]:
        for sent in ("Dear Ana", "Dear Ana", "Dear Bob", "Dear Anna"):
            yield Edit(case_id="C-1", operator="op1", proposed="Dear Ana", sent=sent)

    figures = edited(found())
    assert (figures.messages, figures.as_they_were, figures.edit) == (4, 2, 2.0)
    assert "of 4 proposed messages 2 went out as they were" in changed(figures)
    assert edited([]).edit is None and changed(edited([])) == "of 0 proposed messages 0 went out as they were"
