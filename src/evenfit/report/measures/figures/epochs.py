"""Learning curve over epochs: clean training loss and validation loss, and the gap between them with its onset."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from evenfit.report.digits import fixed, interval_decimals, short, with_interval
from evenfit.report.figures.canvas import CORRECTED, MUTED, finish, legend, quiet, sheet
from evenfit.report.table import Table
from evenfit.results.curves.epoch_curve import EpochCurve
from evenfit.results.intervals import corrected_interval
from evenfit.results.study import Interval

Integers = npt.NDArray[np.int64]


def draw(curve: EpochCurve) -> Figure:
    """The curve as its result draws it."""
    figure, axes = sheet()
    curve.plot(ax=axes)
    axes.set_xlim(0, None)
    quiet(axes, x="epoch", y=curve.loss)
    legend(axes)
    return finish(figure)


def table(curve: EpochCurve) -> Table:
    """Both losses at each epoch."""
    places = interval_decimals(*curve.validation_intervals)
    rows = tuple(
        (f"{epoch:,}", with_interval(training, places=places), with_interval(validation, places=places))
        for epoch, training, validation in zip(
            curve.epochs, curve.training_intervals, curve.validation_intervals, strict=True
        )
    )
    return Table(columns=("epoch", f"training {curve.loss}", f"validation {curve.loss}"), rows=rows)


def words(curve: EpochCurve) -> str:
    """Where the validation loss is lowest, and whether it rises after that."""
    turn = with_interval(curve.turn)
    best = f"Validation {curve.loss} is lowest at epoch {curve.best_epoch:,} of {curve.epochs[-1]:,}"
    if curve.best_epoch == curve.epochs[-1]:
        return f"{best}, the last."
    if curve.turned_up:
        return f"{best} and rises by {turn} until the last: longer training overfits."
    return f"{best}; that it rises after it is not shown ({turn})."


def gaps(curve: EpochCurve, *, training_rows: Integers, validation_rows: Integers) -> tuple[Interval, ...]:
    """Validation minus clean training loss at each epoch, with the corrected interval over splits."""
    return tuple(
        corrected_interval(column, training_rows=training_rows, validation_rows=validation_rows)
        for column in (curve.validation - curve.training).T
    )


def onset(epochs: Integers, known: tuple[Interval, ...]) -> int | None:
    """The first epoch from which the whole interval of the gap stays above 0; None where it never does."""
    above = [gap.low > 0 for gap in known]
    if not above or not above[-1]:
        return None
    first = len(above) - 1
    while first and above[first - 1]:
        first -= 1
    return int(epochs[first])


def draw_gap(epochs: Integers, known: tuple[Interval, ...]) -> Figure:
    """The gap by epoch with its interval, and a ring where it is there for certain."""
    figure, axes = sheet()
    axes.axhline(0, color=MUTED, linewidth=0.8)
    low, high = (np.array([getattr(gap, end) for gap in known]) for end in ("low", "high"))
    if np.isfinite(low).all():
        axes.fill_between(epochs, low, high, color=CORRECTED, alpha=0.16, linewidth=0)
    axes.plot(epochs, [gap.mean for gap in known], color=CORRECTED, linewidth=1.6)
    if (start := onset(epochs, known)) is not None:
        mean = known[list(epochs).index(start)].mean
        axes.plot([start], [mean], "o", color=CORRECTED, markersize=6, fillstyle="none", markeredgewidth=1.4)
    axes.set_xlim(0, None)
    quiet(axes, x="epoch", y="gap: validation minus training")
    return finish(figure, top=0.12)


def gap_table(epochs: Integers, known: tuple[Interval, ...]) -> Table:
    """The gap at each epoch with its interval."""
    places = interval_decimals(*known)
    rows = tuple((f"{epoch:,}", with_interval(gap, places=places)) for epoch, gap in zip(epochs, known, strict=True))
    return Table(columns=("epoch", "gap (95% interval)"), rows=rows)


def gap_words(epochs: Integers, known: tuple[Interval, ...]) -> str:
    """Where the gap sets in, and how wide it ends."""
    start = onset(epochs, known)
    ends = f"{short(known[-1].mean, digits=2)} at epoch {epochs[-1]:,}"
    if start is None:
        return f"The gap is not certain at the end: {with_interval(known[-1])}."
    return f"The gap is certain from epoch {start:,} on, and {ends}."


def best(curve: EpochCurve) -> str:
    """The lowest validation loss and its epoch, in a few words."""
    place = list(curve.epochs).index(curve.best_epoch)
    places = interval_decimals(*curve.validation_intervals)
    return f"{fixed(curve.validation_intervals[place].mean, places)} at epoch {curve.best_epoch:,}"
