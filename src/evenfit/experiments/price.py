"""Price: what the networks of a config cost in use, counted, measured or by a model that asks no clock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from evenfit.data.encodings import InputShape
from evenfit.fleet.evaluation import evaluate
from evenfit.fleet.layout import layout
from evenfit.specs.config import Config
from evenfit.specs.objectives import SIZE

_CALLS = 4.0  # microseconds of a layer's calls
_WEIGHT = 0.0008  # microseconds of a parameter: to read it in single precision and use it in double
_COSINE = 0.02  # microseconds of a cosine
_REPEATS = 7  # measurements, of which the median is taken
_SHORTEST = 200.0  # microseconds of one measurement


def price_of(objective: str, config: Config, *, shape: InputShape, outputs: int, splits: int) -> float:
    """Give parameters of one network, or the microseconds a row of all splits' networks by the cost model.

    All configs of a heat have the same price: it follows from what shapes tensors.
    """
    plan = layout(config, shape, outputs)
    if objective == SIZE:
        return float(plan.parameters)
    cosines = 16 * shape.numeric if plan.periodic else 0
    calls = _CALLS * (2 + len(plan.widths) + len(shape.cardinalities) / 2 + 2 * plan.periodic)
    return splits * (calls + _WEIGHT * plan.parameters + _COSINE * cosines)


def measured_latency(
    config: Config,
    *,
    shape: InputShape,
    outputs: int,
    splits: int,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Measure the microseconds that the networks of all splits take to predict one row, as deployed.

    Reading and encoding the row are not counted: they are the same for every network. The median of some
    measurements of one network, times the splits.
    """
    plan = layout(config, shape, outputs)
    weights = np.random.default_rng(0).normal(0, 0.1, plan.parameters).astype(np.float32)
    values = np.zeros((1, shape.features), dtype=np.float32)
    codes = np.zeros((1, len(shape.cardinalities)), dtype=np.int64)

    def seconds(calls: int) -> float:
        began = clock()
        for _ in range(calls):
            evaluate(plan, weights, values, codes)
        return (clock() - began) / calls

    seconds(2)
    once = seconds(2)
    calls = max(1, math.ceil(_SHORTEST * 1e-6 / once)) if once > 0 else 100
    return splits * 1e6 * float(np.median([seconds(calls) for _ in range(_REPEATS)]))
