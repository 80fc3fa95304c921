"""All configs of a study as a table, from the lowest loss to the highest."""

from __future__ import annotations

import math

from evenfit.report.digits import short
from evenfit.report.table import Table
from evenfit.report.words import searched, value_word
from evenfit.results.study import Study
from evenfit.results.trial import Trial

MOST = 300  # rows of the table


def configs(study: Study) -> tuple[Table, dict[int, str]]:
    """Trials sorted by loss with the values that were searched, and the places of the default and the selected."""
    names = searched(study)
    order = sorted(study.trials, key=lambda trial: (not math.isfinite(trial.loss), trial.loss))
    shown = order[:MOST]
    columns = ("config", "status", "epoch", "validation loss", "training loss", "gap", *map(value_word, names))
    marked = {place: "default" for place, trial in enumerate(shown) if trial.number == study.default.trial}
    marked |= {place: "selected" for place, trial in enumerate(shown) if trial.number == study.selected.trial}
    return Table(columns=columns, rows=tuple(_row(trial, names) for trial in shown)), marked


def _row(trial: Trial, names: tuple[str, ...]) -> tuple[str, ...]:
    """One trial at its own epoch."""
    validation = float(trial.validation_loss[trial.best].mean())
    training = float(trial.training_loss[trial.best].mean())
    values = (getattr(trial.config, name) for name in names)
    return (
        str(trial.number),
        trial.status,
        f"{trial.epoch:,}",
        short(validation, digits=4),
        short(training, digits=4),
        short(validation - training, digits=2),
        *map(_cell, values),
    )


def _cell(value: object) -> str:
    """A value of a config, short."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return short(value, digits=2) if isinstance(value, float) else str(value)
