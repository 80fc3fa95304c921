"""Intervals in words, as cards and captions say them."""

from __future__ import annotations

import math

from evenfit.report.digits import fixed, interval_decimals, span
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


def capital(text: str) -> str:
    """A text that begins with a capital letter."""
    return text[:1].upper() + text[1:]
