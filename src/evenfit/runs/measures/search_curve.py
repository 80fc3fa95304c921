"""Search curve: what one hyperparameter did over the trials of a run, without training anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from evenfit.errors import DataError
from evenfit.experiments.surrogate import search_curve
from evenfit.results.curves.validation_curve import ValidationCurve
from evenfit.results.metrics import default_metric, metric_of
from evenfit.results.study import Study
from evenfit.results.trial import Trial
from evenfit.runs.measures.judges import loss_name
from evenfit.store import open_store


def curve_of_run(run: str | Path, *, name: str, seed: int = 0) -> ValidationCurve:
    """Say what one hyperparameter did over a stored run's trials, on average over the search.

    It is an average over what the search tried, by a forest fitted to its trials, and not a controlled comparison:
    `validation_curve` is one.

    Args:
        run: the run's folder, such as "runs/bank".
        name: of a value of the config that the search varied.
        seed: of the forest.

    Raises:
        StoreError: there is no such run.
        ConfigError: no config has such a value.
        DataError: the run has too few trials, or did not vary the value.
    """
    folder = Path(run)
    with open_store(folder.parent, create=False) as store:
        known = store.run(folder.name)
        trials = store.trials(known)
    if not trials:
        raise DataError(f"the run {known.name} has no trials yet")
    numbers = trials[0].predictions.shape[-1] == 1
    task = "regression" if numbers else "binary" if trials[0].predictions.shape[-1] == 2 else "multiclass"
    return _curve(trials, name, metric=known.request.get("metric") or default_metric(task), task=task, seed=seed)


def curve_of_study(study: Study, *, name: str, seed: int = 0) -> ValidationCurve:
    """Say what one hyperparameter did over a study's trials, as `curve_of_run` does.

    Args:
        study: what `tune` gave.
        name: of a value of the config that the search varied.
        seed: of the forest.

    Raises:
        ConfigError: no config has such a value.
        DataError: the study has too few trials, or did not vary the value.
    """
    return _curve(study.trials, name, metric=study.truth.metric, task=study.truth.task, seed=seed)


def _curve(trials: tuple[Trial, ...], name: str, *, metric: str, task: str, seed: int) -> ValidationCurve:
    known = metric_of(metric, task=task)
    units = [_in_units(trial) for trial in trials] if known.base else list(trials)
    return search_curve(units, name, metric=known.name, loss=loss_name(known), seed=seed)


def _in_units(trial: Trial) -> Trial:
    """A trial whose training loss is in the units of a base metric's loss: R^2's are a multiple of the base loss."""
    with np.errstate(all="ignore"):
        ratio = np.mean(trial.selection_loss[trial.best]) / np.mean(trial.validation_loss[trial.best])
    return replace(trial, training_loss=trial.training_loss * ratio) if np.isfinite(ratio) else trial
