"""Distinct: the values of a column in order, each once, so that what depends on ranks is cheap for many splits."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class Distinct:
    """A column's known values, and where each of its rows is among them."""

    values: np.ndarray  # float64, rising, without NaN; then one NaN, for the missing cells
    place: np.ndarray  # int32 [rows], index into values


def find_distinct(column: np.ndarray) -> Distinct:
    """Sort a column once.

    >>> found = find_distinct(np.array([2.0, np.nan, 1.0, 2.0]))
    >>> found.values, found.place
    (array([ 1.,  2., nan]), array([1, 2, 0, 1], dtype=int32))
    """
    order = np.argsort(column)  # NaN last
    count = len(column) - int(np.isnan(column).sum())
    known = column[order[:count]]
    starts = np.ones(count, dtype=bool)
    starts[1:] = known[1:] != known[:-1]
    values = known[starts]
    place = np.empty(len(column), dtype=np.int32)
    place[order[:count]] = np.cumsum(starts) - 1
    place[order[count:]] = len(values)
    return Distinct(values=np.append(values, np.nan), place=place)


def order_statistics(distinct: Distinct, rows: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Quantiles of the known values among some rows, interpolated linearly as `numpy.quantile` does.

    No values give none.
    """
    counts = np.bincount(distinct.place[rows], minlength=len(distinct.values))[:-1]
    below = np.cumsum(counts)
    count = int(below[-1]) if len(below) else 0
    if not count:
        return np.zeros(0)
    position = levels * (count - 1)
    low = np.floor(position).astype(np.int64)
    first = distinct.values[np.searchsorted(below, low, side="right")]
    second = distinct.values[np.searchsorted(below, np.minimum(low + 1, count - 1), side="right")]
    share = position - low
    # as numpy does: from the nearer end, so that equal neighbours stay equal
    found: np.ndarray = np.where(share < 0.5, first + (second - first) * share, second - (second - first) * (1 - share))
    return found
