"""Layout: cells of replicates and rows in two ways, and the variance of their mean where both were drawn by chance.

A cell is taken for mean + effect of the replicate + effect of the row + rest. The three variances come from sums of
squares by the method of moments, which allows for cells that are not there (Henderson, "Estimation of variance and
covariance components", Biometrics, 1953); with all cells there, the variance of the mean is the two-way jackknife's
(MS_replicates + MS_rows - MS_rest) / (R N).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Variances of one cell, and of the mean over rows of the mean over replicates."""

    mean: float
    replicates: float  # variance of the mean due to replicates
    rows: float  # due to rows
    rest: float  # due to what is left of each cell

    @property
    def variance(self) -> float:
        """The variance of the mean; never below 0."""
        return max(self.replicates + self.rows + self.rest, 0.0)


def clustering(means: Array, groups: npt.NDArray[np.int64]) -> float:
    """Give the variance that the mean of rows' means has beyond that of as many independent rows; at least 0.

    Groups are drawn whole: their sums vary as those of independent units (Liang & Zeger, "Longitudinal data analysis
    using generalized linear models", Biometrika, 1986).

    Args:
        means: [N] of rows.
        groups: [N] of rows.

    Example:
        >>> clustering(np.array([0.0, 0.0, 3.0, 3.0]), np.array([0, 0, 1, 1]))
        1.5
    """
    apart = means - means.mean()
    sums = np.bincount(np.unique(groups, return_inverse=True)[1].ravel(), weights=apart)
    if len(sums) < 2:
        return 0.0
    together = float((sums**2).sum()) * len(sums) / (len(sums) - 1)
    alone = float((apart**2).sum()) * len(means) / (len(means) - 1)
    return max(together - alone, 0.0) / len(means) ** 2


class Layout:
    """Sums of one part's cells, gathered some rows at a time."""

    def __init__(self, replicates: int) -> None:
        self._shift: float | None = None  # near the mean, so that squares do not swallow their differences
        self._rows: list[Array] = []  # means over replicates
        self._counts: list[Array] = []
        self._row_sums = np.zeros(replicates)
        self._shares = np.zeros(replicates)  # sum of weights of each replicate
        self._weighted = np.zeros(replicates)  # sum of weighted cells of each replicate
        self._number = np.zeros(replicates)
        self._squares = 0.0
        self._squared_weights = 0.0

    def add(self, cells: Array, known: Flags) -> None:
        """Take [R, n] cells in; every row has at least one."""
        if not cells.shape[1]:
            return
        count = known.sum(axis=0)
        if self._shift is None:
            self._shift = float(cells.sum() / known.sum())
        moved = np.where(known, cells - self._shift, 0.0)
        self._rows.append(moved.sum(axis=0) / count)
        self._counts.append(count.astype(np.float64))
        self._row_sums += moved.sum(axis=1)
        self._number += known.sum(axis=1)
        self._weighted += (moved / count).sum(axis=1)
        self._shares += (known / count).sum(axis=1)
        self._squares += float((moved**2).sum())
        self._squared_weights += float((known / count**2).sum())

    @property
    def shape(self) -> tuple[int, int]:
        """R replicates and N rows."""
        return len(self._number), sum(len(each) for each in self._rows)

    def rows(self) -> Array:
        """Give the mean of each row: [N]."""
        return np.concatenate(self._rows) + (self._shift or 0.0)

    def excess(self) -> float:
        """Give the excess kurtosis of rows' means: 0 for normal ones, and where they do not vary."""
        means = np.concatenate(self._rows)
        apart = means - means.mean()
        variance = float((apart**2).mean())
        return float((apart**4).mean()) / variance**2 - 3 if variance > 0 else 0.0

    def replicates(self) -> Array:
        """Give each replicate's mean over rows; the mean of these is the mean: [R]."""
        rows = sum(len(each) for each in self._rows)
        mean = float(np.concatenate(self._rows).mean())
        centred = (self._weighted - mean * self._shares) * len(self._weighted) / rows
        return np.asarray(centred + mean + (self._shift or 0.0))

    def spread(self) -> Spread:
        """Give the mean and its variance, by what it is due to; at least 2 replicates and 2 rows."""
        means, counts = np.concatenate(self._rows), np.concatenate(self._counts)
        rows, replicates, cells = len(means), len(self._number), float(self._number.sum())
        by_replicate = float((self._row_sums**2 / np.maximum(self._number, 1)).sum())
        by_row = float((counts * means**2).sum())
        whole = float(self._row_sums.sum()) ** 2 / cells
        # What the sums of squares are in the mean: of the squared mean, and of the three variances of a cell.
        expected = np.array(
            [
                [cells, cells, cells, cells],
                [cells, cells, replicates, replicates],
                [cells, rows, cells, rows],
                [cells, (self._number**2).sum() / cells, (counts**2).sum() / cells, 1.0],
            ]
        )
        _, a, b, rest = np.linalg.lstsq(expected, np.array([self._squares, by_replicate, by_row, whole]), rcond=None)[0]
        return Spread(
            mean=float(means.mean()) + (self._shift or 0.0),
            replicates=float(a * (self._shares**2).sum() / rows**2),
            rows=float(b / rows),
            rest=float(rest * self._squared_weights / rows**2),
        )
