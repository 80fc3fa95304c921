"""scikit-learn's MLP under random search: what RandomizedSearchCV does, with seconds instead of `n_iter`.

Candidates are drawn as RandomizedSearchCV draws them and each is cross-validated on the same five folds by worker
processes with one thread each. The best is refitted on all rows. A candidate that is half done when the seconds are
spent does not count; where none was completed, or no time is left for the refit, the fold models are averaged.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import time
import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import loguniform
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import ParameterSampler
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from peers.encoding import encoder
from peers.folds import FOLDS, FoldEnsemble, folds

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    import pandas as pd

    from peers import Predictor, Task

DISTRIBUTIONS = {
    "hidden_layer_sizes": [(50,), (100,), (200,), (50, 50), (100, 50), (100, 100), (200, 100), (100, 100, 100)],
    "activation": ["relu", "tanh"],
    "alpha": loguniform(1e-6, 10),
    "learning_rate_init": loguniform(1e-4, 3e-2),
    "batch_size": [32, 64, 128, 256],
    "early_stopping": [True, False],
}
FIRST = {"early_stopping": True}  # scikit-learn's defaults, stopped early: cheap, and a floor for the others
RESERVE = 1.0  # seconds kept for the end


@dataclass(frozen=True)
class FoldFit:
    """One candidate on one fold."""

    candidate: int
    params: dict[str, Any]
    model: Pipeline
    loss: float
    seconds: float


def fit(X: pd.DataFrame, y: np.ndarray, *, task: Task, seconds: float, seed: int, threads: int) -> Predictor:
    """Random search over MLPs until the seconds are spent, then a refit of the best candidate."""
    deadline = time.monotonic() + seconds - RESERVE
    classes = int(y.max()) + 1 if task == "classification" else 0
    fork = multiprocessing.get_context("fork")
    readers, workers = [], []
    for number in range(threads):
        reader, writer = fork.Pipe(duplex=False)
        workers.append(
            fork.Process(target=_search, args=(writer, X, y, task, classes, seed, number, threads), daemon=True)
        )
        workers[-1].start()
        writer.close()
        readers.append(reader)

    done: dict[int, list[FoldFit]] = {}
    while readers and time.monotonic() < deadline - _refit_seconds(done):
        for reader in multiprocessing.connection.wait(readers, timeout=0.1):
            try:
                fold_fit = reader.recv()
            except EOFError:
                readers.remove(reader)
            else:
                done.setdefault(fold_fit.candidate, []).append(fold_fit)
    for worker in workers:
        worker.terminate()
        worker.join()
    if not done:
        raise TimeoutError(f"no network was trained in {seconds} seconds on {len(X)} rows")

    best = _best(done)
    last = deadline + RESERVE / 2
    refitted = _refit(best[0].params, X, y, task, seed, until=last) if _refit_seconds(done) else None
    models = [refitted] if refitted else [each.model for each in best]
    return FoldEnsemble(tuple(partial(_predict, model, classes=classes) for model in models))


def _refit(
    params: dict[str, Any], X: pd.DataFrame, y: np.ndarray, task: Task, seed: int, *, until: float
) -> Pipeline | None:
    """The model of all rows, or nothing where it does not come in time."""
    fork = multiprocessing.get_context("fork")
    reader, writer = fork.Pipe(duplex=False)

    def work() -> None:
        with threadpool_limits(1):
            writer.send(_fit_one(params, X, y, task, seed))

    worker = fork.Process(target=work, daemon=True)
    worker.start()
    writer.close()
    try:
        return reader.recv() if reader.poll(max(0.0, until - time.monotonic())) else None
    except EOFError:  # the fit on all rows diverged where those on folds did not
        return None
    finally:
        worker.terminate()
        worker.join()


def _best(done: dict[int, list[FoldFit]]) -> list[FoldFit]:
    """The candidate of lowest mean loss among those with the most folds."""
    most = max(len(fits) for fits in done.values())
    complete = [fits for fits in done.values() if len(fits) == most]
    return min(complete, key=lambda fits: np.mean([each.loss for each in fits]))


def _refit_seconds(done: dict[int, list[FoldFit]]) -> float:
    """What the refit of the best candidate will take: all rows are 5/4 of a fold's, and timing is noisy."""
    if not any(len(fits) == FOLDS for fits in done.values()):
        return 0.0
    return 1.5 * max(each.seconds for each in _best(done))


def _search(
    writer: Connection, X: pd.DataFrame, y: np.ndarray, task: Task, classes: int, seed: int, number: int, workers: int
) -> None:
    """Cross-validate every `workers`-th candidate, for ever; the parent ends the process."""
    sampled = ParameterSampler(DISTRIBUTIONS, n_iter=100_000, random_state=seed)
    splits = folds(y, task=task, seed=seed)
    with threadpool_limits(1):
        for candidate, params in enumerate(_with_first(sampled)):
            if candidate % workers != number:
                continue
            for train, validation in splits:
                begin = time.monotonic()
                model = _fit_one(params, X.iloc[train], y[train], task, seed)
                predicted = _predict(model, X.iloc[validation], classes)
                if not np.isfinite(predicted).all():
                    break
                loss = (
                    log_loss(y[validation], predicted, labels=range(classes))
                    if task == "classification"
                    else mean_squared_error(y[validation], predicted)
                )
                writer.send(FoldFit(candidate, params, model, loss, time.monotonic() - begin))


def _with_first(sampled: ParameterSampler) -> Any:
    yield FIRST
    yield from sampled


def _fit_one(params: dict[str, Any], X: pd.DataFrame, y: np.ndarray, task: Task, seed: int) -> Pipeline:
    kind = MLPClassifier if task == "classification" else MLPRegressor
    params = {**params, "batch_size": min(params.get("batch_size", 200), len(X))}
    network = kind(max_iter=300, random_state=seed, **params)
    if task == "regression":
        network = TransformedTargetRegressor(network, transformer=StandardScaler())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 300 epochs may end before convergence: that is a candidate like others
        try:
            return make_pipeline(encoder(X), network).fit(X, y)
        except ValueError:  # a class too rare for the inner split of early stopping, or a network that diverged
            if not params.get("early_stopping"):
                raise
            return _fit_one({**params, "early_stopping": False}, X, y, task, seed)


def _predict(model: Pipeline, X: pd.DataFrame, classes: int) -> np.ndarray:
    if not classes:
        return model.predict(X)
    probabilities = np.zeros((len(X), classes))
    probabilities[:, model.classes_] = model.predict_proba(X)
    return probabilities
