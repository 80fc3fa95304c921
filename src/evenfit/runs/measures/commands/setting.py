"""Setting: a request's table read, its network chosen, and the folder that will be left."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.schema import Table
from evenfit.data.sources import read
from evenfit.data.table import describe, understand
from evenfit.data.targets import present
from evenfit.report.measures.facts import MeasureFacts
from evenfit.runs.clock import process_age
from evenfit.runs.cores import core_count
from evenfit.runs.measures.folder import folder_for
from evenfit.runs.measures.network import Network, default_network, read_network
from evenfit.runs.measures.request import MeasureRequest
from evenfit.runs.measures.subject import Subject, subject_of_table
from evenfit.runs.progress import Progress, Report
from evenfit.runs.warming import warm_engine

Integers = npt.NDArray[np.int64]

USUAL_SECONDS = 60.0  # that a default network is sized to, where there is no budget


@dataclass(frozen=True, kw_only=True)
class Load:
    """How much a measurement trains: what a default network is sized to."""

    rows: int  # training rows of one fit
    fits: float  # how many of that size, about
    seconds: float = USUAL_SECONDS  # for all of them


@dataclass(frozen=True, eq=False, kw_only=True)
class Setting:
    """All that a measurement is made from."""

    request: MeasureRequest
    table: Table
    test: Table | None
    numbers: Integers  # [rows] of the file, from 1 without its header
    test_numbers: Integers  # the same of the test rows
    network: Network
    folder: Path
    workers: int
    started: float  # by the monotonic clock; the engine's compilation is left out

    @property
    def task(self) -> str:
        """Binary, multiclass or regression."""
        target = self.table.schema.target
        return "" if target is None else target.task

    def subject(self, *, varied: str = "") -> Subject:
        """Give the network and the table as what is measured; where epochs are varied, training goes to their end."""
        epoch = None if varied == "epochs" else self.network.epoch
        return subject_of_table(self.network.config, self.table, epoch=epoch)

    def facts(
        self, title: str, *, notes: Sequence[str] = (), judged: Integers | None = None, rows: str = "table"
    ) -> MeasureFacts:
        """Collect what a report tells beyond its numbers.

        Args:
            title: what is behind the table's name in the report's.
            notes: of the measurement.
            judged: rows that were judged one by one, of the table or of the test rows.
            rows: "table" or "test": whose rows these are.
        """
        data, table = self.request.data, self.table if rows == "table" or self.test is None else self.test
        numbers = self.numbers if table is self.table else self.test_numbers
        numeric = [column.name for column in self.table.schema.columns]
        return MeasureFacts(
            name=f"{self.folder.name}" if title == "" else f"{Path(data.table).name.split('.')[0]}: {title}",
            folder=str(self.folder),
            command=self.request.line(),
            description=describe(self.table),
            table=data.table,
            target=data.target,
            task=self.task,
            rows=self.table.rows,
            config=self.network.config,
            epoch=self.network.epoch,
            source=self.network.source,
            left_out=tuple((left.name, left.reason) for left in self.table.schema.left_out),
            notes=(*self.table.notes, *notes),
            row_names=() if judged is None else tuple(int(number) for number in numbers[judged]),
            labels=() if judged is None else tuple(_labels(table, judged)),
            column=numeric[0] if len(numeric) == 1 else "",
            seconds=time.monotonic() - self.started,
            versions=versions(),
        )


def prepare(request: MeasureRequest, *, load: Callable[[Table], Load], progress: Report) -> Setting:
    """Read the table, choose the network and the folder, and say what was understood.

    Args:
        request: what was asked for.
        load: how much will be trained, from the table.
        progress: is told what was understood.

    Raises:
        EvenfitError: a file cannot be read, or a column, a config or a folder cannot be used as asked.
    """
    started = time.monotonic() - process_age()
    folder = folder_for(request)
    network = None if request.network is None else read_network(request.network)
    data = request.data
    workers = core_count() if data.workers is None else data.workers
    frame = read(data.table, delimiter=data.delimiter, encoding=data.encoding)
    table = understand(
        frame,
        target=data.target,
        task=data.task,
        categorical=data.categorical,
        drop=data.drop,
        group=data.group,
        time=data.time,
        weight=data.weight,
    )
    test, test_numbers = None, np.empty(0, dtype=np.int64)
    if data.test is not None:
        rows = read(data.test, delimiter=data.delimiter, encoding=data.encoding)
        test = table.schema.apply(rows, with_target=True)
        test_numbers = _numbers(rows[data.target])
    for line in (
        describe(table),
        *table.notes,
        *(f"of the test rows: {note}" for note in (test.notes if test else ())),
    ):
        progress(Progress(line=line))
    if network is None:
        known = load(table)
        network = default_network(
            table, rows=known.rows, fits=known.fits, seconds=request.seconds or known.seconds, workers=workers
        )
    started += warm_engine(progress)
    return Setting(
        request=request,
        table=table,
        test=test,
        numbers=_numbers(frame[data.target]),
        test_numbers=test_numbers,
        network=network,
        folder=folder,
        workers=workers,
        started=started,
    )


def _numbers(target: Any) -> Integers:
    """The number of each row that has a target, from 1."""
    return np.flatnonzero(present(target)).astype(np.int64) + 1


def _labels(table: Table, rows: Integers) -> list[str]:
    """The target of some rows, as a reader knows it."""
    target = table.schema.target
    if target is None or table.target is None:
        return []
    if target.task == "regression":
        return [f"{float(value):.6g}" for value in table.target[rows]]
    return [str(target.classes[code]) for code in table.target[rows]]


def versions() -> tuple[tuple[str, str], ...]:
    """Give the packages that numbers depend on, and their versions."""
    names = ("evenfit", "torch", "numba", "numpy", "scipy", "polars")
    return (("python", platform.python_version()), *((name, metadata.version(name)) for name in names))
