"""Drawing: remedies ranked by their effects beside the placebos' band, losses by epoch, and the slope of more rows.

Colours are those of Okabe & Ito, "Color universal design", 2008.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from evenfit.results.diagnosis.effects import seed_reach
from evenfit.results.diagnosis.remedy import HARMS, HELPS, NO_USE, UNDECIDED, Remedy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evenfit.results.diagnosis.diagnosis import DataSlope, Diagnosis, EpochCurve

TRAINING, VALIDATION = "#d55e00", "#0072b2"
OUTCOME_COLOURS = {HELPS: "#009e73", HARMS: "#d55e00", NO_USE: "#6b7078", UNDECIDED: "#6b7078"}
OUTCOME_WORDS = {HELPS: "helps", HARMS: "harms", NO_USE: "not worth trying", UNDECIDED: "undecided"}
MOST_PERCENT = 100.0  # a harm beyond it is drawn at the edge


def axes_or_new(ax: Axes | None, *, height: float = 3.1) -> Axes:
    """The axes that were given, or those of a new figure."""
    return Figure(figsize=(5.0, height), layout="constrained").add_subplot() if ax is None else ax


def shown(found: Diagnosis) -> list[Remedy]:
    """The remedies in the order of their effects, the most helpful first; those that diverged are not drawn."""
    return sorted(
        (remedy for remedy in found.remedies if math.isfinite(remedy.percent.mean)),
        key=lambda remedy: remedy.percent.mean,
    )


def draw_remedies(found: Diagnosis, ax: Axes | None = None) -> Axes:
    """Draw a point and its interval for each remedy, and the band that one more seed moves the loss by."""
    remedies = shown(found)
    ax = axes_or_new(ax, height=1.0 + 0.24 * len(remedies))
    reach = seed_reach(found.placebos.percent, seeds=len(found.placebos.remedies))
    if math.isfinite(reach) and reach > 0:
        ax.axvspan(-reach, reach, color="#6b7078", alpha=0.15, linewidth=0, label="placebos")
    ax.axvline(0, color="#6b7078", linewidth=0.8)
    for outcome, word in OUTCOME_WORDS.items():
        own = [(place, one) for place, one in enumerate(remedies) if one.outcome == outcome]
        if not own:
            continue
        places, colour = [place for place, _ in own], OUTCOME_COLOURS[outcome]
        means = np.clip([one.percent.mean for _, one in own], -MOST_PERCENT, MOST_PERCENT)
        low = np.clip([one.percent.low for _, one in own], -MOST_PERCENT, MOST_PERCENT)
        high = np.clip([one.percent.high for _, one in own], -MOST_PERCENT, MOST_PERCENT)
        ax.hlines(places, low, high, color=colour, linewidth=1.4)
        fill = "none" if outcome == UNDECIDED else "full"
        ax.plot(means, places, "o", color=colour, markersize=5, fillstyle=fill, linestyle="none", label=word)
    ax.set_yticks(range(len(remedies)), [one.words for one in remedies])
    ax.set_ylim(len(remedies) - 0.4, -0.6)
    ax.set_xlabel("change of the loss, %: to the left is better")
    ax.legend(frameon=False)
    return ax


def draw_epochs(curve: EpochCurve, ax: Axes | None = None, *, loss: str = "loss") -> Axes:
    """Draw clean training loss and validation loss by epoch with their intervals."""
    ax = axes_or_new(ax)
    for mean, low, high, colour, style, label in (
        (curve.training, curve.training_low, curve.training_high, TRAINING, "--", "training (clean)"),
        (curve.validation, curve.validation_low, curve.validation_high, VALIDATION, "-", "validation"),
    ):
        if np.isfinite(low).all() and np.isfinite(high).all():
            ax.fill_between(curve.epochs, low, high, color=colour, alpha=0.16, linewidth=0)
        marker = "o" if len(curve.epochs) <= 12 else ""
        ax.plot(curve.epochs, mean, style, color=colour, label=label, linewidth=1.6, marker=marker, markersize=3.5)
    ax.set_xlabel("epoch")
    ax.set_ylabel(loss)
    ax.legend(frameon=False)
    return ax


def draw_slope(slope: DataSlope, ax: Axes | None = None, *, loss: str = "loss") -> Axes:
    """Draw the loss by training rows with its intervals."""
    ax = axes_or_new(ax)
    means = [one.mean for one in slope.losses]
    reach = [[one.mean - one.low for one in slope.losses], [one.high - one.mean for one in slope.losses]]
    if np.isfinite(reach).all():
        ax.errorbar(slope.rows, means, yerr=reach, color=VALIDATION, marker="o", markersize=4, capsize=3, linewidth=1.6)
    else:
        ax.plot(slope.rows, means, color=VALIDATION, marker="o", markersize=4, linewidth=1.6)
    ax.set_xlabel("training rows")
    ax.set_ylabel(loss)
    return ax
