"""What a model decides on made-up cases, every bit of it; as a program, to be run where other kernels are at work."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import torch

from policies.bundle import load
from policies.encoder import EncoderSettings
from policies.proposal import History, HistoryItem
from tests.policies import worlds


def decisions(model: Path, cache: Path, cases: int = 12) -> list[object]:
    """For every step of `cases` cases: the ranked actions with their probabilities, and the score of each critic."""
    bundle = load(model, EncoderSettings(cache=cache))
    assert bundle.critic is not None and bundle.typed is not None
    rng = random.Random(4)
    found: list[object] = []
    for number in range(cases):
        history: History = ()
        for view, action in worlds.script(worlds.draw(30000 + number, rng)):
            ranked = bundle.policy.propose(view, history)
            scores = [critic.score(view, history, ranked).hex() for critic in (bundle.critic, bundle.typed)]
            found.append([[p.action.model_dump_json() for p in ranked], [p.probability.hex() for p in ranked], scores])
            first = ranked[0]
            history = (
                *history,
                HistoryItem(action=action, actor="agent", probability=first.probability, novelty=first.novelty),
            )
    return found


if __name__ == "__main__":
    given = decisions(Path(sys.argv[1]), Path(sys.argv[2]))
    print(json.dumps([torch.backends.cpu.get_cpu_capability(), given]))
