"""Blocks: the rows of a table as the units that a bootstrap draws, and what trials lose on them.

A unit is a row, a group of rows that belong together, or, in a large table, a block of rows (or
groups) put together by chance within their split. Drawing m blocks of n / m independent rows
spreads means exactly as drawing rows does, for a bounded amount of work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.results.metrics import Metric, shares
from evenfit.results.study import Truth

Numbers = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class SplitBlocks:
    """What M columns lose on the units that validate one split: u units there, of U in all."""

    units: Integers  # [u]
    rows: Numbers  # [u] rows of the unit in this split
    losses: Numbers  # [M, u] sums over those rows, in units of the metric; 0 where a column has not seen the split

    def means(self, weights: Numbers) -> Numbers:
        """Give the mean loss of every column for every weighting: [B, U] -> [B, M]; NaN without rows."""
        weights = np.ascontiguousarray(weights[:, self.units])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((weights @ self.losses.T) / (weights @ self.rows)[:, None])

    def means_of(self, columns: Integers, weights: Numbers) -> Numbers:
        """Give the mean loss of one column for each weighting: columns [B], [B, U] -> [B]."""
        weights = weights[:, self.units]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.einsum("bu,bu->b", weights, self.losses[columns]) / (weights @ self.rows))


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """The units of a table, and what each column of a search loses on them."""

    count: int  # U
    splits: tuple[SplitBlocks, ...]  # those that the metric can judge
    finite: Flags  # [M] whether the column has a finite loss on every row of the splits that it has seen
    seen: Flags  # [M, S] splits that the column's trial was tried on

    def draw(self, resamples: int, rng: np.random.Generator) -> Numbers:
        """Draw units with replacement, as many as there are: how often each came, [B, U]."""
        drawn = rng.integers(0, self.count, size=(resamples, self.count))
        drawn += np.arange(resamples)[:, None] * self.count
        counts = np.bincount(drawn.ravel(), minlength=resamples * self.count)
        return np.asarray(counts.reshape(resamples, self.count), dtype=np.float32)

    def split_means(self, weights: Numbers, *, reference: int = 0) -> Numbers:
        """Give the mean loss of every column on every split: [B, U] -> [B, M, S].

        On a split that it has not seen, a column is taken to differ from the reference, a column that has seen all,
        by as much as on those that it has: by the same weights, so that nothing but the rows drawn is looked at.
        """
        means = np.stack([split.means(weights) for split in self.splits], axis=2)
        for column in np.flatnonzero(~self.seen.all(axis=1)):
            means[:, column] = _completed(means[:, column], means[:, reference], self.seen[column])
        return _filled(means)

    def means_of(self, columns: Integers, weights: Numbers, *, reference: int = 0) -> Numbers:
        """Give the mean over splits of one column's loss for each weighting: [B], [B, U] -> [B] float64."""
        means = self._means_of(columns, weights)
        partial = ~self.seen[columns].all(axis=1)
        if partial.any():
            known = self._means_of(np.full(int(partial.sum()), reference), weights[partial])
            means[partial] = _completed(means[partial], known, self.seen[columns[partial]])
        return np.asarray(_filled(means).mean(axis=1, dtype=np.float64))

    def _means_of(self, columns: Integers, weights: Numbers) -> Numbers:
        return np.stack([split.means_of(columns, weights) for split in self.splits], axis=1)


def unit_of_rows(truth: Truth, *, largest: int, rng: np.random.Generator) -> tuple[Integers, int]:
    """Number the unit of every row, and count the units: [N], U.

    Rows that are never validated belong to none, -1.
    """
    validated = np.flatnonzero((truth.split_of >= 0).any(axis=0))
    keys = validated if truth.groups is None else np.asarray(truth.groups)[validated]
    _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
    count = len(first)
    units = np.full(truth.split_of.shape[1], -1, dtype=np.int64)
    if count > largest:
        split = truth.split_of[0, validated[first]]
        order = np.lexsort((rng.random(count), split))
        block = np.empty(count, dtype=np.int64)
        block[order] = np.arange(count) * largest // count
        codes, count = block[codes], largest
    units[validated] = codes
    return units, count


def block_losses(
    metric: Metric, values: Sequence[Numbers], truth: Truth, units: Integers, *, count: int, seen: Flags | None = None
) -> Blocks:
    """Add up what rows lose by unit and split: each of the values is [E, R, N, C], of one trial.

    The columns are the epochs of the first, then those of the second, and so on. Those of a trial have ``seen``
    the splits that it was tried on, [T, S]: all, unless said.
    """
    columns = sum(len(each) for each in values)
    finite = np.ones(columns, dtype=bool)
    tried = np.ones((len(values), len(truth.training_rows)), dtype=bool) if seen is None else seen
    splits, numbers = [], []
    for repeat, split_of_row in enumerate(truth.split_of):
        for split in np.unique(split_of_row[split_of_row >= 0]):
            rows = np.flatnonzero(split_of_row == split)
            rows = rows[np.argsort(units[rows], kind="stable")]
            of_split, start = np.unique(units[rows], return_index=True)
            losses = np.zeros((columns, len(of_split)), dtype=np.float32)
            place = 0
            for own, each in zip(tried, values, strict=True):
                at = slice(place, place + len(each))
                place += len(each)
                if not own[split]:
                    continue
                np.add.reduceat(shares(metric, each[:, repeat], truth.target, rows), start, axis=1, out=losses[at])
                finite[at] &= np.isfinite(each[:, repeat, rows]).all(axis=(1, 2))
            sizes = np.diff(np.append(start, len(rows))).astype(np.float32)
            splits.append(SplitBlocks(units=of_split, rows=sizes, losses=losses))
            numbers.append(int(split))
    judged = [place for place, split in enumerate(splits) if np.isfinite(split.losses[finite]).all()]
    for place in judged:  # NaN would take the slow way through _filled
        splits[place].losses[~finite] = 0
    by_column = np.repeat(tried[:, [numbers[place] for place in judged]], [len(each) for each in values], axis=0)
    return Blocks(
        count=count,
        splits=tuple(splits[place] for place in judged),
        finite=finite & by_column.any(axis=1),
        seen=by_column,
    )


def _completed(means: Numbers, reference: Numbers, seen: Flags) -> Numbers:
    """Give splits that were not seen the reference's mean there, and the mean difference on those that were: [B, S].

    A split without rows tells nothing; where no split that was seen has any, nothing is known of the others.
    """
    seen = np.broadcast_to(seen, means.shape)
    known = seen & ~np.isnan(means)
    with np.errstate(invalid="ignore"):
        difference = np.where(known, means - reference, 0).sum(axis=1) / known.sum(axis=1)
    return np.where(seen, means, reference + difference[:, None])


def _filled(means: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Give a split without rows the mean of the other splits, so that it moves no mean: [..., S]."""
    known = ~np.isnan(means)
    if known.all():
        return means
    with np.errstate(invalid="ignore"):
        others = np.where(known, means, 0).sum(axis=-1, keepdims=True) / known.sum(axis=-1, keepdims=True)
    return np.where(known, means, others)
