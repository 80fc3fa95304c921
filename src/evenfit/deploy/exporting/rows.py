"""Rows: made for checks, from what a model's schema and encodings say: hard ones, and plausible ones."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from evenfit.data.columns import Column
from evenfit.data.encodings import Encoding
from evenfit.deploy.model import Model

HARD = "missing, unseen and extreme cells"
_UNSEEN = "never seen before"
_NUMBERS = (None, float("nan"), 1e31, -1e31, 0.0, 1e29, -1e29, float("inf"), -3.5, 1e-300)
_WORDS = (None, "perhaps", "TRUE", "No", "0", "1", " yes", "F", "off", "")
_DATES = (
    *(None, datetime.datetime(1900, 2, 28, 23, 59, 59, 999999), datetime.datetime(2000, 2, 29, 12, 30)),  # noqa: DTZ001
    *(datetime.datetime(1969, 12, 31, 23, 59, 59), datetime.datetime(2100, 3, 1), None),  # noqa: DTZ001
    *(datetime.datetime(1600, 1, 1, 0, 0, 1), datetime.datetime(2024, 12, 31, 0, 59)),  # noqa: DTZ001
    *(datetime.datetime(1970, 1, 1), datetime.datetime(2001, 1, 31, 7, 7, 7, 7)),  # noqa: DTZ001
)


def hard_rows(model: Model) -> pl.DataFrame:
    """Give rows that go wrong easily: missing cells, unseen categories, extremes, leap days."""
    made: dict[str, Callable[[Column], Any]] = {
        "numeric": lambda column: pl.Series(column.name, _NUMBERS, dtype=pl.Float64),
        "boolean": lambda column: pl.Series(column.name, _WORDS, dtype=pl.String),
        "date": lambda column: pl.Series(column.name, _DATES, dtype=pl.Datetime("us")),
        "categorical": lambda column: pl.Series(column.name, _categories(column), dtype=pl.String),
    }
    return pl.DataFrame({column.name: made[column.kind](column) for column in model.schema.columns})


def made_rows(model: Model, *, count: int = 256, seed: int = 0) -> pl.DataFrame:
    """Give rows as the training table could have had: a tenth of the cells missing, all columns independent."""
    draw, encoding = np.random.default_rng(seed), model.parts[0].encodings[0]
    slots = [column.name for column, _ in model.schema.numeric]
    columns = {}
    for column in model.schema.columns:
        if column.kind == "categorical":
            cells: list[Any] = [column.levels[code] for code in draw.integers(len(column.levels), size=count)]
        elif column.kind == "boolean":
            cells = [column.levels[code] for code in draw.integers(2, size=count)]
        elif column.kind == "date":
            start = datetime.datetime(1990, 1, 1)  # noqa: DTZ001
            cells = [
                start + datetime.timedelta(minutes=int(minutes)) for minutes in draw.integers(20_000_000, size=count)
            ]
        else:
            cells = list(_plausible(encoding, slots.index(column.name), draw, count))
        known = [None if absent else cell for cell, absent in zip(cells, draw.random(count) < 0.1, strict=True)]
        columns[column.name] = pl.Series(column.name, known, strict=False)
    return pl.DataFrame(columns)


def _plausible(encoding: Encoding, slot: int, draw: np.random.Generator, count: int) -> Any:
    """Draw numbers of a column: of the training rows' own where they are known, else about their middle."""
    if encoding.choice == "quantile" and slot in encoding.layout.many:
        points = encoding.knots[encoding.layout.many.index(slot)][:-1]
        if len(points):
            between = draw.uniform(points[0], points[-1], count)
            return np.where(draw.random(count) < 0.5, draw.choice(points, count), between)
    spread = 1 / encoding.scale[slot] if encoding.scale[slot] else 1.0
    return encoding.centre[slot] + spread * draw.standard_normal(count)


def _categories(column: Column) -> list[str | None]:
    """Give categories: missing, unseen, known."""
    known = [*column.levels[:6], column.levels[-1]] if column.levels else [_UNSEEN]
    cells = [None, _UNSEEN, *known, *known, *known, *known, *known]
    return [*cells, *cells, *cells][: len(_NUMBERS)]
