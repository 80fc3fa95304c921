"""Drawing: parts as bars, and stacked over the values of a hyperparameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evenfit.results.decomposition.bias_variance import BiasVariance

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
