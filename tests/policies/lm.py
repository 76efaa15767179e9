"""A causal LM of a few thousand weights, for the tests of `policies.causal_lm` and `policies.remote`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch

from policies.candidates import Memory
from policies.causal_lm import scratch
from policies.causal_lm.engine import Engine
from policies.causal_lm.language import BRIEFLY, Language, language_of
from policies.causal_lm.menu import menu
from policies.causal_lm.policy import CausalPolicy, Reach
from policies.causal_lm.prompt import lines
from policies.causal_lm.train import CausalSettings
from policies.novelty import Novelty
from policies.templates import Template
from policies.trace import Step, TraceWriter
from tests.policies import made

torch.set_num_threads(1)
SIZE = scratch.ScratchConfig(width=32, layers=2, heads=2, groups=1, words=600, context=1024)
MEMORY = Memory(
    templates={
        "send_message": (
            Template(pieces=("Thank you, ", "."), slots=("fact:Customer/Name|first",), cases=5, meaning="thanks"),
            Template(pieces=("Thanks a lot, ", "."), slots=("fact:Customer/Name|first",), cases=3, meaning="thanks"),
            Template(pieces=("Which order is it?",), cases=4, meaning="which"),
        )
    }
)
TINY = CausalSettings(
    base="scratch:tiny",
    epochs=20,
    learning_rate=6e-3,
    batch=4,
    rows=4,
    budget=900,
    threads=1,
    judged=3,
    critic_epochs=8,
    rank=4,
)
WHOLE = Reach(budget=900, leaves=500, enough=1.0, top=500, spelt=False)


@cache
def language() -> Language:
    """A byte-level tokenizer learned from one page."""
    page = made.view()
    offered = menu(page, (), MEMORY)
    texts = [line.text + "\n" for line in lines(page, (), offered)] + [entry.text for entry in offered.entries]
    texts += ["sure 5\nverdict: accept", "sure 5\nverdict: reject"] * 20
    return language_of(scratch.learn_tokenizer(texts, SIZE.words), "tests", BRIEFLY)


@cache
def other_language() -> Language:
    """Another tokenizer of the same size."""
    texts = ["nothing that the pages say, learned from other words altogether", "verdict: accept", "verdict: reject"] * 9
    return language_of(scratch.learn_tokenizer(texts, SIZE.words), "tests", BRIEFLY)


def model(seed: int = 0) -> Any:
    """Random weights, with logits far enough apart to tell answers from one another."""
    new = scratch.new_model(SIZE, max(language().tokenizer.get_vocab().values()) + 1, seed)
    with torch.no_grad():
        new.get_input_embeddings().weight.mul_(8.0)
    return new.eval()


def policy(seed: int = 0, reach: Reach = WHOLE) -> CausalPolicy:
    return CausalPolicy(Engine(model(seed), {"policy": None}), language(), MEMORY, Novelty([]), reach)


def write_traces(folder: Path, cases: int = 8) -> Path:
    """Recorded cases in which operators always do the same three steps."""
    for number in range(cases):
        case_id = f"C-{number}"
        page = made.view(case_id, name=("Ada Byron", "Max Born", "Lise Meitner")[number % 3], order=f"ORD-{100 + number}")
        writer = TraceWriter(folder, case_id)
        steps: list[Step] = [
            made.recorded(case_id, 0, made.fill(page.facts[0].value.raw), page),
            made.recorded(case_id, 1, made.choose("damaged"), page),
            made.recorded(case_id, 2, made.SUBMITS, page),
        ]
        for step in steps:
            writer.write(step)
        writer.close()
    return folder
