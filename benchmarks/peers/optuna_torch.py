"""A hand-written Optuna + PyTorch loop: MLPs with dropout, AdamW, early stopping and median pruning.

Worker processes with one thread each share a study. A trial trains five fold models one after the other, each stopped
early on its validation fold; the pruner looks at every epoch of the first fold and at the running mean over folds.
The model is the mean of the best trial's fold models; what would have been the model earlier is kept beside it.
"""

from __future__ import annotations

import math
import multiprocessing
import tempfile
import time
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from torch import Tensor, nn

from peers.encoding import encoder
from peers.folds import FOLDS, FoldEnsemble, folds

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from sklearn.compose import ColumnTransformer

    from peers import Task

EPOCHS = 300
PATIENCE = 20
RESERVE = 2.0  # seconds kept for the end
PATIENCE_BY_PROCESSOR = 5.0  # times the seconds, after which a worker that got no core is ended
FIRST_SHARE = 0.9  # of the time, at most, for the first trial
LARGE = 5_000  # rows from which batches are larger
STUDY = "peer"

torch.optim.AdamW([nn.Parameter(torch.zeros(1))])  # the first optimiser loads much of torch: not in the workers' time


@dataclass(frozen=True)
class Fold:
    """A fold's rows as tensors, encoded by its training rows."""

    encoder: ColumnTransformer
    center: float
    scale: float
    X: Tensor
    y: Tensor
    X_validation: Tensor
    y_validation: Tensor


@dataclass(frozen=True)
class Tuned:
    """The model, and those before it that were the best so far, each with the seconds at which it was."""

    model: FoldEnsemble
    course: tuple[tuple[float, FoldEnsemble], ...]

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.model.predict(X)


def fit(
    X: pd.DataFrame, y: np.ndarray, *, task: Task, seconds: float, seed: int, threads: int, by_processor: bool = False
) -> Tuned:
    """Tune by TPE until the seconds are spent; the mean of the best trial's fold models.

    By the processor's clock each worker has its seconds of a core, however long they take where others work beside it.
    """
    began = datetime.now()  # noqa: DTZ005  Optuna's times have no zone
    clock = time.process_time if by_processor else time.monotonic
    classes = int(y.max()) + 1 if task == "classification" else 0
    encoded = [_encode(X, y, train, validation, task) for train, validation in folds(y, task=task, seed=seed)]
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = _study(folder, seed)
        study.enqueue_trial(_first(len(X)))
        workers = [
            fork.Process(target=_work, args=(folder, encoded, classes, seconds, clock, seed + number), daemon=True)
            for number in range(threads)
        ]
        deadline = time.monotonic() + seconds - RESERVE
        for worker in workers:
            worker.start()
        for worker in workers:
            patience = PATIENCE_BY_PROCESSOR * seconds if by_processor else RESERVE / 2
            worker.join(max(0.0, deadline + patience - time.monotonic()))
            worker.terminate()
            worker.join()
        course = [
            ((trial.datetime_complete - began).total_seconds(), _ensemble(folder, encoded, classes, trial))
            for trial in _records(study)
        ]
    return Tuned(course[-1][1], tuple(course))


def _records(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The complete trials that were better than all before them, in order of time; the last is the best."""
    complete = [trial for trial in study.get_trials() if trial.state == optuna.trial.TrialState.COMPLETE]
    records: list[optuna.trial.FrozenTrial] = []
    for trial in sorted(complete, key=lambda trial: trial.datetime_complete):
        if not records or trial.value < records[-1].value:
            records.append(trial)
    return records


def _ensemble(folder: Path, encoded: list[Fold], classes: int, trial: optuna.trial.FrozenTrial) -> FoldEnsemble:
    """The mean of a trial's fold models."""
    members = []
    for fold, state in zip(encoded, torch.load(_weights(folder, trial.number)), strict=True):
        network = _network(fold.X.shape[1], max(classes, 1), trial.params)
        network.load_state_dict(state)
        members.append(_Member(fold, network.eval(), classes))
    return FoldEnsemble(tuple(members))


@dataclass(frozen=True)
class _Member:
    fold: Fold
    network: nn.Module
    classes: int

    def __call__(self, X: pd.DataFrame) -> np.ndarray:
        rows = torch.tensor(_transform(self.fold.encoder, X), dtype=torch.float32)
        with torch.inference_mode():
            out = self.network(rows).double()
        if self.classes:
            return out.softmax(1).numpy()
        return out[:, 0].numpy() * self.fold.scale + self.fold.center


def _encode(X: pd.DataFrame, y: np.ndarray, train: np.ndarray, validation: np.ndarray, task: Task) -> Fold:
    fitted = encoder(X).fit(X.iloc[train])
    if task == "classification":
        center, scale, target = 0.0, 1.0, torch.tensor(y)
    else:
        center, scale = float(y[train].mean()), float(y[train].std())
        target = torch.tensor((y - center) / scale, dtype=torch.float32)
    return Fold(
        encoder=fitted,
        center=center,
        scale=scale,
        X=torch.tensor(_transform(fitted, X.iloc[train]), dtype=torch.float32),
        y=target[train],
        X_validation=torch.tensor(_transform(fitted, X.iloc[validation]), dtype=torch.float32),
        y_validation=target[validation],
    )


def _transform(fitted: ColumnTransformer, X: pd.DataFrame) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unseen levels are expected
        return fitted.transform(X)


def _study(folder: Path, seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(
        study_name=STUDY,
        storage=JournalStorage(JournalFileBackend(str(folder / "journal.log"))),
        sampler=optuna.samplers.TPESampler(seed=seed, constant_liar=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=5),
        load_if_exists=True,
    )


def _batch_sizes(rows: int) -> list[int]:
    return [256, 512, 1024] if rows >= LARGE else [32, 64, 128, 256]


def _first(rows: int) -> dict[str, Any]:
    """A usual choice, tried first."""
    return {
        "layers": 2, "width": 128, "dropout": 0.1, "batch_norm": False,
        "learning_rate": 1e-3, "weight_decay": 1e-4, "batch_size": 256 if rows >= LARGE else 64,
    }  # fmt: skip


def _suggest(trial: optuna.Trial, rows: int) -> dict[str, Any]:
    return {
        "layers": trial.suggest_int("layers", 1, 3),
        "width": trial.suggest_int("width", 32, 512, log=True),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5),
        "batch_norm": trial.suggest_categorical("batch_norm", [False, True]),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True),
        "batch_size": trial.suggest_categorical("batch_size", _batch_sizes(rows)),
    }


