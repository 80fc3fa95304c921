"""Calibration: how often events happen that were given a probability, for the selected config out of fold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from evenfit.report.digits import fixed
from evenfit.report.figures.canvas import GRID, INK, MUTED, SELECTED, finish, plain, quiet, sheet
from evenfit.report.table import Table
from evenfit.results.study import Truth
from evenfit.results.trial import Trial

Array = npt.NDArray[np.float64]
BINS = 10
Z = 1.959964  # of a 95% interval


@dataclass(frozen=True, eq=False)
class Reliability:
    """Predictions in bins of equal numbers, in the order of their probability."""

    predicted: Array  # [bins] mean probability
    observed: Array  # [bins] share of rows where it came true
    low: Array  # [bins] of a 95% interval (Wilson, 1927)
    high: Array
    rows: npt.NDArray[np.int64]  # [bins]
    probabilities: Array  # of every row
    event: str  # what the probability is of

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of predicted and observed, weighted by rows."""
        return (
            float(np.average(np.abs(self.predicted - self.observed), weights=self.rows)) if len(self.rows) else math.nan
        )


def reliability(trial: Trial, truth: Truth, *, event: str = "") -> Reliability:
    """Put the out-of-fold predictions of all repeats into bins.

    With two classes the probability is that of the second, ``event``; with more it is that of the
    class that was predicted, and the event is that it was right.
    """
    log_probabilities = np.asarray(trial.predictions, dtype=np.float64)
    known = np.isfinite(log_probabilities).any(axis=2) & ~np.isnan(log_probabilities).any(axis=2)
    chosen = np.exp(log_probabilities[known])  # [cases, K]
    target = np.broadcast_to(truth.target, known.shape)[known]
    if truth.task == "binary":
        probability, happened = chosen[:, 1], target == 1
    else:
        top = chosen.argmax(axis=1) if len(chosen) else np.zeros(0, dtype=np.int64)
        probability, happened = chosen[np.arange(len(top)), top], target == top
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    rows = np.array([len(part) for part in parts], dtype=np.int64)
    observed = np.array([happened[part].mean() for part in parts])
    low, high = wilson(observed, rows)
    return Reliability(
        predicted=np.array([probability[part].mean() for part in parts]),
        observed=observed,
        low=low,
        high=high,
        rows=rows,
        probabilities=probability,
        event=event if truth.task == "binary" else "the predicted class",
    )


def wilson(share: Array, rows: npt.NDArray[np.int64]) -> tuple[Array, Array]:
    """The 95% interval of a share of so many rows (Wilson, "Probable inference", 1927).

    Example:
        >>> low, high = wilson(np.array([0.5]), np.array([100]))
        >>> float(low[0].round(3)), float(high[0].round(3))
        (0.404, 0.596)
    """
    centre = (share + Z**2 / (2 * rows)) / (1 + Z**2 / rows)
    reach = Z * np.sqrt(share * (1 - share) / rows + Z**2 / (4 * rows**2)) / (1 + Z**2 / rows)
    return np.maximum(centre - reach, 0), np.minimum(centre + reach, 1)


def draw(known: Reliability) -> Figure:
    """Observed shares against predicted probabilities, above the numbers of rows."""
    figure, axes = sheet(height=3.6)
    axes.remove()
    axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle="--")
    spread = np.maximum(0, [known.observed - known.low, known.high - known.observed])
    axes.errorbar(
        known.predicted,
        known.observed,
        yerr=spread,
        fmt="o-",
        color=SELECTED,
        markersize=4,
        linewidth=1.3,
        elinewidth=1,
    )
    axes.set_ylim(-0.02, 1.02)
    numbers, edges = np.histogram(known.probabilities, bins=20, range=(0.0, 1.0))
    counts.bar(edges[:-1], numbers, width=0.05, align="edge", color=SELECTED, alpha=0.45, edgecolor=GRID, linewidth=0.4)
    counts.set_xlim(-0.01, 1.01)
    counts.set_yticks([0, int(numbers.max()) or 1])
    quiet(axes, y="share that came true")
    quiet(counts, x=f"probability of {known.event}", y="rows")
    axes.text(
        0.02,
        0.93,
        plain(f"calibration error {fixed(known.error, 3)}"),
        transform=axes.transAxes,
        fontsize=8.5,
        color=INK,
    )
    return finish(figure, top=0.08)


def table(known: Reliability) -> Table:
    """The bins: predicted, observed, its interval, rows."""
    rows = tuple(
        (fixed(predicted, 3), fixed(observed, 3), f"{fixed(low, 3)} to {fixed(high, 3)}", f"{number:,}")
        for predicted, observed, low, high, number in zip(
            known.predicted, known.observed, known.low, known.high, known.rows, strict=True
        )
    )
    return Table(columns=("predicted", "observed", "95% interval", "rows"), rows=rows)


def words(known: Reliability) -> str:
    """How far predicted and observed are apart on average."""
    return (
        f"Reliability of the probability of {known.event} in {len(known.rows)} bins of equal numbers: predicted and "
        f"observed differ by {fixed(known.error, 3)} on average."
    )
