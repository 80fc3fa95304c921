"""Grid: every combination of a space's values once, in order, each batch of one shape."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from evenfit.errors import ConfigError
from evenfit.results.trial import Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Constant, Distribution, Range, Space

POINTS = 5  # values of a range between whose ends there is no end of numbers
MOST_POINTS = 10_000  # of a grid


def draw_grid(
    space: Space,
    history: Sequence[Trial],
    count: int,
    *,
    shared: Collection[str],
    seed: int,
    points: int = POINTS,
) -> tuple[Config, ...]:
    """Give the next configs of the grid that have not been tried; none when all have been.

    Names go in the space's order, the last the fastest, but for the ``shared`` ones, which come first:
    a batch is a stretch of the grid in which they do not change, and so may be shorter than ``count``.
    Values that can be counted are all taken, of others ``points``, ends included. Combinations that
    come to one config, since a value has no effect, count once; the default is tried before any.
    """
    del seed  # nothing is left to chance
    levels = grid_levels(space, points=points)
    common = [name for name in levels if name in shared]
    names = common + [name for name in levels if name not in shared]
    tried = {trial.config for trial in history}
    raw = {tuple(getattr(config, name) for name in names) for config in tried}
    for outer in product(*(levels[name] for name in common)):
        batch: dict[Config, None] = {}
        for inner in product(*(levels[name] for name in names[len(common) :])):
            if outer + inner in raw:  # much cheaper than making the config
                continue
            config = space.config(dict(zip(names, outer + inner, strict=True)))
            if config not in tried:
                batch.setdefault(config)
            if len(batch) == count:
                return tuple(batch)
        if batch:
            return tuple(batch)
    return ()


def grid_levels(space: Space, *, points: int = POINTS) -> Mapping[str, tuple[Any, ...]]:
    """Give the values that a grid takes of each name.

    Raises:
        ConfigError: there are no names, or more combinations than a search could ever try.

    Example:
        >>> grid_levels(Space(values={"l2": Range(low=0.01, high=1.0, log=True, zero=0.5)}), points=3)
        {'l2': (0.0, 0.01, 0.1, 1.0)}
    """
    levels = {name: _levels(known, points=points) for name, known in space.values.items()}
    size = math.prod(len(values) for values in levels.values())
    if size > MOST_POINTS:
        widest = max(levels, key=lambda name: len(levels[name]))
        raise ConfigError(
            f"a grid may have {MOST_POINTS:,} points; this space has {_power(size)}: {len(levels)} names, of which "
            f"{widest} alone has {len(levels[widest]):,}; give a smaller space, fewer points a range (grid=3), or "
            "other proposals"
        )
    return levels


def _levels(known: Distribution, *, points: int) -> tuple[Any, ...]:
    values = known.values_or_none()
    if values is not None or isinstance(known, Choice | Constant):
        return tuple(values or ())
    zero = (0.0,) if known.zero > 0 else ()
    # a bell has no ends: its points are the middles of as many equal shares
    inset = 0.0 if isinstance(known, Range) and known.width is None else 0.5 / points
    places = known.zero + np.linspace(inset, math.nextafter(1 - inset, 0.0), points) * (1 - known.zero)
    found = (
        float(np.format_float_positional(known.at(float(place)), precision=12, fractional=False)) for place in places
    )
    return zero + tuple(dict.fromkeys(found))


def _power(size: int) -> str:
    return f"{size:,}" if size < 10**9 else f"10^{len(str(size)) - 1}"
