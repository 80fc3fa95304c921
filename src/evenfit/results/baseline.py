"""Baseline: the best prediction that looks at no column, which every network has to beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evenfit.results.metrics import metric_of
from evenfit.results.row_values import base_loss
from evenfit.results.study import Truth

Numbers = npt.NDArray[np.floating]


def constant_predictions(truth: Truth) -> Numbers:
    """Predict the same for every row: class shares or the mean, or what suits the metric: [N, K].

    The median for MAE; for metrics of labels the class that loses least. The shares are those of
    all validated rows, the ones that are predicted among them: a little too good, so that
    beating it is a claim on the safe side.
    """
    rows = validated(truth)
    size = len(truth.target)
    if truth.task == "regression":
        middle = np.median if truth.metric == "mae" else np.mean
        return np.full((size, 1), float(middle(truth.target[rows].astype(np.float64))))
    if truth.metric in ("log_loss", "auc"):
        return np.tile(_log_shares(truth), (size, 1))
    metric = metric_of(truth.metric, task=truth.task)
    single = [np.tile(np.where(np.arange(truth.classes) == k, 0.0, -1e4), (size, 1)) for k in range(truth.classes)]
    weights = rows[None].astype(np.float64)
    losses = [float(metric.loss(metric.values(each, truth.target), truth.target, weights)[0]) for each in single]
    return single[int(np.argmin(np.nan_to_num(losses, nan=np.inf)))]


def constant_loss(truth: Truth) -> float:
    """The base loss of predicting class shares, or the mean.

    Example:
        >>> rows = np.array([[0, 0, 1, 1]])
        >>> constant_loss(
        ...     Truth(
        ...         task="regression",
        ...         metric="rmse",
        ...         target=np.array([0.0, 2.0, 0.0, 2.0]),
        ...         classes=1,
        ...         split_of=rows,
        ...         training_rows=np.array([2, 2]),
        ...     )
        ... )
        1.0
    """
    rows = validated(truth)
    target = truth.target[rows]
    if truth.task == "regression":
        return float(np.var(target.astype(np.float64)))
    return float(base_loss(np.tile(_log_shares(truth), (len(target), 1)), target).mean())


def _log_shares(truth: Truth) -> Numbers:
    rows = validated(truth)
    counts = np.bincount(truth.target[rows].astype(np.int64), minlength=truth.classes)
    # A class that only unvalidated rows have must cost much, not everything.
    shares = np.maximum(counts, 0.5) / np.maximum(counts, 0.5).sum()
    return np.asarray(np.log(shares))


def validated(truth: Truth) -> npt.NDArray[np.bool_]:
    """Flag the rows that any split validates: [N]."""
    return np.asarray((truth.split_of >= 0).any(axis=0))
