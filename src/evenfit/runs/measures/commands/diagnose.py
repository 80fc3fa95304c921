"""Diagnosis of a network on a table, and what was measured to help."""

from __future__ import annotations

import math

import numpy as np

from evenfit.data.schema import Table
from evenfit.errors import ConfigError
from evenfit.report.measures.diagnosis import sections, story
from evenfit.results.metrics import default_metric, metric_of
from evenfit.runs.measures.commands.joining import below
from evenfit.runs.measures.commands.setting import Load, prepare
from evenfit.runs.measures.commands.watch import Watch
from evenfit.runs.measures.diagnose import diagnose_subject
from evenfit.runs.measures.folder import Measured, leave
from evenfit.runs.measures.request import MeasureRequest
from evenfit.runs.measures.subject import subject_of_table
from evenfit.runs.progress import Report

FOLDS, REPEATS, SECONDS = 5, 5, 90.0
_MODELS = 44.0  # as many as the network itself, on every split: copies, remedies, fewer rows
_REPORT_SECONDS = 2.0


def diagnose(request: MeasureRequest, *, error: float | None, progress: Report) -> Measured:
    """Diagnose a network, and leave its folder.

    Args:
        request: the table and the network.
        error: the acceptable error, in the metric's score.
        progress: is told how far it is.

    Raises:
        EvenfitError: the table, a column, the network or the folder cannot be used, or the budget is too small.
    """
    folds, repeats = request.folds or FOLDS, request.repeats or REPEATS
    seconds = request.seconds or SECONDS
    if error is not None and not math.isfinite(error):
        raise ConfigError(f"error must be a finite number, as the metric is printed; got {error}")
    setting = prepare(request, load=lambda table: _load(table, folds, repeats, seconds), progress=progress)
    _check_error(error, metric=request.data.metric, task=setting.task)
    watch = Watch(progress, started=setting.started, seconds=seconds)
    subject, validation = setting.subject(), None
    if setting.test is not None:
        whole = below(setting.table, setting.test)
        subject = subject_of_table(setting.network.config, whole, epoch=setting.network.epoch)
        validation = np.arange(setting.table.rows, whole.rows)
    found = diagnose_subject(
        subject,
        seconds=seconds - _REPORT_SECONDS,
        started=setting.started,
        error=error,
        metric=request.data.metric,
        folds=folds,
        repeats=repeats,
        seed=request.data.seed,
        workers=setting.workers,
        validation=validation,
        tell=lambda doing, fits: watch.say(note=f"{fits:,} models fitted, now {doing}" if fits else doing),
    )
    watch.note("writing the report")
    facts = setting.facts("diagnosis", notes=found.notes)
    answer = Measured(
        story=story(found, facts), facts=facts, numbers=found.to_json(), sections=lambda: sections(found, facts)
    )
    leave(answer)
    return answer


def _check_error(error: float | None, *, metric: str | None, task: str) -> None:
    """An acceptable error is one that the metric can have."""
    if error is None:
        return
    known = metric_of(metric or default_metric(task), task=task)
    if error < 0 and known.name != "r2":
        raise ConfigError(f"error must be at least 0, as {known.label} is; got {error:g}")
    if error > 1 and known.higher:
        raise ConfigError(f"error must be at most 1, as {known.label} is; got {error:g}")


def _load(table: Table, folds: int, repeats: int, seconds: float) -> Load:
    return Load(rows=round(table.rows * (folds - 1) / folds), fits=folds * repeats * _MODELS, seconds=seconds)
