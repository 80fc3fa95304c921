"""Metrics: what selection may look at, row by row, so that rows can be resampled.

To add one, write its functions and name it in `METRICS`; `tests/results/test_metrics.py` then
holds it to the laws that all share. Every function is given the target of the *whole table*,
also where it judges a few rows of it: rows are chosen by weights, and errors of numbers are
kept as multiples of the table's variance (or deviation), so that half precision can hold them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.errors import ConfigError
from evenfit.results.labels import balanced_loss, balanced_shares, f1_loss, f1_shares
from evenfit.results.ranks import auc_loss, auc_shares
from evenfit.results.row_values import (
    absolute_values,
    deviation,
    error_values,
    log_loss_values,
    log_odds,
    predicted,
    squared_values,
)

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]
Target = npt.NDArray[Any]  # class codes, or numbers

CLASSIFICATION = ("binary", "multiclass")
REGRESSION = ("regression",)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One way to judge predictions: a loss to choose by, and the score that a user reads.

    Axes: N rows of the table, C columns of the metric, B weightings of the rows. Losses are lower
    when better, as everywhere: 1 - AUC, 1 - accuracy, the mean squared error for RMSE, 1 - R^2.
    """

    name: str
    label: str  # of the score
    tasks: tuple[str, ...]
    additive: bool  # the loss is the mean of what rows contribute
    base: bool  # the loss is the base loss, or a multiple: training lowers it, and the gap is made of it
    higher: bool  # whether a higher score is better
    values: Callable[[Numbers, Target], Numbers]  # predictions [..., N, K], target [N] -> [..., N, C]; NaN stays
    loss: Callable[[Numbers, Target, Numbers | None], Array]  # values [N, C], target [N], weights [B, N] -> [B]
    score: Callable[[float], float]  # the loss -> what a user reads


def metric_of(name: str, *, task: str) -> Metric:
    """Find a metric by name, for a task.

    Raises:
        ConfigError: there is no such metric, or it does not judge this task.

    Example:
        >>> metric_of("auc", task="binary").label
        'AUC'
    """
    fitting = [metric.name for metric in METRICS.values() if task in metric.tasks]
    if name not in fitting:
        raise ConfigError(f"metric for {task} must be one of {', '.join(fitting)}; got {name!r}")
    return METRICS[name]


def default_metric(task: str) -> str:
    """Name the metric that is used where none is asked for: the one that training lowers.

    Example:
        >>> default_metric("regression")
        'rmse'
    """
    return "rmse" if task == "regression" else "log_loss"


def unit(metric: Metric, target: Target) -> float:
    """One unit of an additive metric's values, in the units of its loss.

    Example:
        >>> unit(METRICS["rmse"], np.array([0.0, 20.0]))
        100.0
    """
    return deviation(target) ** _POWERS.get(metric.name, 0)


def in_units_of(metric: Metric, losses: Numbers, target: Target) -> Array:
    """Convert base losses to the units of a base metric's loss: only R^2 is a multiple of them.

    Example:
        >>> in_units_of(METRICS["r2"], np.array([25.0]), np.array([0.0, 20.0]))
        array([0.25])
    """
    factor = deviation(target) ** -2 if metric.name == "r2" else 1.0
    return np.asarray(losses, dtype=np.float64) * factor


def shares(metric: Metric, values: Numbers, target: Target, rows: npt.NDArray[np.integer]) -> Numbers:
    """Give numbers whose mean over the rows is the loss in `unit`s, and whose weighted means come near it.

    For an additive metric they are what rows contribute, and the weighted mean is the loss; for
    others, the loss plus each row's influence on it. Values [M, N, C] of M predictions and n rows
    of one split give [M, n]; NaN where the metric cannot judge these rows. In units of the metric
    they fit single precision, however large the target is.
    """
    if metric.additive:
        return np.asarray(values[:, rows, 0], dtype=np.float32)
    true, classes = np.asarray(target, dtype=np.int64)[rows], _classes(target)
    found = np.empty((len(values), len(rows)), dtype=np.float32)
    for column, each in enumerate(values):
        found[column] = _column_shares(metric, each[rows], true, classes)
    return found


