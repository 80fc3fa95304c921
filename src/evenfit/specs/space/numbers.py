"""Numbers on a line: what ranges, bells and their kin share once each has said how its line is filled.

A distribution of numbers is a density on a line, cut at both ends, in steps where it has them, with a
probability of exactly zero before all.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

from evenfit.errors import ConfigError

_BELOW_ONE = math.nextafter(1.0, 0.0)


class Line(Protocol):
    """A density on a line, and what is done to its numbers."""

    @property
    def low(self) -> float: ...  # noqa: D102 - the least number
    @property
    def high(self) -> float: ...  # noqa: D102 - the greatest number
    @property
    def whole(self) -> bool: ...  # noqa: D102 - whether only whole numbers are kept
    @property
    def step(self) -> float | None: ...  # noqa: D102 - between one number and the next
    @property
    def zero(self) -> float: ...  # noqa: D102 - the probability of exactly 0
    @property
    def origin(self) -> float: ...  # noqa: D102 - a number that steps are counted from

    def below(self, number: float) -> float:
        """Give the share of the line that lies below a number."""
        ...

    def number(self, share: float) -> float:
        """Give the number below which a share of the line lies."""
        ...


def number_at(known: Line, quantile: float) -> float:
    """Give the number at a quantile in [0, 1), zeros first."""
    if quantile < known.zero:
        return 0 if known.whole else 0.0
    share = (quantile - known.zero) / (1 - known.zero)
    return nearest(known, known.number(min(max(share, 0.0), _BELOW_ONE)))


def quantile_of_number(known: Line, value: Any) -> float:
    """Give the quantile of a number, or of the nearest that there is; the middle where a number has more than one."""
    if isinstance(value, str):
        return 0.5
    if known.zero > 0 and value == 0:
        return known.zero / 2
    number, stride = nearest(known, float(value)), stride_of(known)
    if known.low == known.high:
        share = 0.5
    elif stride is None:
        share = known.below(number)
    else:
        share = (known.below(number - stride / 2) + known.below(number + stride / 2)) / 2
    return min(known.zero + share * (1 - known.zero), _BELOW_ONE)


def all_numbers(known: Line) -> tuple[float, ...] | None:
    """Give all numbers in order, zero first where it has a probability; None where there is no end of them."""
    zero: tuple[float, ...] = ((0 if known.whole else 0.0),) if known.zero > 0 else ()
    stride = stride_of(known)
    if known.low == known.high:
        found: tuple[float, ...] = (nearest(known, known.low),)
    elif stride is None or not (math.isfinite(known.low) and math.isfinite(known.high)):
        return None
    else:
        first, last = _ends(known, stride)
        found = tuple(_stepped(known, place, stride) for place in range(int(first), int(last) + 1))
    return tuple(dict.fromkeys(zero + found))


def nearest(known: Line, number: float) -> float:
    """Give the number that a distribution has nearest to this one; zero aside."""
    near, stride = min(max(number, known.low), known.high), stride_of(known)
    if stride is None:
        return near
    first, last = _ends(known, stride)
    return _stepped(known, min(max(math.floor((near - known.origin) / stride + 0.5), first), last), stride)


def stride_of(known: Line) -> float | None:
    """Give what lies between one number and the next; None where there is no next."""
    return known.step or (1.0 if known.whole else None)


def edges(known: Line) -> tuple[float, float]:
    """Give where the line begins and ends: half a step beyond the first and the last number, where there are steps."""
    stride = stride_of(known)
    if stride is None or known.low == known.high:
        return known.low, known.high
    first, last = _ends(known, stride)
    return known.origin + (first - 0.5) * stride, known.origin + (last + 0.5) * stride


def words_of(known: Line, span: str) -> str:
    """Say zero, a span and its steps in words."""
    zero = f"0 ({100 * known.zero:.3g}%), or " if known.zero else ""
    if known.low == known.high:
        return zero + f"{known.low:g}"
    steps = f" in steps of {known.step:g}" if known.step else " in whole numbers" if known.whole else ""
    return zero + span + steps


def check_line(known: Line, *, log: bool, what: str) -> None:
    """Refuse a line that cannot be drawn from.

    Raises:
        ConfigError: bounds, step or zero make no sense; the message says which.
    """
    for name in ("low", "high", "zero"):
        check_number(getattr(known, name), name=name, what=what, finite=name == "zero")
    if not isinstance(known.whole, bool):
        raise ConfigError(f"whole of {what} must be true or false, got {known.whole!r}")
    if not known.low <= known.high:
        raise ConfigError(f"{what} needs low <= high, got {known.low} and {known.high}")
    if log and known.low <= 0:
        raise ConfigError(f"a logarithmic range needs bounds above 0, got {known.low}")
    if not 0 <= known.zero < 1:
        raise ConfigError(f"the probability of zero must be in [0, 1), got {known.zero}")
    if known.step is not None:
        check_number(known.step, name="step", what=what)
        if known.step <= 0:
            raise ConfigError(f"step of {what} must be above 0, got {known.step}")
        if known.whole and known.step != int(known.step):
            raise ConfigError(f"step of {what} of whole numbers must be whole, got {known.step}")
    if known.whole and math.isfinite(known.origin) and known.origin != int(known.origin):
        raise ConfigError(f"{what} of whole numbers needs whole bounds, got {known.low} and {known.high}")
    stride = stride_of(known)
    if stride is not None:
        first, last = _ends(known, stride)
        if first > last:
            raise ConfigError(f"{what} has no multiple of {stride:g} between {known.low} and {known.high}")


def check_number(value: object, *, name: str, what: str, finite: bool = True) -> None:
    """Refuse what is no number.

    Raises:
        ConfigError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise ConfigError(f"{name} of {what} must be a number, got {value!r}")
    if finite and math.isinf(value):
        raise ConfigError(f"{name} of {what} must be finite, got {value}")


def _ends(known: Line, stride: float) -> tuple[float, float]:
    """Places of the first and the last number, counted in steps from the origin."""
    first, last = (known.low - known.origin) / stride, (known.high - known.origin) / stride
    slack = 1e-9  # 0.3 / 0.1 is a little below 3
    return (
        math.ceil(first - slack) if math.isfinite(first) else first,
        math.floor(last + slack) if math.isfinite(last) else last,
    )


def _stepped(known: Line, place: float, stride: float) -> float:
    number = known.origin + place * stride
    return int(number) if known.whole else float(f"{number:.12g}")
