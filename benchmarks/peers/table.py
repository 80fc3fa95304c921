"""A table of the benchmarks, split once and for all."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from peers import Task
from peers.encoding import is_number

if TYPE_CHECKING:
    from pathlib import Path

MANY_VALUES = 20  # whole numbers with more values than this are a regression target, unless said otherwise


class TableError(ValueError):
    """A table that cannot be had."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table, split once and for all: three quarters to tune and train on, a quarter to judge by."""

    name: str
    task: Task
    target: str
    classes: tuple[str, ...]  # their names as the file writes them; none for regression
    train: pd.DataFrame
    y_train: np.ndarray  # class numbers, or numbers
    test: pd.DataFrame
    y_test: np.ndarray


def read_table(data: Path, spec: str, *, tasks: dict[str, Task], max_rows: int) -> Table:
    """The table of a spec `name[:task[:target]]`, split."""
    name, task, target = [*spec.split(":"), "", ""][:3]
    files = [file for ending in ("", ".gz", ".xz") if (file := data / f"{name}.csv{ending}").exists()]
    if not files:
        raise TableError(f"no table {name}.csv, {name}.csv.gz or {name}.csv.xz in {data}")
    frame = pd.read_csv(files[0])
    target = target or frame.columns[-1]
    if target not in frame.columns:
        raise TableError(f"{name} has no column {target!r}; it has {', '.join(map(repr, frame.columns))}")
    frame = frame[frame[target].notna()]
    if len(frame) > max_rows:
        frame = frame.iloc[np.sort(np.random.default_rng(0).permutation(len(frame))[:max_rows])]
    task = task or tasks.get(name) or guess_task(frame[target])
    if task not in get_args(Task):
        raise TableError(f"the task of {name} must be one of {', '.join(get_args(Task))}; got {task!r}")
    if task == "classification":
        labels = as_labels(frame[target])
        common = labels.map(labels.value_counts()) >= 2  # a class of one row cannot be on both sides of the split
        frame = frame[common]
        classes, y = np.unique(labels[common].to_numpy(dtype=object), return_inverse=True)
    else:
        classes, y = np.array([]), frame[target].to_numpy(dtype=float)
    stratify = y if task == "classification" else None
    train, test = train_test_split(np.arange(len(frame)), test_size=0.25, random_state=0, stratify=stratify)
    inputs = frame.drop(columns=target).reset_index(drop=True)
    return Table(
        name=name,
        task=task,
        target=target,
        classes=tuple(classes),
        train=inputs.iloc[train].reset_index(drop=True),
        y_train=y[train],
        test=inputs.iloc[test].reset_index(drop=True),
        y_test=y[test],
    )


def guess_task(target: pd.Series) -> Task:
    if not is_number(target):
        return "classification"
    return "classification" if is_whole(target) and target.nunique() <= MANY_VALUES else "regression"


def as_labels(target: pd.Series) -> pd.Series:
    """The names of the classes, row by row; 1.0 is called 1, whatever missing values made of its column."""
    return (target.astype("int64") if is_number(target) and is_whole(target) else target).astype("str")


def is_whole(target: pd.Series) -> bool:
    return bool((target == target.round()).all())


def read_tasks(data: Path) -> dict[str, Task]:
    """Tasks by table from an INDEX.csv (columns name, task) beside the tables or one folder up, if there is one."""
    for file in (data / "INDEX.csv", data.parent / "INDEX.csv"):
        if file.exists():
            with file.open(newline="") as lines:
                return {
                    row["name"]: "regression" if row["task"] == "regression" else "classification"
                    for row in csv.DictReader(lines)
                }
    return {}
