"""Range: numbers between two bounds, evenly or around a centre."""

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
class Range:
    """Numbers between two bounds, both included.

    ``log`` spreads them evenly over orders of magnitude, ``whole`` keeps whole numbers, ``step`` keeps those so far
    from ``low``, and ``zero`` is the probability of exactly 0: how a regulariser is tried without. With a ``width``
    it is a prior: a bell around ``centre``, or around the default's value where no centre is given. Of the numbers of
    a bell without bounds, two of three are nearer to the centre than the width; the width of a logarithmic range is a
    factor, so that 3 means from a third of the centre to three times.

    Raises:
        ConfigError: low is above high, log with a bound that is not above 0, or another value that makes no sense.

    Example:
        >>> round(Range(low=1e-4, high=1.0, log=True, zero=0.5).at(0.75), 6)
        0.01
        >>> Range(low=0.0, high=0.5, step=0.1).values_or_none()
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False
    zero: float = 0.0
    step: float | None = None
    centre: float | None = None
    width: float | None = None

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            check_number(getattr(self, name), name=name, what="a range")
        if not isinstance(self.log, bool):
            raise ConfigError(f"log of a range must be true or false, got {self.log!r}")
        check_line(self, log=self.log, what="a range")
        if self.width is None:
            if self.centre is not None:
                raise ConfigError(f"a range with a centre needs a width, got centre {self.centre} alone")
            return
        check_number(self.width, name="width", what="a range")
        least = 1.0 if self.log else 0.0
        if self.width <= least:
            of, factor = ("logarithmic ", ", since it is a factor") if self.log else ("", "")
            raise ConfigError(f"width of a {of}range must be above {least:g}{factor}; got {self.width}")
        if self.centre is not None:
            check_number(self.centre, name="centre", what="a range")
            if self.log and self.centre <= 0:
                raise ConfigError(f"centre of a logarithmic range must be above 0, got {self.centre}")
        check_bell(**self._bell())

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

    def fitted(self, *, default: Any, low: float, high: float, whole: bool) -> Range:
        """Give this range as a value of a config has it: around its default, whole where that is."""
        del low, high  # a range has bounds of its own
        centre = self.centre
        if self.width is not None and centre is None:
            centre = min(max(default, self.low), self.high)
        return replace(self, centre=centre, whole=self.whole or whole)

    def words(self) -> str:
        """Say what it is in words."""
        span = f"{self.low:g} to {self.high:g}{' by its logarithm' if self.log else ''}"
        if self.width is not None:
            centre = "the default" if self.centre is None else f"{self.centre:g}"
            span += f", around {centre} within {'a factor of ' if self.log else ''}{self.width:g}"
        return words_of(self, span)

    def below(self, number: float) -> float:
        """Give the share of the line that lies below a number."""
        place, low, high = self._place(number), *self._edges()
        if self.width is not None:
            return bell_below(place, **self._bell())
        return min(max((place - low) / (high - low), 0.0), 1.0) if high > low else 0.0

    def number(self, share: float) -> float:
        """Give the number below which a share of the line lies."""
        low, high = self._edges()
        place = low + share * (high - low) if self.width is None else bell_number(share, **self._bell())
        return math.exp(place) if self.log else place

    def _edges(self) -> tuple[float, float]:
        low, high = edges(self)
        # a step may reach below zero, where there is no logarithm
        return (self._place(max(low, self.low / 2)), self._place(high)) if self.log else (low, high)

    def _place(self, number: float) -> float:
        return math.log(max(number, 5e-324)) if self.log else number

    def _bell(self) -> dict[str, float]:
        low, high = self._edges()
        centre = (low + high) / 2 if self.centre is None else self._place(self.centre)
        width = self.width or 1.0
        return {"centre": centre, "width": math.log(width) if self.log else width, "low": low, "high": high}
