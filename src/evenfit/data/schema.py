"""What was understood of a table, and a table read by it."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from evenfit.data.cells import LARGEST, as_numbers, as_text, first_row, times
from evenfit.data.columns import Column, read_cells
from evenfit.data.dates import read as read_dates
from evenfit.data.distinct import Distinct, find_distinct
from evenfit.data.targets import Target, present, read_target
from evenfit.errors import DataError


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A column that the network does not see, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The columns, levels and classes, fixed from the whole table: what new rows are read by.

    Numeric columns of a table are, in the order of `columns`, the numbers, booleans and parts of dates; categorical
    ones are the categories.
    """

    columns: tuple[Column, ...]
    left_out: tuple[LeftOut, ...]
    target: Target | None
    group: str | None = None
    time: str | None = None
    weight: str | None = None

    @property
    def numeric(self) -> tuple[tuple[Column, str], ...]:
        """For every numeric column of a table, the column it comes from, and the part of it ("" but for dates)."""
        return tuple((column, part) for column in self.columns for part in _parts(column))

    @property
    def categorical(self) -> tuple[Column, ...]:
        """For every categorical column of a table, the column it comes from."""
        return tuple(column for column in self.columns if column.kind == "categorical")

    def to_json(self) -> dict[str, Any]:
        """The values by name, ready for JSON.

        >>> schema = Schema(columns=(Column(name="a", kind="numeric"),), left_out=(), target=None)
        >>> Schema.from_json(schema.to_json()) == schema
        True
        """
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Schema":
        """Make a schema from what `to_json` gave."""
        return cls(
            columns=tuple(Column.from_json(column) for column in values["columns"]),
            left_out=tuple(LeftOut(**left_out) for left_out in values["left_out"]),
            target=Target.from_json(values["target"]) if values["target"] else None,
            group=values["group"],
            time=values["time"],
            weight=values["weight"],
        )

    def apply(self, frame: pl.DataFrame, *, with_target: bool = False) -> "Table":
        """Read new rows as the table was read.

        Columns that were not in the table are ignored with a note; categories that it lacked become -1 with a note.
        Rows without a target, where it is asked for, are left out and counted.

        Args:
            frame: the rows.
            with_target: whether to read the target, and weights, groups and time where they are there.

        Raises:
            DataError: a column is missing or holds something else than in the table; or the target is asked for
                and is not there.
        """
        given = set(frame.columns)
        for column in self.columns:
            if column.name not in given:
                require(column.name, frame.columns, "the table lacks column")
        whole = len(frame)
        if with_target:
            frame = self._with_target(frame)
        cells = [read_cells(column, frame[column.name]) for column in self.columns]
        notes = [note for cell in cells for note in cell.notes]
        if len(frame) < whole:
            notes.append(f"{times(whole - len(frame), 'row')} left out, without a value in the target")
        names = [self.target.name] if self.target else []
        names += [name for name in (self.group, self.time, self.weight) if name]
        known = {column.name for column in self.columns} | {left.name for left in self.left_out} | set(names)
        extra = [name for name in frame.columns if name not in known]
        if extra:
            notes.append(f"ignored, since training had no such columns: {', '.join(extra)}")
        there = {name: frame[name] for name in names if with_target and name in frame.columns}
        codes = [cell.codes for cell in cells if cell.codes is not None]
        return Table(
            schema=self,
            numeric=np.concatenate([np.empty((len(frame), 0)), *(cell.numbers for cell in cells)], axis=1),
            codes=np.stack(codes, axis=1) if codes else np.empty((len(frame), 0), np.int32),
            target=read_target(self.target, there[self.target.name]) if with_target and self.target else None,
            weights=read_weights(there[self.weight]) if self.weight in there else None,
            groups=read_groups(there[self.group]) if self.group in there else None,
            time=read_time(there[self.time]) if self.time in there else None,
            rows_left_out=whole - len(frame),
            notes=tuple(notes),
        )

    def _with_target(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows that have a target."""
        if self.target is None:
            raise DataError("there is no target to read: the schema has none")
        require(self.target.name, frame.columns, "the table lacks the target")
        kept = present(frame[self.target.name])
        if not kept.any():
            raise DataError(f"target {self.target.name!r} must have values; all {times(len(frame), 'row')} lack one")
        return frame if kept.all() else frame.filter(pl.Series(kept))


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """Rows that a schema has read."""

    schema: Schema
    numeric: np.ndarray  # float64 [rows, numeric], NaN where missing
    codes: np.ndarray  # int32 [rows, categorical], -1 where missing or unseen
    target: np.ndarray | None  # float64 [rows] for regression, int64 codes of classes; None where there is none
    weights: np.ndarray | None  # float64 [rows], not negative
    groups: np.ndarray | None  # int64 [rows]
    time: np.ndarray | None  # float64 [rows], seconds or the column's own unit
    rows_left_out: int  # for want of a target or a time
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.numeric)

    @cached_property
    def distinct(self) -> tuple["Distinct", ...]:
        """The distinct values of every numeric column: found once, whatever the splits."""
        return tuple(find_distinct(column) for column in self.numeric.T)


def require(name: str, names: Iterable[str], lacks: str) -> None:
    """Check that a column is there.

    Raises:
        DataError: it is not; the nearest name is suggested.
    """
    names = list(names)
    if name in names:
        return
    near = difflib.get_close_matches(name.lower(), [other.lower() for other in names], n=1)
    if near:
        guess = next(other for other in names if other.lower() == near[0])
        raise DataError(f"{lacks} {name!r}; did you mean {guess!r}?")
    shown = ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "")
    raise DataError(f"{lacks} {name!r}; its columns are {shown}")


def read_weights(series: pl.Series) -> np.ndarray:
    """The weights: float64 [rows].

    Raises:
        DataError: a weight is missing, negative, beyond 1e30 or no number, or all are 0.
    """
    values, _ = as_numbers(series)
    wrong = ~((values >= 0) & (values <= LARGEST))
    if wrong.any():
        row = first_row(wrong)
        raise DataError(
            f"weights must be numbers from 0 to 1e30; column {series.name!r} has {series[row - 1]!r} in row {row:,}"
        )
    if not values.any():
        raise DataError(f"at least one weight must be above 0; column {series.name!r} has only zeros")
    return values


def read_groups(series: pl.Series) -> np.ndarray:
    """The groups' numbers: int64 [rows], by first appearance; a row without a group is a group of its own."""
    text = as_text(series)
    if text.null_count():
        text = text.fill_null(pl.Series([f"\0{row}" for row in range(len(text))]))
    names = text.unique(maintain_order=True)
    return text.replace_strict(names, range(len(names)), return_dtype=pl.Int64).to_numpy().astype(np.int64)


def read_time(series: pl.Series) -> np.ndarray:
    """The time of every row, in seconds for dates, else as it is: float64 [rows], NaN where missing.

    Raises:
        DataError: the column holds neither dates nor numbers.
    """
    values, refused = as_numbers(series)
    if not refused.any():
        return values
    moments = read_dates(series, None)
    wrong = (moments.is_null() & series.is_not_null()).to_numpy()
    if wrong.any():
        row = first_row(wrong)
        raise DataError(
            f"the time must be a date or a number; column {series.name!r} has {series[row - 1]!r} in row {row:,}"
        )
    return moments.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy() / 1e6


def _parts(column: Column) -> tuple[str, ...]:
    if column.kind == "date":
        return column.parts
    return () if column.kind == "categorical" else ("",)


def take_rows(table: Table, rows: np.ndarray) -> Table:
    """Give some rows of a table, by their numbers and in that order, read by the same schema."""

    def kept(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[rows]

    return replace(
        table,
        numeric=table.numeric[rows],
        codes=table.codes[rows],
        target=kept(table.target),
        weights=kept(table.weights),
        groups=kept(table.groups),
        time=kept(table.time),
    )
