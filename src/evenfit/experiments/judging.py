"""Judging: what fitted models lose on the rows that their splits leave out, and on those they trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evenfit.data.splits import Split
from evenfit.experiments.fitting.fits import Fitted
from evenfit.experiments.fitting.rows import Rows
from evenfit.fleet import chance
from evenfit.results.metrics import Metric, in_units_of
from evenfit.results.row_values import base_loss


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What one model loses; NaN where it failed. In the units of the metric's loss where that is a base loss."""

    training: float  # clean base loss
    loss: float  # the metric's, on validation rows


def judge(fitted: Fitted, split: Split, *, rows: Rows, metric: Metric) -> Judged:
    """Judge one model by the rows that its split leaves out.

    Example:
        >>> from evenfit.data.targets import Target
        >>> from evenfit.results.metrics import METRICS
        >>> about = Target(name="y", task="regression")
        >>> rows = Rows(X=np.zeros((3, 1)), labels=np.zeros(3), target=np.array([1.0, 2.0, 3.0]), about=about)
        >>> split = Split(train=np.array([0, 1]), validate=np.array([2]), repeat=0, fold=0)
        >>> fitted = Fitted(number=0, predictions=np.array([[2.5]]), training_loss=0.1)
        >>> judge(fitted, split, rows=rows, metric=METRICS["rmse"]).loss
        0.25
    """
    if fitted.failure or not len(fitted.predictions):
        return Judged(training=float("nan"), loss=float("nan"))
    training = float(fitted.training_loss)
    if metric.base:
        losses = np.array([training, float(np.mean(base_loss(fitted.predictions, rows.target[split.validate])))])
        training, loss = in_units_of(metric, losses, rows.target).tolist()
        return Judged(training=training, loss=loss)
    predictions = np.full((len(rows), fitted.predictions.shape[1]), np.nan)
    predictions[split.validate] = fitted.predictions
    values = metric.values(predictions, rows.target)
    return Judged(training=training, loss=float(metric.loss(values, rows.target, None)[0]))


def seed_of(split: Split, *, seed: int) -> int:
    """Give the seed of a split's models: the same for every variant and size, so that these are paired."""
    return chance.member_seed(seed, split.repeat, split.fold)
