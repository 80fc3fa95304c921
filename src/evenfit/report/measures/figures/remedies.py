"""Remedies: what each change of a model did to its loss, ranked, beside what another seed alone does."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from evenfit.report.digits import decimals, fixed, short
from evenfit.report.figures.canvas import finish, legend, quiet, sheet, shortened
from evenfit.report.table import Table
from evenfit.results.diagnosis.diagnosis import Diagnosis
from evenfit.results.diagnosis.drawing import OUTCOME_WORDS, draw_remedies, shown
from evenfit.results.diagnosis.remedy import Remedy
from evenfit.results.study import Interval

_MOST_WORDS = 34  # letters of a remedy beside the axis


def draw(found: Diagnosis) -> Figure:
    """The remedies as their result draws them."""
    remedies = shown(found)
    figure, axes = sheet(width=6.4, height=1.0 + 0.24 * max(4, len(remedies)))
    draw_remedies(found, axes)
    quiet(axes, x="change of the loss, %: to the left is better")
    axes.set_yticks(range(len(remedies)), [shortened(one.words, most=_MOST_WORDS) for one in remedies])
    axes.grid(axis="y", visible=False)
    legend(axes)
    return finish(figure, left=2.35)


def table(found: Diagnosis) -> Table:
    """Every remedy: its effect in percent, the probability, what came out of it."""
    rows = tuple(
        (
            one.words,
            percent_text(one.percent),
            short(one.chance, digits=2) if one.chance >= 0.001 else "<0.001",
            OUTCOME_WORDS.get(one.outcome, one.outcome),
        )
        for one in found.remedies
    )
    return Table(columns=("change", "effect, % of the loss", "p (Holm)", ""), rows=rows)


def full_table(found: Diagnosis) -> Table:
    """Every remedy and every placebo, with what was changed."""
    rows = tuple(
        (one.words, changes(one), percent_text(one.percent), short(one.chance, digits=2), str(one.splits), kind)
        for kind, one in (
            *((OUTCOME_WORDS.get(one.outcome, one.outcome), one) for one in found.remedies),
            *(("placebo", one) for one in found.placebos.remedies),
        )
    )
    return Table(columns=("change", "values", "effect on the loss, %", "p (Holm)", "splits", ""), rows=rows)


def changes(remedy: Remedy) -> str:
    """What was changed: ``dropout 0.3 to 0.5``."""
    return ", ".join(
        f"{name.replace('_', ' ')} {_value(before)} to {_value(after)}"
        for name, (before, after) in remedy.changes.items()
    )


def percent_text(known: Interval) -> str:
    """A change in percent with its interval, signs written out: ``-3.2 (-4.1 to -2.3)``."""
    if not math.isfinite(known.mean):
        return "diverged or failed"
    half = (known.high - known.low) / 2
    places = min(2, max(0, decimals(half))) if math.isfinite(half) and half > 0 else 1
    mean, low, high = (
        f"{'+' if value > 0 else ''}{fixed(value, places)}" for value in (known.mean, known.low, known.high)
    )
    return f"{mean} ({low} to {high})" if math.isfinite(half) else mean


def _value(value: object) -> str:
    return short(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
