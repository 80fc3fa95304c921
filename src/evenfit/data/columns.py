"""One column of a table: what it is, and its cells as numbers or codes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from evenfit.data import dates
from evenfit.data.cells import as_numbers, as_text, first_row, tidy, times, without_extremes
from evenfit.errors import DataError

Kind = Literal["numeric", "categorical", "boolean", "date"]

TRUE = ("true", "yes", "t", "y", "on")
FALSE = ("false", "no", "f", "n", "off")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column that the network sees: its kind, and what is fixed from the whole table."""

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()  # of a category, in the order of its codes; of a boolean: false, true
    parts: tuple[str, ...] = ()  # what a date is expanded into
    format: str | None = None  # how a date is written, where it is text
    missing: bool = False  # whether any cell of the whole table is missing: then it gets an indicator
    binary: bool = False  # whether a number takes only two values in the whole table
    mixed: bool = False  # whether what is no number, or no date, counts as missing, since the table had such cells

    @property
    def width(self) -> int:
        """How many numeric columns it becomes: 0 for a category, the parts of a date, else 1."""
        return {"categorical": 0, "date": len(self.parts)}.get(self.kind, 1)

    def to_json(self) -> dict[str, Any]:
        """The values by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Column":
        """Make a column from what `to_json` gave."""
        return cls(**{**values, "levels": tuple(values["levels"]), "parts": tuple(values["parts"])})


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of one column, read."""

    numbers: np.ndarray  # float64 [rows, width], NaN where missing
    codes: np.ndarray | None  # int32 [rows], -1 where missing or unseen; None unless it is a category
    notes: tuple[str, ...]


def read_cells(column: Column, series: pl.Series) -> Cells:
    """Read the cells as the column says.

    Raises:
        DataError: text where numbers were, or a date that is none: names the column, the value and the row.
    """
    return {"numeric": _numeric, "categorical": _categorical, "boolean": _boolean, "date": _date}[column.kind](
        column, series
    )


def _numeric(column: Column, series: pl.Series) -> Cells:
    if series.dtype.is_temporal() and series.dtype not in (pl.Duration, pl.Time):
        series = series.cast(pl.String)
    values, refused = as_numbers(series)
    if refused.any() and not column.mixed:
        _refuse(column, series, refused, "numbers")
    notes = [f"{column.name}: {times(int(refused.sum()), 'cell')} of text taken as missing"] if refused.any() else []
    values, extremes = without_extremes(values)
    if extremes:
        notes.append(f"{column.name}: {times(extremes, 'infinite or huge cell')} (beyond 1e30) taken as missing")
    return Cells(values[:, None], None, tuple(notes))


def _categorical(column: Column, series: pl.Series) -> Cells:
    text = as_text(series)
    codes = encode_levels(text, column.levels)
    unseen = (codes < 0) & text.is_not_null().to_numpy()
    notes: tuple[str, ...] = ()
    if unseen.any():
        example = text[first_row(unseen) - 1]
        notes = (f"{column.name}: {times(int(unseen.sum()), 'cell')} of unseen categories, such as {example!r}",)
    return Cells(np.empty((len(series), 0)), codes, notes)


def _boolean(column: Column, series: pl.Series) -> Cells:
    text = tidy(series).cast(pl.String).str.to_lowercase()
    if text.is_in(["0", "1", "0.0", "1.0"]).any():
        text = text.replace({"0": FALSE[0], "1": TRUE[0], "0.0": FALSE[0], "1.0": TRUE[0]})
    known = dict.fromkeys((*TRUE, column.levels[1]), 1.0) | dict.fromkeys((*FALSE, column.levels[0]), 0.0)
    values = text.replace_strict(known, default=None, return_dtype=pl.Float64)
    unseen = (values.is_null() & text.is_not_null()).to_numpy()
    notes: tuple[str, ...] = ()
    if unseen.any():
        example = text[first_row(unseen) - 1]
        notes = (
            f"{column.name}: {times(int(unseen.sum()), 'cell')} neither {column.levels[1]!r} nor "
            f"{column.levels[0]!r}, such as {example!r}, taken as missing",
        )
    return Cells(values.fill_null(float("nan")).to_numpy()[:, None], None, notes)


def _date(column: Column, series: pl.Series) -> Cells:
    series = tidy(series)
    moments = dates.read(series, column.format)
    refused = (moments.is_null() & series.is_not_null()).to_numpy()
    notes: tuple[str, ...] = ()
    if refused.any():
        if not column.mixed:
            _refuse(column, series, refused, f"dates{f' like {column.format}' if column.format else ''}")
        notes = (f"{column.name}: {times(int(refused.sum()), 'cell')} that are no dates taken as missing",)
    return Cells(dates.expand(moments, column.parts), None, notes)


def encode_levels(text: pl.Series, levels: tuple[str, ...]) -> np.ndarray:
    """The code of every cell: int32 [rows], its position among the levels; -1 where missing or not among them."""
    codes = pl.Series(range(len(levels)), dtype=pl.Int32)
    found = text.replace_strict(pl.Series(levels, dtype=pl.String), codes, default=None, return_dtype=pl.Int32)
    return found.fill_null(-1).to_numpy().astype(np.int32)


def _refuse(column: Column, series: pl.Series, refused: np.ndarray, wanted: str) -> None:
    row = first_row(refused)
    raise DataError(
        f"column {column.name!r} must hold {wanted}, as in training; row {row:,} has {series[row - 1]!r} "
        f"({times(int(refused.sum()), 'such cell')}); correct the cells or leave them empty"
    )
