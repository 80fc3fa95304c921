"""A sweep's search as an evenfit space, where its names are those of a config."""

from __future__ import annotations

import math
from typing import Any

from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Range, Space
from evenfit.sweeps.distributions import Distribution
from evenfit.sweeps.sweep import Sweep


def to_space(sweep: Sweep) -> dict[str, Any]:
    """Give the space, ready for JSON, and the parameters that it cannot hold, each with the reason."""
    known = Config().to_json()
    values: dict[str, Range | Choice] = {}
    left: dict[str, str] = {}
    for names, distribution in sweep.parameters.items():
        name = ".".join(names)
        found = _value(distribution)
        if name not in known:
            left[name] = "a config has no value of this name"
        elif found is None:
            left[name] = f"a space has no {distribution.kind} distribution"
        else:
            values[name] = found
    return Space(values=values).to_json() | {"left_out": left}


def _value(known: Distribution) -> Range | Choice | None:
    if known.values and not known.probabilities:
        return Choice(values=known.values)
    if known.kind in {"uniform", "int_uniform"}:
        return Range(low=known.low, high=known.high, whole=known.kind == "int_uniform")
    if known.kind in {"log_uniform_values", "inv_log_uniform_values"}:
        return Range(low=known.low, high=known.high, log=True)
    if known.kind == "log_uniform":
        return Range(low=math.exp(known.low), high=math.exp(known.high), log=True)
    return None
