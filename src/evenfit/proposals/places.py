"""Places: where a config's values lie in a space, as quantiles."""

from __future__ import annotations

import math
from typing import Any

from evenfit.specs.space import Choice, Range


def place_of(known: Range | Choice, value: Any) -> float:
    """Give the quantile at which a distribution has a value, or the nearest that it has; 0.5 for what it has not.

    A value that has more than one is at their middle.

    Example:
        >>> place_of(Range(low=1.0, high=100.0, log=True, zero=0.5), 10.0)
        0.75
        >>> place_of(Choice(values=("relu", "mish")), "mish")
        0.75
    """
    if isinstance(known, Choice):
        return _of_choice(known, value)
    if known.zero > 0 and value == 0:
        return known.zero / 2
    near = min(max(float(value), known.low), known.high)
    if known.whole:
        share = (near - known.low + 0.5) / (known.high - known.low + 1)
    elif known.high == known.low:
        share = 0.5
    elif known.log:
        share = (math.log(near) - math.log(known.low)) / (math.log(known.high) - math.log(known.low))
    else:
        share = (near - known.low) / (known.high - known.low)
    return min(known.zero + share * (1 - known.zero), math.nextafter(1.0, 0.0))


def _of_choice(known: Choice, value: Any) -> float:
    if value not in known.values:
        return 0.5
    if known.first == 0 or len(known.values) == 1:
        spots = [spot for spot, one in enumerate(known.values) if one == value]
        return (sum(spots) / len(spots) + 0.5) / len(known.values)
    if value == known.values[0]:
        return known.first / 2
    spot = known.values.index(value) - 1
    return known.first + (spot + 0.5) / (len(known.values) - 1) * (1 - known.first)
