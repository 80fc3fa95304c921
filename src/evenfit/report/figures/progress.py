"""Best loss so far against seconds: what the budget bought, and when."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from evenfit.report.digits import duration, short
from evenfit.report.facts import Facts
from evenfit.report.figures.canvas import DEFAULT, INK, MUTED, SELECTED, finish, legend, limits, quiet, sheet
from evenfit.report.table import Table
from evenfit.results.study import Study
from evenfit.results.trial import COMPLETE, Trial

Finished = tuple[tuple[float, Trial], ...]


def finished(study: Study, facts: Facts) -> Finished:
    """Trials with a finite loss in the order in which they were done, with seconds since the start."""
    by_number = {trial.number: trial for trial in study.trials}
    known = [
        (finish.seconds, by_number[finish.trial])
        for finish in facts.finishes
        if finish.trial in by_number and math.isfinite(by_number[finish.trial].loss)
    ]
    return tuple(sorted(known, key=lambda pair: pair[0]))


def draw(study: Study, facts: Facts, *, loss: str) -> Figure:
    """A point for each trial, hollow where it was dropped, and the best complete one so far as a line."""
    known = finished(study, facts)
    figure, axes = sheet()
    seconds = np.array([moment for moment, _ in known])
    losses = np.array([trial.loss for _, trial in known])
    complete = np.array([trial.status == COMPLETE for _, trial in known])
    low, high = limits(_visible(losses))
    for part, label, face in ((complete, "complete", MUTED), (~complete, "dropped", "none")):
        shown = np.minimum(losses[part], high)
        axes.plot(
            seconds[part], shown, "o", color=MUTED, markerfacecolor=face, markersize=4, markeredgewidth=0.8, label=label
        )
    best = best_so_far(known)
    end = max(facts.seconds_spent, float(seconds.max()))
    axes.step(
        [moment for moment, _ in best] + [end],
        [value for _, value in best] + [best[-1][1]] if best else [],
        where="post",
        color=SELECTED,
        linewidth=1.8,
        label="best so far",
    )
    axes.axhline(study.default.selection_loss.mean, color=DEFAULT, linewidth=1, linestyle="--", label="default")
    if facts.seconds:
        axes.axvline(facts.seconds, color=INK, linewidth=0.9, linestyle=":", label="budget")
    axes.set_ylim(low, high)
    axes.set_xlim(0, None)
    quiet(axes, x="seconds since the start", y=loss)
    legend(axes)
    return finish(figure)


def best_so_far(known: Finished) -> tuple[tuple[float, float], ...]:
    """The moments at which a complete trial became the best, with its loss."""
    found: list[tuple[float, float]] = []
    for seconds, trial in known:
        if trial.status == COMPLETE and (not found or trial.loss < found[-1][1]):
            found.append((seconds, trial.loss))
    return tuple(found)


def table(study: Study, facts: Facts) -> Table:
    """When each trial was done, its loss, and the best complete one so far."""
    rows, best = [], math.inf
    for seconds, trial in finished(study, facts):
        best = min(best, trial.loss) if trial.status == COMPLETE else best
        so_far = short(best) if math.isfinite(best) else "none"
        rows.append((f"{seconds:.1f}", str(trial.number), trial.status, short(trial.loss), so_far))
    return Table(columns=("seconds", "config", "status", "loss", "best so far"), rows=tuple(rows))


def words(study: Study, facts: Facts) -> str:
    """When the best was found, in one sentence."""
    best = best_so_far(finished(study, facts))
    if not best:
        return "No config was complete."
    return f"The best complete config, with a loss of {short(best[-1][1])}, was done after {duration(best[-1][0])}."


def _visible(losses: np.ndarray) -> list[float]:
    """The losses that set the axis: those far above the better three quarters are drawn at its edge."""
    best, quarter = float(losses.min()), float(np.quantile(losses, 0.75))
    ceiling = quarter + 3 * max(quarter - best, 0.02 * abs(best))
    return [best, float(losses[losses <= ceiling].max())]
