"""Sessions in one batch: whoever finds the model idle asks for all who wait.

No timer and no thread of its own: while one batch runs, the questions of other threads gather and make up the next.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from policies.causal_lm.language import Language, Tokens
from policies.causal_lm.scoring import Answers, Question, Scorer, Written


class Batching:
    """Wraps a scorer that one thread may ask at a time."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self._waiting: list[tuple[Sequence[Question], Future[list[Answers]]]] = []
        self._gate = threading.Lock()
        self._model = threading.Lock()

    @property
    def width(self) -> int:
        return self.scorer.width

    def score(self, questions: Sequence[Question]) -> list[Answers]:
        """See `scoring.Scorer`. A failure goes to all whose questions were in the batch."""
        mine: Future[list[Answers]] = Future()
        with self._gate:
            self._waiting.append((questions, mine))
        with self._model:
            if not mine.done():
                with self._gate:
                    batch, self._waiting = self._waiting, []
                self._ask(batch)
        return mine.result()

    def write(self, prompt: Tokens, most: int, language: Language) -> Written:
        """See `scoring.Scorer`. One text at a time; whoever asks meanwhile waits."""
        with self._model:
            return self.scorer.write(prompt, most, language)

    def _ask(self, batch: Sequence[tuple[Sequence[Question], Future[list[Answers]]]]) -> None:
        try:
            answers = self.scorer.score([question for questions, _ in batch for question in questions])
        except BaseException as error:  # handed on: every thread of the batch raises it itself
            for _, future in batch:
                future.set_exception(error)
            return
        done = 0
        for questions, future in batch:
            future.set_result(answers[done : done + len(questions)])
            done += len(questions)
