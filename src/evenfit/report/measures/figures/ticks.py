"""Ticks: axes of rows, of values and of names, with numbers that are written out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from evenfit.report.digits import short
from evenfit.report.figures.canvas import shortened
from evenfit.results.curves.drawing import places_of

_MOST_VALUES = 8  # that are written one by one
_APART = 0.085  # share of an axis' width between two ticks


def rows_axis(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis whose ticks are values that were measured, as many as fit."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(spread_out(values)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def spread_out(values: Sequence[float], *, apart: float = _APART) -> list[float]:
    """The values that can be written beside a logarithmic axis, both ends among them.

    Example:
        >>> spread_out([1.0, 1.01, 10.0, 100.0])
        [1.0, 10.0, 100.0]
    """
    known = sorted(value for value in values if value > 0)
    if len(known) < 2:
        return known
    whole = math.log(known[-1] / known[0]) or 1.0
    kept = [known[0]]
    for value in known[1:-1]:
        room = apart * (1 + 0.25 * max(0, len(short(value)) - 3))
        if math.log(value / kept[-1]) / whole >= room and math.log(known[-1] / value) / whole >= room:
            kept.append(value)
    return [*kept, known[-1]]


def value_axis(axes: Axes, values: Sequence[Any]) -> None:
    """An axis of the values that were measured: their numbers where they lie, names one beside the other."""
    if axes.get_xscale() == "log":
        rows_axis(axes, [float(value) for value in values])
        return
    places, ticks, _ = places_of(values)
    if ticks:
        axes.set_xticks(places, [shortened(tick, most=12) for tick in ticks])
    elif len(values) <= _MOST_VALUES:
        axes.set_xticks(places, [short(float(value)) for value in values])
