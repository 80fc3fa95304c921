"""Numbers as normal quantiles, and back: what is skewed or has outliers becomes a bell."""

import numpy as np
from scipy.special import ndtr, ndtri

from evenfit.data.distinct import Distinct, find_distinct, order_statistics

MOST_KNOTS = 1000
DUST = 1e-280  # a slope between two values that are no further from 0 would overflow


def fit_quantiles(values: np.ndarray) -> np.ndarray:
    """The knots of the transform: up to 1,000 quantiles of the known values, their count last.

    An empty set of values gives knots that send everything to 0.
    """
    return fit_column(find_distinct(values), np.arange(len(values)))


def fit_column(distinct: Distinct, rows: np.ndarray) -> np.ndarray:
    """The knots of `fit_quantiles` for some rows of a column whose distinct values are known."""
    count = int((distinct.place[rows] < len(distinct.values) - 1).sum())
    if not count:
        return np.zeros(1)
    levels = np.linspace(0, 1, min(MOST_KNOTS, max(count, 2)))
    knots = _without_dust(order_statistics(distinct, rows, levels))
    return np.append(np.maximum.accumulate(knots), count)  # rounding must not make them fall


def to_normal(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """The values as quantiles of the normal distribution: in (-5, 5); NaN stays.

    The rank of a value is interpolated between knots; among ties it is the mean of the first and the last, as in
    scikit-learn's QuantileTransformer. Ranks run from 1/(2n) to 1 - 1/(2n), so that the ends of n values are no further
    out than a normal sample's would be, and values beyond the ends are the ends.
    """
    if len(knots) == 1:
        return np.where(np.isnan(values), np.nan, 0.0)
    values, points, count = _without_dust(values), knots[:-1], knots[-1]
    if points[0] == points[-1]:
        return np.where(np.isnan(values), np.nan, 0.0)
    levels = np.linspace(0, 1, len(points))
    rising = np.interp(values, points, levels)
    falling = np.interp(-values, -points[::-1], -levels[::-1])
    rank = 0.5 * (rising - falling)
    normal: np.ndarray = ndtri(_squeeze(rank, count))
    return normal


def from_normal(normal: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """The values whose normal quantiles these are: the inverse of `to_normal`, within the knots."""
    if len(knots) == 1:
        return np.zeros_like(normal)
    points, count = knots[:-1], knots[-1]
    lowest = _squeeze(np.zeros(1), count)[0]
    rank = (ndtr(normal) - lowest) / (1 - 2 * lowest) if lowest < 0.5 else np.full_like(normal, 0.5)
    values: np.ndarray = np.interp(rank, np.linspace(0, 1, len(points)), points)
    return values


def _without_dust(values: np.ndarray) -> np.ndarray:
    """The values with those that are as near to 0 as dust as 0."""
    return np.where(np.abs(values) <= DUST, 0.0, values)


def _squeeze(rank: np.ndarray, count: float) -> np.ndarray:
    """Ranks of 0 to 1 into the open interval; never further than 1/(2 x 1,000,000) from the ends."""
    margin = 0.5 / np.clip(count, 2, 1e6)
    squeezed: np.ndarray = margin + (1 - 2 * margin) * rank
    return squeezed
