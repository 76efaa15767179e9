"""The situation that a message is written in: what is true of the page, and what the customer said last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from policies.encoder import DIM, Vectors, mask
from policies.literals import Names, literals
from policies.proposal import History
from policies.sources import sentences
from schema_extraction.view import View

Embed = Callable[[Sequence[str]], Vectors]
Vector = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Situation:
    """`true`: process, sections, facts with one of their usual values, and what was chosen before; without sides of number
    edges, which are many and say little of a message. `said` (384,): mean of the sentences of the customer's last message."""

    true: Names
    said: Vector


def situation(view: View, history: History, embed: Embed) -> Situation:
    """What is compared of a view."""
    true = frozenset(name for name in literals(view, history, controls=False) if ">" not in name)
    inbound = [message.text for message in view.messages if message.direction == "inbound"]
    texts = [mask(sentence) for sentence in sentences(inbound[-1])] if inbound else []
    return Situation(true, embed(texts).mean(0) if texts else np.zeros(DIM, np.float32))
