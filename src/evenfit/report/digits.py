"""Numbers as text, with no more digits than are known."""

from __future__ import annotations

import math

from evenfit.results.study import Interval

UNKNOWN = "not known"
LARGEST_PLAIN = 1e7
_MOST_DECIMALS = 6
_ROUNDING = 1e-7  # of a number: an interval narrower than this is no interval


def decimals(half_width: float) -> int:
    """How many decimals an uncertainty of this size leaves: one uncertain digit, two where it begins with 1 or 2.

    Example:
        >>> decimals(0.0083), decimals(0.015), decimals(2300.0)
        (3, 3, -2)
    """
    exponent = math.floor(math.log10(half_width))
    leading = half_width / 10.0**exponent
    return (1 if round(leading, 1) < 3 else 0) - exponent


def fixed(value: float, places: int) -> str:
    """A number rounded to so many decimals (hundreds for -2); scientific where that would be unreadable.

    Example:
        >>> fixed(0.25134, 3), fixed(123456.7, -2), fixed(-0.0001, 3)
        ('0.251', '123,500', '0.000')
    """
    if math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if places > _MOST_DECIMALS or abs(value) >= LARGEST_PLAIN:
        if value == 0:
            return "0"
        return _plain_exponent(f"{value:.{max(0, math.floor(math.log10(abs(value))) + places)}e}")
    rounded = round(value, places)
    return f"{rounded + 0.0 if rounded else 0.0:,.{max(0, places)}f}"


def short(value: float, *, digits: int = 3) -> str:
    """A number to so many significant digits, without trailing zeros.

    Example:
        >>> short(0.00031234, digits=2), short(0.18), short(1234.6)
        ('3.1e-4', '0.18', '1,235')
    """
    if not math.isfinite(value):
        return UNKNOWN if math.isnan(value) else fixed(value, 0)
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -3 or exponent >= math.log10(LARGEST_PLAIN):
        mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
        return f"{_trimmed(mantissa)}e{int(power)}"
    return _trimmed(f"{value:,.{max(0, digits - 1 - exponent)}f}")


def interval_decimals(*intervals: Interval) -> int:
    """How many decimals a row of intervals is shown with: what the widest allows and the narrowest needs."""
    halves = [
        half
        for known in intervals
        if math.isfinite(half := (known.high - known.low) / 2) and half > _ROUNDING * abs(known.mean)
    ]
    if halves:
        return max(decimals(max(halves)), -math.floor(math.log10(2 * min(halves))))
    means = [abs(known.mean) for known in intervals if math.isfinite(known.mean) and known.mean]
    return decimals(max(means) / 500) if means else 0


def with_interval(known: Interval, *, places: int | None = None) -> str:
    """A mean and its interval: ``0.251 (0.243 to 0.259)``; the mean alone where there is no interval."""
    places = interval_decimals(known) if places is None else places
    if not (math.isfinite(known.low) and math.isfinite(known.high)):
        return fixed(known.mean, places)
    return f"{fixed(known.mean, places)} ({span(known, places=places)})"


def span(known: Interval, *, places: int | None = None) -> str:
    """The two ends of an interval: ``0.243 to 0.259``."""
    places = interval_decimals(known) if places is None else places
    return f"{fixed(known.low, places)} to {fixed(known.high, places)}"


def duration(seconds: float) -> str:
    """A time as people say it.

    Example:
        >>> duration(4.26), duration(59.7), duration(125), duration(3720)
        ('4.3 s', '60 s', '2 min 5 s', '1 h 2 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def count(number: int, noun: str) -> str:
    """A number of things: ``1 row``, ``4,000 rows``; classes take ``es``.

    Example:
        >>> count(1, "row"), count(4000, "row"), count(3, "class")
        ('1 row', '4,000 rows', '3 classes')
    """
    plural = noun if number == 1 else noun + ("es" if noun.endswith("s") else "s")
    return f"{number:,} {plural}"


def _trimmed(text: str) -> str:
    """Without zeros at the end of its decimals."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain_exponent(text: str) -> str:
    """Scientific notation without padding: 3.1e-4, not 3.1e-04."""
    mantissa, _, power = text.partition("e")
    return f"{mantissa}e{int(power)}"
