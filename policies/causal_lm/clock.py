"""Training by the clock: a rate of learning that falls to nothing by the time that was given, however busy the machine is.

How far training is, is the larger of its share of the steps and its share of the seconds. Seconds that an interrupted training
had used are kept beside its checkpoints.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import TrainerCallback

SPENT = "seconds"


class Clock(TrainerCallback):  # type: ignore[misc]
    """Ends training after `seconds`. `folder`: where checkpoints are kept; `warmup`: share in which the rate rises."""

    def __init__(self, seconds: float, folder: Path, warmup: float) -> None:
        self.seconds = seconds
        self.folder = folder
        self.warmup = warmup
        self._started: float | None = None
        self._before = 0.0

    @property
    def spent(self) -> float:
        """Seconds of training so far, those before an interruption included."""
        return self._before + (time.monotonic() - self._started if self._started is not None else 0.0)

    def schedule(self, optimizer: Optimizer, steps: int) -> LambdaLR:
        """The rate over `steps` steps at the most: linear warm-up, then a cosine."""

        def rate(step: int) -> float:
            share = min(max(step / steps, self.spent / self.seconds), 1.0)
            if share < self.warmup:
                return max(share / self.warmup, 1e-3)
            return 0.5 * (1.0 + math.cos(math.pi * (share - self.warmup) / (1.0 - self.warmup)))

        return LambdaLR(optimizer, rate)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        kept = self.folder / SPENT
        if state.global_step and kept.is_file():
            self._before = float(kept.read_text(encoding="utf-8"))
        self._started = time.monotonic()

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        (self.folder / SPENT).write_text(f"{self.spent:.1f}", encoding="utf-8")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.spent >= self.seconds:
            control.should_training_stop = True
