"""Distributions of parameters, with W&B's meaning: a value from a quantile, a quantile from a value."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """What a parameter may be; made and checked by ``parameters.py``.

    Numbers of a kind: ``low`` and ``high`` are bounds, mu and sigma, or a and b. Bounds of the deprecated
    log_uniform and its kin are natural logarithms.
    """

    kind: str
    values: tuple[Any, ...] = ()  # of constant and categorical
    probabilities: tuple[float, ...] = ()
    low: float = 0.0
    high: float = 1.0
    q: float | None = None

    @property
    def discrete(self) -> bool:
        """Whether a grid can hold it."""
        return self.kind in {"constant", "categorical", "int_uniform", "q_uniform"} and not self.probabilities

    @property
    def constant(self) -> bool:
        """Whether there is nothing to search."""
        return self.kind == "constant"

    @cached_property
    def distinct(self) -> tuple[Any, ...]:
        """Its values, each once: 1 and 1.0 are one, as they are to W&B, and 1 and True are two."""
        found: dict[str, Any] = {}
        for value in self.values:
            found.setdefault(_identity(value), value)
        return tuple(found.values())

    @property
    def size(self) -> int:
        """How many values a grid has of it; that of q_uniform leaves the maximum out, as W&B's does.

        Raises:
            OverflowError: they are too many for a number.
        """
        if self.values:
            return len(self.distinct)
        if self.kind == "int_uniform":
            return int(self.high) - int(self.low) + 1
        return max(0, math.ceil((self.high - self.low) / (self.q or 1)))

    def nth(self, place: int) -> Any:
        """Give a grid's value at a place; nothing is held but the bounds, so that a grid may be huge."""
        if self.values:
            return self.distinct[place]
        if self.kind == "int_uniform":
            return int(self.low) + place
        step = self.q or 1
        if all(isinstance(each, int) for each in (self.low, self.high, step)):
            return self.low + place * step
        return float(self.low + place * ((self.low + step) - self.low))  # to the last bit numpy's arange

    def at(self, quantile: float) -> Any:
        """Give the value at a quantile in (0, 1).

        >>> Distribution(kind="int_uniform", low=1, high=4).at(0.99)
        4
        """
        if self.values:
            if self.probabilities:
                return self.values[int(np.argmin(quantile >= np.cumsum(self.probabilities)))]
            return self.values[min(int(quantile * len(self.values)), len(self.values) - 1)]
        if self.kind == "int_uniform":
            low, high = int(self.low), int(self.high)
            return min(low + int(quantile * (high - low + 1)), high)
        value = self._continuous(quantile)
        if self.q is None:
            return value
        steps = float(np.round(value / self.q))
        return int(steps) * self.q if isinstance(self.q, int) else steps * self.q

    def cumulative(self, value: Any) -> float:
        """Give the probability of a value or one before it: where the GP of bayes has it, as W&B's does."""
        if self.values:
            place = self._place(value)
            return sum(self.probabilities[: place + 1]) if self.probabilities else (place + 1) / len(self.values)
        if self.kind == "int_uniform":
            return float((value - self.low + 1) / (self.high - self.low + 1))
        return self.quantile(value)

    def _place(self, value: Any) -> int:
        # by kind too: 0, False and 0.0 are three values, and each has a place of its own
        places = [i for i, known in enumerate(self.values) if known == value and type(known) is type(value)]
        return places[0] if places else 0

    def quantile(self, value: Any) -> float:
        """Give the middle of the quantiles that lead to a value."""
        if self.values:
            place = self._place(value)
            weights = self.probabilities or (1 / len(self.values),) * len(self.values)
            return float(sum(weights[:place]) + weights[place] / 2)
        if self.kind == "int_uniform":
            return float((value - self.low + 0.5) / (self.high - self.low + 1))
        return float(np.clip(self._cumulative(float(value)), 0.0, 1.0))

    def _family(self) -> str:
        return self.kind.removeprefix("q_")

    def _continuous(self, quantile: float) -> float:
        family, low, high = self._family(), self.low, self.high
        if family in {"log_uniform_values", "inv_log_uniform_values"}:
            low, high = math.log(low), math.log(high)
        if family == "inv_log_uniform":
            return math.exp(-(low + (1 - quantile) * (high - low)))
        if "log_uniform" in family:
            return math.exp(low + quantile * (high - low))
        if family == "uniform":
            return low + quantile * (high - low)
        return float(self._frozen().ppf(quantile))

    def _cumulative(self, value: float) -> float:
        family, low, high = self._family(), self.low, self.high
        if family in {"log_uniform_values", "inv_log_uniform_values"}:
            low, high = math.log(low), math.log(high)
        if family == "inv_log_uniform":
            low, high = -high, -low
        if "log_uniform" in family:
            return (math.log(value) - low) / (high - low) if value > 0 else 0.0
        if family == "uniform":
            return (value - low) / (high - low)
        return float(self._frozen().cdf(value))

    def _frozen(self) -> Any:
        """The distribution, of scipy; a spread or a shape of 0 is taken as very small."""
        from scipy import stats  # noqa: PLC0415 - half a second that few sweeps need

        first, second = self.low, max(self.high, 1e-300)
        if self._family() == "normal":
            return stats.norm(loc=first, scale=second)
        if self._family() == "log_normal":
            return stats.lognorm(s=second, scale=math.exp(first))
        return stats.beta(max(first, 1e-300), second)


def _identity(value: Any) -> str:
    plain = int(value) if isinstance(value, float) and value.is_integer() else value
    return json.dumps(plain, sort_keys=True, default=str)
