"""Inputs: a table's columns as an exported model takes them, and the cells of a table in that form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from evenfit.data import dates
from evenfit.data.cells import as_numbers, as_text, tidy
from evenfit.data.columns import FALSE, TRUE, Column, read_cells

Array = npt.NDArray[Any]
Form = Literal["number", "seconds", "text", "level"]

_EXACT = 2**53  # whole numbers up to here are doubles


@dataclass(frozen=True, kw_only=True)
class Input:
    """One column of the user's table, as an input of its own."""

    name: str  # the column's, unless that cannot be an input's
    column: Column
    form: Form  # a number; seconds since 1970; text; a number that names a level

    @property
    def type(self) -> str:
        """The type of its tensor."""
        return "string" if self.form == "text" else "float64"


def name_inputs(columns: Sequence[Column], *, taken: Sequence[str]) -> tuple[Input, ...]:
    """Give every column an input of its own name; one that is empty, or an output's, gets another."""
    names, found = set(taken) | {column.name for column in columns if column.name}, []
    for position, column in enumerate(columns):
        name = column.name
        if not name or name in taken:
            name = f"{name or 'column'}_{position}"
            while name in names:
                name += "_"
            names.add(name)
        found.append(Input(name=name, column=column, form=_form(column)))
    return tuple(found)


def cells_of(known: Input, series: pl.Series) -> Array:
    """Give the cells of a column as an exported model takes them: ``[rows]``, numbers with NaN or text with ""."""
    if known.form == "text":
        text = as_text(series) if known.column.kind == "categorical" else tidy(series).cast(pl.String)
        return np.array(text.fill_null("").to_list(), dtype=object)
    if known.form == "seconds":
        return seconds_of(known.column, series)
    return as_numbers(series)[0]


def numbers_of(columns: Sequence[Column], frame: pl.DataFrame) -> Array:
    """Give the columns that come as numbers, ``[rows, columns]``: booleans as 0 and 1, dates as seconds since 1970."""
    cells = [
        seconds_of(column, frame[column.name])
        if column.kind == "date"
        else read_cells(column, frame[column.name]).numbers[:, 0]
        for column in columns
    ]
    return np.stack(cells, axis=1) if cells else np.empty((len(frame), 0))


def codes_of(columns: Sequence[Column], frame: pl.DataFrame) -> Array:
    """Give the categories as codes, int64 ``[rows, columns]``, -1 where no level is known."""
    cells = [np.asarray(read_cells(column, frame[column.name]).codes, np.int64) for column in columns]
    return np.stack(cells, axis=1) if cells else np.empty((len(frame), 0), np.int64)


def seconds_of(column: Column, series: pl.Series) -> Array:
    """Give dates as seconds since 1970-01-01 00:00 UTC, NaN where missing."""
    moments = dates.read(tidy(series), column.format).to_physical().cast(pl.Float64)
    return np.asarray(moments.fill_null(float("nan")).to_numpy() / 1e6)


def is_time_of_day(column: Column) -> bool:
    """Whether a column of dates has times of a day alone, which are taken as those of 2000-01-01."""
    return bool(column.format) and not re.search("%[Yy]", column.format or "")


def texts_of(column: Column) -> Mapping[str, int]:
    """Give every text that stands for a level of a category, or for no (0) and yes (1), with its code.

    One space on either side is allowed, since files are often written so ("Private, 39"); a boolean's words may be in
    capitals.
    """
    words: dict[str, int] = {}
    if column.kind == "boolean":
        for code, known in enumerate(((*FALSE, column.levels[0], "0", "0.0"), (*TRUE, column.levels[1], "1", "1.0"))):
            words |= {text: code for word in known for text in _cases(word)}
    else:
        words = {level: code for code, level in enumerate(column.levels)}
    spaced = {f"{before}{word}{after}": code for word, code in words.items() for before, after in _AROUND}
    return spaced | words


_AROUND = (("", " "), (" ", ""), (" ", " "))


def level_numbers(column: Column) -> Array:
    """Give the numbers that name a category's levels, in the order of their codes."""
    return np.array([float(level) for level in column.levels])


def _form(column: Column) -> Form:
    if column.kind == "categorical":
        return "level" if column.levels and all(map(_is_number, column.levels)) else "text"
    return {"boolean": "text", "date": "seconds"}.get(column.kind, "number")  # type: ignore[return-value]


def _is_number(level: str) -> bool:
    """Whether a level is how a number is written in a table of numbers, and a double holds it exactly."""
    try:
        number = float(level)
    except ValueError:
        return False
    return abs(number) < _EXACT and as_text(pl.Series([number]))[0] == level


def _cases(word: str) -> set[str]:
    """Give a word with each letter small or capital."""
    return {"".join(letters) for letters in product(*((letter.lower(), letter.upper()) for letter in word))}
