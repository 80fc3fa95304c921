"""Bias and variance of a network on a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from evenfit.data.schema import Table
from evenfit.errors import ConfigError
from evenfit.experiments.bias_variance import HELD_OUT, hold_out
from evenfit.report.measures.bias_variance import sections, story
from evenfit.results.json import plain
from evenfit.runs.measures.bias_variance import ROWS, Options, measure_bias_variance
from evenfit.runs.measures.commands.joining import below
from evenfit.runs.measures.commands.setting import Load, Setting, prepare
from evenfit.runs.measures.commands.validation_curve import check_task
from evenfit.runs.measures.commands.watch import Watch
from evenfit.runs.measures.folder import Measured, leave
from evenfit.runs.measures.material import Material
from evenfit.runs.measures.over import parse_over
from evenfit.runs.measures.request import MeasureRequest
from evenfit.runs.measures.subject import subject_of_table
from evenfit.runs.progress import Report
from evenfit.specs.config import Config

Integers = npt.NDArray[np.int64]


def bias_variance(request: MeasureRequest, options: Options, *, over: str | None, progress: Report) -> Measured:
    """Take an expected loss apart, and leave its folder.

    Args:
        request: the table and the network.
        options: how.
        over: a value of the config to sweep over: ``width=4..512``; or ``rows=...``.
        progress: is told how far it is.

    Raises:
        EvenfitError: the table, a column, the network, an option or the folder cannot be used.
    """
    swept = None if over is None else parse_over(over, base=Config(), others=(ROWS,))  # before anything is read
    count = 1 if swept is None else len(swept.values)
    setting = prepare(request, load=lambda table: _load(table, options, points=count), progress=progress)
    if over is not None:
        swept = parse_over(over, base=setting.network.config, others=(ROWS,))
        check_task(swept, task=setting.task)
        options = replace(options, over={swept.name: swept.values})
    _check_noise(options, task=setting.task)
    if options.rows is not None and options.rows > setting.table.rows:
        raise ConfigError(f"rows must be at most the table's {setting.table.rows:,}; got {options.rows:,}")
    watch = Watch(progress, started=setting.started, seconds=request.seconds)
    material = make_material(setting, varied="" if swept is None else swept.name)
    found = measure_bias_variance(material, options, workers=setting.workers, tell=watch.tell, stop=watch.stop)
    facts = setting.facts(
        "bias and variance",
        notes=found.notes,
        judged=judged_rows(setting, options),
        rows="table" if setting.test is None else "test",
    )
    answer = Measured(
        story=story(found, facts),
        facts=facts,
        numbers=plain(found.to_json()),
        sections=lambda: sections(found, facts),
    )
    leave(answer)
    return answer


def make_material(setting: Setting, *, varied: str) -> Material:
    """Put the table's rows and the test rows below each other: those to train on come first."""
    table, epoch = setting.table, None if varied == "epochs" else setting.network.epoch
    if setting.test is None:
        return Material(
            subject=subject_of_table(setting.network.config, table, epoch=epoch),
            sizes=(table.rows,),
            given=False,
            test=None,
        )
    whole = below(table, setting.test)
    return Material(
        subject=subject_of_table(setting.network.config, whole, epoch=epoch),
        sizes=(table.rows,),
        given=False,
        test=np.arange(table.rows, whole.rows),
    )


def judged_rows(setting: Setting, options: Options) -> Integers:
    """The rows that replicates are judged by, of the test rows where there are any, else of the table."""
    if setting.test is not None:
        return np.arange(setting.test.rows)
    if options.sampling == "out-of-bag":
        return np.arange(setting.table.rows)
    return hold_out(np.asarray(setting.table.target), seed=options.seed, groups=setting.table.groups)[1]


def _load(table: Table, options: Options, *, points: int) -> Load:
    rows = table.rows if options.sampling == "out-of-bag" else table.rows - table.rows // HELD_OUT
    if options.sampling == "disjoint":
        rows //= options.replicates
    return Load(rows=max(2, options.rows or rows), fits=options.replicates * options.seeds * points)


def _check_noise(options: Options, *, task: str) -> None:
    if options.noise is not None and task != "regression":
        raise ConfigError("noise is the variance of a target that is a number; the noise of classes is given in Python")
