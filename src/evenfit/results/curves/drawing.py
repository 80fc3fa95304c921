"""Drawing: curves on axes of matplotlib, which is imported only when something is drawn.

Colours are those of Okabe & Ito, "Color universal design", 2008.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evenfit.results.study import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evenfit.results.curves.epoch_curve import EpochCurve
    from evenfit.results.curves.learning_curve import LearningCurve
    from evenfit.results.curves.validation_curve import ValidationCurve

TRAINING, VALIDATION, LAW = "#d55e00", "#0072b2", "#009e73"
_OVERFLOW = 1e300  # a bound beyond it is not drawn


def on(ax: Axes | None, draw: Callable[[Axes], None]) -> Axes:
    """Draw on these axes, or on those of a new figure; give them back."""
    if ax is None:
        from matplotlib import pyplot as plt  # noqa: PLC0415 - only where something is drawn

        ax = plt.subplots()[1]
    draw(ax)
    return ax


def by_size(axes: Axes, curve: LearningCurve) -> None:
    """Both losses by training rows with their intervals; the law and what twice the rows would give."""
    _line(axes, curve.rows, curve.training_intervals, label="training (clean)", colour=TRAINING, style="--")
    _line(axes, curve.rows, curve.loss_intervals, label="validation", colour=VALIDATION, style="-")
    found = curve.extrapolation
    if found.twice is not None and found.band is not None:
        beyond = found.band.rows >= found.rows * 0.999
        axes.plot(found.band.rows, found.band.loss, ":", color=LAW, label="law", linewidth=1.4)
        low, high = found.band.low[beyond], found.band.high[beyond]
        axes.fill_between(found.band.rows[beyond], low, high, color=LAW, alpha=0.16, linewidth=0)
        reach = [[found.twice.mean - found.twice.low], [found.twice.high - found.twice.mean]]
        axes.errorbar([found.twice_rows], [found.twice.mean], yerr=reach, fmt="D", color=LAW, markersize=4, capsize=3)
    axes.set_xscale("log")
    axes.set_xlabel("training rows")
    axes.set_ylabel(curve.loss)
    axes.legend(frameon=False)


def by_epoch(axes: Axes, curve: EpochCurve) -> None:
    """Both losses by epoch with their intervals; a line at the epoch of the lowest mean."""
    _line(axes, curve.epochs, curve.training_intervals, label="training (clean)", colour=TRAINING, style="--")
    _line(axes, curve.epochs, curve.validation_intervals, label="validation", colour=VALIDATION, style="-")
    axes.axvline(curve.best_epoch, color=VALIDATION, linewidth=0.8, linestyle=":")
    axes.set_xlabel("epoch")
    axes.set_ylabel(curve.loss)
    axes.legend(frameon=False)


def by_value(axes: Axes, curve: ValidationCurve) -> None:
    """Both losses by the value of a hyperparameter with their intervals; a line at the best value."""
    places, ticks, logarithmic = places_of(curve.values)
    _line(axes, places, curve.training_intervals, label="training (clean)", colour=TRAINING, style="--")
    _line(axes, places, curve.loss_intervals, label="validation", colour=VALIDATION, style="-")
    axes.axvline(places[curve.best], color=VALIDATION, linewidth=0.8, linestyle=":")
    if logarithmic:
        axes.set_xscale("log")
    elif ticks:
        axes.set_xticks(list(places), ticks)
    axes.set_xlabel(curve.name)
    axes.set_ylabel(curve.loss if curve.controlled else f"{curve.loss}, average over the search")
    axes.legend(frameon=False)


def places_of(values: Sequence[object]) -> tuple[list[float], list[str], bool]:
    """Where values lie on an axis, what its ticks say (nothing: they are numbers), and whether it is logarithmic.

    Example:
        >>> places_of([1e-4, 1e-3, 1e-2]), places_of(["relu", "silu"])
        (([0.0001, 0.001, 0.01], [], True), ([0.0, 1.0], ['relu', 'silu'], False))
    """
    numbers = [float(one) for one in values if isinstance(one, int | float | np.number) and not isinstance(one, bool)]
    if len(numbers) < len(values) or not all(map(math.isfinite, numbers)):
        return [float(place) for place in range(len(values))], [str(one) for one in values], False
    low, high = min(numbers), max(numbers)
    if low > 0:
        return numbers, [], high / low >= 20
    if low == 0 and len(numbers) > 2 and high / min(one for one in numbers if one > 0) >= 20:
        return [float(place) for place in range(len(values))], [f"{one:g}" for one in numbers], False
    return numbers, [], False


def _line(
    axes: Axes, at: Sequence[float] | np.ndarray, intervals: Sequence[Interval], *, label: str, colour: str, style: str
) -> None:
    """A line of means with the band of their intervals."""
    known = [(x, one) for x, one in zip(at, intervals, strict=True) if math.isfinite(one.mean)]
    if not known:
        return
    places, shown = [x for x, _ in known], [one for _, one in known]
    marker = "o" if len(known) <= 12 else ""
    axes.plot(
        places,
        [one.mean for one in shown],
        style,
        color=colour,
        label=label,
        linewidth=1.6,
        marker=marker,
        markersize=3.5,
    )
    if all(abs(one.low) < _OVERFLOW and abs(one.high) < _OVERFLOW for one in shown):
        low, high = [one.low for one in shown], [one.high for one in shown]
        axes.fill_between(places, low, high, color=colour, alpha=0.16, linewidth=0)
