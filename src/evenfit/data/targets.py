"""The target: its task, its classes, its values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from evenfit.data.cells import MIXED, as_numbers, as_text, first_row, tidy, times, without_extremes
from evenfit.errors import ConfigError, DataError

Task = Literal["binary", "multiclass", "regression"]
Class = str | int | float | bool

MOST_CLASSES = 20  # whole numbers with more distinct values are a quantity
ROWS_A_CLASS = 5  # and so are those that recur less often than this, on average
MOST_PROBABILITIES = 5e7  # rows times classes: more do not fit memory, trial by trial


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is predicted."""

    name: str
    task: Task
    classes: tuple[Class, ...] = ()  # sorted; a class's code is its position; empty for regression

    def to_json(self) -> dict[str, Any]:
        """The values by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Target":
        """Make a target from what `to_json` gave."""
        return cls(**{**values, "classes": tuple(values["classes"])})


def present(series: pl.Series) -> np.ndarray:
    """Which rows have a target: bool [rows]; infinities and numbers beyond 1e30 are none."""
    series = tidy(series)
    if series.dtype.is_numeric():
        values, _ = without_extremes(as_numbers(series)[0])
        known: np.ndarray = ~np.isnan(values)
        return known
    return series.is_not_null().to_numpy()


def find_target(series: pl.Series, task: str | None) -> Target:
    """Find the task and the classes.

    Text, booleans, and at most 20 whole numbers that recur five times on average are classes; all else is a quantity.

    Args:
        series: the target of the rows that have one.
        task: "classification" or "regression" where the user says so; None to find it.

    Raises:
        DataError: the target is the same in all rows, different in all, or of too many classes; or is text where a
            regression was asked for, or among numbers.
    """
    if task not in (None, "classification", "regression", "binary", "multiclass"):
        raise ConfigError(f"task must be 'classification' or 'regression', got {task!r}")
    series = tidy(series)
    if series.dtype.is_nested() or series.dtype in (pl.Object, pl.Binary):
        raise DataError(f"target {series.name!r} must hold numbers or words, got {series.dtype}")
    distinct = series.n_unique()
    if distinct == 1:
        raise DataError(
            f"target {series.name!r} must take at least two values, "
            f"got {series[0]!r} in all {times(len(series), 'row')}"
        )
    if task is None:
        _check_unmixed(series)
        task = "classification" if _is_class(series, distinct) else "regression"
    if task == "regression":
        _numbers(series)
        return Target(name=series.name, task="regression")
    _check_classes(series, distinct)
    classes = _classes(series)
    if task == "binary" and len(classes) > 2:
        raise DataError(f"a binary target must take two values; {series.name!r} takes {len(classes)}")
    return Target(name=series.name, task="binary" if len(classes) == 2 else "multiclass", classes=classes)


def read_target(target: Target, series: pl.Series) -> np.ndarray:
    """The target's values: float64 [rows] for regression, else int64 codes of classes.

    Raises:
        DataError: a class that training did not have, or text among numbers.
    """
    if target.task == "regression":
        return _numbers(series)
    text = as_text(series)
    known = {as_text(pl.Series([name], strict=False))[0]: code for code, name in enumerate(target.classes)}
    codes = text.replace_strict(known, default=None, return_dtype=pl.Int64)
    unseen = codes.is_null().to_numpy()
    if unseen.any():
        row = first_row(unseen)
        raise DataError(
            f"target {target.name!r} must be one of {', '.join(map(repr, target.classes[:9]))}"
            f"{', ...' if len(target.classes) > 9 else ''}, the classes of training; row {row:,} has {text[row - 1]!r}"
        )
    return codes.to_numpy().astype(np.int64)


def _check_unmixed(series: pl.Series) -> None:
    """Numbers with a few cells of text among them are a quantity with faults, not hundreds of classes."""
    values, refused = as_numbers(series)
    numbers = values[~np.isnan(values)]
    if refused.any() and len(numbers) >= MIXED * len(series) and len(np.unique(numbers)) > MOST_CLASSES:
        raise DataError(
            f"target {series.name!r} must hold numbers or classes; {times(int(refused.sum()), 'cell')} of text among "
            f"numbers, such as {series.filter(pl.Series(refused))[0]!r}: correct or empty them, or ask for the task "
            "'classification'"
        )


def _check_classes(series: pl.Series, distinct: int) -> None:
    if distinct == len(series) > MOST_CLASSES:
        raise DataError(
            f"target {series.name!r} must have classes that recur; all {times(len(series), 'row')} differ, as in an "
            "identifier or free text"
        )
    if distinct * len(series) > MOST_PROBABILITIES:
        raise DataError(
            f"target {series.name!r} has {distinct:,} classes in {times(len(series), 'row')}, more than fit memory; "
            f"join rare ones, {int(MOST_PROBABILITIES / len(series)):,} are possible"
        )


def _is_class(series: pl.Series, distinct: int) -> bool:
    if series.dtype in (pl.String, pl.Boolean):
        return True
    if not series.dtype.is_numeric():
        return False
    values = series.drop_nulls().cast(pl.Float64)
    whole = bool((values == values.floor()).all())
    return whole and (distinct == 2 or (distinct <= MOST_CLASSES and len(values) >= ROWS_A_CLASS * distinct))


def _classes(series: pl.Series) -> tuple[Class, ...]:
    if series.dtype.is_float():
        whole = bool((series == series.floor()).all()) and bool((series.abs() < 2**53).all())
        series = series.cast(pl.Int64) if whole else series
    elif not (series.dtype.is_integer() or series.dtype == pl.Boolean):
        series = as_text(series)
    return tuple(series.unique().sort().to_list())


def _numbers(series: pl.Series) -> np.ndarray:
    values, refused = as_numbers(series)
    if series.dtype.is_temporal() or refused.any():
        row = first_row(refused) if refused.any() else 1
        raise DataError(
            f"target {series.name!r} must hold numbers for a regression; row {row:,} has {series[row - 1]!r}; "
            "correct it, or ask for the task 'classification'"
        )
    return values
