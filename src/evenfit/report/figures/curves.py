"""Learning curves: clean training loss and validation loss by epoch, with bands over splits."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from evenfit.report.digits import short
from evenfit.report.figures.canvas import finish, legend, limits, logarithmic, quiet, sheet
from evenfit.report.table import Table
from evenfit.results.trial import Trial

LOG_SPAN = 12.0  # above this ratio of the largest to the smallest loss the axis is logarithmic


def draw(trial: Trial, *, loss: str, colour: str, ends: tuple[float, float] | None = None) -> Figure:
    """Both losses of one trial; bands are one standard deviation over splits, the line is the chosen epoch.

    ``ends`` of the loss axis are given where two trials are to be compared.
    """
    figure, axes = sheet()
    for losses, style, label in (
        (trial.validation_loss, "-", "validation"),
        (trial.training_loss, "--", "training (clean)"),
    ):
        mean, deviation = losses.mean(axis=1), losses.std(axis=1)
        axes.fill_between(trial.epochs, mean - deviation, mean + deviation, color=colour, alpha=0.16, linewidth=0)
        marker = "o" if len(trial.epochs) <= 12 else ""
        axes.plot(trial.epochs, mean, style, color=colour, label=label, linewidth=1.6, marker=marker, markersize=3)
    low, high = ends or span([trial])
    if low > 0 and high / low > LOG_SPAN:
        logarithmic(axes)
    axes.set_ylim(low, high)
    axes.axvline(trial.epoch, color=colour, linewidth=0.8, linestyle=":")
    axes.set_xlim(0, None)
    quiet(axes, x="epoch", y=loss)
    legend(axes)
    return finish(figure)


def span(trials: list[Trial]) -> tuple[float, float]:
    """Ends of a loss axis that shows all of these trials; losses that are not finite have no say."""
    values = np.concatenate([part.ravel() for trial in trials for part in _means_and_bands(trial)])
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = limits([float(values.min()), float(values.max())])
    smallest = float(values.min())
    return (max(low, 0.9 * smallest) if smallest > 0 else low), high


def table(trial: Trial) -> Table:
    """The losses at each validated epoch, mean and deviation over splits."""
    rows = tuple(
        (
            f"{epoch:,}",
            short(float(training.mean())),
            short(float(training.std())),
            short(float(validation.mean())),
            short(float(validation.std())),
        )
        for epoch, training, validation in zip(trial.epochs, trial.training_loss, trial.validation_loss, strict=True)
    )
    return Table(columns=("epoch", "training loss", "its deviation", "validation loss", "its deviation"), rows=rows)


def words(trial: Trial, *, loss: str) -> str:
    """What the figure shows, for those who cannot see it."""
    first, last = float(trial.validation_loss[0].mean()), float(trial.validation_loss[-1].mean())
    best = float(trial.validation_loss[trial.best].mean())
    if not math.isfinite(best):
        return f"Learning curves of config {trial.number}: its losses are not finite."
    return (
        f"Learning curves of config {trial.number}: validation {loss} goes from {short(first)} at epoch "
        f"{trial.epochs[0]} to {short(best)} at the chosen epoch {trial.epoch} and is {short(last)} at epoch "
        f"{trial.epochs[-1]}, where training {loss} is {short(float(trial.training_loss[-1].mean()))}."
    )


def _means_and_bands(trial: Trial) -> list[np.ndarray]:
    """The ends of both bands; the first quarter of epochs has a say only where there is nothing else."""
    start = min(len(trial.epochs) - 1, len(trial.epochs) // 6)
    parts = []
    for losses in (trial.training_loss[start:], trial.validation_loss[start:]):
        mean, deviation = losses.mean(axis=1), losses.std(axis=1)
        parts += [mean - deviation, mean + deviation]
    return parts
