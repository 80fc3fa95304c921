"""Copies: a table that is the same however its rows are ordered, repeated or weighted."""

from dataclasses import replace

import numpy as np

from evenfit.data.schema import Table

FEWEST_DISTINCT = 5  # rows; a table of fewer is one of levels, whose rows recur by chance
FEWEST_COLUMNS = 2  # that tell all rows apart; one alone may be a level, scaled


def without_copies(table: Table) -> tuple[Table, np.ndarray]:
    """Sort the rows by what they hold, and make copies of a row one row that weighs as much as they do together.

    So no network is judged by a row whose twin it has learnt. Rows are copies where chance does not make them so: two
    columns of numbers that are not whole each tell all rows that differ apart. Elsewhere rows that are alike remain.

    Returns:
        The table, and for each of its rows the number of the first row given that is equal: int64.

    >>> import polars as pl
    >>> from evenfit.data.table import understand
    >>> size = [number + 0.5 for number in range(20)]
    >>> frame = pl.DataFrame({"size": size * 2, "price": [each / 3 for each in size] * 2, "sold": [0, 1] * 20})
    >>> twice = understand(frame, target="sold")
    >>> without_copies(twice)[0].rows
    20
    """
    _, first, row_of = np.unique(_hashes(table), return_index=True, return_inverse=True)
    if len(first) < table.rows and _are_copies(table, distinct=len(first)):
        known = np.ones(table.rows) if table.weights is None else table.weights
        weights = np.bincount(row_of, weights=known, minlength=len(first))
        return _taken(table, first, weights if np.ptp(weights) > 0 else None), first
    order = np.argsort(row_of, kind="stable")
    return _taken(table, order, None if table.weights is None else table.weights[order]), order


def _hashes(table: Table) -> np.ndarray:
    """A number for what a row holds: uint64 [rows]; of a million rows that differ, two share one in 1 of 37 million."""
    columns = [*table.numeric.T, *table.codes.T, table.target, table.groups]
    hashes = np.zeros(table.rows, np.uint64)
    for column in columns:
        if column is not None:
            cells = np.where(np.isnan(column), np.nan, column + 0.0)  # one NaN, and no -0.0
            hashes = _mixed(hashes ^ cells.view(np.uint64))
    return hashes


def _mixed(bits: np.ndarray) -> np.ndarray:
    """Scrambled, so that neighbours get unrelated numbers: SplitMix64's finaliser, as in `fleet.chance`."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = bits ^ (bits >> np.uint64(31))
    return mixed


def _are_copies(table: Table, *, distinct: int) -> bool:
    """Whether measurements tell all rows that differ apart."""
    if distinct < FEWEST_DISTINCT:
        return False
    telling = sum(
        len(np.unique(column)) == distinct and bool((column != np.floor(column))[~np.isnan(column)].any())
        for column in table.numeric.T
    )
    return telling >= FEWEST_COLUMNS


def _taken(table: Table, rows: np.ndarray, weights: np.ndarray | None) -> Table:
    """The table of some rows, with their weights."""
    return replace(
        table,
        numeric=table.numeric[rows],
        codes=table.codes[rows],
        target=None if table.target is None else table.target[rows],
        weights=weights,
        groups=None if table.groups is None else table.groups[rows],
        time=None if table.time is None else table.time[rows],
    )
