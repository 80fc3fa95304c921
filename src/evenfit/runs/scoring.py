"""Scoring: a model on labelled rows that it has not seen, as an ensemble and network by network."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.schema import Table
from evenfit.deploy.model import Model
from evenfit.errors import DataError
from evenfit.report.facts import Fresh
from evenfit.results.metrics import metric_of, scores
from evenfit.results.study import Interval

_RESAMPLES = 1000


def score_rows(model: Model, table: Table, *, source: str) -> Fresh:
    """Judge a model on labelled rows: the metric's loss with a bootstrap interval over rows, and scores.

    Raises:
        DataError: the table has no target, or no rows.
    """
    if table.target is None:
        raise DataError(f"{source} must have the target to be scored, and has none")
    if not table.rows:
        raise DataError(f"{source} has no rows to score")
    outputs = model.outputs(table)
    known = np.log(np.maximum(outputs, 1e-300)) if model.classes else outputs
    members = [_loss(model, one, table.target) for one in model.member_outputs(table)]
    return Fresh(
        source=source,
        rows=table.rows,
        loss=_interval(model, known, table.target),
        scores=scores(model.task, known, table.target),
        members_loss=float(np.mean(members)),
    )


def _loss(model: Model, predictions: npt.NDArray[Any], target: npt.NDArray[Any]) -> float:
    metric = metric_of(model.metric, task=model.task)
    return float(metric.loss(metric.values(predictions, target), target, None)[0])


def _interval(model: Model, predictions: npt.NDArray[Any], target: npt.NDArray[Any]) -> Interval:
    metric = metric_of(model.metric, task=model.task)
    values = metric.values(predictions, target)
    mean = float(metric.loss(values, target, None)[0])
    rows = len(target)
    if rows < 2:
        return Interval(mean=mean, low=math.nan, high=math.nan)
    resamples = min(_RESAMPLES, max(100, int(2e7 // rows)))
    generator = np.random.default_rng(0)
    weights = np.stack([np.bincount(generator.integers(0, rows, rows), minlength=rows) for _ in range(resamples)])
    losses = metric.loss(values, target, weights.astype(np.float64))
    low, high = np.nanquantile(losses, [0.025, 0.975])
    return Interval(mean=mean, low=float(low), high=float(high))