def _network(inputs: int, outputs: int, params: dict[str, Any]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(params["layers"]):
        layers.append(nn.Linear(inputs, params["width"]))
        if params["batch_norm"]:
            layers.append(nn.BatchNorm1d(params["width"]))
        layers += [nn.ReLU(), nn.Dropout(params["dropout"])]
        inputs = params["width"]
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def _weights(folder: Path, number: int) -> Path:
    return folder / f"trial-{number}.pt"


def _work(
    folder: Path, encoded: list[Fold], classes: int, seconds: float, clock: Callable[[], float], seed: int
) -> None:
    """Run trials until the seconds of the clock are spent."""
    began = clock()
    deadline = began + seconds - RESERVE
    torch.set_num_threads(1)
    study = _study(folder, seed)
    rows = sum(len(fold.y_validation) for fold in encoded)

    def objective(trial: optuna.Trial) -> float:
        params = _suggest(trial, rows)
        something = any(done.state == optuna.trial.TrialState.COMPLETE for done in study.get_trials(deepcopy=False))
        losses, states = [], []
        for number, fold in enumerate(encoded):
            # until one trial is complete, each fold has its share of the time, so that there is a model at the end
            until = deadline if something else began + FIRST_SHARE * (deadline - began) * (number + 1) / FOLDS
            loss, state = _train(trial if number == 0 else None, fold, classes, params, until, clock, seed=number)
            if something and clock() >= deadline:
                raise optuna.TrialPruned
            losses.append(loss)
            states.append(state)
            trial.report(float(np.mean(losses)), EPOCHS + number)
            if something and trial.should_prune():
                raise optuna.TrialPruned
        torch.save(states, _weights(folder, trial.number))
        return float(np.mean(losses))

    while clock() < deadline:
        study.optimize(objective, n_trials=1)


def _train(
    trial: optuna.Trial | None,
    fold: Fold,
    classes: int,
    params: dict[str, Any],
    until: float,
    clock: Callable[[], float],
    *,
    seed: int,
) -> tuple[float, dict[str, Tensor]]:
    """Train one network; the loss and the weights of its best epoch by the validation fold."""
    torch.manual_seed(seed)
    loss_of = nn.CrossEntropyLoss() if classes else lambda out, y: nn.functional.mse_loss(out[:, 0], y)
    network = _network(fold.X.shape[1], max(classes, 1), params)
    optimizer = torch.optim.AdamW(network.parameters(), lr=params["learning_rate"], weight_decay=params["weight_decay"])
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=PATIENCE // 3)
    best, best_epoch, state = math.inf, 0, _copy(network)
    for epoch in range(EPOCHS):
        network.train()
        for batch in torch.randperm(len(fold.X)).split(params["batch_size"]):
            if len(batch) == 1:  # batch normalisation needs two rows
                continue
            optimizer.zero_grad()
            loss_of(network(fold.X[batch]), fold.y[batch]).backward()
            optimizer.step()
            if clock() >= until:
                break
        network.eval()
        with torch.inference_mode():
            loss = float(loss_of(network(fold.X_validation), fold.y_validation))
        if loss < best:
            best, best_epoch, state = loss, epoch, _copy(network)
        if clock() >= until or epoch - best_epoch >= PATIENCE or not math.isfinite(loss):
            break
        schedule.step(loss)
        if trial is not None:
            trial.report(best, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
    return best, state


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
