"""The peers: other ways to spend the same seconds on the same table, each one function.

A peer is a module with `fit(X, y, *, task, seconds, seed, threads)`: `X` is a data frame, `y` holds class numbers
0..classes-1 (`task="classification"`) or numbers (`task="regression"`). It gives back something whose `predict(X)` is
[rows, classes] probabilities or [rows] means. It keeps its deadline: `seconds` of wall clock, last model included.

To add one, write the module and name it in `PEERS`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Task = Literal["classification", "regression"]


class Predictor(Protocol):
    """A fitted model: probabilities [rows, classes], or means [rows]."""

    def predict(self, X: pd.DataFrame, /) -> np.ndarray: ...


class Fit(Protocol):
    """Spends the seconds on a table and gives back its best model."""

    def __call__(
        self, X: pd.DataFrame, y: np.ndarray, *, task: Task, seconds: float, seed: int, threads: int
    ) -> Predictor: ...


PEERS = {
    "sklearn-mlp": "peers.sklearn_mlp",
    "optuna-torch": "peers.optuna_torch",
    "optuna-lightgbm": "peers.optuna_lightgbm",
}


def load(name: str) -> Fit:
    """The `fit` of a peer, imported when it is asked for: no run pays for another's libraries."""
    fit: Fit = importlib.import_module(PEERS[name]).fit
    return fit
