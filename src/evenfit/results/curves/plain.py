"""Plain: values of a curve as what JSON holds; a number that cannot be had, or has no bound, is None."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def values(known: Mapping[str, Any]) -> dict[str, Any]:
    """Turn frozen values, arrays and numbers of numpy into dicts, lists and numbers, all the way down.

    Example:
        >>> from evenfit.results.study import Interval
        >>> values({"loss": Interval(mean=np.float64(1), low=-np.inf, high=2.0), "rows": np.array([5])})
        {'loss': {'mean': 1.0, 'low': None, 'high': 2.0, 'level': 0.95}, 'rows': [5]}
    """
    return {str(name): _value(one) for name, one in known.items()}


def _value(known: Any) -> Any:
    """One value, as JSON holds it."""
    if is_dataclass(known) and not isinstance(known, type):
        return {field.name: _value(getattr(known, field.name)) for field in fields(known)}
    if isinstance(known, Mapping):
        return values(known)
    if isinstance(known, np.ndarray | list | tuple):
        return [_value(one) for one in known]
    known = known.item() if isinstance(known, np.generic) else known
    if isinstance(known, float) and not math.isfinite(known):
        return None
    return known if known is None or isinstance(known, bool | int | float | str) else str(known)
