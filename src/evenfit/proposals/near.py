"""Near: configs that differ in a few values from the best so far, or from the default while little is known."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from evenfit.results.trial import COMPLETE, Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Constant, Distribution, Space

_PARENTS = 3  # the best complete trials, of which one is the start of a batch
_CHANGED = 0.35  # probability that a value changes
_SHARED_CHANGED = 0.2  # the same for values that a whole batch shares
_STRIDE = 0.2  # standard deviation of a change, as a share of a range's quantiles
_ATTEMPTS = 8  # at drawing a config that was not tried before
_RESTART = 0.3  # probability that a changed value is drawn anew instead


def draw_near(
    space: Space, history: Sequence[Trial], count: int, *, shared: Collection[str], seed: int
) -> tuple[Config, ...]:
    """Change some values of one of the best configs; those of one call agree in the ``shared`` values.

    The mutation step of evolutionary search (Real et al., "Regularized evolution", AAAI 2019); the
    default config is the parent until three trials are complete.
    """
    generator = np.random.default_rng(seed)
    best = sorted((trial for trial in history if trial.status == COMPLETE and math.isfinite(trial.loss)), key=_loss)
    parents = [trial.config for trial in best[:_PARENTS]] if len(best) >= _PARENTS else [space.default]
    parent = parents[int(generator.integers(len(parents)))]
    common: dict[str, Any] = {
        name: _changed(space.values[name], getattr(parent, name), generator)
        for name in space.values
        if name in shared and generator.random() < _SHARED_CHANGED
    }
    start = space.settled(parent.with_values(**common))
    tried = {trial.config for trial in history}
    return draw_near_to(start, space, count, free=frozenset(space.values) - set(shared), tried=tried, seed=seed)


def draw_near_to(
    parent: Config, space: Space, count: int, *, free: Collection[str], tried: Collection[Config], seed: int
) -> tuple[Config, ...]:
    """Change some of the ``free`` values of one config, again and again; what was ``tried`` is not drawn again.

    Where nearly everything has been tried, something may be drawn twice.
    """
    generator = np.random.default_rng([seed, 2])
    configs: list[Config] = []
    for _ in range(count):
        for _ in range(_ATTEMPTS):
            changes = {
                name: _changed(known, getattr(parent, name), generator)
                for name, known in space.values.items()
                if name in free and generator.random() < _CHANGED
            }
            config = space.settled(parent.with_values(**changes))
            if config not in tried and config not in configs:
                break
        configs.append(config)
    return tuple(configs)


def _loss(trial: Trial) -> tuple[float, int]:
    return trial.loss, trial.number


def _changed(known: Distribution, value: Any, generator: np.random.Generator) -> Any:
    """Move a value within its range, or draw it anew."""
    if isinstance(known, Choice | Constant) or value == 0 or generator.random() < _RESTART:
        return known.at(generator.random())
    position = (known.quantile_of(value) - known.zero) / (1 - known.zero)
    moved = float(np.clip(position + generator.normal(0.0, _STRIDE), 0.0, np.nextafter(1.0, 0.0)))
    return known.at(known.zero + moved * (1 - known.zero))
