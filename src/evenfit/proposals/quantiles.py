"""TPE over plain numbers: for spaces that are not those of a config."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution


def draw_quantiles(
    sizes: Sequence[int], history: Sequence[tuple[Sequence[float], float]], *, seed: int
) -> tuple[float, ...]:
    """Draw a quantile in [0, 1] for each size of 0, and the place of one of so many values for others.

    Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011, through Optuna. The first
    ten are random.
    """
    logging.getLogger("optuna").setLevel(logging.WARNING)
    distributions: dict[str, BaseDistribution] = {
        str(i): CategoricalDistribution(list(range(size))) if size else FloatDistribution(0.0, 1.0)
        for i, size in enumerate(sizes)
    }
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed % 2**32))
    for point, loss in history:
        params = {str(i): int(u) if sizes[i] else u for i, u in enumerate(point)}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=loss))
    trial = study.ask(distributions)
    return tuple(float(trial.params[str(i)]) for i in range(len(sizes)))
