"""Parts of an expected loss: bars with intervals, and stacked over the values of a hyperparameter."""

from __future__ import annotations

from matplotlib.figure import Figure

from evenfit.report.digits import fixed, interval_decimals, span
from evenfit.report.figures.canvas import finish, legend, quiet, sheet
from evenfit.report.measures.figures.ticks import value_axis
from evenfit.report.measures.figures.values import value_text
from evenfit.report.measures.intervals import exact_or_interval
from evenfit.report.table import Table
from evenfit.report.words import value_word
from evenfit.results.decomposition.bias_variance import BiasVariance
from evenfit.results.decomposition.sweep import BiasVarianceSweep

LOSS_WORDS = {  # what is taken apart
    "squared": "squared error",
    "log": "log loss",
    "zero-one": "error rate",
    "domingos": "error rate",
}


def draw(found: BiasVariance) -> Figure:
    """The parts as their result draws them."""
    parts = found.parts()
    figure, axes = sheet(height=0.75 + 0.3 * len(parts))
    found.plot(ax=axes)
    ticks = [text.get_text() for text in axes.get_yticklabels()]
    quiet(axes, x=LOSS_WORDS[found.loss_name])
    axes.set_yticks(range(len(parts)), ticks)
    axes.grid(axis="y", visible=False)
    return finish(figure, left=1.3, top=0.1)


def draw_sweep(sweep: BiasVarianceSweep) -> Figure:
    """The parts stacked over the values, as their result draws them."""
    figure, axes = sheet()
    sweep.plot(ax=axes)
    quiet(axes, x=sweep_word(sweep), y=LOSS_WORDS[sweep.points[0].loss_name])
    value_axis(axes, sweep.values)
    legend(axes)
    return finish(figure)


def table(found: BiasVariance) -> Table:
    """Every part, corrected and as it comes."""
    parts = found.parts()
    places = interval_decimals(*(part.corrected for part in parts.values()))
    level = f"{100 * found.loss.corrected.level:.0f}% interval"
    rows = tuple(
        (
            part_word(name, found),
            fixed(part.corrected.mean, places),
            span(part.corrected, places=places) if part.corrected.high > part.corrected.low else "exact",
            fixed(part.plain, places),
        )
        for name, part in parts.items()
    )
    return Table(columns=("part", found.correction, level, "plug-in"), rows=rows)


def sweep_table(sweep: BiasVarianceSweep) -> Table:
    """The parts at every value, corrected, each with its interval."""
    names = tuple(sweep.points[0].parts())
    places = interval_decimals(*(point.parts()[name].corrected for point in sweep.points for name in names))
    rows = tuple(
        (
            value_text(value),
            *(exact_or_interval(point.parts()[name].corrected, places=places) for name in names),
        )
        for value, point in zip(sweep.values, sweep.points, strict=True)
    )
    return Table(columns=(sweep_word(sweep), *(part_word(name, sweep.points[0]) for name in names)), rows=rows)


def part_word(name: str, found: BiasVariance) -> str:
    """A part's name in words."""
    if name == "bias_squared":
        squared = "bias²" if found.loss_name in ("squared", "zero-one") else "bias"
        return f"{squared} and noise" if found.includes_noise else squared
    if name == "loss":
        return LOSS_WORDS[found.loss_name]
    return {"data": "variance by data", "seed": "variance by seed"}.get(name, name)


def sweep_word(sweep: BiasVarianceSweep) -> str:
    """What was varied, in words."""
    return "training rows" if sweep.name == "rows" else value_word(sweep.name)
