"""fANOVA: the variance of a forest's function, divided among its arguments, alone and in pairs.

Hutter, Hoos & Leyton-Brown, "An efficient approach for assessing hyperparameter importance", ICML 2014. A tree is
constant on boxes, so that what it is on average over all arguments but one or two is a sum over its leaves: no point is
drawn for it. The paper divides the variance of each tree and averages the shares; here marginals are averaged over
the trees first, and the variance of the forest is divided: a single tree has interactions where the function has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_POINTS = 12  # of one argument
_DRAWN = 2048  # points for the variance of the whole


@dataclass(frozen=True, eq=False, kw_only=True)
class Measure:
    """Where averages are taken: some values of each of D arguments, each with its probability, independent."""

    values: Array  # [P] those of the first argument, then those of the second, and so on
    chances: Array  # [P]
    starts: Integers  # [D] the first place of each argument

    @property
    def owners(self) -> Integers:
        """The argument of each place, [P]."""
        sizes = np.diff(np.append(self.starts, len(self.values)))
        return np.repeat(np.arange(len(self.starts)), sizes)

    def of(self, argument: int) -> slice:
        """The places of one argument."""
        stop = self.starts[argument + 1] if argument + 1 < len(self.starts) else len(self.values)
        return slice(int(self.starts[argument]), int(stop))


@dataclass(frozen=True, eq=False, kw_only=True)
class Parts:
    """The variance of a function of D arguments, divided; shares of the whole."""

    variance: float
    alone: Array  # [D]
    pairs: Array  # [D, D], symmetric; 0 on the diagonal
    mean: float
    one: Array  # [P] the function on average, given one argument
    two: Array  # [P, P] given two


def measure_of(columns: Array) -> Measure:
    """Take the values of each column as they were tried: [T, D]; many of them as medians of equal parts."""
    values: list[Array] = []
    chances: list[Array] = []
    starts: list[int] = []
    for column in columns.T:
        starts.append(sum(len(each) for each in values))
        distinct, counts = np.unique(column, return_counts=True)
        if len(distinct) > _POINTS:
            # what is tried very often, such as a rate of 0, fills whole parts and is then one value
            parts = np.array_split(np.sort(column), _POINTS)
            distinct, places = np.unique([part[len(part) // 2] for part in parts], return_inverse=True)
            counts = np.bincount(places, weights=[len(part) for part in parts])
        values.append(distinct)
        chances.append(counts / counts.sum())
    return Measure(values=np.concatenate(values), chances=np.concatenate(chances), starts=np.array(starts))


def divide(forest: Any, measure: Measure, *, seed: int) -> Parts:
    """Divide the variance of a forest of scikit-learn's among its arguments.

    Marginals are exact over the forest's leaves; the variance of the whole is that at drawn points.

    Args:
        forest: a fitted regressor of trees, of one output.
        measure: over what to average.
        seed: of the points.
    """
    places = len(measure.values)
    mean, one, two = 0.0, np.zeros(places), np.zeros((places, places))
    for tree in forest.estimators_:
        lows, highs, heights = _boxes(tree.tree_)
        own = measure.owners
        inside = (measure.values > lows[:, own]) & (measure.values <= highs[:, own])  # [L, P]
        masses = np.add.reduceat(inside * measure.chances, measure.starts, axis=1)  # [L, D]
        with np.errstate(divide="ignore"):
            given = inside * np.where(masses > 0, 1 / masses, 0.0)[:, own]  # no place of such an argument is inside
        weighted = heights * masses.prod(axis=1)
        mean += weighted.sum()
        one += weighted @ given
        two += given.T @ (weighted[:, None] * given)
    count = len(forest.estimators_)
    mean, one, two = mean / count, one / count, two / count
    variance = _variance(forest, measure, seed=seed)
    if not variance > 0:
        empty = np.zeros(len(measure.starts))
        return Parts(variance=0.0, alone=empty, pairs=np.outer(empty, empty), mean=mean, one=one, two=two)
    alone = np.add.reduceat(measure.chances * (one - mean) ** 2, measure.starts)
    rest = (two - one[:, None] - one[None, :] + mean) ** 2 * np.outer(measure.chances, measure.chances)
    pairs = np.add.reduceat(np.add.reduceat(rest, measure.starts, axis=0), measure.starts, axis=1)
    np.fill_diagonal(pairs, 0.0)
    return Parts(variance=variance, alone=alone / variance, pairs=pairs / variance, mean=mean, one=one, two=two)


def _variance(forest: Any, measure: Measure, *, seed: int) -> float:
    """The variance of the forest's function under the measure, at points that fill it evenly."""
    generator = np.random.default_rng([seed, 0xFA])
    points = np.empty((_DRAWN, len(measure.starts)))
    for argument in range(len(measure.starts)):
        at = measure.of(argument)
        upper = np.cumsum(measure.chances[at])
        quantiles = (generator.permutation(_DRAWN) + generator.random(_DRAWN)) / _DRAWN
        points[:, argument] = measure.values[at][np.minimum(np.searchsorted(upper, quantiles), len(upper) - 1)]
    return float(np.var(forest.predict(points)))


def _boxes(tree: Any) -> tuple[Array, Array, Array]:
    """The leaves of a tree: lower and upper ends of their boxes [L, D], and their heights [L]."""
    lows: list[Array] = []
    highs: list[Array] = []
    heights: list[float] = []
    waiting = [(0, np.full(tree.n_features, -np.inf), np.full(tree.n_features, np.inf))]
    while waiting:
        node, low, high = waiting.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left == right:
            lows.append(low)
            highs.append(high)
            heights.append(float(tree.value[node, 0, 0]))
            continue
        argument, threshold = int(tree.feature[node]), float(tree.threshold[node])
        below, above = high.copy(), low.copy()
        below[argument], above[argument] = min(high[argument], threshold), max(low[argument], threshold)
        waiting += [(left, low, below), (right, above, high)]
    return np.array(lows), np.array(highs), np.array(heights)


def strongest(parts: Sequence[Parts]) -> tuple[int, int]:
    """The two arguments that explain most together, on average over divisions."""
    pairs = np.triu(np.mean([one.pairs for one in parts], axis=0), 1)
    first, second = np.unravel_index(int(pairs.argmax()), pairs.shape)
    return int(first), int(second)
