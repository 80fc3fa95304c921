"""Space: where a search may look, as names and distributions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evenfit.errors import ConfigError
from evenfit.specs.config import Config


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers between two bounds, both included.

    ``log`` spreads them evenly over orders of magnitude, ``whole`` keeps whole numbers, and
    ``zero`` is the probability of exactly 0: how a regulariser is tried without.

    Raises:
        ConfigError: low is above high, or log with a bound that is not above 0.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False
    zero: float = 0.0

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ConfigError(f"a range needs low <= high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ConfigError(f"a logarithmic range needs bounds above 0, got {self.low}")
        if not 0 <= self.zero < 1:
            raise ConfigError(f"the probability of zero must be in [0, 1), got {self.zero}")

    def at(self, quantile: float) -> float:
        """Give the value at a quantile in [0, 1), zeros first."""
        if quantile < self.zero:
            return 0.0
        share = (quantile - self.zero) / (1 - self.zero)
        if self.whole:
            return float(math.floor(self.low + share * (self.high - self.low + 1)))
        if self.log:
            return math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        return self.low + share * (self.high - self.low)

    @property
    def usual(self) -> float:
        """The probability of the one value that is likelier than all others together, if there is one; else 0."""
        return self.zero if self.zero > 0.5 else 0.0


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of some values: all equally likely, or the first with a probability of its own.

    Raises:
        ConfigError: there are no values, or the probability is not in [0, 1).
    """

    values: tuple[Any, ...]
    first: float = 0.0  # probability of the first value; 0 makes all equally likely

    def __post_init__(self) -> None:
        if not self.values:
            raise ConfigError("a choice needs at least one value, got none")
        if not 0 <= self.first < 1:
            raise ConfigError(f"the probability of the first value must be in [0, 1), got {self.first}")

    def at(self, quantile: float) -> Any:
        """Give the value at a quantile in [0, 1), the first value first."""
        if self.first == 0 or len(self.values) == 1:
            return self.values[int(quantile * len(self.values))]
        if quantile < self.first:
            return self.values[0]
        share = (quantile - self.first) / (1 - self.first)
        return self.values[1 + int(share * (len(self.values) - 1))]

    @property
    def usual(self) -> float:
        """The probability of the one value that is likelier than all others together, if there is one; else 0."""
        return self.first if self.first > 0.5 else 0.0


@dataclass(frozen=True, kw_only=True)
class Space:
    """Names of a config's values, each with the distribution to draw it from.

    What is not named keeps the value of ``default``, which is always the first config tried.

    Raises:
        ConfigError: a name is not one of a config's values.
    """

    default: Config = field(default_factory=Config)
    values: Mapping[str, Range | Choice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = self.default.to_json()
        for name in self.values:
            if name not in known:
                raise ConfigError(f"a config has no value named {name!r}; it has {', '.join(sorted(known))}")

    def config(self, chosen: Mapping[str, Any]) -> Config:
        """Make the config that has these values and the default's elsewhere; what could do nothing is left out."""
        return self.default.with_values(**chosen).tidied()

    def to_json(self) -> dict[str, Any]:
        """Give the default and each distribution, ready for JSON."""
        return {
            "default": self.default.to_json(),
            "values": {
                name: {"choices": list(known.values), "first": known.first}
                if isinstance(known, Choice)
                else {"low": known.low, "high": known.high, "log": known.log, "whole": known.whole, "zero": known.zero}
                for name, known in self.values.items()
            },
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Space:
        """Make a space from what ``to_json`` gave."""
        values = {
            name: Choice(values=tuple(known["choices"]), first=known.get("first", 0.0))
            if "choices" in known
            else Range(**known)
            for name, known in stored["values"].items()
        }
        return cls(default=Config.from_json(stored["default"]), values=values)
