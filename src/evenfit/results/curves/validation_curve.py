"""Validation curve: clean training loss and validation loss by the value of one hyperparameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evenfit.errors import DataError
from evenfit.results.curves import drawing, plain
from evenfit.results.curves.learning_curve import intervals
from evenfit.results.study import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class ValidationCurve:
    """Losses by V values of one hyperparameter.

    A controlled curve is of fresh models on the same splits from the same seeds, all else equal. One that is not is an
    average over what a search tried, by a model of its trials: other hyperparameters varied too.
    """

    name: str  # of the hyperparameter
    values: tuple[Any, ...]  # [V]
    metric: str  # a name of METRICS
    loss: str  # what the metric's loss is called
    controlled: bool
    training_intervals: tuple[Interval, ...]  # of the clean base loss at each value
    loss_intervals: tuple[Interval, ...]  # of the metric's loss on validation rows
    best: int  # index of the value with the lowest mean loss
    differences: tuple[Interval, ...]  # loss at each value minus that at the best, paired; each at its own 95%
    training_differences: tuple[Interval, ...]
    training: Array | None = None  # [S, V] of each split, where controlled; NaN where a model failed
    losses: Array | None = None  # [S, V]
    explained: float | None = None  # of a search: share of the losses' variance that the model tells out of bag
    trials: int | None = None  # of a search: how many there were
    notes: tuple[str, ...] = ()

    @property
    def as_good(self) -> tuple[Any, ...]:
        """The values that are not shown to be worse than the best, the best included."""
        pairs = zip(self.values, self.differences, strict=True)
        return tuple(value for place, (value, one) in enumerate(pairs) if place == self.best or not one.low > 0)

    @property
    def sentence(self) -> str:
        """Which value did best, and how far that can be told."""
        loss, best = self.loss_intervals[self.best].mean, self.values[self.best]
        over = "" if self.controlled else f", on average over the {self.trials} configs of a search"
        others = [value for value in self.as_good if value != best]
        if not others:
            return f"{self.name} = {best} has the lowest {self.loss}, {loss:.4g}{over}; all other values are worse."
        shown = ", ".join(map(str, others[:6])) + (" and others" if len(others) > 6 else "")
        return f"{self.name} = {best} has the lowest {self.loss}, {loss:.4g}{over}; not shown to be worse: {shown}."

    def __repr__(self) -> str:
        """What it shows, in a sentence: its arrays are too long to be printed."""
        return f"<ValidationCurve: {self.sentence}>"

    def to_json(self) -> dict[str, Any]:
        """Give the curve as plain values."""
        return plain.values(
            {
                "name": self.name,
                "values": self.values,
                "metric": self.metric,
                "loss": self.loss,
                "controlled": self.controlled,
                "training": self.training_intervals,
                "validation": self.loss_intervals,
                "best": self.best,
                "differences": self.differences,
                "training_differences": self.training_differences,
                "splits": None if self.losses is None else len(self.losses),
                "explained": self.explained,
                "trials": self.trials,
                "sentence": self.sentence,
                "notes": self.notes,
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the curve on these axes, or on new ones; they are returned."""
        return drawing.on(ax, lambda axes: drawing.by_value(axes, self))


def validation_curve(
    name: str,
    values: tuple[Any, ...],
    training: Array,
    losses: Array,
    *,
    metric: str,
    loss: str,
    training_rows: Integers,
    validation_rows: Integers,
    notes: tuple[str, ...] = (),
) -> ValidationCurve:
    """Put the losses of fresh models together: [S, V] of S splits and V values; NaN where a model failed.

    Raises:
        DataError: no value has a finite loss.

    Example:
        >>> losses = np.array([[0.5, 0.3], [0.6, 0.4], [0.7, 0.5]])
        >>> found = validation_curve(
        ...     "depth", (1, 2), losses / 2, losses, metric="log_loss", loss="log loss",
        ...     training_rows=np.full(3, 20), validation_rows=np.full(3, 10),
        ... )
        >>> found.values[found.best], found.as_good
        (2, (2,))
    """
    rows: Mapping[str, Integers] = {"training_rows": training_rows, "validation_rows": validation_rows}
    of_losses = intervals(losses, **rows)
    means = np.array([one.mean for one in of_losses])
    if not np.isfinite(means).any():
        raise DataError(f"no model could be fitted with any value of {name}; the notes say why: {'; '.join(notes)}")
    # A value whose models failed on some splits is only the best where none was fitted on all.
    whole = np.isfinite(losses).all(axis=0)
    best = int(np.nanargmin(np.where(whole, means, np.inf) if whole.any() else means))
    return ValidationCurve(
        name=name,
        values=values,
        metric=metric,
        loss=loss,
        controlled=True,
        training_intervals=intervals(training, **rows),
        loss_intervals=of_losses,
        best=best,
        differences=intervals(losses - losses[:, best : best + 1], **rows),
        training_differences=intervals(training - training[:, best : best + 1], **rows),
        training=training,
        losses=losses,
        notes=notes,
    )
