"""Epoch curve: clean training loss and validation loss by epoch, over splits, and whether validation turned up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evenfit.results.curves import drawing, plain
from evenfit.results.intervals import corrected_interval
from evenfit.results.study import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class EpochCurve:
    """Base losses by epoch of models that were fitted to all training rows of each split.

    The base loss is log loss, or squared error in the target's own units. Training losses are clean: evaluation mode,
    no penalties.
    """

    loss: str  # its name
    epochs: Integers  # [E], rising
    training: Array  # [S, E]
    validation: Array  # [S, E]
    training_intervals: tuple[Interval, ...]  # of each epoch's mean over splits
    validation_intervals: tuple[Interval, ...]
    best_epoch: int  # where the mean validation loss is lowest
    turn: Interval  # validation loss at the last epoch minus that at the best epoch, paired over splits; each split's
    # best epoch is the best of the other splits, so that choosing it does not flatter it

    @property
    def turned_up(self) -> bool:
        """Whether the validation loss rose after its best epoch, by more than its noise."""
        return self.turn.low > 0

    def __repr__(self) -> str:
        """Its ends: its arrays are too long to be printed."""
        return f"<EpochCurve: {self.loss} at epochs {self.epochs[0]} to {self.epochs[-1]}>"

    def to_json(self) -> dict[str, Any]:
        """Give the curve as plain values."""
        return plain.values(
            {
                "loss": self.loss,
                "epochs": self.epochs,
                "training": self.training_intervals,
                "validation": self.validation_intervals,
                "best_epoch": self.best_epoch,
                "turn": self.turn,
                "turned_up": self.turned_up,
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the curve on these axes, or on new ones; they are returned."""
        return drawing.on(ax, lambda axes: drawing.by_epoch(axes, self))


def epoch_curve(
    epochs: Sequence[int] | Integers,
    training: Array,
    validation: Array,
    *,
    loss: str,
    training_rows: Integers,
    validation_rows: Integers,
) -> EpochCurve:
    """Put losses by epoch [S, E] of S splits together.

    Args:
        training_rows: [S] of each split.
        validation_rows: [S] of each split.

    Example:
        >>> epochs, falls, rises = [1, 2, 3], np.array([3.0, 2.0, 1.0]), np.array([3.0, 2.0, 2.6])
        >>> noise = 0.01 * np.arange(5)[:, None]
        >>> rows = np.full(5, 80)
        >>> found = epoch_curve(
        ...     epochs, falls + noise, rises + noise, loss="log loss", training_rows=rows, validation_rows=rows // 4
        ... )
        >>> found.best_epoch, found.turned_up, round(found.turn.mean, 2)
        (2, True, 0.6)
    """
    training, validation = np.asarray(training, dtype=np.float64), np.asarray(validation, dtype=np.float64)

    def mean(losses: Array) -> Interval:
        return corrected_interval(losses, training_rows=training_rows, validation_rows=validation_rows)

    return EpochCurve(
        loss=loss,
        epochs=np.asarray(epochs, dtype=np.int64),
        training=training,
        validation=validation,
        training_intervals=tuple(map(mean, training.T)),
        validation_intervals=tuple(map(mean, validation.T)),
        best_epoch=int(np.asarray(epochs)[np.argmin(validation.mean(axis=0))]),
        turn=mean(validation[:, -1] - _at_others_best(validation)),
    )


def _at_others_best(validation: Array) -> Array:
    """Each split's loss at the epoch that is best on average over the other splits."""
    if len(validation) < 2:
        return np.asarray(validation.min(axis=1))
    others = (validation.sum(axis=0) - validation).argmin(axis=1)
    return np.asarray(validation[np.arange(len(validation)), others])
