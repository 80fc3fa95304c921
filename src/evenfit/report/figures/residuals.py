"""Residuals: out-of-fold predictions of the selected config against the truth, for a regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from evenfit.report.digits import short
from evenfit.report.figures.canvas import INK, MUTED, SELECTED, finish, limits, quiet, sheet
from evenfit.report.table import Table
from evenfit.results.study import Truth
from evenfit.results.trial import Trial

Array = npt.NDArray[np.float64]
MOST_POINTS = 600  # more rows are drawn as hexagons, darker where there are more
BINS = 10


@dataclass(frozen=True, eq=False)
class Predicted:
    """Pairs of truth and prediction over all repeats, rows that were never validated left out."""

    true: Array
    predicted: Array

    @property
    def residual(self) -> Array:
        """True minus predicted."""
        return self.true - self.predicted


def predicted(trial: Trial, truth: Truth) -> Predicted:
    """The out-of-fold predictions of a trial, beside the truth."""
    values = np.asarray(trial.predictions[..., 0], dtype=np.float64)
    true = np.broadcast_to(np.asarray(truth.target, dtype=np.float64), values.shape)
    known = np.isfinite(values)
    return Predicted(true=true[known], predicted=values[known])


def draw_fit(known: Predicted, *, target: str) -> Figure:
    """Predicted against true, and the line on which both are equal."""
    figure, axes = sheet()
    ends = _range(np.concatenate([known.true, known.predicted]))
    _cloud(axes, known.true, known.predicted, x_ends=ends, y_ends=ends)
    axes.plot(ends, ends, color=MUTED, linewidth=0.9, linestyle="--")
    quiet(axes, x=f"true {target}", y="predicted, out of fold")
    return finish(figure, left=0.72, top=0.08)


def draw_residuals(known: Predicted) -> Figure:
    """Residuals against the prediction, with their median in bins of equal numbers."""
    figure, axes = sheet()
    _cloud(axes, known.predicted, known.residual, x_ends=_range(known.predicted), y_ends=_range(known.residual))
    axes.axhline(0, color=MUTED, linewidth=0.9, linestyle="--")
    bins = _bins(known)
    axes.plot(
        [float(known.predicted[part].mean()) for part in bins],
        [float(np.median(known.residual[part])) for part in bins],
        color=INK,
        linewidth=1.4,
        marker="o",
        markersize=3,
    )
    quiet(axes, x="predicted, out of fold", y="true minus predicted")
    return finish(figure, left=0.72, top=0.08)


def table(known: Predicted) -> Table:
    """Residuals by bins of the prediction: where the model is off, and by how much it scatters."""
    rows = []
    for part in _bins(known):
        low, middle, high = np.quantile(known.residual[part], (0.05, 0.5, 0.95))
        rows.append(
            (
                short(float(known.predicted[part].mean())),
                short(float(known.true[part].mean())),
                short(float(middle)),
                f"{short(float(low))} to {short(float(high))}",
                f"{len(part):,}",
            )
        )
    columns = ("mean predicted", "mean true", "median residual", "90% of residuals", "rows")
    return Table(columns=columns, rows=tuple(rows))


def words(known: Predicted) -> str:
    """How residuals spread, in one sentence."""
    if not len(known.true):
        return "No row was validated."
    low, middle, high = np.quantile(known.residual, (0.05, 0.5, 0.95))
    return (
        f"Out of fold, true minus predicted has the median {short(float(middle))}; 90% of {len(known.true):,} rows lie "
        f"between {short(float(low))} and {short(float(high))}."
    )


def _cloud(axes: Axes, x: Array, y: Array, *, x_ends: tuple[float, float], y_ends: tuple[float, float]) -> None:
    """Points, or hexagons where there would be too many; what lies outside is drawn at the edge."""
    x, y = np.clip(x, *x_ends), np.clip(y, *y_ends)
    if len(x) <= MOST_POINTS:
        axes.plot(x, y, "o", color=SELECTED, markersize=3.2, alpha=0.45, markeredgewidth=0)
    else:
        cells = axes.hexbin(x, y, gridsize=(34, 18), extent=(*x_ends, *y_ends), mincnt=1, linewidths=0)
        rows = np.asarray(cells.get_array(), dtype=np.float64)
        opacity = 0.12 + 0.88 * np.sqrt(rows / rows.max())
        cells.set_array(None)
        # Twelve shades: an element for each hexagon, but few different ones.
        cells.set_facecolor([(*to_rgb(SELECTED), round(shade * 12) / 12) for shade in opacity])
    axes.set_xlim(*x_ends)
    axes.set_ylim(*y_ends)


def _range(values: Array) -> tuple[float, float]:
    """Ends of an axis: all values, or where some lie far off, up to three times the middle 98% of them."""
    if not len(values):
        return 0.0, 1.0
    low, high = (float(end) for end in np.quantile(values, (0.01, 0.99)))
    room = high - low
    return limits([max(float(values.min()), low - room), min(float(values.max()), high + room)])


def _bins(known: Predicted) -> list[npt.NDArray[np.intp]]:
    """Places of the rows in bins of equal numbers, in the order of the prediction."""
    return [part for part in np.array_split(np.argsort(known.predicted, kind="stable"), BINS) if len(part)]
