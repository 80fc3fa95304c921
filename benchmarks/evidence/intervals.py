"""Means with intervals: Student's t over seeds, 95%."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean over seeds and its interval."""

    mean: float
    low: float
    high: float
    count: int

    def text(self, digits: int = 3, *, sign: bool = False) -> str:
        """Show it as 0.757 (0.751 to 0.763)."""
        mark = "+" if sign else ""
        mean, low, high = (f"{round(one, digits) + 0.0:{mark}.{digits}f}" for one in (self.mean, self.low, self.high))
        return f"{mean} ({low} to {high})"

    def holds(self, value: float) -> bool:
        """Say whether a value lies within the interval."""
        return self.low <= value <= self.high

    def beside(self, value: float) -> str:
        """Say where a published value lies."""
        return "within the interval" if self.holds(value) else "outside the interval"


def mean_of(values: Sequence[float] | npt.NDArray[np.floating]) -> Mean:
    """Give the mean of independent values, and its interval."""
    found = np.asarray(values, dtype=np.float64)
    count, mean = len(found), float(found.mean())
    reach = float(special.stdtrit(count - 1, (1 + LEVEL) / 2) * found.std(ddof=1) / np.sqrt(count))
    return Mean(mean=mean, low=mean - reach, high=mean + reach, count=count)


def effect(difference: Mean) -> str:
    """Say what a difference shows, of something that should be high."""
    if difference.low > 0:
        return "better"
    return "worse" if difference.high < 0 else "not shown to differ"
