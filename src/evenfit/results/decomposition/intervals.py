"""Intervals of parts: from the variance that replicates, rows and what is left of each cell bring."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from evenfit.results.decomposition.layout import Layout
from evenfit.results.study import Interval

LEVEL = 0.95


def interval(layout: Layout, *, level: float = LEVEL, extra: float = 0.0) -> Interval:
    """Give the mean of a layout with its interval.

    Args:
        layout: the pseudo-values of one part.
        level: of the interval.
        extra: variance that comes from elsewhere, such as that of an estimate that was taken off.
    """
    spread = layout.spread()
    replicates, rows = layout.shape
    spread_of_replicates = max(spread.replicates, 0.0) * (replicates - 1) / max(replicates - 2, 1)
    parts = np.array([spread_of_replicates, max(spread.rows, 0.0), max(spread.rest, 0.0), extra])
    freedom = np.array([replicates - 1, rows - 1, (replicates - 1) * (rows - 1), rows - 1])
    variance = float(parts.sum())
    if variance <= 0:
        return Interval(mean=spread.mean, low=spread.mean, high=spread.mean, level=level)
    degrees = variance**2 / float((parts**2 / np.maximum(freedom, 1)).sum())
    reach = math.sqrt(variance) * float(special.stdtrit(degrees, (1 + level) / 2))
    return Interval(mean=spread.mean, low=spread.mean - reach, high=spread.mean + reach, level=level)
