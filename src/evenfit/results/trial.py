"""Trial: a config, tried on all its splits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evenfit.specs.config import Config

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.integer]

COMPLETE, DROPPED, DIVERGED = "complete", "dropped", "diverged"
PLANNED = "planned"  # not of a study: what proposals are shown in place of a trial that has not ended


@dataclass(frozen=True, kw_only=True, repr=False)
class Trial:
    """What one config did on every split, at the epochs where it was validated.

    Axes: E validated epochs, S splits (fold by fold, repeat after repeat), R repeats, N rows of
    the table, K outputs (all classes, or 1 for regression), C columns of what the metric judges.
    The base loss is log loss, or squared error in the target's own units.
    """

    number: int  # 0 is the default config
    round: int  # the round of proposals that it came from
    config: Config
    status: str  # complete, dropped (lost the race) or diverged
    epochs: IntArray  # [E], rising; the last is the last one trained
    training_loss: FloatArray  # [E, S] base loss, clean: evaluation mode, no penalties; all losses are NaN on splits
    # that a dropped config was not tried on
    validation_loss: FloatArray  # [E, S] base loss, mean per validation row
    selection_loss: FloatArray  # [E, S] the metric's loss on each split's validation rows
    row_values: FloatArray  # [E, R, N, C] half precision: ``metric.values`` of each row out of fold;
    # NaN where a row is never validated, or not by the splits that it was tried on
    best: int  # index into epochs with the lowest selection loss, averaged over splits
    predictions: FloatArray  # [R, N, K] out of fold at epochs[best]: log-probabilities of all classes, or the
    # target in its own units; NaN where a row is never validated
    seconds: float  # of training, summed over its members
    training_scores: FloatArray = field(default_factory=lambda: np.empty(0))  # accuracy and AUC on training rows at
    # epochs[best], averaged over splits; empty for regression, whose scores follow from the loss

    def __repr__(self) -> str:
        """Its number, what became of it and how good it was: its arrays would fill pages."""
        said = f"Trial(number={self.number}, round={self.round}, status={self.status!r}, loss={self.loss:.6g}, "
        return f"{said}epoch={self.epoch}, config={self.config!r})"

    @property
    def epoch(self) -> int:
        """The trial's one epoch: where its mean selection loss over splits was lowest."""
        return int(self.epochs[self.best])

    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """The splits that it was tried on, [S]: all, unless it was dropped before the others."""
        known = ~np.isnan(self.selection_loss).all(axis=0)
        every = self.status != DROPPED or not known.any()
        return np.ones_like(known) if every else np.asarray(known)

    @property
    def loss(self) -> float:
        """Mean selection loss over the splits that it was tried on, at the trial's epoch."""
        return float(np.mean(self.selection_loss[self.best][self.seen]))
