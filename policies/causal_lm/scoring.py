"""What is asked of a model, wherever it runs: how likely each token is that can follow a prompt, and how it goes on itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from policies.causal_lm.language import Language
from policies.causal_lm.trie import Fork, Tokens

Role = Literal["policy", "critic"]
Answers = list[list[float]]


@dataclass(frozen=True)
class Question:
    """Forks below a prompt. `shared`: how many tokens of a critic's prompt were read by the policy, whose cache it goes on
    from; 0 for a critic that reads all itself."""

    prompt: Tokens
    forks: tuple[Fork, ...]
    role: Role = "policy"
    shared: int = 0


@dataclass(frozen=True)
class Written:
    """What a model wrote. `whole`: it ended its turn; `probability`: the geometric mean of those of its tokens."""

    text: str
    whole: bool
    probability: float


class Scorer(Protocol):
    """`width`: how many forks are worth asking about at a time; 0 means all at once, for they cost next to nothing more."""

    @property
    def width(self) -> int: ...

    def score(self, questions: Sequence[Question]) -> list[Answers]:
        """For each question and fork, the log-probability of each child.

        Raises:
            ModelError, ServerError: there is no answer.
        """
        ...

    def write(self, prompt: Tokens, most: int, language: Language) -> Written:
        """How the policy goes on after a prompt, the likeliest token each time, at most `most`.

        Raises:
            ContextError: prompt and answer together are more than the model takes.
            ModelError, ServerError: there is no answer.
        """
        ...


@dataclass
class Counts:
    """Work done so far. `prompt`: tokens of all prompts; `reused` of them came from a cache; `computed`: tokens that went
    through the model, forks included; `forks`; `forwards`: passes; `seconds` in the model."""

    prompt: int = 0
    reused: int = 0
    computed: int = 0
    forks: int = 0
    forwards: int = 0
    seconds: float = 0.0

    @property
    def share_reused(self) -> float:
        return self.reused / self.prompt if self.prompt else 0.0
