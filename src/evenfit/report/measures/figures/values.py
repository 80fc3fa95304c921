"""Validation curve: both losses by the value of one hyperparameter."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from evenfit.report.digits import short, with_interval
from evenfit.report.figures.canvas import finish, legend, quiet, sheet
from evenfit.report.measures.figures.ticks import value_axis
from evenfit.report.measures.intervals import column_places
from evenfit.report.table import Table
from evenfit.report.words import value_word
from evenfit.results.curves.validation_curve import ValidationCurve


def draw(curve: ValidationCurve) -> Figure:
    """The curve as its result draws it."""
    figure, axes = sheet()
    curve.plot(ax=axes)
    quiet(axes, x=value_word(curve.name), y=axes.get_ylabel())
    value_axis(axes, curve.values)
    legend(axes)
    return finish(figure)


def table(curve: ValidationCurve) -> Table:
    """Both losses at each value, and how far each is from the best."""
    places, own = column_places(*curve.loss_intervals), column_places(*curve.training_intervals)
    apart = column_places(*(one for place, one in enumerate(curve.differences) if place != curve.best))
    rows = []
    for place, value in enumerate(curve.values):
        difference = "lowest" if place == curve.best else with_interval(curve.differences[place], places=apart)
        rows.append(
            (
                value_text(value),
                with_interval(curve.training_intervals[place], places=own),
                with_interval(curve.loss_intervals[place], places=places),
                difference,
            )
        )
    heads = (value_word(curve.name), "training loss", f"validation {curve.loss}", "above the lowest")
    return Table(columns=heads, rows=tuple(rows))


def value_text(value: Any) -> str:
    """A value as a reader knows it.

    Example:
        >>> value_text(0.0003), value_text(512), value_text(True), value_text("mish")
        ('3e-4', '512', 'true', 'mish')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return short(float(value)) if isinstance(value, int | float) else str(value)
