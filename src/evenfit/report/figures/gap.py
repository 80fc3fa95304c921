"""The generalisation gap by epoch, and where it sets in."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from evenfit.report.digits import fixed, interval_decimals, short, span
from evenfit.report.figures.canvas import DEFAULT, MUTED, SELECTED, finish, legend, quiet, sheet
from evenfit.report.table import Table
from evenfit.results.intervals import corrected_interval
from evenfit.results.study import Interval, Study, Truth
from evenfit.results.trial import Trial


def gaps(trial: Trial, truth: Truth) -> tuple[Interval, ...]:
    """Validation minus clean training loss at each epoch, with the corrected 95% interval over splits."""
    differences = trial.validation_loss - trial.training_loss
    validated = np.bincount(truth.split_of[truth.split_of >= 0].ravel(), minlength=len(truth.training_rows))
    return tuple(
        corrected_interval(row, training_rows=truth.training_rows, validation_rows=validated) for row in differences
    )


def onset(trial: Trial, known: tuple[Interval, ...]) -> int | None:
    """The first epoch from which the whole interval of the gap stays above 0; None where it never does."""
    above = [gap.low > 0 for gap in known]
    if not above or not above[-1]:
        return None
    first = len(above) - 1
    while first and above[first - 1]:
        first -= 1
    return int(trial.epochs[first])


def draw(study: Study) -> Figure:
    """The gap of the default and of the selected config, and the epoch from which it is there for certain."""
    figure, axes = sheet()
    axes.axhline(0, color=MUTED, linewidth=0.8)
    for trial, colour, label in _trials(study):
        known = gaps(trial, study.truth)
        low, high = (np.array([getattr(gap, end) for gap in known]) for end in ("low", "high"))
        if np.isfinite(low).all():
            axes.fill_between(trial.epochs, low, high, color=colour, alpha=0.16, linewidth=0)
        axes.plot(trial.epochs, [gap.mean for gap in known], color=colour, label=label, linewidth=1.6)
        if (start := onset(trial, known)) is not None:
            mean = known[list(trial.epochs).index(start)].mean
            axes.plot([start], [mean], "o", color=colour, markersize=6, fillstyle="none", markeredgewidth=1.4)
    axes.set_xlim(0, None)
    quiet(axes, x="epoch", y="gap: validation minus training")
    legend(axes)
    return finish(figure)


def table(study: Study) -> Table:
    """The gap at each epoch with its interval."""
    rows = []
    for trial, _, label in _trials(study):
        known = gaps(trial, study.truth)
        places = interval_decimals(*known)
        for epoch, gap in zip(trial.epochs, known, strict=True):
            bounded = math.isfinite(gap.low) and math.isfinite(gap.high)
            rows.append((label, f"{epoch:,}", fixed(gap.mean, places), span(gap, places=places) if bounded else "none"))
    return Table(columns=("config", "epoch", "gap", "95% interval"), rows=tuple(rows))


def words(study: Study) -> str:
    """Where the gap sets in and how wide it ends, in a sentence each."""
    said = []
    for trial, _, label in _trials(study):
        known = gaps(trial, study.truth)
        start = onset(trial, known)
        ends = f"{short(known[-1].mean, digits=2)} at epoch {trial.epochs[-1]:,}"
        certain = "not certain at the end" if start is None else f"certain from epoch {start:,} on"
        said.append(f"{label.capitalize()}: {certain}, {ends}.")
    return " ".join(said)


def _trials(study: Study) -> list[tuple[Trial, str, str]]:
    """The default and the selected trial, once where they are one, with colour and label."""
    by_number = {trial.number: trial for trial in study.trials}
    selected = (by_number[study.selected.trial], SELECTED, "selected")
    if study.selected.trial == study.default.trial:
        return [selected]
    return [(by_number[study.default.trial], DEFAULT, "default"), selected]