def split_losses(metric: Metric, values: Numbers, target: Target, split_of: npt.NDArray[np.integer]) -> Array:
    """Judge every split by its validation rows: values [..., R, N, C], split_of [R, N] -> [..., S].

    Splits are numbered repeat after repeat; -1 is a row that is not validated. A split that the
    metric cannot judge (AUC where only one class is present) takes the mean of the others, so
    that it moves no mean; where none can be judged, all are NaN. Values that are NaN on a
    validated row make the loss of their split NaN: that network has diverged.

    Example:
        >>> values = np.array([[[0.0], [1.0], [0.0], [0.0]]])
        >>> split_losses(METRICS["accuracy"], values, np.array([0, 1, 1, 0]), np.array([[0, 0, 1, 1]]))
        array([0.5, 0. ])
    """
    values = np.asarray(values)
    flat = values.reshape(-1, *values.shape[-3:])
    losses = np.full((flat.shape[0], int(split_of.max()) + 1), np.nan)
    diverged = np.zeros(losses.shape, dtype=bool)
    for repeat, split_of_row in enumerate(split_of):
        for split in np.unique(split_of_row[split_of_row >= 0]):
            rows = np.flatnonzero(split_of_row == split)
            losses[:, split] = _losses_of_rows(metric, flat[:, repeat], target, rows)
            diverged[:, split] = np.isnan(flat[:, repeat, rows]).any(axis=(1, 2))
    losses[diverged] = np.nan
    others = _mean_of_finite(losses)
    losses = np.where(np.isnan(losses) & ~diverged, others[:, None], losses)
    return losses.reshape(*values.shape[:-3], losses.shape[1])


def scores(task: str, predictions: Numbers, target: Target) -> Mapping[str, float]:
    """Give what tables show beside the loss: accuracy and AUC, or RMSE and R^2.

    Predictions are [N, K] or [R, N, K]; repeats are judged one by one and their losses averaged.
    Rows that were never validated are left out. A score that cannot be had is NaN.

    Example:
        >>> scores("regression", np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 2.0, 3.0]))["r2"]
        0.5
    """
    predictions = np.asarray(predictions, dtype=np.float64)
    repeats = predictions if predictions.ndim == 3 else predictions[None]
    found = {}
    for name in ("rmse", "r2") if task == "regression" else ("accuracy", "auc"):
        metric = METRICS[name]
        losses = [float(metric.loss(metric.values(each, target), target, None)[0]) for each in repeats]
        found[name] = metric.score(float(np.mean(losses)))
    return found


def _losses_of_rows(metric: Metric, values: Numbers, target: Target, rows: npt.NDArray[np.intp]) -> Array:
    """Judge many columns [M, N, C] by a few rows: [M]."""
    if metric.additive:
        return np.asarray(values[:, rows, 0].mean(axis=1, dtype=np.float64) * unit(metric, target))
    weights = np.zeros((1, len(target)))
    weights[:, rows] = 1
    return np.array([float(metric.loss(each, target, weights)[0]) for each in values])


def _mean_of_finite(losses: Numbers) -> Array:
    """The mean over the last axis of what is finite: NaN where nothing is."""
    finite = np.isfinite(losses)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(finite, losses, 0).sum(axis=-1) / finite.sum(axis=-1))


def _classes(target: Target) -> int:
    return int(np.max(target)) + 1


# ---- losses: values [N, C], target [N], weights [B, N] -> [B]


def _known(values: Numbers, weights: Numbers | None) -> tuple[npt.NDArray[np.intp], Array]:
    """Rows that have values and any weight, and their weights [B, rows]."""
    known = ~np.isnan(values).any(axis=-1)
    if weights is None:
        rows = np.flatnonzero(known)
        return rows, np.ones((1, len(rows)))
    rows = np.flatnonzero(known & np.any(weights, axis=0))
    return rows, np.asarray(weights[:, rows], dtype=np.float64)


