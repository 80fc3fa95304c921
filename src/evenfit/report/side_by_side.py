"""The default config and the selected one, side by side."""

from __future__ import annotations

import math

from evenfit.report.digits import LARGEST_PLAIN, fixed, interval_decimals, with_interval
from evenfit.report.table import Table
from evenfit.report.words import base_loss, metric_word, score_word
from evenfit.results.metrics import METRICS
from evenfit.results.study import Interval, Side, Study

ERRORS = ("rmse", "mae")  # scores in the target's own units


def side_by_side(study: Study) -> Table:
    """Losses with intervals and scores, on training and on validation rows, of both configs.

    Where the default itself was selected there is one column.
    """
    sides = (study.selected,) if study.comparison.same else (study.default, study.selected)
    rows = [*_losses(study, sides), *_scores(sides)]
    names = ["default, selected"] if study.comparison.same else ["default", f"selected (config {study.selected.trial})"]
    return Table(columns=("", *names), rows=tuple(rows))


def _losses(study: Study, sides: tuple[Side, ...]) -> list[tuple[str, ...]]:
    """One row a loss, both sides to the same decimal."""
    loss, metric = base_loss(study), study.truth.metric
    rows = [
        _row(f"training {loss}", [side.training_loss for side in sides], least=2),
        _row(f"validation {loss}", [side.validation_loss for side in sides], least=2),
        _row("gap", [side.gap for side in sides]),
    ]
    if not METRICS[metric].base:
        rows.append(_row(f"validation {metric_word(metric)}", [side.selection_loss for side in sides], least=2))
    return rows


def _row(word: str, intervals: list[Interval], *, least: int = 0) -> tuple[str, ...]:
    """A loss of each side, to the digits that the narrowest interval allows, and at least so many of each mean."""
    places = interval_decimals(*intervals)
    for known in intervals:
        if least and known.mean and math.isfinite(known.mean):  # two folds alone leave no digit: 0.04 is not 0.0
            places = max(places, min(least - 1 - math.floor(math.log10(abs(known.mean))), 4))
    return (word, *(with_interval(known, places=places) for known in intervals))


def _scores(sides: tuple[Side, ...]) -> list[tuple[str, ...]]:
    """One row a score and side of the split; scores that are not known on training rows have one row."""
    rows = []
    for name in sides[-1].validation_scores:
        for part in ("training", "validation"):
            values = [getattr(side, f"{part}_scores").get(name, math.nan) for side in sides]
            if not all(map(math.isnan, values)):
                rows.append((f"{part} {score_word(name)}", *(score(value, name) for value in values)))
    return rows


def score(value: float, name: str) -> str:
    """A score with customary digits: three decimals for shares, four digits for errors.

    Example:
        >>> score(0.8941, "accuracy"), score(2.36, "rmse"), score(12345.6, "mae"), score(23456789.0, "rmse")
        ('0.894', '2.360', '12,346', '2.346e7')
    """
    if name in ERRORS and math.isfinite(value) and value > 0:
        places = 3 - math.floor(math.log10(value))
        return fixed(value, places if value >= LARGEST_PLAIN else max(0, places))
    return fixed(value, 3)
