"""LightGBM tuned by Optuna's TPE: five folds, early stopping, native categories.

The model is the mean of the best trial's fold models.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import optuna
import pandas as pd

from peers.encoding import is_number
from peers.folds import FOLDS, FoldEnsemble, folds

if TYPE_CHECKING:
    from peers import Predictor, Task

ROUNDS = 3_000
PATIENCE = 50
RESERVE = 1.5  # seconds kept for the end
FIRST_SHARE = 0.9  # of the time, at most, for the first trial
FIRST = {
    "num_leaves": 31, "min_child_samples": 20, "learning_rate": 0.1, "feature_fraction": 1.0,
    "bagging_fraction": 1.0, "lambda_l1": 1e-8, "lambda_l2": 1e-8,
}  # fmt: skip  # LightGBM's defaults


@dataclass(frozen=True)
class Columns:
    """How a frame becomes what LightGBM reads: names it accepts, categories by the levels of training."""

    levels: dict[str, pd.Index]

    def encode(self, X: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                f"column_{number}": pd.Categorical(X[name].astype("str").where(X[name].notna()), self.levels[name])
                if name in self.levels
                else X[name].to_numpy()
                for number, name in enumerate(X.columns)
            }
        )


def fit(X: pd.DataFrame, y: np.ndarray, *, task: Task, seconds: float, seed: int, threads: int) -> Predictor:
    """Tune by TPE until the seconds are spent; the mean of the best trial's fold models."""
    began = time.monotonic()
    deadline = began + seconds - RESERVE
    warnings.filterwarnings("ignore", category=UserWarning, module="lightgbm")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    columns = Columns(
        {name: pd.Index(X[name].dropna().astype("str").unique()) for name in X.columns if not is_number(X[name])}
    )
    fixed = _fixed(y, task, seed, threads)
    frame = columns.encode(X)
    datasets = []
    for train, validation in folds(y, task=task, seed=seed):
        dataset = lightgbm.Dataset(frame.iloc[train], y[train], params=fixed, free_raw_data=False)
        datasets.append((dataset, dataset.create_valid(frame.iloc[validation], y[validation])))
    best: list[lightgbm.Booster] = []
    best_loss = np.inf

    def objective(trial: optuna.Trial) -> float:
        nonlocal best, best_loss
        params = {**fixed, **_suggest(trial)}
        losses, models = [], []
        for number, (train, validation) in enumerate(datasets):
            # until one trial is complete, each fold has its share of the time, so that there is a model at the end
            until = deadline if best else began + FIRST_SHARE * (deadline - began) * (number + 1) / FOLDS
            model, loss = _train(params, train, validation, until)
            if best and time.monotonic() >= deadline:
                raise optuna.TrialPruned
            losses.append(loss)
            models.append(model)
            trial.report(float(np.mean(losses)), number)
            if best and trial.should_prune():
                raise optuna.TrialPruned
        if np.mean(losses) < best_loss:
            best, best_loss = models, float(np.mean(losses))
        return float(np.mean(losses))

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed), pruner=optuna.pruners.MedianPruner(n_startup_trials=5)
    )
    study.enqueue_trial(FIRST)
    while time.monotonic() < deadline:
        study.optimize(objective, n_trials=1)
    return FoldEnsemble(tuple(_Member(columns, model, fixed["objective"] == "binary") for model in best))


@dataclass(frozen=True)
class _Member:
    columns: Columns
    model: lightgbm.Booster
    binary: bool

    def __call__(self, X: pd.DataFrame) -> np.ndarray:
        out = self.model.predict(self.columns.encode(X))
        return np.stack([1 - out, out], axis=1) if self.binary else out


def _fixed(y: np.ndarray, task: Task, seed: int, threads: int) -> dict[str, Any]:
    shared = {"num_threads": threads, "seed": seed, "verbosity": -1, "bagging_freq": 1, "feature_pre_filter": False}
    if task == "regression":
        return {**shared, "objective": "regression", "metric": "rmse"}
    classes = int(y.max()) + 1
    if classes == 2:
        return {**shared, "objective": "binary", "metric": "binary_logloss"}
    return {**shared, "objective": "multiclass", "metric": "multi_logloss", "num_class": classes}


def _suggest(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "num_leaves": trial.suggest_int("num_leaves", 2, 256, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 2, 100, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.4, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.4, 1.0),
        "lambda_l1": trial.suggest_float("lambda_l1", 1e-8, 10.0, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 1e-8, 10.0, log=True),
    }


def _train(
    params: dict[str, Any], train: lightgbm.Dataset, validation: lightgbm.Dataset, until: float
) -> tuple[lightgbm.Booster, float]:
    """Boost until the validation loss stops falling or the time is over."""

    def stop_in_time(env: lightgbm.callback.CallbackEnv) -> None:
        if time.monotonic() >= until:
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

    callbacks = [lightgbm.early_stopping(PATIENCE, verbose=False), stop_in_time]
    model = lightgbm.train(params, train, ROUNDS, valid_sets=[validation], callbacks=callbacks)
    (losses,) = model.best_score.values()
    (loss,) = losses.values()
    return model, float(loss)
