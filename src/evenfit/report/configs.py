"""All configs of a study as a table, from the lowest loss to the highest."""

from __future__ import annotations

import math

from evenfit.report.digits import fixed, interval_decimals, short
from evenfit.report.table import Table
from evenfit.report.words import metric_word, searched, value_word
from evenfit.results.metrics import METRICS
from evenfit.results.study import Study
from evenfit.results.trial import Trial

MOST = 300  # rows of the table


def configs(study: Study) -> tuple[Table, dict[int, str]]:
    """Trials sorted by loss with the values that were searched, and the places of the default and the selected."""
    names = searched(study)
    metric = study.truth.metric
    judged = () if METRICS[metric].base else (metric_word(metric),)
    order = sorted(study.trials, key=lambda trial: (not math.isfinite(trial.loss), trial.loss))
    shown = order[:MOST]
    marked = {place: "default" for place, trial in enumerate(shown) if trial.number == study.default.trial}
    marked |= {place: "selected" for place, trial in enumerate(shown) if trial.number == study.selected.trial}
    places = interval_decimals(study.default.validation_loss) + 1
    rows = tuple(
        (
            str(trial.number),
            trial.status,
            f"{trial.epoch:,}",
            *(fixed(trial.loss, 4) for _ in judged),
            *_losses(trial, places),
            *(_cell(getattr(trial.config, name)) for name in names),
        )
        for trial in shown
    )
    losses = ("validation loss", "training loss", "gap")
    return Table(columns=("config", "status", "epoch", *judged, *losses, *map(value_word, names)), rows=rows), marked


def _losses(trial: Trial, places: int) -> tuple[str, str, str]:
    """A trial's validation loss, training loss and gap at its epoch."""
    validation = float(trial.validation_loss[trial.best][trial.seen].mean())
    training = float(trial.training_loss[trial.best][trial.seen].mean())
    return fixed(validation, places), fixed(training, places), fixed(validation - training, places)


def _cell(value: object) -> str:
    """A value of a config, short."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return short(value, digits=2) if isinstance(value, float) else str(value)
