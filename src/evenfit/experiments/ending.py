"""Ending: what a search ends for: a limit of its budget, a target, or that no more is to be gained."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evenfit.results.trial import COMPLETE, Trial

SECONDS, TRIALS, EPOCHS = "seconds", "trials", "epochs"
TARGET, SETTLED, EXHAUSTED, MEMORY = "target", "settled", "exhausted", "memory"
REASONS = (SECONDS, TRIALS, EPOCHS, TARGET, SETTLED, EXHAUSTED, MEMORY)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A search is over: the limit that was reached, or what else ended it."""

    why: str  # one of REASONS


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When to stop: at the first of these that is reached."""

    trials: int | None
    stop_at: float | None  # moment of the monotonic clock
    seconds: float | None  # of the whole budget
    epochs: int | None = None  # of single networks
    target: float | None = None  # a complete trial's mean loss over splits, at or below which no more is wanted
    settled: Callable[[Sequence[Trial]], bool] | None = None  # whether more trials are not worth their time
    full: Callable[[Sequence[Trial]], bool] | None = None  # whether there is no memory for more trials
    rounds: bool = True  # where trials or epochs are limited, heats come in rounds, and nothing asks the clock

    def reached(self, history: Sequence[Trial]) -> str | None:
        """Say for what else than its budget a search ends after these trials; None where it goes on."""
        losses = [trial.loss for trial in history if trial.status == COMPLETE and math.isfinite(trial.loss)]
        if self.target is not None and losses and min(losses) <= self.target:
            return TARGET
        if self.full is not None and self.full(history):
            return MEMORY
        return SETTLED if self.settled is not None and self.settled(history) else None
