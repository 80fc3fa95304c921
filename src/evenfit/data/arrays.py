"""Rows and a target that lie in memory, understood as a table is."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from evenfit.data.cells import as_text, tidy
from evenfit.data.columns import Column
from evenfit.data.frames import to_polars
from evenfit.data.schema import LeftOut, Schema, Table
from evenfit.data.table import understand
from evenfit.data.targets import Target
from evenfit.errors import DataError


def from_memory(
    X: Any, y: Any, *, task: str | None = None, groups: Any | None = None, sample_weight: Any | None = None
) -> Table:
    """Understand rows and what stands beside them, each an array or anything like one.

    Args:
        X: an array [rows, columns] or any data frame.
        y: the target of every row.
        task: "classification" or "regression"; None finds it.
        groups: whose equal values must never be on both sides of a split.
        sample_weight: how much each row counts in training.

    Raises:
        DataError: lengths differ, the target is constant, or there is nothing to learn from.

    >>> from_memory([[1.5], [2.5], [3.0]], ["a", "b", "a"]).schema.target.task
    'binary'
    """
    rows = to_polars(X)
    beside = {"target": y, "group": groups, "sample_weight": sample_weight}
    names = {role: _free(role, rows) for role, values in beside.items() if values is not None}
    columns: Mapping[str, Any] = {name: np.asarray(beside[role]) for role, name in names.items()}
    for role, name in names.items():
        if len(columns[name]) != len(rows):
            raise DataError(f"there must be a {role} for each of {len(rows):,} rows; got {len(columns[name]):,}")
    return understand(
        pl.concat([rows, to_polars(columns)], how="horizontal"),
        target=names["target"],
        task=task,
        group=names.get("group"),
        weight=names.get("sample_weight"),
    )


def with_known_target(rows: pl.DataFrame, values: np.ndarray, target: Target, weights: np.ndarray | None) -> Table:
    """Understand rows whose target is known already; where no column varies, the first stands for all.

    Args:
        rows: at least 2.
        values: the target as a table has it: codes of classes, or numbers; they may be constant.
        target: what they are; its name is given here.
        weights: of the rows.

    Raises:
        DataError: there are no 2 rows, or every column is an identifier or free text.
    """
    if len(rows) < 2:
        raise DataError("there must be at least 2 rows with a weight above 0; got n_samples=1")
    name = _free("target", rows)
    if all(series.n_unique() == 1 for series in rows):
        table = _constant(rows)
    else:
        # What stands in for the target here only has to vary.
        frame = rows.with_columns(pl.Series(name, np.arange(len(rows)) % 2))
        table = understand(frame, target=name, task="regression")
    weight = None if weights is None else _free("sample_weight", rows)
    schema = replace(table.schema, target=replace(target, name=name), weight=weight)
    return replace(table, schema=schema, target=values, weights=weights)


def _constant(rows: pl.DataFrame) -> Table:
    """The first column alone, of rows that are all alike."""
    first, *others = (tidy(series) for series in rows)
    if first.dtype.is_numeric():
        column = Column(name=first.name, kind="numeric", missing=first.null_count() > 0)
    else:
        column = Column(name=first.name, kind="categorical", levels=tuple(as_text(first)[:1].to_list()))
    left_out = tuple(LeftOut(name=series.name, reason="constant") for series in others)
    return Schema(columns=(column,), left_out=left_out, target=None).apply(rows)


def _free(name: str, rows: pl.DataFrame) -> str:
    """A name that no column has."""
    while name in rows.columns:
        name += "_"
    return name
