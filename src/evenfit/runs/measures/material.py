"""Material: a model, and rows of which some train it and others judge it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.errors import ConfigError, DataError
from evenfit.runs.measures.subject import Subject, make_subject
from evenfit.specs.training import Training

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Material:
    """A subject, and which of its rows are what: those to train on come first."""

    subject: Subject
    sizes: tuple[int, ...]  # rows of each training set that was given; of X otherwise
    given: bool  # whether training sets were given
    test: Integers | None  # rows to judge by that were given; None: some of the others are


def make_material(
    model: Any,
    X: Any,
    y: Any,
    *,
    training_sets: list[tuple[Any, Any]] | None,
    test: tuple[Any, Any] | None,
    task: str | None,
    groups: Any,
    training: Training | None,
) -> Material:
    """Understand the model and all rows that it is to be fitted to and judged by."""
    if test is not None and test[1] is None:
        raise DataError("y_test must be given with X_test")
    if training_sets is not None:
        if groups is not None:
            raise ConfigError("groups are of the rows of X; training sets that are given have none")
        if len(training_sets) < 2:
            raise DataError(f"at least 2 training sets must be given, got {len(training_sets)}")
        test = (X, y) if test is None and X is not None else test
        if test is None:
            raise DataError("training sets that are given need X_test and y_test to be judged by")
        parts = [*training_sets, test]
    elif X is None or y is None:
        raise DataError("X and y must be given, or training_sets")
    else:
        parts = [(X, y)] if test is None else [(X, y), test]
    if groups is not None and test is not None:
        groups = [*np.asarray(groups).tolist(), *(f"test row {row}" for row in range(len(test[1])))]
    subject = make_subject(model, parts, task=task, groups=groups, training=training)
    sizes = [len(labels) for _, labels in parts]
    if test is None:
        return Material(subject=subject, sizes=tuple(sizes), given=False, test=None)
    judged = np.arange(sum(sizes[:-1]), sum(sizes))
    return Material(subject=subject, sizes=tuple(sizes[:-1]), given=training_sets is not None, test=judged)
