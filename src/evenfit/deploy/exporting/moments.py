"""Moments: a date as seconds since 1970, taken apart into the numbers that a network sees; see ``data.dates``.

The waves of cycles are tables of what ``data.dates`` gives: a sine that differs in its last digit would no longer be
the same as the training rows' own, and ranks ask for sameness.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evenfit.data.dates import expand
from evenfit.deploy.exporting.operations import INT64, Operations, Value

_DAY, _MINUTE = 86400e6, 60e6  # microseconds
_DAYS_TO_2000 = 10957.0  # from 1970-01-01
_DAYS_TO_1970 = 719468.0  # from 0000-03-01, where the years of the calculation begin
_ERA = 146097.0  # days of 400 years
_STEPS = {  # what a cycle is tabulated over, from a Monday, the first of January
    "month": [datetime.datetime(2001, month, 1) for month in range(1, 13)],  # noqa: DTZ001
    "weekday": [datetime.datetime(2001, 1, day) for day in range(1, 8)],  # noqa: DTZ001
    "hour": [datetime.datetime(2001, 1, 1, minute // 60, minute % 60) for minute in range(1440)],  # noqa: DTZ001
}


def wave_tables(names: Iterable[str]) -> dict[str, npt.NDArray[Any]]:
    """Give the tables of the waves among the parts of dates: 12 months, 7 weekdays, 1440 minutes of a day."""
    tables = {}
    for name in names:
        cycle, _, wave = name.partition("_")
        if wave:
            steps = pl.Series(_STEPS[cycle], dtype=pl.Datetime("us"))
            tables[f"date.{name}"] = np.ascontiguousarray(expand(steps, [name])[:, 0])
    return tables


def parts(operations: Operations, seconds: Value, names: Sequence[str]) -> list[Value]:
    """Give the parts of every moment, each shaped like ``seconds``; all finite.

    Args:
        operations: how to calculate; ``tensor("date." + name)`` gives the tables.
        seconds: since 1970-01-01 00:00, float64, without NaN.
        names: "days", "year", or a cycle's "month_sin", "month_cos", ...
    """
    moment = operations.floor(seconds * 1e6 + 0.5)  # microseconds, whole: what the columns of dates are made of
    days = operations.floor(moment / _DAY)
    year, month = _year_and_month(operations, days)
    time = moment - days * _DAY
    steps = {
        "month": month,
        "weekday": _rest(operations, days + 3.0, 7.0),  # 1970 began on a Thursday
        "hour": operations.floor(time / _MINUTE),
    }
    plain = {"days": moment * (1 / _DAY) - _DAYS_TO_2000, "year": year}  # polars divides so: by the reciprocal
    made = []
    for name in names:
        cycle = name.partition("_")[0]
        if cycle in plain:
            made.append(plain[cycle])
        else:
            made.append(
                operations.take(operations.tensor(f"date.{name}"), operations.cast(steps[cycle], INT64), axis=0)
            )
    return made


def _year_and_month(operations: Operations, days: Value) -> tuple[Value, Value]:
    """Give the year, and the months since its January, of whole days since 1970 in the Gregorian calendar.

    Years that begin in March put the leap day at the end (Hinnant, "chrono-compatible low-level date algorithms",
    2013). All numbers are whole, so that doubles are exact.
    """
    floor = operations.floor
    shifted = days + _DAYS_TO_1970
    era = floor(shifted / _ERA)
    day = shifted - era * _ERA  # of the era
    years = floor((day - floor(day / 1460.0) + floor(day / 36524.0) - floor(day / 146096.0)) / 365.0)
    day_of_year = day - (years * 365.0 + floor(years / 4.0) - floor(years / 100.0))  # since the 1st of March
    from_march = floor((day_of_year * 5.0 + 2.0) / 153.0)
    month = _rest(operations, from_march + 2.0, 12.0)
    next_year = floor((from_march + 2.0) / 12.0)  # January and February belong to the next
    return era * 400.0 + years + next_year, month


def _rest(operations: Operations, whole: Value, divisor: float) -> Value:
    """Give what is left after division, at least 0."""
    return whole - operations.floor(whole / divisor) * divisor
