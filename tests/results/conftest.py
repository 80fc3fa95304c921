"""Searches made up from chance: trials whose predictions are the truth with noise."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from evenfit.results.metrics import METRICS, split_losses
from evenfit.results.row_values import base_loss
from evenfit.results.study import Truth
from evenfit.results.trial import COMPLETE, Trial
from evenfit.specs.config import Config

CLASSES = {"binary": 2, "multiclass": 3, "regression": 1}


def predictions(truth: Truth, rng: np.random.Generator, *, epochs: int, noise: float) -> np.ndarray:
    """Out-of-fold predictions [E, R, N, K] that get bolder from epoch to epoch."""
    size = (epochs, *truth.split_of.shape, truth.classes)
    boldness = np.linspace(0.3, 1.0, epochs)[:, None, None, None]
    if truth.task == "regression":
        return truth.target[:, None] * boldness + noise * truth.target.std() * rng.normal(size=size)
    logits = boldness * (np.eye(truth.classes)[truth.target] * 1.5 + noise * rng.normal(size=size))
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def trial_of(truth: Truth, made: np.ndarray, *, number: int, status: str = COMPLETE) -> Trial:
    """The trial of some predictions [E, R, N, K], as a fleet would give it."""
    metric = METRICS[truth.metric]
    values = metric.values(made, truth.target)
    selection = split_losses(metric, values, truth.target, truth.split_of)
    plain = base_loss(made, truth.target)[..., None]
    base = METRICS["log_loss"]  # the mean of what it is given, in one's own units
    validation = split_losses(base, plain, truth.target, truth.split_of)
    best = int(np.nan_to_num(selection.mean(axis=1), nan=np.inf).argmin())
    return Trial(
        number=number,
        round=0,
        config=Config(),
        status=status,
        epochs=np.arange(1, len(made) + 1),
        training_loss=validation * (0.7 + 0.25 * np.cos(number)),  # gaps in no order
        validation_loss=validation,
        selection_loss=selection,
        row_values=values.astype(np.float16),
        best=best,
        predictions=made[best],
        seconds=1.0,
    )


def search_of(
    *,
    task: str = "binary",
    metric: str = "",
    rows: int = 120,
    trials: int = 4,
    epochs: int = 3,
    folds: int = 4,
    repeats: int = 1,
    noise: float = 1.0,
    seed: int = 0,
) -> tuple[Truth, list[Trial]]:
    """A whole search, made up."""
    rng = np.random.default_rng(seed)
    target = rng.normal(size=rows) * 1e3 if task == "regression" else rng.permutation(rows) % CLASSES[task]
    split_of = np.stack([rng.permutation(rows) % folds + folds * repeat for repeat in range(repeats)])
    truth = Truth(
        task=task,
        metric=metric or ("rmse" if task == "regression" else "log_loss"),
        target=target,
        classes=CLASSES[task],
        split_of=split_of,
        training_rows=np.full(folds * repeats, rows - rows // folds),
    )
    made = [predictions(truth, rng, epochs=epochs, noise=noise) for _ in range(trials)]
    return truth, [trial_of(truth, each, number=number) for number, each in enumerate(made)]


@pytest.fixture(scope="session")
def make_search() -> Callable[..., tuple[Truth, list[Trial]]]:
    return search_of


@pytest.fixture(scope="session")
def make_trial() -> Callable[..., Trial]:
    return trial_of


@pytest.fixture(scope="session")
def renumbered() -> Callable[[Trial, int], Trial]:
    return lambda trial, number: replace(trial, number=number)
