"""Cross-validation: what one config did on rows that its networks had not seen, as a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.results.study import Interval, Truth
from evenfit.results.summary import side
from evenfit.results.trial import Trial
from evenfit.specs.config import Config

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossValidation:
    """Losses of one config over S splits, at its one epoch: where their mean was lowest.

    Losses are lower when better: the mean squared error for RMSE, 1 - AUC, 1 - accuracy.
    """

    config: Config
    metric: str
    epoch: int
    losses: Array  # [S] the metric's loss on each split's validation rows
    training_losses: Array  # [S] clean base loss: log loss or squared error, without dropout and penalties
    validation_losses: Array  # [S] base loss on the validation rows
    interval: Interval  # of the mean of losses, corrected for training rows that overlap
    gap: Interval  # validation minus training loss, paired over splits
    scores: Mapping[str, float]  # accuracy and auc, or rmse and r2, of the out-of-fold predictions
    predictions: npt.NDArray[Any] = field(
        repr=False
    )  # [R, N, K] out of fold, a row of the table each: log-probabilities, or numbers
    trial: Trial  # with the losses of all validated epochs


def cross_validation(truth: Truth, trial: Trial) -> CrossValidation:
    """Say what a trial has shown."""
    known = side(truth, trial)
    return CrossValidation(
        config=trial.config,
        metric=truth.metric,
        epoch=trial.epoch,
        losses=np.asarray(trial.selection_loss[trial.best], dtype=np.float64),
        training_losses=np.asarray(trial.training_loss[trial.best], dtype=np.float64),
        validation_losses=np.asarray(trial.validation_loss[trial.best], dtype=np.float64),
        interval=known.selection_loss,
        gap=known.gap,
        scores=known.validation_scores,
        predictions=trial.predictions,
        trial=trial,
    )
