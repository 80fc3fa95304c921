"""Importance: how much the loss rises when one column's values are shuffled, out of fold."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.schema import Table
from evenfit.deploy.model import Model
from evenfit.deploy.part import Part, predictions
from evenfit.experiments.problem import Problem
from evenfit.results.row_values import base_loss
from evenfit.results.study import Interval

_ROWS = 3000  # judged in all, over the splits
_LEAST_ROWS = 20  # of one split
_CELLS = 300_000  # rows times columns that are judged where time does not matter


def importance(
    problem: Problem, model: Model, *, seconds: float, clock: Callable[[], float] = time.perf_counter
) -> tuple[tuple[str, Interval], ...]:
    """Give each column's rise of the base loss, its values shuffled among a split's validation rows.

    Breiman, "Random forests", Machine Learning 2001; here each split's network is judged on rows that
    it has not seen. The interval is over splits. Columns come with the most important first; those
    for which ``seconds`` did not suffice are missing; with infinite ones, rows and columns are a
    function of the table alone.
    """
    if seconds <= 0:
        return ()
    part = next(part for part in model.parts if part.trial == model.selected)
    if len(part.encodings) != len(problem.splits):
        return ()
    began = clock()
    each = min(max(_ROWS // len(problem.splits), _LEAST_ROWS), max(len(split.validate) for split in problem.splits))
    tables = _tables(problem, each)
    plain = _losses(part, tables, problem)
    once = clock() - began
    columns = _columns(problem.table)
    share = _CELLS / (each * len(tables) * len(columns)) if math.isinf(seconds) else seconds / (once * len(columns))
    if share < 1:
        each = max(_LEAST_ROWS, int(each * share))
        tables = _tables(problem, each)
        plain = _losses(part, tables, problem)
    found = []
    for name, numeric, codes in columns:
        if clock() - began > seconds:
            break
        shuffled = [_shuffle(table, numeric, codes, [problem.seed, split]) for split, table in enumerate(tables)]
        rises = _losses(part, shuffled, problem) - plain
        found.append((name, _interval(rises)))
    return tuple(sorted(found, key=lambda known: -known[1].mean))


def _tables(problem: Problem, rows: int) -> list[Table]:
    return [_rows(problem.table, split.validate[:: max(1, len(split.validate) // rows)]) for split in problem.splits]


def _rows(table: Table, rows: npt.NDArray[Any]) -> Table:
    """Take some rows of a table; what only a search needs is left out."""
    target = None if table.target is None else table.target[rows]
    return replace(
        table,
        numeric=table.numeric[rows],
        codes=table.codes[rows],
        target=target,
        weights=None,
        groups=None,
        time=None,
    )


def _columns(table: Table) -> list[tuple[str, list[int], list[int]]]:
    """Give each column's name, its numeric positions and its code positions."""
    columns: dict[str, tuple[list[int], list[int]]] = {}
    for position, (column, _) in enumerate(table.schema.numeric):
        columns.setdefault(column.name, ([], []))[0].append(position)
    for position, column in enumerate(table.schema.categorical):
        columns.setdefault(column.name, ([], []))[1].append(position)
    return [(name, numeric, codes) for name, (numeric, codes) in columns.items()]


def _shuffle(table: Table, numeric: list[int], codes: list[int], seed: list[int]) -> Table:
    order = np.random.default_rng(seed).permutation(table.rows)
    numbers, levels = table.numeric.copy(), table.codes.copy()
    for column in numeric:
        numbers[:, column] = numbers[order, column]
    for column in codes:
        levels[:, column] = levels[order, column]
    return replace(table, numeric=numbers, codes=levels)


def _losses(part: Part, tables: list[Table], problem: Problem) -> npt.NDArray[Any]:
    """Judge each split's network on that split's table: ``[splits]``."""
    losses = np.empty(len(tables))
    for split, table in enumerate(tables):
        one = replace(
            part,
            weights=part.weights[split : split + 1],
            residuals=part.residuals[split : split + 1],
            encodings=part.encodings[split : split + 1],
        )
        known = next(predictions(one, table, classes=problem.truth.classes))
        losses[split] = float(np.mean(base_loss(known, np.asarray(table.target))))
    return losses


def _interval(rises: npt.NDArray[Any]) -> Interval:
    mean = float(rises.mean())
    spread = 2.0 * float(rises.std(ddof=1)) / math.sqrt(len(rises)) if len(rises) > 1 else math.nan
    return Interval(mean=mean, low=mean - spread, high=mean + spread)
