"""Rows: what models of any kind are fitted to, as the user gave it, beside what evenfit understood of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.targets import Target
from evenfit.errors import DataError


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """N rows with their target.

    ``target`` has class codes, which are places in ``about.classes``, or numbers; ``labels`` has what the user
    calls them, which is what a scikit-learn estimator is given.
    """

    X: Any  # [N, ...]: an array, or a data frame of pandas or polars
    labels: npt.NDArray[Any]  # [N] as given
    target: npt.NDArray[Any]  # [N] int64 codes of classes, or float64 numbers
    about: Target
    weights: npt.NDArray[np.float64] | None = None  # [N] how much each row counts in training

    @property
    def task(self) -> str:
        """Binary, multiclass or regression."""
        return self.about.task

    @property
    def classes(self) -> int:
        """How many classes there are; 1 for regression."""
        return len(self.about.classes) if self.task != "regression" else 1

    def __len__(self) -> int:
        return len(self.target)


def take(X: Any, rows: npt.NDArray[np.integer]) -> Any:
    """Give some rows of an array or a data frame, as what it is.

    Example:
        >>> take(np.array([[1], [2], [3]]), np.array([2, 0])).tolist()
        [[3], [1]]
    """
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows]


def join(parts: Sequence[Any]) -> Any:
    """Put rows of several arrays, or of several data frames of one kind, below each other.

    Raises:
        DataError: they are of several kinds, or have other columns.

    Example:
        >>> join([np.array([[1.0]]), np.array([[2.0]])]).tolist()
        [[1.0], [2.0]]
    """
    if len({type(part) for part in parts}) > 1:
        kinds = ", ".join(sorted({type(part).__name__ for part in parts}))
        raise DataError(f"all rows must come as arrays, or as data frames of one kind; got {kinds}")
    first = parts[0]
    if len(parts) == 1:
        return first
    shapes = {tuple(part.shape[1:]) for part in parts}
    if len(shapes) > 1:
        raise DataError(f"all rows must have the same columns; got rows of the shapes {sorted(shapes)}")
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if any(list(part.columns) != list(first.columns) for part in parts[1:]):
        raise DataError("all rows must have the same columns in the same order; their names differ")
    if hasattr(first, "iloc"):
        import pandas as pd  # noqa: PLC0415 - only where the user's rows are pandas'

        return pd.concat(list(parts), ignore_index=True)
    import polars as pl  # noqa: PLC0415 - as above

    return pl.concat(list(parts))
