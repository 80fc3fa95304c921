"""Dates: found in text, and expanded into numbers that a network can use."""

from collections.abc import Sequence

import numpy as np
import polars as pl

# Tried in this order; where two fit every cell ("03/04/2024"), the earlier one is taken and a note says so.
DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y"),
    *("%Y-%m", "%b %Y", "%B %Y"),
)
HOURS = ("", " %H:%M:%S%.f", "T%H:%M:%S%.f", " %H:%M", "T%H:%M", " %I:%M %p", " %I:%M:%S %p")
AMBIGUOUS = ("%m/%d/%", "%d/%m/%", "%d-%m-%", "%m-%d-%")
TREND = ("days", "year")  # the parts that grow for ever
CYCLES = {"month": 12, "weekday": 7, "hour": 24}

_SAMPLE = 100
_DAY = 86400 * 1e6  # microseconds


def find_format(text: pl.Series, *, share: float = 1.0) -> str | None:
    """The format that reads every cell that is not missing, or that share of them; None where there is none.

    >>> find_format(pl.Series(["2024-01-31", None, "2024-02-01"]))
    '%Y-%m-%d'
    """
    sample = text.drop_nulls().head(_SAMPLE)
    looks = (sample.str.contains(r"^\w{1,9}[-/. ]\w{1,9}([-/., ]|$)") & sample.str.contains(r"\d")).sum()
    if sample.is_empty() or looks < share * len(sample):
        return None
    for form in (day + hour for day in DAYS for hour in HOURS):
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
    """A column of text or of dates as moments without a time zone; null where a cell is no such date."""
    if series.dtype == pl.Date:
        return series.cast(pl.Datetime("us"))
    if isinstance(series.dtype, pl.Datetime):
        zone = series.dtype.time_zone
        return (series.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else series).cast(
            pl.Datetime("us")
        )
    text = series.cast(pl.String).str.replace(r"(Z|[+-]00:?00)$", "")
    if form is None:
        form = find_format(text) or DAYS[0]
    if "%d" not in form:  # a month alone is its first day
        text, form = text + " 1", form + " %d"
    if "%H" in form or "%I" in form:
        return text.str.to_datetime(form, strict=False, time_unit="us")
    return text.str.to_date(form, strict=False).cast(pl.Datetime("us"))


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
