"""Judges: the splits and the metric that a measurement goes by, and what its loss is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from evenfit.data.splits import Split, make_splits
from evenfit.errors import ConfigError
from evenfit.results.metrics import Metric, default_metric, metric_of
from evenfit.runs.cores import core_count
from evenfit.runs.measures.subject import Subject

Integers = npt.NDArray[np.int64]

_LOSSES = {  # what a metric's loss is, where it is not the score itself
    "log_loss": "log loss",
    "accuracy": "1 - accuracy",
    "balanced_accuracy": "1 - balanced accuracy",
    "auc": "1 - AUC",
    "f1": "1 - F1",
    "rmse": "squared error",
    "mae": "absolute error",
    "r2": "1 - R^2",
}
_MOST_NOTES = 5


def loss_name(metric: Metric) -> str:
    """What the loss of a metric is called.

    Example:
        >>> loss_name(metric_of("rmse", task="regression"))
        'squared error'
    """
    return _LOSSES.get(metric.name, metric.name)


def find_metric(subject: Subject, name: str | None) -> Metric:
    """Find the metric asked for, or the task's own."""
    task = subject.rows.task
    return metric_of(name or default_metric(task), task=task)


def splits_of(subject: Subject, *, folds: int, repeats: int, seed: int) -> tuple[Split, ...]:
    """Split a subject's rows: groups kept whole, and rows in time in their order."""
    if folds * repeats < 2:
        raise ConfigError(f"folds must be at least 2, got {folds}")
    time = None if subject.table is None else subject.table.time
    return make_splits(
        subject.rows.target,
        folds=folds,
        repeats=1 if time is not None else repeats,
        seed=seed,
        groups=subject.groups,
        time=time,
    )


def row_counts(splits: Sequence[Split]) -> dict[str, Integers]:
    """How many rows each split trains on and is judged by, by the names that intervals ask for."""
    return {
        "training_rows": np.array([len(split.train) for split in splits]),
        "validation_rows": np.array([len(split.validate) for split in splits]),
    }


def cores(workers: int | None) -> int:
    """How many cores to use: those asked for, else all that this process may use."""
    if workers is None:
        return core_count()
    if workers < 1:
        raise ConfigError(f"workers must be at least 1, got {workers}")
    return workers


def told(notes: Iterable[str]) -> tuple[str, ...]:
    """Notes of many models, each once with how often it came, the most frequent first.

    Example:
        >>> told(["it did not converge", "one class only", "it did not converge"])
        ('it did not converge (2 models)', 'one class only (1 model)')
    """
    counts: dict[str, int] = {}
    for note in notes:
        counts[note] = counts.get(note, 0) + 1
    ordered = sorted(counts.items(), key=lambda known: (-known[1], known[0]))
    shown = tuple(f"{note} ({count} model{'s' if count > 1 else ''})" for note, count in ordered[:_MOST_NOTES])
    return shown if len(ordered) <= _MOST_NOTES else (*shown, f"{len(ordered) - _MOST_NOTES} other kinds of notes")
