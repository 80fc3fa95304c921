"""A sweep's search as an evenfit space, where its names are those of a config."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping

from evenfit.errors import ConfigError
from evenfit.specs.config import Config
from evenfit.specs.space import Beta, Choice, Constant, LogNormal, Normal, Range
from evenfit.specs.space import Distribution as SpaceDistribution
from evenfit.specs.space.request import SpaceRequest
from evenfit.sweeps.distributions import Distribution
from evenfit.sweeps.parameters import Names


def space_of(parameters: Mapping[Names, Distribution]) -> tuple[SpaceRequest, dict[str, str]]:
    """Give the space, and the parameters that it cannot hold, each with the reason.

    Where the sweep rounds to multiples of q, the space has steps of q from the first multiple to the last. W&B gives
    these two half the probability of the others, a space as much.
    """
    known = Config().to_json()
    values: dict[str, SpaceDistribution] = {}
    left: dict[str, str] = {}
    for names, distribution in parameters.items():
        name = ".".join(names)
        if name not in known:
            near = difflib.get_close_matches(name, list(known), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            left[name] = f"a config has no value of this name{hint}"
            continue
        try:
            values |= SpaceRequest(values={name: _value(distribution)}).values
        except ConfigError as error:
            left[name] = str(error)
    return SpaceRequest(values=values), left


def _value(known: Distribution) -> SpaceDistribution:
    """The same distribution in a space's terms."""
    if known.kind == "constant":
        return Constant(value=known.values[0])
    if known.values:
        return Choice(values=known.values, probabilities=known.probabilities)
    family, q = known.kind.removeprefix("q_"), known.q
    low, high = known.low, known.high
    if family == "normal":
        return Normal(centre=low, width=high, step=q)
    if family == "log_normal":
        return LogNormal(centre=math.exp(low), width=math.exp(high), step=q)
    if family == "beta":
        return Beta(a=low, b=high, step=q)
    if family == "log_uniform":
        low, high = math.exp(low), math.exp(high)
    if family == "inv_log_uniform":
        low, high = math.exp(-high), math.exp(-low)
    if q is not None:
        low, high = round(low / q) * q, round(high / q) * q
    return Range(low=low, high=high, step=q, whole=known.kind == "int_uniform", log="log" in family)
