"""Forecast: what a search is expected to try and to take, and what it then did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Range:
    """Where a number is expected to lie."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a search is expected to come to, from the speed that its default config has shown."""

    default_seconds: float  # of the default config on all splits, on one core
    speed: float  # seconds measured over those of the cost model
    trials: Range
    seconds: Range  # of the whole run
    epochs: Range  # of single networks

    def to_json(self) -> dict[str, Any]:
        """Give every number by name."""
        found: dict[str, Any] = {"default_seconds": self.default_seconds, "speed": self.speed}
        for name in ("trials", "seconds", "epochs"):
            known: Range = getattr(self, name)
            found[name] = {"low": known.low, "high": known.high}
        return found

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Forecast:
        """Make a forecast from what ``to_json`` gave."""
        ranges = {name: Range(**stored[name]) for name in ("trials", "seconds", "epochs")}
        return cls(default_seconds=stored["default_seconds"], speed=stored["speed"], **ranges)
