"""Whatever holds a table in memory, as a polars frame."""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import polars as pl

from evenfit.errors import DataError


def to_polars(X: Any, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """A table as a polars frame.

    Arrays and lists of rows get the columns x0, x1, ...; objects in them become numbers where all are, else text.

    Args:
        X: an array [rows, columns], a list of rows, a mapping of columns, or any data frame that narwhals knows.
        columns: names to give the columns.

    Raises:
        DataError: it is sparse, has no two axes, or names a column twice.

    >>> to_polars(np.array([[1, 2], [3, 4]])).to_dict(as_series=False)
    {'x0': [1, 3], 'x1': [2, 4]}
    """
    frame = _convert(X)
    if columns is not None:
        names = [str(name) for name in columns]
        if len(names) != frame.width:
            raise DataError(f"there must be a name for each of {frame.width} columns; got {len(names)}")
        _check_names(names)
        frame.columns = names
    return frame


def _convert(X: Any) -> pl.DataFrame:
    if isinstance(X, pl.LazyFrame):
        return X.collect()
    if isinstance(X, pl.DataFrame):
        return X.clone()
    if type(X).__module__.startswith("scipy.sparse") or hasattr(X, "toarray"):
        raise DataError(f"a table must be dense; got the sparse {type(X).__name__}; give X.toarray() if it fits memory")
    if isinstance(X, Mapping):
        return pl.DataFrame([_series(str(name), np.asarray(cells)) for name, cells in X.items()])
    if not isinstance(X, (np.ndarray, list, tuple)):
        if type(X).__module__.startswith("pandas") and hasattr(X, "columns"):
            X = X.set_axis([str(name) for name in X.columns], axis=1)  # pandas names may be numbers
            _check_names(list(X.columns))
        frame = nw.from_native(X, eager_only=True, pass_through=True)
        if isinstance(frame, nw.DataFrame):
            return _any_frame(frame)
    return _array(X)


def _any_frame(frame: nw.DataFrame[Any]) -> pl.DataFrame:
    names = [str(name) for name in frame.columns]
    _check_names(names)
    return pl.DataFrame(
        [_column(name, frame.get_column(column)) for name, column in zip(names, frame.columns, strict=True)]
    )


def _column(name: str, series: nw.Series[Any]) -> pl.Series:
    if series.dtype.is_numeric() or series.dtype == nw.Boolean:
        cells = series.to_numpy()
        return _series(name, cells) if cells.dtype.kind in "iufb" else _objects(name, series.to_list())
    return _objects(name, series.to_list())


def _array(X: Any) -> pl.DataFrame:
    try:
        array = np.asarray(X)
        if array.dtype.kind in "US" and not isinstance(X, np.ndarray):
            array = np.asarray(X, dtype=object)  # [1, "a"] must not turn 1 into "1"
    except ValueError as error:
        raise DataError("a table must have rows of one length; the lists given have several") from error
    if array.dtype.names:
        raise DataError("a table must be an array of plain numbers or words; got a structured array")
    if array.ndim != 2:
        raise DataError(
            f"Expected 2D array, got {array.ndim}D array instead: a table must be [rows, columns]. "
            "Reshape your data with X.reshape(-1, 1) if it is a single column"
        )
    return pl.DataFrame([_series(f"x{position}", array[:, position]) for position in range(array.shape[1])])


def _series(name: str, cells: np.ndarray) -> pl.Series:
    if cells.ndim != 1:
        raise DataError(f"column {name!r} must have one axis, got {cells.ndim}")
    if cells.dtype.kind in "iufb":
        if cells.dtype in (np.float16, np.longdouble):
            cells = cells.astype(np.float64)
        return pl.Series(name, np.ascontiguousarray(cells))
    if cells.dtype.kind == "M":
        return pl.Series(name, cells.astype("datetime64[us]"))
    if cells.dtype.kind == "c":
        raise DataError(f"column {name!r} must hold real numbers. Complex data not supported")
    return _objects(name, cells.tolist())


def _objects(name: str, cells: list[Any]) -> pl.Series:
    """Python values as one column: numbers, booleans or dates where all are, else text; None and NaN are missing."""
    cells = [None if _is_missing(cell) else cell for cell in cells]
    kinds = {type(cell) for cell in cells} - {type(None)}
    if not kinds:
        return pl.Series(name, cells, dtype=pl.Float64)
    if all(issubclass(kind, (bool, np.bool_)) for kind in kinds):
        return pl.Series(name, [None if cell is None else bool(cell) for cell in cells], dtype=pl.Boolean)
    if all(issubclass(kind, (int, np.integer)) for kind in kinds):
        return pl.Series(name, [None if cell is None else int(cell) for cell in cells], strict=False)
    if all(issubclass(kind, (int, float, np.number, Decimal)) for kind in kinds):
        return pl.Series(name, [None if cell is None else float(cell) for cell in cells], dtype=pl.Float64)
    if all(issubclass(kind, datetime.datetime) for kind in kinds):
        return pl.Series(name, [None if cell is None else _moment(cell) for cell in cells], dtype=pl.Datetime("us"))
    if all(issubclass(kind, (datetime.date, np.datetime64)) for kind in kinds):
        return pl.Series(name, [None if cell is None else str(cell)[:19] for cell in cells], dtype=pl.String)
    if all(issubclass(kind, datetime.timedelta) for kind in kinds):
        return pl.Series(name, [None if cell is None else cell.total_seconds() for cell in cells], dtype=pl.Float64)
    if any(issubclass(kind, (dict, list, tuple, set, np.ndarray)) for kind in kinds):
        raise DataError(
            f"column {name!r} must hold numbers, words or dates; argument must be a string or a real number"
        )
    return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)


def _moment(cell: datetime.datetime) -> datetime.datetime:
    """The moment in UTC, without a zone; of pandas' own type too, as Python's."""
    if cell.tzinfo is not None:
        cell = cell.astimezone(datetime.UTC)
    parts = cell.timetuple()[:6]
    return datetime.datetime(*parts, cell.microsecond)  # noqa: DTZ001 - the zone is gone on purpose


def _is_missing(cell: Any) -> bool:
    if isinstance(cell, (float, np.floating)):
        return bool(np.isnan(cell))
    return cell is None or type(cell).__name__ in ("NAType", "NaTType")  # pandas' own, without importing it


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"a table must name each column once; {', '.join(map(repr, twice[:5]))} comes more than once")
