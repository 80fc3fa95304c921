"""Learning curve over data: both losses by training rows, the law, and what twice the data would give."""

from __future__ import annotations

from matplotlib.figure import Figure

from evenfit.report.digits import fixed, interval_decimals, with_interval
from evenfit.report.figures.canvas import finish, legend, quiet, sheet
from evenfit.report.measures.figures.ticks import rows_axis
from evenfit.report.measures.intervals import column_places
from evenfit.report.table import Table
from evenfit.results.curves.learning_curve import LearningCurve


def draw(curve: LearningCurve) -> Figure:
    """The curve as its result draws it."""
    figure, axes = sheet()
    curve.plot(ax=axes)
    quiet(axes, x="training rows", y=curve.loss)
    most = curve.extrapolation.twice_rows if curve.extrapolation.twice is not None else float(curve.rows[-1])
    rows_axis(axes, [*map(float, curve.rows), most])
    legend(axes)
    return finish(figure)


def table(curve: LearningCurve) -> Table:
    """Both losses at each size, and the law's at twice the largest."""
    places, own = column_places(*curve.loss_intervals), column_places(*curve.training_intervals)
    rows = [
        (f"{size:,.0f}", with_interval(training, places=own), with_interval(loss, places=places), "measured")
        for size, training, loss in zip(curve.rows, curve.training_intervals, curve.loss_intervals, strict=True)
    ]
    found = curve.extrapolation
    if found.twice is not None:
        rows.append((f"{found.twice_rows:,.0f}", "", with_interval(found.twice, places=places), "by the law"))
    return Table(columns=("training rows", "training loss", f"validation {curve.loss}", ""), rows=tuple(rows))


def words(curve: LearningCurve) -> str:
    """What the figure shows, for those who cannot see it."""
    first, last = curve.loss_intervals[0].mean, curve.loss_intervals[-1].mean
    places = interval_decimals(*curve.loss_intervals)
    return (
        f"Validation {curve.loss} goes from {fixed(first, places)} with {curve.rows[0]:,.0f} training rows to "
        f"{fixed(last, places)} with {curve.rows[-1]:,.0f}. {curve.sentence}"
    )
