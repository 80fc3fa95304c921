"""Places: where a config's values lie in a space, as quantiles."""

from __future__ import annotations

from typing import Any

from evenfit.specs.space import Distribution


def place_of(known: Distribution, value: Any) -> float:
    """Give the quantile at which a distribution has a value, or the nearest that it has; 0.5 for what it has not.

    A value that has more than one is at their middle.

    Example:
        >>> from evenfit.specs.space import Range
        >>> place_of(Range(low=1.0, high=100.0, log=True, zero=0.5), 10.0)
        0.75
    """
    return known.quantile_of(value)
