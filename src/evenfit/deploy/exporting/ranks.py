"""Ranks: normal quantiles of numbers, as tables that any program can look up; see ``data.quantiles``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.cells import LARGEST
from evenfit.data.quantiles import DUST
from evenfit.deploy.exporting.operations import INT64, Operations, Value

Array = npt.NDArray[Any]

_OUTSIDE = 2 * LARGEST  # beyond any number that is not missing

# Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics, 1988: numerators
# and denominators, constant first; for |p - 1/2| <= 0.425, and beyond it down to p = 1e-11. Relative error 1e-16.
_CENTRE = (
    (
        *(3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4),
        *(4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    ),
    (
        *(1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3),
        *(2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
    ),
)
_TAIL = (
    (
        *(1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0),
        *(1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    ),
    (
        *(1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1),
        *(1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
    ),
)


def rank_tables(knots: Sequence[Sequence[Array]]) -> dict[str, Array]:
    """Turn the knots of every column into tables, all columns one after the other.

    Args:
        knots: of each split, of each column, as ``data.quantiles.fit_quantiles`` gives them.

    Returns:
        ``points`` float64, the distinct knots in rising order, with one far outside at either end; ``first`` and
        ``last`` int16, where each stands among all knots of its column; and for each split and column ``begin`` and
        ``end`` int64, its range of points (the end is its last), ``step`` and ``margin`` float64: a value at place i
        among the knots has the rank ``margin + step * i``.
    """
    columns = [[_column(one) for one in split] for split in knots]
    flat = [column for split in columns for column in split]
    lengths = np.array([len(column["points"]) for column in flat], np.int64).reshape(len(columns), -1)
    ends = np.cumsum(lengths).reshape(lengths.shape)
    joined = {name: np.concatenate([column[name] for column in flat]) for name in ("points", "first", "last")}
    spread = {name: np.array([[column[name] for column in split] for split in columns]) for name in ("step", "margin")}
    return joined | spread | {"begin": ends - lengths, "end": ends - 1}


def to_normal(operations: Operations, values: Value, *, prefix: str, longest: int) -> Value:
    """Look up normal quantiles: float64, shaped like the values.

    Args:
        operations: how to calculate; ``tensor(prefix + name)`` gives the tables.
        values: float64 ``[rows, columns]``, without NaN.
        prefix: of the tables' names.
        longest: points of the column that has most.
    """
    tables = {
        name: operations.tensor(prefix + name) for name in ("points", "first", "last", "begin", "end", "step", "margin")
    }
    size = operations.absolute(values)
    values = operations.where(operations.at_most(size, DUST), values * 0.0, values)
    place = operations.unsqueeze(tables["begin"], 1) + operations.cast(operations.unsqueeze(values * 0.0, 0), INT64)
    end = operations.unsqueeze(tables["end"], 1)
    step = 1 << max(longest - 1, 1).bit_length()
    while step > 1:  # the last point that is no greater, by halving: [splits, rows, columns]
        step //= 2
        further = operations.minimum(place + step, end)
        reached = operations.at_most(operations.take(tables["points"], further, axis=0), values)
        place = operations.where(reached, further, place)
    beyond = place + 1  # there is one: the last point lies outside
    below, above = (operations.take(tables["points"], index, axis=0) for index in (place, beyond))
    first, last, upper = (
        operations.cast(operations.take(tables[name], index, axis=0), "float64")
        for name, index in (("first", place), ("last", place), ("first", beyond))
    )
    between = last + (upper - last) * ((values - below) / (above - below))
    among = operations.where(operations.equal(values, below), (first + last) * 0.5, between)  # ties: the middle
    rank = operations.unsqueeze(tables["margin"], 1) + operations.unsqueeze(tables["step"], 1) * among
    return normal_quantile(operations, rank)


def normal_quantile(operations: Operations, rank: Value) -> Value:
    """Give the quantiles of the normal distribution at ranks in (1e-11, 1 - 1e-11), float64."""
    off = rank - 0.5
    square = off * off * -1.0 + 0.180625
    centre = off * _ratio(square, _CENTRE)
    tail = operations.minimum(rank, rank * -1.0 + 1.0)
    far = _ratio(operations.sqrt(operations.log(tail) * -1.0) - 1.6, _TAIL)
    signed = operations.where(operations.at_most(off, 0.0), far * -1.0, far)
    return operations.where(operations.at_most(operations.absolute(off), 0.425), centre, signed)


def _ratio(value: Value, polynomials: tuple[tuple[float, ...], tuple[float, ...]]) -> Value:
    above, below = (_polynomial(value, coefficients) for coefficients in polynomials)
    return above / below


def _polynomial(value: Value, coefficients: Sequence[float]) -> Value:
    *others, result = coefficients
    total: Value = value * 0.0 + result
    for coefficient in reversed(others):
        total = total * value + coefficient
    return total


def _column(knots: Array) -> dict[str, Any]:
    """Make the tables of one column in one split."""
    points = np.asarray(knots[:-1], np.float64)
    count = len(points)
    if count < 2 or points[0] == points[-1]:  # nothing to rank by: everything is in the middle
        places = np.zeros(2, np.int16)
        return {"points": np.array([-_OUTSIDE, _OUTSIDE]), "first": places, "last": places, "step": 0.0, "margin": 0.5}
    distinct, first = np.unique(points, return_index=True)
    last = np.append(first[1:], count) - 1
    margin = 0.5 / min(max(float(knots[-1]), 2.0), 1e6)
    return {
        "points": np.concatenate([[-_OUTSIDE], distinct, [_OUTSIDE]]),
        "first": np.concatenate([[0], first, [count - 1]]).astype(np.int16),
        "last": np.concatenate([[0], last, [count - 1]]).astype(np.int16),
        "step": (1 - 2 * margin) / (count - 1),
        "margin": margin,
    }
