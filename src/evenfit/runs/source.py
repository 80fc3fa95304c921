"""Source: what a request's files hold, read and understood."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from evenfit.data.schema import Table
from evenfit.data.sources import read
from evenfit.data.table import describe, understand
from evenfit.errors import DataError
from evenfit.runs.progress import Progress, Report
from evenfit.runs.request import FitRequest


@dataclass(frozen=True, kw_only=True)
class Source:
    """The table to learn from, and the labelled rows that are scored at the end."""

    table: Table
    test: Table | None
    fingerprint: str  # of the table's file

    def tell(self, progress: Report) -> None:
        """Say what was understood, a line each."""
        progress(Progress(line=describe(self.table)))
        for note in self.table.notes:
            progress(Progress(line=note))
        if self.test is not None:
            for note in self.test.notes:
                progress(Progress(line=f"of the test rows: {note}"))

    def check_unchanged(self, fingerprint: str, *, run: str, path: str) -> None:
        """Make sure that a run which is resumed goes on with the table that it began with.

        Raises:
            DataError: the file has changed.
        """
        if self.fingerprint != fingerprint:
            raise DataError(f"{path} has changed since run {run!r} began; fit it anew")


def read_source(request: FitRequest) -> Source:
    """Read a request's table, and its test rows.

    Raises:
        EvenfitError: a file cannot be read, or a column cannot be used as asked.
    """
    frame = read(request.table, delimiter=request.delimiter, encoding=request.encoding)
    table = understand(
        frame,
        target=request.target,
        task=request.task,
        categorical=request.categorical,
        drop=request.drop,
        group=request.group,
        time=request.time,
        weight=request.weight,
    )
    test = None
    if request.test is not None:
        rows = read(request.test, delimiter=request.delimiter, encoding=request.encoding)
        test = table.schema.apply(rows, with_target=True)
    return Source(table=table, test=test, fingerprint=fingerprint(Path(request.table)))


def fingerprint(path: Path) -> str:
    """Give a file's checksum: another one, and the file has changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
