"""TPE: configs from the regions of the space where losses were low."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from evenfit.proposals.draws import draw_random
from evenfit.results.trial import DIVERGED, Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Beta, Choice, Constant, LogNormal, Normal, Range, Space
from evenfit.specs.space.numbers import nearest

WARM_UP = 12  # trials before which search is random
RARE = 0.85  # probability of one value above which what decides between it and the others is not learnt
_ON = "__on"  # whether a value that may be 0 is not
_BELOW_ONE = math.nextafter(1.0, 0.0)

_Numbers = Range | Normal | LogNormal | Beta


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
    for trial in known:
        params, distributions = _as_params(space, trial.config, without=rare)
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=float(trial.loss)))
    random = count // 4
    generator = np.random.default_rng([seed, 1])
    asked: list[dict[str, Any]] = []
    common: dict[str, Any] = {}
    for _ in range(count - random):
        drawn = {name: value.at(generator.random()) for name, value in rare.items()}
        asked.append(_ask(space, study, common | drawn))
        common = {name: asked[0][name] for name in asked[0] if name in shared}
    rest = draw_random(space, history, random, shared=shared, seed=seed)
    return tuple(space.config(chosen) for chosen in asked) + tuple(
        space.settled(config.with_values(**common)) for config in rest
    )


def _ask(space: Space, study: optuna.Study, given: Mapping[str, Any]) -> dict[str, Any]:
    """Have the values that are searched suggested, parents first; those that are given stay."""
    trial = study.ask()
    chosen: dict[str, Any] = dict(given)
    for name in space.order:
        known = space.values[name]
        if name in given or not space.reaches(name, chosen):
            continue
        if isinstance(known, Constant):
            chosen[name] = known.value
        elif isinstance(known, Choice):
            chosen[name] = known.values[trial.suggest_categorical(name, list(range(len(known.values))))]
        else:
            on = known.zero == 0 or trial.suggest_categorical(name + _ON, [False, True])
            chosen[name] = _suggest(trial, name, known) if on else 0.0
    return chosen


def _suggest(trial: optuna.Trial, name: str, known: _Numbers) -> float:
    native = _native(known)
    if isinstance(native, IntDistribution):
        return trial.suggest_int(name, native.low, native.high, step=native.step, log=native.log)
    if isinstance(native, FloatDistribution):
        return trial.suggest_float(name, native.low, native.high, step=native.step, log=native.log)
    share = min(trial.suggest_float(name, 0.0, 1.0), _BELOW_ONE)
    return known.at(min(known.zero + share * (1 - known.zero), _BELOW_ONE))


def _native(known: _Numbers) -> IntDistribution | FloatDistribution | None:
    """A range in Optuna's own terms; None for what it has no terms for, which goes as the share of its quantiles."""
    if not isinstance(known, Range) or known.width is not None or (known.log and known.step):
        return None
    values = known.values_or_none() if known.step else None
    high = known.high if values is None else values[-1]
    if known.whole:
        return IntDistribution(int(known.low), int(high), step=int(known.step or 1), log=known.log)
    return FloatDistribution(known.low, high, step=known.step, log=known.log)


def _as_params(
    space: Space, config: Config, *, without: Collection[str]
) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """Give a config's searched values in Optuna's terms; values outside the space are left out."""
    params: dict[str, Any] = {}
    distributions: dict[str, BaseDistribution] = {}
    for name, known in space.values.items():
        if name in without or isinstance(known, Constant) or not space.reaches(name, vars(config)):
            continue
        value = getattr(config, name)
        if isinstance(known, Choice):
            place = known.place(value)
            if place is not None:
                params[name] = place
                distributions[name] = CategoricalDistribution(list(range(len(known.values))))
            continue
        if known.zero > 0:
            params[name + _ON] = value != 0
            distributions[name + _ON] = CategoricalDistribution([False, True])
        if known.low <= value <= known.high and not (known.zero > 0 and value == 0):
            params[name], distributions[name] = _told(known, value)
    return params, distributions


def _told(known: _Numbers, value: float) -> tuple[float, BaseDistribution]:
    """A number in Optuna's terms."""
    native = _native(known)
    if native is None:
        return (known.quantile_of(value) - known.zero) / (1 - known.zero), FloatDistribution(0.0, 1.0)
    near = nearest(known, value)
    return (int(near) if known.whole else near), native
