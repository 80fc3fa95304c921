"""Diagnose: what is the matter with a model on a table, and what was measured to help."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.splits import Split, make_splits
from evenfit.errors import BudgetError, ConfigError, DataError
from evenfit.experiments.diagnosis_plan import planned_fits
from evenfit.results.diagnosis.diagnosis import Diagnosis
from evenfit.results.study import Truth
from evenfit.runs.clock import process_age
from evenfit.runs.measures.conclusion import conclude
from evenfit.runs.measures.examining.examination import Examination, Tell
from evenfit.runs.measures.examining.examine import examine
from evenfit.runs.measures.judges import cores, find_metric
from evenfit.runs.measures.network import default_network
from evenfit.runs.measures.subject import Subject, make_subject
from evenfit.specs.budget import Budget
from evenfit.specs.training import Training

Integers = npt.NDArray[np.int64]

_SPARED = 3.0  # seconds of the budget that are not for fits: what comes before them and after
_KEPT = 0.03  # of the budget, too


def _silent(doing: str, fits: int) -> None:
    """Tell nobody."""
    del doing, fits


def diagnose(  # noqa: PLR0913 - every option is a keyword
    model: Any,
    X: Any,
    y: Any,
    *,
    budget: Budget | str | float = "90s",
    error: float | None = None,
    metric: str | None = None,
    task: str | None = None,
    groups: Any = None,
    sample_weight: Any = None,
    training: Training | None = None,
    X_validation: Any = None,
    y_validation: Any = None,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
    workers: int | None = None,
) -> Diagnosis:
    """Say whether a model underfits, overfits or neither, and measure what would help.

    Args:
        model: a `Config`, or "mlp"; any scikit-learn estimator or pipeline; or what makes a new ``nn.Module``.
        X: an array [rows, columns] or any data frame.
        y: what to predict, a value for each row.
        budget: seconds, or a text such as "90s", for everything; a small table takes less.
        error: the acceptable error, in the metric's score: 0.05 of RMSE, 0.9 of accuracy.
        metric: what remedies are judged by; None is log loss or RMSE.
        task: "classification" or "regression"; None finds it.
        groups: a value for each row; rows of one group stay in one fold.
        sample_weight: how much each row counts in training.
        training: how modules are trained.
        X_validation: rows that are otherwise used to judge by: are they like those of X?
        y_validation: their target.
        folds: of the cross-validation.
        repeats: how often to split anew.
        seed: of everything that is left to chance.
        workers: cores; None for all.

    Raises:
        ConfigError: an option is out of its range.
        DataError: the rows or the target cannot be used, or no model could be fitted.
        BudgetError: the budget cannot be read, or is too small for any answer.

    Example:
        >>> from evenfit.specs.config import Config
        >>> generator = np.random.default_rng(0)
        >>> X = generator.uniform(-2, 2, (120, 1))
        >>> linear = Config(depth=0, epochs=10, numeric_embedding="none", learning_rate=0.05)
        >>> found = diagnose(linear, X, np.cos(2 * X[:, 0]), workers=1)
        >>> found.verdict, found.remedies[0].name
        ('underfit', 'embedding')
    """
    started = time.monotonic()
    known = budget if isinstance(budget, Budget) else Budget.parse(str(budget))
    if known.seconds is None:
        raise BudgetError(f"budget of a diagnosis must be a time such as 90s; got {known.trials} trials")
    if (X_validation is None) != (y_validation is None):
        raise DataError("X_validation and y_validation must be given together")
    parts = [(X, y)] if X_validation is None else [(X, y), (X_validation, y_validation)]
    rows, judging = len(y), 0 if y_validation is None else len(y_validation)
    if judging and groups is not None:
        groups = [*np.asarray(groups).tolist(), *(f"validation row {row}" for row in range(judging))]
    if judging and sample_weight is not None:
        sample_weight = [*np.asarray(sample_weight).tolist(), *[1.0] * judging]
    subject = make_subject(model, parts, task=task, groups=groups, sample_weight=sample_weight, training=training)
    if isinstance(model, str):
        subject = _sized(subject, rows=rows, seconds=known.seconds, folds=folds, repeats=repeats, workers=workers)
    return diagnose_subject(
        subject,
        seconds=known.seconds,
        started=started,
        error=error,
        metric=metric,
        folds=folds,
        repeats=repeats,
        seed=seed,
        workers=workers,
        validation=np.arange(rows, rows + judging) if judging else None,
    )


def diagnose_subject(  # noqa: PLR0913 - every option is a keyword
    subject: Subject,
    *,
    seconds: float,
    started: float | None = None,
    kept: float = 0.0,
    error: float | None = None,
    metric: str | None = None,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
    workers: int | None = None,
    validation: Integers | None = None,
    tell: Tell = _silent,
) -> Diagnosis:
    """Diagnose a subject, as `diagnose` does.

    Where its rows are ordered in time and none are given to judge by, the latest are taken for those.

    Args:
        subject: a model and its rows.
        seconds: of the budget, from ``started`` to the end.
        started: a moment of the monotonic clock; None is the start of this process.
        kept: seconds of the budget that are needed after this function has returned.
        validation: row numbers of rows to judge by that were given apart; they never train.
        tell: is told what is being done, and how many models have been fitted.
    """
    began = time.monotonic() - process_age() if started is None else started
    if folds < 2:
        raise ConfigError(f"folds must be at least 2, got {folds}")
    known = find_metric(subject, metric)
    notes = []
    time_of_row = None if subject.table is None else subject.table.time
    if validation is None and time_of_row is not None:
        validation = _latest(time_of_row, folds=folds)
        notes.append(
            f"Rows are ordered in time: the latest {len(validation):,} judge; remedies are measured on random folds "
            "of the earlier ones."
        )
    splits = _splits(subject, validation, folds=folds, repeats=repeats, seed=seed)
    truth = _truth(subject, splits, metric=known.name)
    examination = Examination(
        subject=subject,
        splits=splits,
        truth=truth,
        seed=seed,
        workers=cores(workers),
        deadline=began + seconds - kept - _KEPT * seconds - 1.0,
        tell=tell,
        validation=validation,
        wants_training=error is not None and not known.base,
        notes=notes,
    )
    found = conclude(subject, examine(examination), error=error, seed=seed, validation=validation)
    return replace(found, seconds=time.monotonic() - began, budget=seconds)


def fitting_seconds(budget: float) -> float:
    """Give the seconds of a budget that fits may take, about: what a default network is sized to.

    Example:
        >>> fitting_seconds(90)
        79.5
    """
    return max(0.5 * budget, 0.95 * budget - 2 * _SPARED)


def _sized(subject: Subject, *, rows: int, seconds: float, folds: int, repeats: int, workers: int | None) -> Subject:
    """Give the subject with a default network that fits the table and the time."""
    if subject.table is None:
        return subject
    network = default_network(
        subject.table,
        rows=max(1, rows - rows // folds),
        fits=planned_fits(folds=folds, repeats=repeats),
        seconds=fitting_seconds(seconds),
        workers=cores(workers),
    )
    return replace(subject, model=network.config)


def _latest(time_of_row: npt.NDArray[Any], *, folds: int) -> Integers:
    """The rows of the latest part in time, of one part more than folds; equal times stay together."""
    count = len(time_of_row) // (folds + 1)
    first = np.sort(time_of_row)[len(time_of_row) - max(1, count)]
    return np.flatnonzero(time_of_row >= first)


def _splits(subject: Subject, validation: Integers | None, *, folds: int, repeats: int, seed: int) -> tuple[Split, ...]:
    """Random folds of the rows that may train."""
    rows = np.arange(len(subject.rows))
    if validation is not None:
        rows = np.setdiff1d(rows, validation)
    groups = None if subject.groups is None else subject.groups[rows]
    made = make_splits(subject.rows.target[rows], folds=folds, repeats=repeats, seed=seed, groups=groups)
    if validation is None:
        return made
    return tuple(replace(split, train=rows[split.train], validate=rows[split.validate]) for split in made)


def _truth(subject: Subject, splits: Sequence[Split], *, metric: str) -> Truth:
    """What models are judged by."""
    rows = subject.rows
    repeats = max(split.repeat for split in splits) + 1
    split_of = np.full((repeats, len(rows)), -1, dtype=np.int64)
    for number, split in enumerate(splits):
        split_of[split.repeat, split.validate] = number
    return Truth(
        task=rows.task,
        metric=metric,
        target=rows.target,
        classes=rows.classes,
        split_of=split_of,
        training_rows=np.array([len(split.train) for split in splits]),
        groups=subject.groups,
    )
