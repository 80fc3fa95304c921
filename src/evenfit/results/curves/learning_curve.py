"""Learning curve: clean training loss and validation loss by training rows, and what more rows would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evenfit.results.curves import drawing, plain
from evenfit.results.curves.epoch_curve import EpochCurve
from evenfit.results.curves.extrapolation import Extrapolation, extrapolate
from evenfit.results.intervals import corrected_interval, correction
from evenfit.results.study import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MOST_FAILED = 0.2  # share of a size's models that may have failed; with more, the size is left out


@dataclass(frozen=True, eq=False, kw_only=True)
class LearningCurve:
    """Losses of S splits at Z sizes; a size's training rows contain those of the smaller ones.

    Losses are lower when better. ``loss`` names what is drawn and what the law is fitted to; training losses are those
    that training lowers (log loss or squared error), clean: evaluation mode, no penalties.
    """

    metric: str  # a name of METRICS
    loss: str  # what the metric's loss is called
    rows: Array  # [Z] mean training rows of each size, rising
    training: Array  # [S, Z] clean base loss; NaN where a model failed
    losses: Array  # [S, Z] the metric's loss on each split's validation rows
    training_rows: Integers  # [S] all that a split may train on
    validation_rows: Integers  # [S]
    training_intervals: tuple[Interval, ...]  # of each size's mean over splits
    loss_intervals: tuple[Interval, ...]
    gap: Interval  # validation minus training loss at the largest size, paired; NaN where the metric's loss is another
    extrapolation: Extrapolation
    epochs: EpochCurve | None = None  # of the largest size, where models learn by epochs
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What twice the training rows would give, or why that cannot be said."""
        found = self.extrapolation
        last = self.loss_intervals[-1].mean
        if found.twice is None or found.gain is None:
            return f"What twice the data would give cannot be said: {found.refusal}."
        return (
            f"Twice the data, {found.twice_rows:,.0f} training rows, would give {found.twice.mean:.4g} "
            f"({found.twice.low:.4g} to {found.twice.high:.4g}) instead of {last:.4g}."
        )

    def __repr__(self) -> str:
        """What it shows, in a sentence: its arrays are too long to be printed."""
        return f"<LearningCurve: {self.sentence}>"

    def to_json(self) -> dict[str, Any]:
        """Give the curve as plain values."""
        found = self.extrapolation
        return plain.values(
            {
                "metric": self.metric,
                "loss": self.loss,
                "splits": len(self.losses),
                "rows": self.rows,
                "training": self.training_intervals,
                "validation": self.loss_intervals,
                "gap": self.gap,
                "law": found.law,
                "floor": found.floor,
                "exponent": found.exponent,
                "twice": {"rows": found.twice_rows, "loss": found.twice, "gain": found.gain},
                "held_back": found.held_back
                and {
                    "rows": found.held_back.rows,
                    "fitted_up_to": found.held_back.fitted_up_to,
                    "predicted": found.held_back.predicted,
                    "last": found.held_back.last,
                    "measured": found.held_back.measured,
                },
                "refusal": found.refusal or None,
                "reason": found.reason or None,
                "sentence": self.sentence,
                "epochs": None if self.epochs is None else self.epochs.to_json(),
                "notes": self.notes,
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the curve on these axes, or on new ones; they are returned."""
        return drawing.on(ax, lambda axes: drawing.by_size(axes, self))


def learning_curve(  # noqa: PLR0913 - every part of the curve is a keyword
    rows: Array,
    training: Array,
    losses: Array,
    *,
    metric: str,
    loss: str,
    base: bool,
    training_rows: Integers,
    validation_rows: Integers,
    epochs: EpochCurve | None = None,
    notes: tuple[str, ...] = (),
    seed: int = 0,
) -> LearningCurve:
    """Put losses by size together, and extrapolate them.

    Sizes at which more than a fifth of the models failed are left out of the law, then the splits that failed at any
    of the others, since splits are paired.

    Args:
        rows: [Z] mean training rows of each size, rising.
        training: [S, Z] clean base loss; NaN where a model failed.
        losses: [S, Z] of validation; NaN where a model failed.
        metric: a name of METRICS.
        loss: what its loss is called.
        base: whether that is the loss that training lowers.
        training_rows: [S] all that a split may train on.
        validation_rows: [S].
        epochs: of the largest size.
        notes: what is to be said beside the curve, a line each.
        seed: of the resampling.
    """
    known = np.isfinite(losses)
    usable = known.mean(axis=0) >= 1 - MOST_FAILED
    whole = known[:, usable].all(axis=1)
    factor = correction(training_rows[whole], validation_rows[whole]) if whole.any() else np.inf
    gaps = losses[:, -1] - training[:, -1] if base else np.full(len(losses), np.nan)
    return LearningCurve(
        metric=metric,
        loss=loss,
        rows=np.asarray(rows, dtype=np.float64),
        training=training,
        losses=losses,
        training_rows=training_rows,
        validation_rows=validation_rows,
        training_intervals=intervals(training, training_rows=training_rows, validation_rows=validation_rows),
        loss_intervals=intervals(losses, training_rows=training_rows, validation_rows=validation_rows),
        gap=intervals(gaps[:, None], training_rows=training_rows, validation_rows=validation_rows)[0],
        extrapolation=extrapolate(np.asarray(rows)[usable], losses[whole][:, usable], factor=factor, seed=seed),
        epochs=epochs,
        notes=notes,
    )


def intervals(losses: Array, *, training_rows: Integers, validation_rows: Integers) -> tuple[Interval, ...]:
    """Corrected intervals of each column's mean over the splits that it is known for: [S, Z] -> Z of them."""
    found = []
    for column in np.asarray(losses, dtype=np.float64).T:
        known = np.isfinite(column)
        if known.any():
            rows = {"training_rows": training_rows[known], "validation_rows": validation_rows[known]}
            found.append(corrected_interval(column[known], **rows))
        else:
            found.append(Interval(mean=np.nan, low=np.nan, high=np.nan))
    return tuple(found)
