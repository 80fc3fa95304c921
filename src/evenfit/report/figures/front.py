"""The front: loss against size or latency, every complete config a point."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from evenfit.report.digits import fixed, interval_decimals, short, span
from evenfit.report.figures.canvas import DEFAULT, INK, MUTED, SELECTED, finish, legend, quiet, sheet
from evenfit.report.table import Table
from evenfit.report.words import percent
from evenfit.results.study import Front, Study
from evenfit.results.trial import COMPLETE
from evenfit.specs.objectives import SIZE


def draw(study: Study, front: Front, *, loss: str) -> Figure:
    """Complete configs in grey, the front in blue with intervals, the default and the selected config marked."""
    figure, axes = sheet(height=3.3)
    complete = [
        (price, trial.loss, trial.number)
        for price, trial in zip(front.prices, study.trials, strict=True)
        if trial.status == COMPLETE
    ]
    axes.plot([p for p, _, _ in complete], [one for _, one, _ in complete], "o", color=MUTED, markersize=3.5, alpha=0.6)
    prices, losses = [point.price for point in front.points], [point.loss.mean for point in front.points]
    for point in front.points:
        axes.plot([point.price] * 2, [point.loss.low, point.loss.high], color=SELECTED, linewidth=0.9, alpha=0.5)
    axes.step(prices, losses, where="post", color=SELECTED, linewidth=1.4, marker="o", markersize=4.5, label="front")
    for number, colour, name in ((study.default.trial, DEFAULT, "default"), (study.selected.trial, INK, "selected")):
        at = [(price, one) for price, one, known in complete if known == number]
        if at:
            axes.plot(*at[0], "o", markerfacecolor="none", markeredgecolor=colour, markersize=9, label=name)
    quiet(axes, x="parameters" if front.objective == SIZE else "microseconds a row", y=loss)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=marks([price for price, _, _ in complete])))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, digits=2)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    legend(axes)
    return finish(figure)


def marks(prices: Sequence[float]) -> tuple[int, ...]:
    """Give the multiples of powers of ten that are named along the axis: fewer where it is long, so that none touch."""
    decades = math.log10(max(prices) / min(prices)) if min(prices) > 0 else math.inf
    return (1, 2, 5) if decades < 1.5 else (1, 3) if decades < 2.7 else (1,)


def table(study: Study, front: Front) -> Table:
    """The front, the cheapest first."""
    places = interval_decimals(*(point.loss for point in front.points))
    counted = front.objective == SIZE and any(point.left is not None for point in front.points)
    rows = []
    for point in front.points:
        marks = ((front.small, "small"), (front.knee, "knee"), (study.selected.trial, "selected"))
        named = [mark for trial, mark in marks if trial == point.trial]
        price = f"{point.price:,.0f}" if front.objective == SIZE else short(point.price)
        left = "" if point.left is None else f"{point.left:,.0f}"
        rows.append(
            (
                str(point.trial),
                price,
                *([left] if counted else []),
                fixed(point.loss.mean, places),
                span(point.loss, places=places),
                ", ".join(named),
            )
        )
    price_words = "parameters" if front.objective == SIZE else "µs a row"
    of_size = (price_words, "not exactly 0") if counted else (price_words,)
    level = percent(front.points[0].loss.level)
    return Table(columns=("config", *of_size, "loss", f"{level} interval", ""), rows=tuple(rows))
