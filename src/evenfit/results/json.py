"""JSON: a study as plain values, the one schema of ``--json`` and ``metrics.json``.

Losses are lower when better; `score` is what a user reads of them. A number that cannot be had
(NaN) or has no bound (infinite) is null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from evenfit.results.history import best_so_far
from evenfit.results.metrics import metric_of
from evenfit.results.nested_estimate import NestedEstimate
from evenfit.results.study import Estimate, Interval, Side, Study
from evenfit.results.trial import Trial


def to_json(study: Study) -> dict[str, Any]:
    """Give a study as plain values: dicts, lists, strings, numbers, booleans and None.

    Keys: `task`, `metric` {name, label, higher}, `rows`, `splits`, `selection`, `default` and
    `selected` {trial, epoch, config, training_loss, validation_loss, gap, selection_loss (each an
    interval {mean, low, high, level}), training_scores, validation_scores, score}, `estimate`
    {mean, low, high, level, plain, optimism, metric, resamples, score}, `comparison` {better,
    same, difference, gain}, `verdict` {name, gap, sentence}, `ensemble` {trials, weights, loss,
    single_loss, used}, `trials` [{number, round, status, epoch, loss, best, seconds, config}],
    `front` {objective, how, networks, prefer, small, knee, points} or None,
    `optimism` [{trials, plain, corrected}], `nested` (None where no search was nested), `seconds`, `stopped`, `notes`.
    """
    metric = metric_of(study.truth.metric, task=study.truth.task)
    estimate, comparison, ensemble = study.estimate, study.comparison, study.ensemble
    bounds = sorted((metric.score(estimate.low), metric.score(estimate.high)))
    found = {
        "task": study.truth.task,
        "metric": {"name": metric.name, "label": metric.label, "higher": metric.higher},
        "rows": len(study.truth.target),
        "splits": len(study.truth.training_rows),
        "selection": study.selection,
        "default": _side(study.default, metric.score),
        "selected": _side(study.selected, metric.score),
        "estimate": {
            "mean": estimate.mean,
            "low": estimate.low,
            "high": estimate.high,
            "level": estimate.level,
            "plain": estimate.plain,
            "optimism": estimate.optimism,
            "metric": estimate.metric,
            "resamples": estimate.resamples,
            "score": {"mean": metric.score(estimate.mean), "low": bounds[0], "high": bounds[1]},
        },
        "comparison": {
            "better": comparison.better,
            "same": comparison.same,
            "difference": _interval(comparison.difference),
            "gain": None if comparison.gain is None else _interval(comparison.gain),
        },
        "verdict": {
            "name": study.verdict.name,
            "gap": _interval(study.verdict.gap),
            "sentence": study.verdict.sentence,
        },
        "ensemble": {
            "trials": list(ensemble.trials),
            "weights": list(ensemble.weights),
            "loss": ensemble.loss,
            "single_loss": ensemble.single_loss,
            "used": ensemble.used,
        },
        "trials": [
            {**_trial(trial), "best": best} for trial, best in zip(study.trials, best_so_far(study.trials), strict=True)
        ],
        "front": None if study.front is None else _front(study),
        "optimism": [{"trials": step.trials, "plain": step.plain, "corrected": step.corrected} for step in study.steps],
        "nested": None if study.nested is None else _nested(study.nested, study.estimate),
        "seconds": study.seconds,
        "stopped": study.stopped,
        "notes": list(study.notes),
    }
    return {key: plain(value) for key, value in found.items()}


def _side(side: Side, score: Any) -> dict[str, Any]:
    return {
        "trial": side.trial,
        "epoch": side.epoch,
        "config": side.config.to_json(),
        "training_loss": _interval(side.training_loss),
        "validation_loss": _interval(side.validation_loss),
        "gap": _interval(side.gap),
        "selection_loss": _interval(side.selection_loss),
        "training_scores": dict(side.training_scores),
        "validation_scores": dict(side.validation_scores),
        "score": score(side.selection_loss.mean),
    }


def _front(study: Study) -> dict[str, Any]:
    front = study.front
    if front is None:
        return {}
    metric = metric_of(study.truth.metric, task=study.truth.task)
    return {
        "objective": front.objective,
        "how": front.how,
        "networks": front.networks,
        "prefer": front.prefer,
        "small": front.small,
        "knee": front.knee,
        "points": [
            {
                "trial": point.trial,
                "loss": _interval(point.loss),
                "score": metric.score(point.loss.mean),
                "price": point.price,
                "left": point.left,
            }
            for point in front.points
        ],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "round": trial.round,
        "status": trial.status,
        "epoch": trial.epoch,
        "loss": trial.loss,
        "seconds": trial.seconds,
        "config": trial.config.to_json(),
    }


def _interval(interval: Interval) -> dict[str, Any]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high, "level": interval.level}


def plain(value: Any) -> Any:
    """Turn what is not finite into None and numpy's numbers into Python's, all the way down."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _nested(known: NestedEstimate, estimate: Estimate) -> dict[str, Any]:
    intervals = {
        name: _interval(getattr(known, name))
        for name in ("members", "deployed", "default", "difference", "gain", "plain", "optimism")
    }
    corrected = Interval(mean=estimate.mean, low=estimate.low, high=estimate.high, level=estimate.level)
    return intervals | {
        "better": known.better,
        "agrees": known.agrees(corrected),
        "folds": [fold.to_json() for fold in known.folds],
    }
