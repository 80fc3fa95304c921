"""Dates: found in text, and expanded into numbers that a network can use."""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import polars as pl

# Tried in this order; where two fit every cell ("03/04/2024"), the earlier one is taken and a note says so.
DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y"),
    *("%Y-%m", "%b %Y", "%B %Y", "%b-%y"),
)
HOURS = ("", " %H:%M:%S%.f", "T%H:%M:%S%.f", " %H:%M", "T%H:%M", " %I:%M %p", " %I:%M:%S %p")
FORMATS = (*(day + hour for day in DAYS for hour in HOURS), *(hour[1:] for hour in HOURS if hour.startswith(" ")))
AMBIGUOUS = ("%m/%d/%", "%d/%m/%", "%d-%m-%", "%m-%d-%")
TREND = ("days", "year")  # the parts that grow for ever
CYCLES = {"month": 12, "weekday": 7, "hour": 24}

_SAMPLE = 100
_DAY = 86400 * 1e6  # microseconds
_LOOKS = r"^\w{1,9}[-/. :]\w{1,9}([-/., :]|$)"
_WEEKDAY = r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? "
_ZONE = r"(:\d{2}(?:\.\d+)?) ?(?:Z|UTC|GMT|([-+]\d{2}):?(\d{2}))$"
# The parser would take "05" and "-21" for years.
_SHAPES = {
    "%Y": r"\d{4}",
    "%y": r"\d{2}",
    "%m": r"\d{1,2}",
    "%d": r"\d{1,2}",
    "%b": "[A-Za-z]{3}",
    "%B": "[A-Za-z]{3,9}",
    "%H": r"\d{1,2}",
    "%I": r"\d{1,2}",
    "%M": r"\d{2}",
    "%S": r"\d{2}",
    "%.f": r"(\.\d+)?",
    "%p": "[AaPp][Mm]",
}


def find_format(text: pl.Series, *, share: float = 1.0) -> str | None:
    """The format that reads every cell that is not missing, or that share of them; None where there is none.

    >>> find_format(pl.Series(["2024-01-31", None, "2024-02-01"]))
    '%Y-%m-%d'
    """
    sample = text.drop_nulls().head(_SAMPLE)
    plain = sample.str.replace(_WEEKDAY, "")
    looks = (plain.str.contains(_LOOKS) & plain.str.contains(r"\d")).sum()
    if sample.is_empty() or looks < share * len(sample):
        return None
    for form in FORMATS:
        if all(read(cells, form).count() >= share * cells.count() for cells in (sample, text)):
            return form
    return None


def is_ambiguous(text: pl.Series, form: str) -> bool:
    """Whether day and month could be swapped in every cell."""
    for one, other in (AMBIGUOUS[:2], AMBIGUOUS[2:]):
        for this, that in ((one, other), (other, one)):
            if form.startswith(this):
                return read(text, form.replace(this, that)).null_count() == text.null_count()
    return False


def read(series: pl.Series, form: str | None) -> pl.Series:
    """A column of text or of dates as moments in UTC, without a zone; null where a cell is no such date.

    A time of day alone is that of 2000-01-01, and a month alone its first day.
    """
    if series.dtype == pl.Date:
        return series.cast(pl.Datetime("us"))
    if isinstance(series.dtype, pl.Datetime):
        zone = series.dtype.time_zone
        return (series.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else series).cast(
            pl.Datetime("us")
        )
    text = series.cast(pl.String).str.replace(_WEEKDAY, "")
    if form is None:
        form = find_format(text) or DAYS[0]
    ahead = _ahead(text)
    text = text.str.replace(_ZONE, "$1")
    text = text.set(~text.str.contains(_shape(form)).fill_null(value=True), None)
    timed = "%H" in form or "%I" in form
    if "%Y" not in form and "%y" not in form:
        text, form = "2000-01-01 " + text, "%Y-%m-%d " + form
    elif "%d" not in form:
        text, form = text + " 1", form + " %d"
    if not timed:
        return text.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    moments = text.str.to_datetime(form, strict=False, time_unit="us")
    return moments if ahead is None else moments - ahead


@cache
def _shape(form: str) -> str:
    """What a date of this format looks like, as a regular expression."""
    parts = re.split("(" + "|".join(map(re.escape, _SHAPES)) + ")", form)
    return "^" + "".join(_SHAPES.get(part, re.escape(part)) for part in parts) + "$"


def _ahead(text: pl.Series) -> pl.Series | None:
    """How far the zone of every time is ahead of UTC; None where none is."""
    hours = text.str.extract(_ZONE, 2).cast(pl.Int64)
    if not hours.count():
        return None
    minutes = text.str.extract(_ZONE, 3).cast(pl.Int64)
    west = text.str.extract(_ZONE, 2).str.starts_with("-")
    total = hours * 60 + minutes.zip_with(~west.fill_null(value=False), -minutes)
    return (total.fill_null(0) * 60_000_000).cast(pl.Duration("us"))


def expand(moments: pl.Series, parts: Sequence[str]) -> np.ndarray:
    """The parts of every moment as numbers: float64 [rows, parts], NaN where missing.

    "days" are days since 2000-01-01, fractions included; a cycle ("month", "weekday", "hour") is two parts, its sine
    and its cosine, so that December lies next to January.
    """
    columns = {
        "days": moments.to_physical() / _DAY - 10957,
        "year": moments.dt.year(),
        "month": moments.dt.month() - 1,
        "weekday": moments.dt.weekday() - 1,
        "hour": moments.dt.hour() + moments.dt.minute() / 60,
    }
    numbers = {name: column.cast(pl.Float64).fill_null(float("nan")).to_numpy() for name, column in columns.items()}
    result = np.empty((len(moments), len(parts)))
    for position, part in enumerate(parts):
        name, _, wave = part.partition("_")
        if wave:
            turn = numbers[name] * (2 * np.pi / CYCLES[name])
            result[:, position] = np.sin(turn) if wave == "sin" else np.cos(turn)
        else:
            result[:, position] = numbers[name]
    return result


def find_parts(moments: pl.Series, *, trend: bool) -> tuple[str, ...]:
    """The parts that differ between rows: a table of one year needs no year.

    Args:
        moments: the dates.
        trend: whether "days" and "year" may be among them.
    """
    parts = [*(TREND if trend else ()), *(f"{cycle}_{wave}" for cycle in CYCLES for wave in ("sin", "cos"))]
    values = expand(moments.drop_nulls(), parts)
    return tuple(part for part, column in zip(parts, values.T, strict=True) if np.ptp(column) > 1e-9)
