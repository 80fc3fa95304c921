"""The folds that every peer tunes on: five, shuffled, stratified for classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

if TYPE_CHECKING:
    import pandas as pd

    from peers import Task

FOLDS = 5


def folds(y: np.ndarray, *, task: Task, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Row numbers to train on and to validate by, for each fold."""
    kind = StratifiedKFold if task == "classification" else KFold
    return list(kind(FOLDS, shuffle=True, random_state=seed).split(np.zeros(len(y)), y))


@dataclass(frozen=True)
class FoldEnsemble:
    """The mean of the predictions of fold models."""

    members: tuple[Callable[[pd.DataFrame], np.ndarray], ...]

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.mean([member(X) for member in self.members], axis=0)
