"""Nested training sets: each split's training rows at several sizes, each of which contains the smaller ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.splits import Split
from evenfit.errors import ConfigError

Integers = npt.NDArray[np.int64]

SIZES = 9  # where none are asked for, and the rows allow as many: from a sixteenth of the rows to all of them
LEAST_SIZES = 5
LEAST_ROWS = 16  # of the smallest size, where none are asked for
LEAST_OF_SECOND_CLASS = 4  # rows of the second most frequent class in the smallest size


@dataclass(frozen=True, eq=False, kw_only=True)
class Nested:
    """S splits at Z sizes."""

    sizes: Integers  # [Z] as asked, rising
    rows: Integers  # [Z, S] training rows; whole groups may miss a size by a few
    splits: tuple[Split, ...]  # Z times S of them: all splits at the smallest size first

    @property
    def of_size(self) -> int:
        """How many splits there are at each size."""
        return len(self.splits) // len(self.sizes)


def nested(
    splits: Sequence[Split],
    *,
    target: npt.NDArray[Any],
    sizes: Sequence[int | float] | None,
    groups: Integers | None = None,
    time: npt.NDArray[Any] | None = None,
    seed: int = 0,
) -> Nested:
    """Cut each split's training rows to several sizes.

    Each split has an order of its own, of which a size is the beginning: by class it is as even as whole rows allow,
    whole groups come one after the other, and of rows in time the latest come first.

    Args:
        splits: of all rows.
        target: of all rows: whole numbers are codes of classes, floats a quantity.
        sizes: rows, or shares of the training rows as floats up to 1; None for nine sizes a factor of 1.41 apart.
        groups: of all rows.
        time: of all rows.
        seed: of the orders.

    Raises:
        ConfigError: a size is larger than the training rows, or too small to train on.

    Example:
        >>> split = Split(train=np.arange(8), validate=np.arange(8, 10), repeat=0, fold=0)
        >>> found = nested([split], target=np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 1]), sizes=[2, 4, 8])
        >>> [np.bincount(np.array([0, 0, 0, 0, 1, 1, 1, 1])[each.train]).tolist() for each in found.splits]
        [[1, 1], [2, 2], [4, 4]]
    """
    most = min(len(split.train) for split in splits)
    known = _default_sizes(most, target) if sizes is None else _checked(sizes, most, rows=len(target))
    ends = [
        _order(split, target=target, groups=groups, time=time, seed=[seed, split.repeat, split.fold])
        for split in splits
    ]
    parts, counts = [], []
    for size in known:
        chosen = []
        for order, block in ends:
            end = int(size) if block is None else int(block[np.argmin(np.abs(block - size))])
            chosen.append(np.sort(order[:end]))
        counts.append([len(one) for one in chosen])
        parts += [
            Split(train=one, validate=split.validate, repeat=split.repeat, fold=split.fold)
            for one, split in zip(chosen, splits, strict=True)
        ]
    return Nested(sizes=known, rows=np.array(counts, dtype=np.int64), splits=tuple(parts))


def _default_sizes(most: int, target: npt.NDArray[Any]) -> Integers:
    """Nine sizes a factor of the root of two apart, as far down as models can be expected to train."""
    least = LEAST_ROWS
    if not np.issubdtype(target.dtype, np.floating):
        shares = np.sort(np.bincount(target) / len(target))[::-1]
        if len(shares) > 1:
            least = max(least, 2 * len(shares), int(np.ceil(LEAST_OF_SECOND_CLASS / shares[1])))
    found = most / 2.0 ** (np.arange(SIZES)[::-1] / 2)
    if (found >= least).sum() < LEAST_SIZES:
        found = np.geomspace(min(least, most), most, LEAST_SIZES)
    sizes: Integers = np.unique(found[found >= min(least, most)].round().astype(np.int64))
    return sizes


def _checked(sizes: Sequence[int | float], most: int, *, rows: int) -> Integers:
    """Sizes that a user asked for, as rows."""
    if not len(sizes):
        raise ConfigError("sizes must name at least one number of training rows, got none")
    found = []
    for size in sizes:
        share = isinstance(size, float) and size <= 1  # numpy's numbers of 64 bits are Python's too
        count = round(float(size) * most) if share else float(size)
        if share and not size > 0:
            raise ConfigError(f"shares of the training rows must be above 0 and at most 1, got {size!r}")
        if not 2 <= count <= most or count != int(count):
            raise ConfigError(
                f"sizes must be whole numbers between 2 and {most:,}, the training rows that every split of {rows:,} "
                f"rows has, or shares of them as floats up to 1; got {size!r}"
            )
        found.append(int(count))
    return np.unique(np.array(found, dtype=np.int64))


def _order(
    split: Split, *, target: npt.NDArray[Any], groups: Integers | None, time: npt.NDArray[Any] | None, seed: list[int]
) -> tuple[Integers, Integers | None]:
    """The order in which training rows join, and where whole groups end; None where any row may be the last."""
    generator = np.random.default_rng([*seed, 0x4E])
    train = split.train
    if time is not None:
        return train[np.argsort(time[train], kind="stable")[::-1]], None
    if groups is not None:
        names, of_row = np.unique(groups[train], return_inverse=True)
        place = generator.permutation(len(names))[of_row]
        order = np.argsort(place, kind="stable")
        ends = np.flatnonzero(np.diff(place[order], append=-1)) + 1
        return train[order], ends
    if np.issubdtype(target.dtype, np.floating):
        return generator.permutation(train), None
    # The i-th of n rows of a class comes when about i / n of all rows have come.
    shuffled = generator.permutation(train)
    codes = target[shuffled]
    due = np.empty(len(shuffled))
    for code in np.unique(codes):
        own = np.flatnonzero(codes == code)
        due[own] = (np.arange(len(own)) + generator.uniform(0.25, 0.75)) / len(own)
    return shuffled[np.argsort(due, kind="stable")], None
