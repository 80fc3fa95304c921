"""Intervals in words, as cards and captions say them."""

from __future__ import annotations

import math

from evenfit.report.digits import decimals, fixed, interval_decimals, span, with_interval
from evenfit.report.words import percent
from evenfit.results.study import Interval


def ends(known: Interval) -> str:
    """An interval's ends with its level: ``95% interval 0.2 to 0.3``; empty where there are none."""
    if not (math.isfinite(known.low) and math.isfinite(known.high)):
        return ""
    return f"{percent(known.level)} interval {span(known)}"


def middle(known: Interval) -> str:
    """An interval's mean, with as many digits as are known."""
    return fixed(known.mean, interval_decimals(known))


def column_places(*known: Interval) -> int:
    """How many decimals a column of intervals is shown with: what the narrowest allows, at most one more than needed.

    Example:
        >>> wide, narrow = Interval(mean=12.0, low=9.0, high=15.0), Interval(mean=7.0, low=6.4, high=7.6)
        >>> column_places(wide, narrow)
        1
    """
    halves = [(one.high - one.low) / 2 for one in known if math.isfinite(one.high - one.low) and one.high > one.low]
    least = interval_decimals(*known)
    return min(least + 1, max(least, decimals(min(halves)))) if halves else least


def exact_or_interval(known: Interval, *, places: int) -> str:
    """A mean with its interval; the mean alone where it is known exactly."""
    return with_interval(known, places=places) if known.high > known.low else fixed(known.mean, places)


def capital(text: str) -> str:
    """A text that begins with a capital letter."""
    return text[:1].upper() + text[1:]
