"""History: how a search went, trial by trial."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evenfit.results.trial import COMPLETE, Trial


def best_so_far(trials: Sequence[Trial]) -> tuple[float, ...]:
    """The lowest loss of a complete trial up to each trial; NaN before there is one."""
    best, found = math.inf, []
    for trial in trials:
        if trial.status == COMPLETE and trial.loss < best:
            best = trial.loss
        found.append(best if math.isfinite(best) else math.nan)
    return tuple(found)


def search_sizes(trials: int, *, steps: int = 10) -> tuple[int, ...]:
    """Give a few numbers of trials, evenly spread on a logarithmic scale, from 1 to all.

    Example:
        >>> search_sizes(60, steps=5)
        (1, 3, 8, 22, 60)
    """
    return tuple(int(n) for n in np.unique(np.geomspace(1, trials, min(steps, trials)).round()))
