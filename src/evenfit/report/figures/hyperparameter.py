"""Validation curve of one hyperparameter: both losses by its value, from the trials that are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evenfit.report.digits import short
from evenfit.report.figures.canvas import INK, MUTED, SELECTED, finish, plain, quiet, sheet
from evenfit.report.table import Table
from evenfit.report.words import value_word
from evenfit.results.study import Study
from evenfit.results.trial import COMPLETE

Array = npt.NDArray[np.float64]
_PLACES = 12  # of values: more are numbers, whose medians are of what lies near
LOGARITHMIC = ("learning_rate", "l1", "l2", "elastic_net", "input_scale_rate", "batch_rows", "epochs", "width")


@dataclass(frozen=True, eq=False)
class Points:
    """One trial a row: the value, where it lies on the axis, and both losses at the trial's epoch."""

    values: tuple[object, ...]
    at: Array
    ticks: tuple[tuple[float, str], ...]  # empty: the axis is plain numbers
    training: Array
    validation: Array
    complete: npt.NDArray[np.bool_]
    numbers: tuple[int, ...]


def points(study: Study, name: str) -> Points:
    """What the trials with finite losses say about one value of the config."""
    rows = [
        (trial, *(losses[trial.best][trial.seen].mean() for losses in (trial.training_loss, trial.validation_loss)))
        for trial in study.trials
    ]
    rows = [row for row in rows if math.isfinite(row[1]) and math.isfinite(row[2])]
    values = tuple(getattr(trial.config, name) for trial, _, _ in rows)
    at, ticks = _places(values, logarithmic=name in LOGARITHMIC)
    return Points(
        values=values,
        at=at,
        ticks=ticks,
        training=np.array([row[1] for row in rows]),
        validation=np.array([row[2] for row in rows]),
        complete=np.array([row[0].status == COMPLETE for row in rows]),
        numbers=tuple(row[0].number for row in rows),
    )


def draw(study: Study, name: str, *, loss: str) -> Figure:
    """Points for both losses, hollow where the config was dropped early, and smooth medians through them."""
    known = points(study, name)
    figure, axes = sheet(width=3.4, height=2.1)
    at = _spread(known)
    ceiling = _ceiling(known.validation)
    for losses, colour, style in ((known.training, MUTED, "--"), (known.validation, SELECTED, "-")):
        shown = np.minimum(losses, ceiling)
        for part, filled in ((known.complete, True), (~known.complete, False)):
            axes.plot(
                at[part],
                shown[part],
                "o",
                color=colour,
                markersize=3.4,
                alpha=0.75 if filled else 0.5,
                markerfacecolor=colour if filled else "none",
                markeredgewidth=0.7,
            )
        if len(set(known.values)) > 1:
            axes.plot(*medians(known.at, shown), style, color=colour, linewidth=1.5)
    _mark_selected(axes, study, known, at=at, ceiling=ceiling)
    if known.ticks:
        axes.set_xticks([place for place, _ in known.ticks], [plain(label) for _, label in known.ticks])
        axes.set_xlim(*_ends(at))
    quiet(axes, y=loss)
    return finish(figure, left=0.58, bottom=0.26, top=0.08)


def table(study: Study, name: str) -> Table:
    """Every trial's value and losses, in the order of the value."""
    known = points(study, name)
    order = np.argsort(known.at, kind="stable")
    rows = tuple(
        (
            _label(known.values[place]),
            str(known.numbers[place]),
            "yes" if known.complete[place] else "dropped",
            short(float(known.training[place])),
            short(float(known.validation[place])),
        )
        for place in order
    )
    return Table(columns=(value_word(name), "config", "complete", "training loss", "validation loss"), rows=rows)


def words(study: Study, name: str) -> str:
    """What the figure shows, in one sentence."""
    known = points(study, name)
    if not len(known.at):
        return f"No trial with a finite loss for {value_word(name)}."
    best = int(np.argmin(known.validation))
    return (
        f"Loss by {value_word(name)} over {len(known.at)} configs; the lowest validation loss, "
        f"{short(float(known.validation[best]))}, is at {_label(known.values[best])}."
    )


def _places(values: Sequence[object], *, logarithmic: bool) -> tuple[Array, tuple[tuple[float, str], ...]]:
    """Where values lie on an axis: words and few numbers side by side, wide ranges by their logarithm, 0 apart."""
    distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    numbers = [float(value) for value in distinct if isinstance(value, int | float)]
    if len(numbers) < len(distinct) or isinstance(distinct[0], bool) or len(distinct) <= 5:
        place = {value: float(index) for index, value in enumerate(distinct)}
        return np.array([place[value] for value in values]), tuple((place[value], _label(value)) for value in distinct)
    positive = [number for number in numbers if number > 0]
    at = np.array(values, dtype=np.float64)
    if not logarithmic or min(numbers) < 0 or max(positive) / min(positive) < 20:
        return at, ()
    low, high = math.log10(min(positive)), math.log10(max(positive))
    zero = low - max(0.5, 0.15 * (high - low))
    places = np.where(at > 0, np.log10(np.maximum(at, 10**low)), zero)
    step = max(1, math.ceil((high - low) / 4))
    powers = range(math.ceil(low), math.floor(high) + 1, step)
    ticks = [(float(power), short(10.0**power, digits=1)) for power in powers]
    return places, (*([(zero, "0")] if 0 in numbers else []), *ticks)


def _spread(known: Points) -> Array:
    """Places with points of one value a little apart, always in the same way, so that none hides another."""
    at = known.at.copy()
    for place, _ in known.ticks:
        same = known.at == place
        others = np.abs(known.at[~same] - place)
        room = 0.35 * min(1.0, float(others.min())) if len(others) else 0.35
        at[same] += room * (np.modf(np.arange(same.sum()) * 0.618034 + 0.5)[0] - 0.5)
    return at


def medians(at: Array, losses: Array) -> tuple[Array, Array]:
    """A running median: for each distinct place, of the nearest third of the points (at least three).

    Where there are few places, such as those of names, each has the median of its own points, if they are three.
    """
    places = np.unique(at)
    nearest, apart = max(3, len(at) // 3), len(places) <= _PLACES
    found = []
    for place in places:
        distance = np.abs(at - place)
        same = distance == 0
        chosen = same if apart and same.sum() >= 3 else distance <= np.sort(distance)[min(nearest, len(at)) - 1]
        found.append(float(np.median(losses[chosen])))
    return places, np.array(found)


def _ceiling(losses: Array) -> float:
    """The loss above which points are drawn at the edge: far from the better three quarters."""
    if not len(losses):
        return math.inf
    best, quarter = float(losses.min()), float(np.quantile(losses, 0.75))
    return quarter + 3 * max(quarter - best, 1e-12 + 0.02 * abs(best))


def _mark_selected(axes: Axes, study: Study, known: Points, *, at: Array, ceiling: float) -> None:
    """A ring around the selected config."""
    if study.selected.trial in known.numbers:
        place = known.numbers.index(study.selected.trial)
        loss = min(known.validation[place], ceiling)
        axes.plot([at[place]], [loss], "o", color=INK, markersize=8, fillstyle="none", markeredgewidth=1.1)


def _ends(at: Array) -> tuple[float, float]:
    """Ends of an axis with named places."""
    room = 0.08 * (at.max() - at.min()) or 0.5
    return float(at.min() - room), float(at.max() + room)


def _label(value: object) -> str:
    """A value of a config as a tick says it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (
        short(float(value), digits=2 if isinstance(value, float) else 6)
        if isinstance(value, int | float)
        else str(value)
    )
