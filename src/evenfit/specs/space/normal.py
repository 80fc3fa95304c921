"""Normal and LogNormal: numbers around a centre, as far out as a config's value may be."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from evenfit.errors import ConfigError
from evenfit.specs.space.bell import bell_below, bell_number, check_bell
from evenfit.specs.space.numbers import (
    all_numbers,
    check_line,
    check_number,
    edges,
    number_at,
    quantile_of_number,
    words_of,
)


@dataclass(frozen=True, kw_only=True)
class Normal:
    """Numbers of a bell: two of three are nearer to the centre than the width, its standard deviation.

    Bounds are those of the config's value unless they are given; what lies beyond them is cut off. ``step`` keeps the
    multiples of a number.

    Raises:
        ConfigError: the width is not above 0, low is above high, or nothing lies between them.

    Example:
        >>> Normal(centre=0.3, width=0.1).at(0.5)
        0.3
    """

    centre: float
    width: float
    low: float = -math.inf
    high: float = math.inf
    whole: bool = False
    zero: float = 0.0
    step: float | None = None

    def __post_init__(self) -> None:
        check_line(self, log=False, what="a normal distribution")
        for name in ("centre", "width"):
            check_number(getattr(self, name), name=name, what="a normal distribution")
        if self.width <= 0:
            raise ConfigError(f"width of a normal distribution must be above 0, got {self.width}")
        check_bell(**self._bell())

    @property
    def origin(self) -> float:
        """Where steps are counted from."""
        return 0.0

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

    def fitted(self, *, default: Any, low: float, high: float, whole: bool) -> Normal:
        """Give this bell as a value of a config has it: within what the config allows."""
        del default  # it has a centre of its own
        return replace(self, low=max(self.low, low), high=min(self.high, high), whole=self.whole or whole)

    def words(self) -> str:
        """Say what it is in words."""
        return words_of(self, f"normal around {self.centre:g} within {self.width:g}{_bounds(self.low, self.high)}")

    def below(self, number: float) -> float:
        """Give the share of the line that lies below a number."""
        return bell_below(number, **self._bell())

    def number(self, share: float) -> float:
        """Give the number below which a share of the line lies."""
        return bell_number(share, **self._bell())

    def _bell(self) -> dict[str, float]:
        low, high = edges(self)
        return {"centre": self.centre, "width": self.width, "low": low, "high": high}


@dataclass(frozen=True, kw_only=True)
class LogNormal:
    """Numbers whose logarithms are of a bell: two of three lie between centre / width and centre * width.

    Bounds are those of the config's value unless they are given; what lies beyond them is cut off. ``step`` keeps the
    multiples of a number.

    Raises:
        ConfigError: the centre is not above 0 or the width, a factor, not above 1; or nothing lies within the bounds.

    Example:
        >>> round(LogNormal(centre=0.01, width=10.0).at(0.8413), 3)
        0.1
    """

    centre: float
    width: float
    low: float = 0.0
    high: float = math.inf
    whole: bool = False
    zero: float = 0.0
    step: float | None = None

    def __post_init__(self) -> None:
        check_line(self, log=False, what="a lognormal distribution")
        for name, least in (("centre", 0.0), ("width", 1.0)):
            check_number(getattr(self, name), name=name, what="a lognormal distribution")
            if getattr(self, name) <= least:
                factor = ", since it is a factor" if name == "width" else ""
                raise ConfigError(
                    f"{name} of a lognormal distribution must be above {least:g}{factor}; got {getattr(self, name)}"
                )
        if self.low < 0:
            raise ConfigError(f"low of a lognormal distribution must be at least 0, got {self.low}")
        check_bell(**self._bell())

    @property
    def origin(self) -> float:
        """Where steps are counted from."""
        return 0.0

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

    def fitted(self, *, default: Any, low: float, high: float, whole: bool) -> LogNormal:
        """Give this bell as a value of a config has it: within what the config allows."""
        del default  # it has a centre of its own
        return replace(self, low=max(self.low, low), high=min(self.high, high), whole=self.whole or whole)

    def words(self) -> str:
        """Say what it is in words."""
        span = f"lognormal around {self.centre:g} within a factor of {self.width:g}{_bounds(self.low, self.high)}"
        return words_of(self, span)

    def below(self, number: float) -> float:
        """Give the share of the line that lies below a number."""
        return bell_below(_log(number), **self._bell())

    def number(self, share: float) -> float:
        """Give the number below which a share of the line lies."""
        return math.exp(min(bell_number(share, **self._bell()), 700.0))

    def _bell(self) -> dict[str, float]:
        low, high = edges(self)
        return {"centre": _log(self.centre), "width": _log(self.width), "low": _log(low), "high": _log(high)}


def _log(number: float) -> float:
    return math.log(number) if number > 0 else -math.inf


def _bounds(low: float, high: float) -> str:
    """Bounds in words, where there are any."""
    above = f" from {low:g}" if math.isfinite(low) else ""
    return above + (f" to {high:g}" if math.isfinite(high) else "")
