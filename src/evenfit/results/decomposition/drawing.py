"""Drawing: parts as bars, and stacked over the values of a hyperparameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evenfit.results.decomposition.bias_variance import BiasVariance
    from evenfit.results.decomposition.sweep import BiasVarianceSweep

COLOURS = {  # those of Okabe & Ito, "Color universal design", 2008
    "loss": "#222428",
    "bias_squared": "#0072b2",
    "variance": "#d55e00",
    "noise": "#6b7078",
    "data": "#e69f00",
    "seed": "#cc79a7",
    "disagreement": "#009e73",
}


def label(name: str, *, includes_noise: bool) -> str:
    """Say a part's name as a reader does."""
    if name == "bias_squared":
        return "bias² and noise" if includes_noise else "bias²"
    return {"data": "variance by data", "seed": "variance by seed"}.get(name, name)


def axes_or_new(ax: Axes | None) -> Axes:
    """The axes that were given, or those of a new figure."""
    return Figure(figsize=(5.0, 3.1), layout="constrained").add_subplot() if ax is None else ax


def draw_parts(found: BiasVariance, ax: Axes | None = None) -> Axes:
    """Draw the parts as bars with their intervals."""
    ax = axes_or_new(ax)
    parts = found.parts()
    for place, (name, part) in enumerate(parts.items()):
        middle = part.corrected
        ax.barh(place, middle.mean, color=COLOURS[name], height=0.6)
        ax.plot([middle.low, middle.high], [place, place], color="#222428", linewidth=1.2)
    ax.set_yticks(range(len(parts)), [label(name, includes_noise=found.includes_noise) for name in parts])
    ax.invert_yaxis()
    ax.axvline(0, color="#6b7078", linewidth=0.8)
    ax.set_xlabel(f"{found.loss_name} loss, mean over {found.rows:,} rows")
    return ax


def draw_sweep(sweep: BiasVarianceSweep, ax: Axes | None = None) -> Axes:
    """Draw bias, variance and noise stacked over the values, and the loss with its interval on top."""
    ax = axes_or_new(ax)
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in sweep.values)
    places = [float(value) for value in sweep.values] if numeric else [float(n) for n in range(len(sweep.values))]
    base = np.zeros(len(places))
    for name in ("noise", "bias_squared", "variance"):
        if not all(name in point.parts() for point in sweep.points):
            continue
        heights = np.array([point.parts()[name].corrected.mean for point in sweep.points])
        shown = label(name, includes_noise=sweep.points[0].includes_noise)
        ax.fill_between(places, base, base + heights, color=COLOURS[name], alpha=0.75, linewidth=0, label=shown)
        base = base + heights
    losses = [point.loss.corrected for point in sweep.points]
    ax.plot(places, [loss.mean for loss in losses], color=COLOURS["loss"], linewidth=1.4, marker=".", label="loss")
    lows, highs = [loss.low for loss in losses], [loss.high for loss in losses]
    ax.vlines(places, lows, highs, color=COLOURS["loss"], linewidth=1.0)
    if numeric and min(places) > 0 and max(places) > 8 * min(places):
        ax.set_xscale("log")
    if not numeric:
        ax.set_xticks(places, [str(value) for value in sweep.values])
    ax.set_xlabel("training rows" if sweep.name == "rows" else sweep.name)
    ax.set_ylabel(f"{sweep.points[0].loss_name} loss")
    ax.legend(frameon=False)
    return ax
