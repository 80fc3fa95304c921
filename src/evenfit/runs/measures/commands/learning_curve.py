"""Learning curve of a network on a table: what more rows would give."""

from __future__ import annotations

from collections.abc import Sequence

from evenfit.data.schema import Table
from evenfit.report.measures.learning_curve import sections, story
from evenfit.results.json import plain
from evenfit.runs.measures.commands.setting import Load, prepare
from evenfit.runs.measures.commands.watch import Watch
from evenfit.runs.measures.folder import Measured, leave
from evenfit.runs.measures.learning_curve import measure_learning_curve
from evenfit.runs.measures.request import MeasureRequest
from evenfit.runs.progress import Report

FOLDS, REPEATS = 5, 3
_WHOLE_SIZES = 3.2  # all sizes together train on so many times the rows of the largest


def learning_curve(request: MeasureRequest, *, sizes: Sequence[float] | None, progress: Report) -> Measured:
    """Measure a learning curve, and leave its folder.

    Args:
        request: the table and the network.
        sizes: training rows, or shares of them; None for the usual ones.
        progress: is told how far it is.

    Raises:
        EvenfitError: the table, a column, the network, a size or the folder cannot be used.
    """
    folds, repeats = request.folds or FOLDS, request.repeats or REPEATS
    setting = prepare(request, load=lambda table: _load(table, folds, repeats), progress=progress)
    watch = Watch(progress, started=setting.started, seconds=request.seconds)
    curve = measure_learning_curve(
        setting.subject(),
        sizes=sizes,
        folds=folds,
        repeats=repeats,
        metric=request.data.metric,
        seed=request.data.seed,
        workers=setting.workers,
        progress=watch.tell,
        stop=watch.stop,
    )
    facts = setting.facts("learning curve", notes=curve.notes)
    found = Measured(
        story=story(curve, facts),
        facts=facts,
        numbers=plain(curve.to_json()),
        sections=lambda: sections(curve, facts),
    )
    leave(found)
    return found


def _load(table: Table, folds: int, repeats: int) -> Load:
    rows = round(table.rows * (folds - 1) / folds)
    return Load(rows=rows, fits=folds * repeats * _WHOLE_SIZES)
