"""Figures of the page: lines with the bands of their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.evidence.intervals import Mean
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from evenfit.report.figures.canvas import CORRECTED, DEFAULT, SELECTED, finish, legend, sheet

COLOURS = (SELECTED, DEFAULT, CORRECTED)


def lines(
    places: Sequence[float], found: Mapping[str, Sequence[Mean]], *, x: str, y: str, logarithmic: bool = False
) -> Figure:
    """Draw one line for each name, with its interval as a band."""
    figure, axes = sheet(x=x, y=y)
    for (name, means), colour in zip(found.items(), COLOURS, strict=False):
        axes.fill_between(
            places, [one.low for one in means], [one.high for one in means], color=colour, alpha=0.2, linewidth=0
        )
        axes.plot(
            places, [one.mean for one in means], color=colour, marker="o", markersize=3, linewidth=1.4, label=name
        )
    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(list(places)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    legend(axes)
    return finish(figure)
