"""Parameters: what an estimator's limits and processes come to, checked and named as they are there."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.errors import ConfigError, DataError
from evenfit.runs.cores import core_count
from evenfit.specs.budget import Budget


def budget_of(time_limit: float | None, *, trials: int | None, epochs: int | None) -> Budget:
    """Give the budget of a ``time_limit``, ``max_trials`` and ``max_epochs``, of which one at least is not None.

    Raises:
        ConfigError: none is given, or one is not above 0.

    Example:
        >>> budget_of(60, trials=None, epochs=500)
        Budget(seconds=60.0, trials=None, epochs=500)
    """
    counts = {"trials": trials, "epochs": epochs}
    if time_limit is None and all(count is None for count in counts.values()):
        raise ConfigError("time_limit or max_trials or max_epochs must be given; all are None")
    if time_limit is not None and not (is_number(time_limit) and 0 < time_limit < math.inf):
        raise ConfigError(f"time_limit must be seconds above 0, or None; got {time_limit!r}")
    for unit, count in counts.items():
        if count is not None and not (is_whole(count) and count > 0):
            raise ConfigError(f"max_{unit} must be a whole number above 0, or None; got {count!r}")
    whole = {unit: None if count is None else int(count) for unit, count in counts.items()}
    return Budget(seconds=None if time_limit is None else float(time_limit), **whole)


def process_count(n_jobs: int | None) -> int:
    """Give the processes that ``n_jobs`` asks for: None is one, -1 as many as cores, -2 one fewer.

    Raises:
        ConfigError: it is 0, or no whole number.
    """
    if n_jobs is None:
        return 1
    if not is_whole(n_jobs) or n_jobs == 0:
        raise ConfigError(f"n_jobs must be None or a whole number other than 0, got {n_jobs!r}")
    return int(n_jobs) if n_jobs > 0 else max(1, core_count() + 1 + int(n_jobs))


def check_known(target: npt.NDArray[Any]) -> None:
    """Every row has a value of the target: scikit-learn's convention, where rows in and out must be the same.

    Raises:
        DataError: some have none.
    """
    missing = np.array([_is_missing(cell) for cell in target.tolist()], dtype=bool)
    if missing.any():
        raise DataError(
            f"Input y contains NaN: {missing.sum():,} of {len(missing):,} rows have no value to learn from; leave them "
            "out of X and y (evenfit.tune does so itself)"
        )


def _is_missing(cell: object) -> bool:
    """None, what is not itself (NaN, NaT), and what will not say (pandas' NA)."""
    if cell is None:
        return True
    try:
        return bool(cell != cell)  # noqa: PLR0124 - that is the question
    except TypeError:
        return True


def is_whole(value: object) -> bool:
    """Say whether it is a whole number, of Python or numpy.

    Example:
        >>> is_whole(3), is_whole(True), is_whole(3.0)
        (True, False, False)
    """
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Say whether it is a real number, of Python or numpy.

    Example:
        >>> is_number(3.5), is_number(True), is_number("3")
        (True, False, False)
    """
    return isinstance(value, Real) and not isinstance(value, bool)
