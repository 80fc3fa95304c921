"""Selection optimism: the best plain cross-validation mean and the corrected one, by number of trials."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from evenfit.report.digits import fixed, interval_decimals, short
from evenfit.report.figures.canvas import CORRECTED, MUTED, finish, legend, quiet, sheet
from evenfit.report.table import Table
from evenfit.report.words import as_interval
from evenfit.results.study import Study


def draw(study: Study, *, loss: str) -> Figure:
    """Both losses by the number of trials; the distance between them is what selection flatters by.

    The bar at the end is the interval of the estimate that is reported.
    """
    figure, axes = sheet()
    trials = [step.trials for step in study.steps]
    known = study.estimate
    axes.plot([trials[-1]] * 2, [known.low, known.high], color=CORRECTED, linewidth=5, alpha=0.25)
    for losses, style, colour, label in (
        ([step.corrected for step in study.steps], "-", CORRECTED, "corrected (BBC-CV)"),
        ([step.plain for step in study.steps], "--", MUTED, "plain mean of the winner"),
    ):
        axes.plot(trials, losses, style, color=colour, label=label, marker="o", markersize=3.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    quiet(axes, x="configs tried", y=loss)
    legend(axes)
    return finish(figure)


def table(study: Study) -> Table:
    """Both losses by the number of trials."""
    places = interval_decimals(as_interval(study.estimate)) + 1
    rows = tuple(
        (
            f"{step.trials:,}",
            fixed(step.plain, places),
            fixed(step.corrected, places),
            short(step.corrected - step.plain, digits=2),
        )
        for step in study.steps
    )
    return Table(columns=("configs tried", "plain", "corrected", "optimism"), rows=rows)


def words(study: Study) -> str:
    """How far the two are apart at the end."""
    last, places = study.steps[-1], interval_decimals(as_interval(study.estimate)) + 1
    return (
        f"After {last.trials:,} configs the winner's plain mean is {fixed(last.plain, places)} and its corrected "
        f"estimate {fixed(last.corrected, places)}: an optimism of {short(last.corrected - last.plain, digits=2)}."
    )
