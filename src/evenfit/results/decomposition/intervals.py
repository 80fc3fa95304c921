"""Intervals of parts: from the variance that replicates, rows and what is left of each cell bring.

The variance of a part is the two-way jackknife's. What is made of it was chosen by simulation, with
``benchmarks/interval_coverage.py``, which shows how often the intervals hold the truth:

- Parts are sums of squares, or nearly so: their estimates are skewed, and their deviation rises with them. So
  intervals are symmetric on the logarithm's scale, as far as the deviation is small beside the part; the logarithm is
  that of the part and of the noise that was taken off it, which may leave little or less than nothing.
- Degrees of freedom are Satterthwaite's, of the mean squares that the variance is made of. A mean square of R numbers
  that are themselves sums of squares tells less than R - 1 degrees: their kurtosis is that of a chi-squared variable
  with the same ratio of deviation to mean (3 + 6 cv^2), so that 1 / degrees is 1 / (R - 1) + 3 cv^2 / R.
- The jackknife understates the variance of a variance by (R - 2) / (R - 1), exactly for normal predictions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from evenfit.results.decomposition.layout import Layout
from evenfit.results.study import Interval

LEVEL = 0.95
_MOST_LEAN = 0.5  # the deviation, as a multiple of the part: beyond it, an interval leans no further
_MOST_REACH = 2.0  # half the width on the logarithm's scale: a factor of 7
_FEWEST_DEGREES = 2.5  # or R - 1: below it, t's quantiles explode and cover hardly more
_MOST_SPREAD = 8.0  # the squared ratio of deviation to mean that kurtosis is taken from


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How an interval is made for parts of one kind."""

    widened: bool  # by (R - 1) / (R - 2), for what is quadratic in the replicates
    leaning: bool  # symmetric on the logarithm's scale
    of_replicates: float = 0.0  # half the excess kurtosis of replicates, as a multiple of cv^2
    of_rows: float = 0.0  # the same of rows
    heavy: bool = False  # whether rows are looked at for more of it


VARIANCE = Manner(widened=True, leaning=True, of_replicates=3.0, of_rows=3.0)
LOSS = Manner(widened=True, leaning=True, of_replicates=3.0, of_rows=2.0, heavy=True)
BIAS = Manner(widened=False, leaning=True, of_rows=3.0, heavy=True)
VOTES_LOSS = Manner(widened=True, leaning=True, of_replicates=3.0, of_rows=0.5)  # of 0 and 1: no tails
VOTES_BIAS = Manner(widened=False, leaning=True, of_rows=1.0)
NOISE = Manner(widened=False, leaning=True)
DIFFERENCE = Manner(widened=True, leaning=False)  # of parts that may as well be below 0


def interval(
    layout: Layout,
    manner: Manner,
    *,
    above: float = 0.0,
    extra: float = 0.0,
    units: int | None = None,
    level: float = LEVEL,
) -> Interval:
    """Give the mean of a layout with its interval.

    Args:
        layout: the pseudo-values of one part.
        manner: how intervals of such parts are made.
        above: what the part has been lowered by, such as known noise: the logarithm is taken of both together.
        extra: variance that comes from elsewhere, such as that of an estimate that was taken off.
        units: how many independent units the rows make up; None for each its own.
        level: of the interval.
    """
    spread = layout.spread()
    replicates, rows = layout.shape
    units = units or rows
    factor = (replicates - 1) / max(replicates - 2, 1) if manner.widened else 1.0
    rest = max(spread.rest, 0.0)
    by_replicate = factor * max(spread.replicates + rest, 0.0)  # the variance of replicates' means, over R
    by_row = max(spread.rows + rest, 0.0)
    variance = max(by_replicate - factor * rest, 0.0) + by_row + extra
    if not variance > 0:
        return Interval(mean=spread.mean, low=spread.mean, high=spread.mean, level=level)
    error = math.sqrt(variance)
    size = max(spread.mean + above, error / _MOST_LEAN)
    seen = 1 + 4 / replicates  # few replicates seldom show how far they spread
    of_replicates = manner.of_replicates * seen * min(by_replicate * replicates / size**2, _MOST_SPREAD)
    of_rows = manner.of_rows * min(by_row * rows / size**2, _MOST_SPREAD)
    if manner.heavy:
        of_rows = max(of_rows, layout.excess() / 2)
    mean_squares = (
        (by_replicate, replicates - 1, of_replicates / replicates),
        (by_row, units - 1, of_rows / units),
        (factor * rest, (replicates - 1) * (rows - 1), 0.0),
        (extra, units - 1, 0.0),
    )
    # The variance of the variance, but for a factor of 2.
    doubt = sum(part**2 * (1 / max(degrees, 1) + excess) for part, degrees, excess in mean_squares)
    degrees = max(variance**2 / doubt, min(_FEWEST_DEGREES, replicates - 1))
    reach = float(special.stdtrit(degrees, (1 + level) / 2))
    low, high = -reach * error, reach * error
    if manner.leaning:
        size = max(size, high / _MOST_REACH)
        low, high = size * math.expm1(low / size), size * math.expm1(high / size)
    return Interval(mean=spread.mean, low=spread.mean + low, high=spread.mean + high, level=level)
