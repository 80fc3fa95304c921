"""Problem: a table, its splits and its metric; and the encoded samples that fleets train on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.encodings import Encoding, InputShape, balanced_weights, fit_encoding
from evenfit.data.schema import Table
from evenfit.data.splits import Split
from evenfit.errors import DataError
from evenfit.fleet.samples import Samples
from evenfit.results.study import Truth

_LEAST_SAMPLE = 1000  # training rows whose clean loss is followed, where there are as many


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is to be learnt, and how it will be judged.

    Raises:
        DataError: the table has no target.
    """

    table: Table
    splits: tuple[Split, ...]
    metric: str
    seed: int
    truth: Truth = field(init=False)

    def __post_init__(self) -> None:
        if self.table.target is None or self.table.schema.target is None:
            raise DataError("a problem needs a table with its target, got one without")
        object.__setattr__(self, "truth", _truth(self))

    @property
    def target(self) -> npt.NDArray[Any]:
        """Class codes, or numbers: ``[rows]``."""
        return self.truth.target

    @property
    def task(self) -> str:
        """Binary, multiclass or regression."""
        return self.truth.task


def _truth(problem: Problem) -> Truth:
    table, target = problem.table, problem.table.schema.target
    if table.target is None or target is None:
        raise DataError("a problem needs a table with its target, got one without")
    repeats = 1 + max(split.repeat for split in problem.splits)
    split_of = np.full((repeats, table.rows), -1, dtype=np.int64)
    for number, split in enumerate(problem.splits):
        split_of[split.repeat, split.validate] = number
    return Truth(
        task=target.task,
        metric=problem.metric,
        target=table.target,
        classes=len(target.classes) if target.task != "regression" else 1,
        split_of=split_of,
        training_rows=np.array([len(split.train) for split in problem.splits], dtype=np.int64),
        groups=table.groups,
    )


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The table as fleets see it under one choice of encodings, fitted split by split."""

    samples: Samples
    encodings: tuple[Encoding, ...]  # one a split
    followed: tuple[npt.NDArray[np.int64], ...]  # training rows of each split whose clean loss is followed


def prepare(problem: Problem, *, inputs: str, target: str) -> Prepared:
    """Encode the table once for every split, each time by that split's training rows alone."""
    table, truth, splits = problem.table, problem.truth, problem.splits
    encodings = tuple(
        fit_encoding(table, split.train, inputs=inputs, target=target)  # type: ignore[arg-type]
        for split in splits
    )
    return Prepared(
        samples=make_samples(
            table,
            encodings,
            splits,
            target=truth.target,
            classes=truth.classes,
            classification=truth.task != "regression",
        ),
        encodings=encodings,
        followed=tuple(_followed(problem.seed, number, split) for number, split in enumerate(splits)),
    )


def make_samples(
    table: Table,
    encodings: tuple[Encoding, ...],
    splits: tuple[Split, ...],
    *,
    target: npt.NDArray[Any],
    classes: int,
    classification: bool,
) -> Samples:
    """Stack what each split's encoding makes of the whole table.

    Args:
        table: all rows.
        encodings: one a split, fitted on its training rows.
        splits: row numbers.
        target: class codes, or numbers: ``[rows]``.
        classes: how many; 1 for numbers.
        classification: classes or numbers.
    """
    shape: InputShape = encodings[0].shape
    rows = table.rows
    values = np.empty((len(splits), rows, shape.features), dtype=np.float32)
    codes = np.empty((len(splits), rows, len(shape.cardinalities)), dtype=np.int32)
    targets = np.empty((len(splits), rows), dtype=np.float32)
    weights, balanced = np.ones((len(splits), rows), np.float32), np.ones((len(splits), rows), np.float32)
    prior = np.zeros((len(splits), classes))
    for number, (split, encoding) in enumerate(zip(splits, encodings, strict=True)):
        encoded = encoding.inputs(table)
        values[number], codes[number] = encoded.values, encoded.codes
        targets[number] = encoding.target(target)
        if table.weights is not None:
            mean = float(table.weights[split.train].mean())
            weights[number] = table.weights / mean if mean > 0 else 1.0
        balanced[number] = weights[number]
        if classification:
            by_class = balanced_weights(target, split.train, classes)
            balanced[number] = weights[number] * by_class[target]
            counts = np.bincount(target[split.train], weights[number][split.train], minlength=classes)
            prior[number] = np.log((counts + 0.5) / (counts + 0.5).sum())
    return Samples(
        shape=shape,
        outputs=classes,
        classification=classification,
        values=values,
        codes=codes,
        target=targets,
        row_weights=weights,
        balanced_weights=balanced,
        prior=prior,
        training=tuple(split.train for split in splits),
        validation=tuple(split.validate for split in splits),
    )


def followed_rows(split: Split) -> int:
    """Say how many training rows of a split have their clean loss followed."""
    return min(len(split.train), max(len(split.validate), _LEAST_SAMPLE))


def _followed(seed: int, number: int, split: Split) -> npt.NDArray[np.int64]:
    wanted = followed_rows(split)
    if len(split.train) <= wanted:
        return split.train
    drawn = np.random.default_rng([seed, number, 1]).choice(split.train, wanted, replace=False)
    return np.sort(drawn)
