"""Selection optimism: the best plain cross-validation mean and the corrected one, by number of trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from evenfit.report.digits import fixed, interval_decimals, short, span
from evenfit.report.figures.canvas import CORRECTED, MUTED, finish, legend, quiet, sheet
from evenfit.report.table import Table
from evenfit.results.study import Interval


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a search over the first trials would have reported."""

    trials: int
    plain: float  # the winner's own cross-validation mean
    corrected: Interval  # the selection-corrected estimate for it


def draw(steps: Sequence[Step], *, loss: str) -> Figure:
    """Both losses by the number of trials; the distance between them is what selection flatters by."""
    figure, axes = sheet()
    trials = [step.trials for step in steps]
    corrected = [step.corrected for step in steps]
    marker = "o" if len(steps) <= 12 else ""
    axes.fill_between(
        trials, [c.low for c in corrected], [c.high for c in corrected], color=CORRECTED, alpha=0.16, linewidth=0
    )
    axes.plot(
        trials, [c.mean for c in corrected], color=CORRECTED, label="corrected (BBC-CV)", marker=marker, markersize=3.5
    )
    axes.plot(
        trials,
        [step.plain for step in steps],
        "--",
        color=MUTED,
        label="plain mean of the winner",
        marker=marker,
        markersize=3.5,
    )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    quiet(axes, x="configs tried", y=loss)
    legend(axes)
    return finish(figure)


def table(steps: Sequence[Step]) -> Table:
    """Both losses by the number of trials."""
    places = interval_decimals(*(step.corrected for step in steps))
    rows = tuple(
        (
            f"{step.trials:,}",
            fixed(step.plain, places),
            fixed(step.corrected.mean, places),
            span(step.corrected, places=places),
            short(step.corrected.mean - step.plain, digits=2),
        )
        for step in steps
    )
    return Table(columns=("configs tried", "plain", "corrected", "its interval", "optimism"), rows=rows)


def words(steps: Sequence[Step]) -> str:
    """How far the two are apart at the end."""
    last = steps[-1]
    return (
        f"After {last.trials:,} configs the winner's plain mean is {short(last.plain)} and its corrected estimate "
        f"{short(last.corrected.mean)}: an optimism of {short(last.corrected.mean - last.plain, digits=2)}."
    )
