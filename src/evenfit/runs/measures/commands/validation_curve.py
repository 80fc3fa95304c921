"""Validation curve of a network on a table: what one value of its config does."""

from __future__ import annotations

from evenfit.data.schema import Table
from evenfit.errors import ConfigError
from evenfit.report.measures.validation_curve import sections, story
from evenfit.results.json import plain
from evenfit.runs.measures.commands.setting import Load, prepare
from evenfit.runs.measures.commands.watch import Watch
from evenfit.runs.measures.folder import Measured, leave
from evenfit.runs.measures.over import Over, parse_over
from evenfit.runs.measures.request import MeasureRequest
from evenfit.runs.measures.validation_curve import measure_validation_curve
from evenfit.runs.progress import Report
from evenfit.specs.config import Config

FOLDS, REPEATS = 5, 3
OF_CLASSES = ("label_smoothing", "balanced_classes")
OF_NUMBERS = ("target",)


def validation_curve(request: MeasureRequest, *, over: str, progress: Report) -> Measured:
    """Measure a validation curve, and leave its folder.

    Args:
        request: the table and the network.
        over: which value, and what it is to be: ``dropout=0..0.6``.
        progress: is told how far it is.

    Raises:
        EvenfitError: the table, a column, the network, a value or the folder cannot be used.
    """
    folds, repeats = request.folds or FOLDS, request.repeats or REPEATS
    values = parse_over(over, base=Config())  # before anything is read
    setting = prepare(
        request, load=lambda table: _load(table, folds, repeats, values=len(values.values)), progress=progress
    )
    values = parse_over(over, base=setting.network.config)
    check_task(values, task=setting.task)
    watch = Watch(progress, started=setting.started, seconds=request.seconds)
    curve = measure_validation_curve(
        setting.subject(varied=values.name),
        name=values.name,
        values=values.values,
        folds=folds,
        repeats=repeats,
        metric=request.data.metric,
        seed=request.data.seed,
        workers=setting.workers,
        progress=watch.tell,
        stop=watch.stop,
    )
    facts = setting.facts("validation curve", notes=curve.notes)
    found = Measured(
        story=story(curve, facts),
        facts=facts,
        numbers=plain(curve.to_json()),
        sections=lambda: sections(curve, facts),
    )
    leave(found)
    return found


def check_task(over: Over, *, task: str) -> None:
    """Refuse to vary what does nothing for this task.

    Raises:
        ConfigError: the name is of the other task.
    """
    if over.name in (OF_CLASSES if task == "regression" else OF_NUMBERS):
        wanted = "classes" if task == "regression" else "numbers"
        raise ConfigError(f"{over.name} is for targets that are {wanted}; it does nothing here")


def _load(table: Table, folds: int, repeats: int, *, values: int) -> Load:
    return Load(rows=round(table.rows * (folds - 1) / folds), fits=folds * repeats * values)
