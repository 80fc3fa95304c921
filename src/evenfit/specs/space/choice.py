"""Choice and Constant: one of some values, and the only one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from evenfit.errors import ConfigError
from evenfit.specs.space.numbers import check_number

if TYPE_CHECKING:
    from evenfit.specs.space.distribution import Distribution

_BELOW_ONE = math.nextafter(1.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of some values: all equally likely, the first with a probability of its own, or each with its own.

    False, 0 and the empty text are values like others, and False is not 0. What ``branches`` has for a value is
    searched where that value is chosen, and keeps the default elsewhere.

    Raises:
        ConfigError: there are no values, one comes twice, or probabilities are none.

    Example:
        >>> Choice(values=("relu", "mish"), probabilities=(0.2, 0.8)).at(0.5)
        'mish'
    """

    values: tuple[Any, ...]
    first: float = 0.0  # probability of the first value; 0 makes all equally likely
    probabilities: tuple[float, ...] = ()  # of each value
    branches: Mapping[Any, Mapping[str, Distribution]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        given: object = self.values
        if isinstance(given, str) or not isinstance(given, Sequence):
            raise ConfigError(f"values of a choice must be a list, got {given!r}")
        object.__setattr__(self, "values", tuple(self.values))
        object.__setattr__(self, "probabilities", tuple(self.probabilities))
        if not self.values:
            raise ConfigError("a choice needs at least one value, got none")
        for place, value in enumerate(self.values):
            if any(same(value, other) for other in self.values[:place]):
                raise ConfigError(f"a choice has each value once, got {value!r} twice; give probabilities instead")
        check_number(self.first, name="first", what="a choice")
        if not 0 <= self.first < 1:
            raise ConfigError(f"the probability of the first value must be in [0, 1), got {self.first}")
        if self.probabilities:
            self._check_probabilities()
        for value in self.branches:
            if self._place(value) is None:
                raise ConfigError(f"a choice has no value {value!r} to branch at; it has {self.words()}")

    def _check_probabilities(self) -> None:
        if self.first:
            raise ConfigError("a choice has probabilities, or that of the first value, but not both")
        for each in self.probabilities:
            check_number(each, name="probabilities", what="a choice")
            if each < 0:
                raise ConfigError(f"probabilities of a choice must be at least 0, got {each}")
        if len(self.probabilities) != len(self.values):
            raise ConfigError(f"a choice of {len(self.values)} values has {len(self.probabilities)} probabilities")
        if not math.isclose(sum(self.probabilities), 1.0, rel_tol=1e-6):
            raise ConfigError(f"probabilities of a choice must sum to 1, got {sum(self.probabilities):.6g}")

    @property
    def usual(self) -> float:
        """The probability of the one value that is likelier than all others together, if there is one; else 0."""
        most = max(self.weights())
        return most if most > 0.5 else 0.0

    def weights(self) -> tuple[float, ...]:
        """Give the probability of each value."""
        count = len(self.values)
        if self.probabilities:
            return self.probabilities
        if self.first == 0 or count == 1:
            return (1 / count,) * count
        return (self.first, *((1 - self.first) / (count - 1),) * (count - 1))

    def at(self, quantile: float) -> Any:
        """Give the value at a quantile in [0, 1), the first value first."""
        if not self.probabilities and (self.first == 0 or len(self.values) == 1):
            return self.values[int(quantile * len(self.values))]
        if self.probabilities:
            ends = list(accumulate(self.probabilities))
            last = max(place for place, each in enumerate(self.probabilities) if each > 0)
            return self.values[next((place for place, end in enumerate(ends) if quantile < end), last)]
        if quantile < self.first:
            return self.values[0]
        share = (quantile - self.first) / (1 - self.first)
        return self.values[1 + int(share * (len(self.values) - 1))]

    def quantile_of(self, value: Any) -> float:
        """Give the middle of a value's quantiles; 0.5 for what is no value of the choice."""
        place, weights = self._place(value), self.weights()
        if place is None:
            return 0.5
        return min(sum(weights[:place]) + weights[place] / 2, _BELOW_ONE)

    def values_or_none(self) -> tuple[Any, ...]:
        """Give all values that have a probability."""
        return tuple(value for value, each in zip(self.values, self.weights(), strict=True) if each > 0)

    def place(self, value: Any) -> int | None:
        """Give which of the values this is; None where it is none of them."""
        return self._place(value)

    def fitted(self, *, default: Any, low: float, high: float, whole: bool) -> Choice:
        """Give this choice as a value of a config has it."""
        del default, low, high, whole
        return replace(self, branches={})

    def words(self) -> str:
        """Say what it is in words."""
        named = [_word(value) for value in self.values]
        if not self.probabilities and not self.first:
            return ", ".join(named)
        return ", ".join(f"{name} ({100 * each:.3g}%)" for name, each in zip(named, self.weights(), strict=True))

    def _place(self, value: Any) -> int | None:
        exact = [place for place, known in enumerate(self.values) if same(known, value)]
        equal = exact or [place for place, known in enumerate(self.values) if known == value]
        return equal[0] if equal else None


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The one value that a name has in every config, the default's included.

    Example:
        >>> Constant(value=0.9).at(0.3)
        0.9
    """

    value: Any

    @property
    def usual(self) -> float:
        """The probability of the one value."""
        return 1.0

    def at(self, quantile: float) -> Any:
        """Give the value, at any quantile."""
        del quantile
        return self.value

    def quantile_of(self, value: Any) -> float:
        """Give the middle of all quantiles."""
        del value
        return 0.5

    def values_or_none(self) -> tuple[Any, ...]:
        """Give the value."""
        return (self.value,)

    def fitted(self, *, default: Any, low: float, high: float, whole: bool) -> Constant:
        """Give this constant as a value of a config has it."""
        del default, low, high, whole
        return self

    def words(self) -> str:
        """Say what it is in words."""
        return f"always {_word(self.value)}"


def same(first: Any, second: Any) -> bool:
    """Say whether two values are one: 1 and 1.0 are, False and 0 are not."""
    return bool(first == second) and isinstance(first, bool) == isinstance(second, bool)


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
