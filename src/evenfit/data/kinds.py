"""What kind a column is, or why it is left out."""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from evenfit.data import dates
from evenfit.data.cells import MIXED, UNCLEAR, as_numbers, as_text, looks_numeric, tidy, times, without_extremes
from evenfit.data.columns import FALSE, TRUE, Column
from evenfit.data.encodings import MOST_ONE_HOT
from evenfit.data.schema import LeftOut

FEWEST_ROWS = 20  # with fewer, that all values differ says nothing
IDENTIFIER = 0.9  # share of the cells that have a value of their own
_IDENTIFIER_NAME = r"(^|[\W_])(id|Id|ID|index|Index|key|Key|uuid|UUID)$|[a-z]I[Dd]$"
MOST_LEVELS = 1000  # of a category: beyond, levels are too rare to learn and too many to hold


@dataclass(frozen=True)
class Found:
    """What was found of one column."""

    column: Column | LeftOut
    notes: tuple[str, ...] = ()


def find_kind(series: pl.Series, *, categorical: bool, trend: bool, counts: bool = False) -> Found:
    """Find a column's kind from all its cells.

    Args:
        series: the column.
        categorical: whether the user says that it is a category.
        trend: whether a date's ever growing parts may be used.
        counts: whether whole numbers that count the rows may be used.
    """
    dtype = series.dtype
    if dtype.is_nested() or dtype in (pl.Object, pl.Binary):
        return _left_out(series, f"cells are neither numbers, words nor dates but {dtype}")
    series = tidy(series)
    if series.null_count() == len(series):
        return _left_out(series, "every cell is missing")
    if series.dtype.is_numeric() and not categorical:
        return _number(series, counts=counts)
    present = series.drop_nulls()
    if present.n_unique() == 1 and len(present) == len(series):
        return _left_out(series, f"constant: every cell is {present[0]!r}")
    if categorical or present.n_unique() == 1:
        return _category(series, asked=categorical)
    if series.dtype == pl.String:
        return _text(series, trend=trend)
    if series.dtype == pl.Boolean:
        return Found(_column(series, "boolean", levels=("false", "true")))
    return (
        _number(series, counts=counts)
        if series.dtype in (pl.Duration, pl.Time)
        else _date(series, form=None, trend=trend)
    )


def _number(series: pl.Series, *, counts: bool) -> Found:
    values, extremes = without_extremes(as_numbers(series)[0])
    notes = (f"{series.name}: {times(extremes, 'infinite or huge cell')} (beyond 1e30) taken as missing",)
    known = pl.Series(values[~np.isnan(values)])
    distinct = known.n_unique()
    if distinct == 0:
        return _left_out(series, "every cell is missing or infinite")
    missing = len(known) < len(series)
    if distinct == 1 and not missing:
        return _left_out(series, f"constant: every cell is {series[0]!r}")
    if distinct == 1 and not extremes:
        return _category(series, asked=False)
    if series.dtype.is_integer() and distinct == len(series) >= FEWEST_ROWS and not counts:
        # Half of a range of numbers, without a repetition, does not come by chance.
        if known.max() - known.min() < 2 * len(series):  # type: ignore[operator]
            return _left_out(series, "identifier: it counts the rows")
        if re.search(_IDENTIFIER_NAME, series.name):
            return _left_out(series, "identifier: whole numbers, all different, and its name says so")
    if series.dtype.is_integer() and known.min() >= 19000101 and known.max() <= 21001231:  # type: ignore[operator]
        moments = dates.read(series, "%Y%m%d")
        if moments.null_count() == series.null_count() and distinct > FEWEST_ROWS:
            return _date(series, form="%Y%m%d", trend=True)
    column = _column(series, "numeric", missing=missing, binary=distinct == 2)
    return Found(column, notes if extremes else ())


def _text(series: pl.Series, *, trend: bool) -> Found:
    present = series.drop_nulls()
    words = set(present.head(1000).str.to_lowercase().unique())
    if len(words) == 2:
        words = set(present.str.to_lowercase().unique())
        for no, yes in zip(FALSE, TRUE, strict=True):
            if words == {no, yes}:
                return Found(_column(series, "boolean", levels=(no, yes)))
    form = dates.find_format(series, share=MIXED)
    if form is not None:
        return _date(series, form=form, trend=trend)
    notes: tuple[str, ...] = ()
    if looks_numeric(series):
        values, refused = as_numbers(series)
        numbers = pl.Series(values[~np.isnan(values)])
        bad = series.filter(pl.Series(refused) | series.is_in(UNCLEAR).fill_null(value=False))
        share = len(numbers) / len(present)
        if bad.is_empty():  # leading zeros: names made of digits
            pass
        elif share >= MIXED and numbers.n_unique() > FEWEST_ROWS:
            note = (
                f"{series.name}: {times(len(bad), 'cell')} of text among numbers, such as {bad[0]!r}, taken as missing"
            )
            column = _column(series, "numeric", missing=True, mixed=True)
            return Found(column, (note,))
        else:
            notes = (f"{series.name}: mixes numbers and text, such as {bad[0]!r}; taken as categories",)
    found = _category(series, asked=False)
    return Found(found.column, (*notes, *found.notes))


def _category(series: pl.Series, *, asked: bool) -> Found:
    text = as_text(series)
    counts = text.rename("name").drop_nulls().value_counts().sort("count", "name", descending=[True, False])
    names, number = counts["name"], counts["count"]
    if not asked and len(names) >= max(FEWEST_ROWS, IDENTIFIER * text.count()):
        return _left_out(series, "identifier or free text: nearly every row has its own value")
    notes: tuple[str, ...] = ()
    if len(names) > MOST_ONE_HOT and (number == 1).any() and (number > 1).any():
        rare = int((number == 1).sum())
        names = names.filter(number > 1)
        notes = (f"{series.name}: {times(rare, 'category', 'categories')} of a single row taken as missing",)
    if len(names) > MOST_LEVELS:
        more = times(len(names) - MOST_LEVELS, "category", "categories")
        notes = (*notes, f"{series.name}: beside the {MOST_LEVELS:,} most frequent, {more} taken as missing")
        names = names.head(MOST_LEVELS)
    if series.dtype.is_numeric():
        order = names.cast(pl.Float64).arg_sort()
        names = names[order]
    else:
        names = names.sort()
    missing = bool(text.null_count()) or bool(notes)
    return Found(_column(series, "categorical", levels=tuple(names.to_list()), missing=missing), notes)


def _date(series: pl.Series, *, form: str | None, trend: bool) -> Found:
    moments = dates.read(series, form)
    parts = dates.find_parts(moments, trend=trend)
    if not parts:
        return _left_out(series, "its dates say nothing but the order of the rows")
    notes: tuple[str, ...] = ()
    if form is not None and dates.is_ambiguous(series, form):
        notes = (f"{series.name}: dates could be read with day and month swapped; read as {form}",)
    bad = series.filter(moments.is_null() & series.is_not_null())
    if len(bad):
        note = (
            f"{series.name}: {times(len(bad), 'cell')} among dates that are none, such as {bad[0]!r}, taken as missing"
        )
        notes = (*notes, note)
    mixed = len(bad) > 0
    return Found(_column(series, "date", missing=mixed, parts=parts, format=form, mixed=mixed), notes)


def _column(series: pl.Series, kind: str, *, missing: bool = False, **values: object) -> Column:
    return Column(name=series.name, kind=kind, missing=missing or bool(series.null_count()), **values)  # type: ignore[arg-type]


def _left_out(series: pl.Series, reason: str) -> Found:
    return Found(LeftOut(name=series.name, reason=reason))
