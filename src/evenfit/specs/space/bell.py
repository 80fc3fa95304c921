"""Bell: the normal distribution between two bounds, as shares and numbers."""

from __future__ import annotations

from statistics import NormalDist

from evenfit.errors import ConfigError

LEAST = 1e-6  # of a bell that must lie between its bounds: of less, rounding is all that is left
_NEVER = 1e-12  # shares that an unbounded bell leaves out at either end


def bell_below(number: float, *, centre: float, width: float, low: float, high: float) -> float:
    """Give the share of a bell, cut at low and high, that lies below a number."""
    bell = NormalDist(centre, width)
    first, last = bell.cdf(low), bell.cdf(high)
    return min(max((bell.cdf(number) - first) / (last - first), 0.0), 1.0)


def bell_number(share: float, *, centre: float, width: float, low: float, high: float) -> float:
    """Give the number below which a share of a bell, cut at low and high, lies."""
    bell = NormalDist(centre, width)
    first, last = bell.cdf(low), bell.cdf(high)
    whole = min(max(first + share * (last - first), _NEVER), 1 - _NEVER)
    return min(max(bell.inv_cdf(whole), low), high)


def check_bell(*, centre: float, width: float, low: float, high: float) -> None:
    """Refuse a bell of which nothing lies between its bounds.

    Raises:
        ConfigError: there is none.
    """
    bell = NormalDist(centre, width)
    if bell.cdf(high) - bell.cdf(low) < LEAST and low < high:
        raise ConfigError("its centre is so far outside its bounds that nothing lies between; give a greater width")
