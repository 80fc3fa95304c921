"""What a stored run says of itself, beyond its row: its metric, and how its losses over splits vary."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from evenfit.results.intervals import corrected_error
from evenfit.results.metrics import METRICS, Metric
from evenfit.results.run_difference import LEVEL, implied_factor, paired_difference
from evenfit.results.study import Interval
from evenfit.results.trial import Trial
from evenfit.store import Run


def metric_of_run(run: Run) -> Metric | None:
    """The metric that a run's selection looks at; None where it is not known before the run is done."""
    summary = run.summary or {}
    name = part(summary, "metric").get("name") or run.request.get("metric")
    return METRICS.get(str(name))


def factor_of_run(run: Run, trials: tuple[Trial, ...]) -> float:
    """The factor of the corrected variance of a run's means over splits.

    A finished run's own intervals tell it; else the folds are taken to be of equal size.
    """
    splits = trials[0].selection_loss.shape[1] if trials else 1
    folds = int(run.request.get("folds") or splits)
    equal = 1 / max(splits, 1) + 1 / max(folds - 1, 1)
    selected = part(run.summary, "selected")
    known = {trial.number: trial for trial in trials}
    trial = known.get(int(selected.get("trial", -1)))
    if trial is None:
        return equal
    losses = np.asarray(trial.selection_loss[trial.best], dtype=np.float64)
    return implied_factor(losses, interval_of(part(selected, "selection_loss")), otherwise=equal)


def over_splits(losses: Any, *, factor: float) -> Interval:
    """A mean over splits with its corrected interval."""
    return paired_difference(losses, np.zeros(len(losses)), factor=factor, level=LEVEL)


def deviation_over_splits(losses: Any) -> float:
    """The standard deviation over splits; NaN for one alone."""
    found = float(corrected_error(np.asarray(losses, dtype=np.float64), factor=1.0))
    return found if math.isfinite(found) else math.nan


def interval_of(stored: Mapping[str, Any]) -> Interval:
    """An interval as it was stored: no bound reads as an infinite one."""
    mean, low, high = (stored.get(name) for name in ("mean", "low", "high"))
    return Interval(
        mean=math.nan if mean is None else float(mean),
        low=-math.inf if low is None else float(low),
        high=math.inf if high is None else float(high),
        level=float(stored.get("level") or LEVEL),
    )


def part(values: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    """A part of a stored JSON object; empty where there is none."""
    found = (values or {}).get(name)
    return found if isinstance(found, Mapping) else {}
