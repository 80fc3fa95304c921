"""TPE: configs from the regions of the space where losses were low."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from evenfit.proposals.draws import draw_random
from evenfit.results.trial import DIVERGED, Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Range, Space

WARM_UP = 12  # trials before which search is random
RARE = 0.85  # probability of one value above which what decides between it and the others is not learnt
_ON = "__on"  # whether a value that may be 0 is not


def draw_tpe(
    space: Space, history: Sequence[Trial], count: int, *, shared: Collection[str], seed: int
) -> tuple[Config, ...]:
    """Draw configs by tree-structured Parzen estimators, through Optuna's ask and tell.

    Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011. Until ``WARM_UP``
    trials are known, and for a quarter of every batch, configs are random. Configs of one
    call agree in the ``shared`` values. Trials that lost a race count with the best loss they had.
    Values that are nearly always the same are drawn as the space says: of the few trials that had another
    nothing can be learnt, and each would make the estimate of all others poorer and slower.
    """
    known = [trial for trial in history if trial.status != DIVERGED and math.isfinite(trial.loss)]
    if len(known) < WARM_UP:
        return draw_random(space, history, count, shared=shared, seed=seed)
    logging.getLogger("optuna").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=seed % 2**32, multivariate=True, group=True, constant_liar=True, n_startup_trials=0
        )
    study = optuna.create_study(sampler=sampler)
    rare = {name: value for name, value in space.values.items() if name not in shared and value.usual >= RARE}
    learnt = replace(space, values={name: value for name, value in space.values.items() if name not in rare})
    for trial in known:
        params, distributions = _as_params(learnt, trial.config)
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=float(trial.loss)))
    random = count // 4
    first = _ask(learnt, study, {})
    common = {name: first[name] for name in space.values if name in shared}
    asked = [first, *(_ask(learnt, study, common) for _ in range(count - random - 1))]
    generator = np.random.default_rng([seed, 1])
    configs = [
        space.config(chosen | {name: value.at(generator.random()) for name, value in rare.items()}) for chosen in asked
    ]
    rest = draw_random(space, history, random, shared=shared, seed=seed)
    return tuple(configs) + tuple(config.with_values(**common).tidied() for config in rest)


def _ask(space: Space, study: optuna.Study, common: dict[str, Any]) -> dict[str, Any]:
    trial = study.ask()
    chosen: dict[str, Any] = dict(common)
    for name, known in space.values.items():
        if name in common:
            continue
        if isinstance(known, Choice):
            chosen[name] = known.values[trial.suggest_categorical(name, list(range(len(known.values))))]
            continue
        on = known.zero == 0 or trial.suggest_categorical(name + _ON, [False, True])
        chosen[name] = _suggest(trial, name, known) if on else 0.0
    return chosen


def _suggest(trial: optuna.Trial, name: str, known: Range) -> float:
    if known.whole:
        return trial.suggest_int(name, int(known.low), int(known.high), log=known.log)
    return trial.suggest_float(name, known.low, known.high, log=known.log)


def _as_params(space: Space, config: Config) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """Give a config's searched values in Optuna's terms; values outside the space are left out."""
    params: dict[str, Any] = {}
    distributions: dict[str, BaseDistribution] = {}
    for name, known in space.values.items():
        value = getattr(config, name)
        if isinstance(known, Choice):
            if value in known.values:
                params[name] = known.values.index(value)
                distributions[name] = CategoricalDistribution(list(range(len(known.values))))
            continue
        if known.zero > 0:
            params[name + _ON] = value != 0
            distributions[name + _ON] = CategoricalDistribution([False, True])
        if known.low <= value <= known.high and not (known.zero > 0 and value == 0):
            params[name] = int(value) if known.whole else value
            distributions[name] = (
                IntDistribution(int(known.low), int(known.high), log=known.log)
                if known.whole
                else FloatDistribution(known.low, known.high, log=known.log)
            )
    return params, distributions