def _mean_loss(values: Numbers, target: Target, weights: Numbers | None, *, power: int = 0) -> Array:
    rows, chosen = _known(values, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = chosen @ values[rows, 0].astype(np.float64) / chosen.sum(axis=1)
    return np.asarray(mean * deviation(target) ** power)


def _label_loss(values: Numbers, target: Target, weights: Numbers | None, *, judge: Callable[..., Array]) -> Array:
    rows, chosen = _known(values, weights)
    true = np.asarray(target, dtype=np.int64)[rows]
    return judge(values[rows, 0].astype(np.int64), true, chosen, classes=_classes(target))


def _auc_loss(values: Numbers, target: Target, weights: Numbers | None) -> Array:
    """1 - AUC; of several classes, the mean over those that are present, each against the rest."""
    rows, chosen = _known(values, weights)
    values, true = values[rows], np.asarray(target)[rows]
    if values.shape[1] == 1:
        return auc_loss(values[:, 0], true == 1, chosen)
    each = [auc_loss(values[:, k], true == k, chosen) for k in range(values.shape[1])]
    return _mean_of_finite(np.stack(each, axis=1))


def _column_shares(metric: Metric, values: Numbers, true: npt.NDArray[np.int64], classes: int) -> Numbers:
    """Shares of one prediction: values [n, C] -> [n]; NaN where a value is."""
    if np.isnan(values).any():
        return np.full(len(values), np.nan, dtype=np.float32)
    if metric.name == "auc":
        if values.shape[1] == 1:
            return auc_shares(values[:, 0], true == 1)
        each = np.stack([auc_shares(values[:, k], true == k) for k in range(values.shape[1])], axis=1)
        return _mean_of_finite(each).astype(np.float32)
    judge = f1_shares if metric.name == "f1" else balanced_shares
    return judge(values[:, 0].astype(np.int64), true, classes=classes)


def _one_minus(loss: float) -> float:
    return 1 - loss


def _same(loss: float) -> float:
    return loss


_POWERS = {"rmse": 2, "mae": 1}  # values are losses divided by this power of the target's deviation

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="log_loss",
            label="log loss",
            tasks=CLASSIFICATION,
            additive=True,
            base=True,
            higher=False,
            values=log_loss_values,
            loss=_mean_loss,
            score=_same,
        ),
        Metric(
            name="accuracy",
            label="accuracy",
            tasks=CLASSIFICATION,
            additive=True,
            base=False,
            higher=True,
            values=error_values,
            loss=_mean_loss,
            score=_one_minus,
        ),
        Metric(
            name="balanced_accuracy",
            label="balanced accuracy",
            tasks=CLASSIFICATION,
            additive=False,
            base=False,
            higher=True,
            values=predicted,
            loss=partial(_label_loss, judge=balanced_loss),
            score=_one_minus,
        ),
        Metric(
            name="auc",
            label="AUC",
            tasks=CLASSIFICATION,
            additive=False,
            base=False,
            higher=True,
            values=log_odds,
            loss=_auc_loss,
            score=_one_minus,
        ),
        Metric(
            name="f1",
            label="F1",
            tasks=CLASSIFICATION,
            additive=False,
            base=False,
            higher=True,
            values=predicted,
            loss=partial(_label_loss, judge=f1_loss),
            score=_one_minus,
        ),
        Metric(
            name="rmse",
            label="RMSE",
            tasks=REGRESSION,
            additive=True,
            base=True,
            higher=False,
            values=squared_values,
            loss=partial(_mean_loss, power=2),
            score=lambda loss: math.sqrt(loss) if loss >= 0 else math.nan,
        ),
        Metric(
            name="mae",
            label="MAE",
            tasks=REGRESSION,
            additive=True,
            base=False,
            higher=False,
            values=absolute_values,
            loss=partial(_mean_loss, power=1),
            score=_same,
        ),
        Metric(
            name="r2",
            label="R^2",
            tasks=REGRESSION,
            additive=True,
            base=True,
            higher=True,
            values=squared_values,
            loss=_mean_loss,
            score=_one_minus,
        ),
    )
}
