"""Rows: which of them carry the variance, as a curve of concentration and the table of those with most of it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from evenfit.report.digits import short
from evenfit.report.figures.canvas import DEFAULT, MUTED, SELECTED, finish, legend, quiet, sheet
from evenfit.report.measures.facts import MeasureFacts
from evenfit.report.table import Table
from evenfit.results.decomposition.bias_variance import BiasVariance

MOST = 20  # rows in the table
_SHARES = (0.01, 0.05, 0.1, 0.25, 0.5)


def draw(found: BiasVariance) -> Figure:
    """The share of the variance, and of the loss, that the rows with most of it carry."""
    figure, axes = sheet()
    axes.plot([0, 100], [0, 100], ":", color=MUTED, linewidth=0.8)
    for values, colour, style, label in (
        (found.maps.variance, DEFAULT, "-", "variance"),
        (found.maps.loss, SELECTED, "--", "loss"),
    ):
        shares, carried = concentration(values)
        if len(shares):
            axes.plot(100 * shares, 100 * carried, style, color=colour, label=label, linewidth=1.6)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, None)
    quiet(axes, x="% of the rows, those with most first", y="% carried")
    legend(axes)
    return finish(figure)


def concentration(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of rows, and what those with most carry: thinned to a hundred points; empty where there is nothing."""
    whole = float(values.sum())
    if not whole > 0:
        return np.empty(0), np.empty(0)
    carried = np.concatenate([[0.0], np.cumsum(np.sort(values)[::-1]) / whole])
    places = np.unique(np.linspace(0, len(values), 101).round().astype(int))
    return places / len(values), carried[places]


def table(found: BiasVariance) -> Table:
    """What shares of the rows carry."""
    rows = []
    for share in _SHARES:
        count = max(1, round(share * len(found.maps.variance)))
        rows.append(
            (
                f"{100 * share:g}%",
                f"{count:,}",
                *(_carried(values, count) for values in (found.maps.variance, found.maps.loss)),
            )
        )
    return Table(columns=("rows with most", "rows", "of the variance", "of the loss"), rows=tuple(rows))


def top(found: BiasVariance, facts: MeasureFacts) -> Table:
    """The rows with most variance: their number in the file, their target, and their parts."""
    order = np.argsort(-found.maps.variance, kind="stable")[:MOST]
    rows = []
    for place in order:
        number = int(found.maps.numbers[place])
        rows.append(
            (
                f"{facts.row_names[number]:,}" if number < len(facts.row_names) else f"{number + 1:,}",
                facts.labels[number] if number < len(facts.labels) else "",
                short(float(found.maps.variance[place])),
                short(float(found.maps.bias_squared[place])),
                short(float(found.maps.loss[place])),
            )
        )
    bias = "bias and noise" if found.includes_noise else "bias"
    return Table(columns=("row", facts.target, "variance", bias, "loss"), rows=tuple(rows))


def words(found: BiasVariance) -> str:
    """How far the variance is concentrated, in a sentence."""
    share = found.maps.share_of_variance(0.1)
    if not np.isfinite(share):
        return "There is no variance to be carried."
    if share > 1:  # Domingos' variance counts against where most predictions are wrong
        return "On some rows variance lowers the loss, so that no share of the rows carries a share of it."
    return f"A tenth of the rows carries {100 * share:.0f}% of the variance."


def _carried(values: np.ndarray, count: int) -> str:
    whole = float(values.sum())
    return f"{100 * float(np.sort(values)[::-1][:count].sum()) / whole:.0f}%" if whole > 0 else "none"
