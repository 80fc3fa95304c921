"""Random search: configs drawn from a space, each batch of one shape."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from evenfit.results.trial import Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Space


def draw_random(
    space: Space, history: Sequence[Trial], count: int, *, shared: Collection[str], seed: int
) -> tuple[Config, ...]:
    """Draw configs at random; those of one call agree in the ``shared`` values, so that they fill one fleet.

    Bergstra & Bengio, "Random search for hyper-parameter optimization", JMLR 2012.
    """
    del history  # random search learns nothing
    generator = np.random.default_rng(seed)
    common: dict[str, Any] = {
        name: space.values[name].at(generator.random()) for name in space.values if name in shared
    }
    free = [name for name in space.values if name not in shared]
    return tuple(
        space.config(common | {name: space.values[name].at(generator.random()) for name in free}) for _ in range(count)
    )
