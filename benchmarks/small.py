"""Small searches for measuring proposals: a table cut to some rows, read as the other benchmarks read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from peers.table import Table, read_table, read_tasks

from evenfit.data.arrays import from_memory
from evenfit.runs.memory import plan_in_memory
from evenfit.specs.budget import Budget

if TYPE_CHECKING:
    from pathlib import Path

    from evenfit.runs.search import Search

NAMES = (".csv", ".csv.gz", ".csv.xz")


def tables_of(folder: Path) -> list[str]:
    """The names of a folder's tables."""
    found = {file.name.removesuffix(ending) for ending in NAMES for file in folder.glob(f"*{ending}")}
    return sorted(found - {"INDEX"})


def read_small(folder: Path, name: str, *, rows: int) -> Table:
    """A table of at most so many rows to train on, and a third as many to judge by."""
    return read_table(folder, name, tasks=read_tasks(folder), max_rows=rows * 4 // 3)


def search_of(table: Table, *, folds: int, seed: int, budget: Budget) -> Search:
    """What evenfit would search on the table's training rows."""
    known = from_memory(table.train, labels(table, table.y_train), task=table.task)
    return plan_in_memory(known, metric=None, budget=budget, folds=folds, seed=seed, workers=1)


def labels(table: Table, y: np.ndarray) -> np.ndarray:
    """The target as a user has it: names of classes, or numbers."""
    return np.array(table.classes, dtype=object)[y] if table.classes else y


def fresh_rows(table: Table, *, target: str) -> pl.DataFrame:
    """The rows to judge by, with their target."""
    return pl.from_pandas(table.test).with_columns(pl.Series(target, labels(table, table.y_test).tolist()))
