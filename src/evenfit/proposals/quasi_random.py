"""Quasi-random search: points that fill a space more evenly than chance does, each batch of one shape."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.results.trial import Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Space


def draw_quasi_random(
    space: Space,
    history: Sequence[Trial],
    count: int,
    *,
    shared: Collection[str],
    seed: int,
    scramble: int = 0,
) -> tuple[Config, ...]:
    """Give the next points of a scrambled Sobol sequence; those of one call agree in the ``shared`` values.

    Sobol, "On the distribution of points in a cube and the approximate evaluation of integrals", 1967; Owen,
    "Randomly permuted (t,m,s)-nets and (t,s)-sequences", 1995. The sequence goes on where the trials so far,
    but for the default, have left it. What a batch shares comes from a sequence of its own, a point a batch:
    every so manieth point of a Sobol sequence fills no cube.

    Args:
        space: where to look.
        history: trials so far; how many they are, and of how many batches, is all that matters.
        count: of the batch.
        shared: what the batch has in common.
        seed: of a batch; not used, since one sequence serves the whole search.
        scramble: of the sequence: the search's own seed.
    """
    del seed
    drawn = [trial for trial in history if trial.number > 0]
    batches = len({trial.round for trial in drawn})
    common = [name for name in space.values if name in shared]
    free = [name for name in space.values if name not in shared]
    outer = _points(len(common), batches, 1, seed=scramble)[0]
    inner = _points(len(free), len(drawn), count, seed=scramble + 1)
    fixed: dict[str, Any] = {name: space.values[name].at(float(u)) for name, u in zip(common, outer, strict=True)}
    return tuple(
        space.config(fixed | {name: space.values[name].at(float(u)) for name, u in zip(free, point, strict=True)})
        for point in inner
    )


def _points(size: int, first: int, count: int, *, seed: int) -> npt.NDArray[np.float64]:
    """Points of a scrambled sequence from the ``first`` on: [count, size], below 1."""
    if size == 0:
        return np.empty((count, 0))
    from scipy.stats import qmc  # noqa: PLC0415 - it takes long to import, and other searches do without

    sequence = qmc.Sobol(size, scramble=True, seed=np.random.default_rng([seed, size]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a stretch need not be balanced is known
        if first:
            sequence.fast_forward(first)
        points = sequence.random(count)
    return np.asarray(np.minimum(points, np.nextafter(1.0, 0.0)))
