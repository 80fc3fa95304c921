"""Beta: a share between two bounds, likelier in some places than in others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from evenfit.errors import ConfigError
from evenfit.specs.space.numbers import (
    all_numbers,
    check_line,
    check_number,
    edges,
    number_at,
    quantile_of_number,
    words_of,
)

_TINY = 1e-15  # a share below which the inverse of the incomplete beta function fails


@dataclass(frozen=True, kw_only=True)
class Beta:
    """A share of the beta distribution, stretched over low to high.

    With a and b of 1 it is even; a above b leans to high, b above a to low, both above 1 to the middle, and both
    below 1 to the ends. ``step`` keeps the numbers so far from ``low``.

    Raises:
        ConfigError: a or b is not above 0, or low is above high.

    Example:
        >>> round(Beta(a=2, b=2, high=0.6).at(0.5), 6)
        0.3
    """

    a: float
    b: float
    low: float = 0.0
    high: float = 1.0
    whole: bool = False
    zero: float = 0.0
    step: float | None = None

    def __post_init__(self) -> None:
        for name in ("low", "high", "a", "b"):
            check_number(getattr(self, name), name=name, what="a beta distribution")
        for name in ("a", "b"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} of a beta distribution must be above 0, got {getattr(self, name)}")
        check_line(self, log=False, what="a beta distribution")

    @property
    def origin(self) -> float:
        """Where steps are counted from."""
        return self.low

    @property
    def usual(self) -> float:
        """The probability of the one value that is likelier than all others together, if there is one; else 0."""
        return self.zero if self.zero > 0.5 else 0.0

    def at(self, quantile: float) -> float:
        """Give the value at a quantile in [0, 1), zeros first."""
        return number_at(self, quantile)

    def quantile_of(self, value: Any) -> float:
        """Give the quantile of a value, or of the nearest that there is."""
        return quantile_of_number(self, value)

    def values_or_none(self) -> tuple[float, ...] | None:
        """Give all values, or None where there is no end of them."""
        return all_numbers(self)

    def fitted(self, *, default: Any, low: float, high: float, whole: bool) -> Beta:
        """Give this distribution as a value of a config has it: in whole numbers where it has no others."""
        del default, low, high  # it has bounds of its own
        return replace(self, whole=self.whole or whole)

    def words(self) -> str:
        """Say what it is in words."""
        return words_of(self, f"beta({self.a:g}, {self.b:g}) from {self.low:g} to {self.high:g}")

    def below(self, number: float) -> float:
        """Give the share of the line that lies below a number."""
        from scipy.special import betainc  # noqa: PLC0415 - configs and spaces start without it

        low, high = edges(self)
        return float(betainc(self.a, self.b, min(max((number - low) / (high - low), 0.0), 1.0))) if high > low else 0.0

    def number(self, share: float) -> float:
        """Give the number below which a share of the line lies."""
        from scipy.special import betaincinv  # noqa: PLC0415 - configs and spaces start without it

        low, high = edges(self)
        if share < _TINY:
            return low
        return low + float(betaincinv(self.a, self.b, share)) * (high - low)
