"""GP: configs where a Gaussian process expects the loss to fall the most."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, create_trial
from threadpoolctl import threadpool_limits

from evenfit.proposals.draws import draw_random
from evenfit.proposals.tpe import RARE
from evenfit.results.trial import DIVERGED, PLANNED, Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Distribution, Space

WARM_UP = 12  # trials before which search is random
MOST_TRIALS = 100  # that a process is fitted to: half the best, half the latest; its time grows with their cube


def draw_gp(
    space: Space, history: Sequence[Trial], count: int, *, shared: Collection[str], seed: int
) -> tuple[Config, ...]:
    """Draw configs by a Gaussian process and its expected improvement, through Optuna's ask and tell.

    Jones, Schonlau & Welch, "Efficient global optimization of expensive black-box functions", 1998. Values are their
    places in the space, between 0 and 1; words are choices without order. What has been proposed and has not ended
    counts with the mean loss (the constant liar of Ginsbourger, Le Riche & Carraro, 2010), so that it is not proposed
    again. Until ``WARM_UP`` losses are known, and for a quarter of every batch, configs are random.
    Configs of one call agree in the ``shared`` values: those that the first was asked for. Values that are nearly
    always the same are drawn as the space says.
    """
    known = [trial for trial in history if trial.status != DIVERGED and math.isfinite(trial.loss)]
    if len(known) < WARM_UP:
        return draw_random(space, history, count, shared=shared, seed=seed)
    logging.getLogger("optuna").setLevel(logging.ERROR)
    rare = {name: value for name, value in space.values.items() if name not in shared and value.usual >= RARE}
    learnt = {name: value for name, value in space.values.items() if name not in rare}
    if not learnt:
        return draw_random(space, history, count, shared=shared, seed=seed)
    distributions = {name: _distribution(value) for name, value in learnt.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.GPSampler(seed=seed % 2**32, n_startup_trials=0)
    study = optuna.create_study(sampler=sampler)
    taught = _taught(known)
    lie = float(np.mean([trial.loss for trial in taught]))
    study.add_trials([_told(trial, learnt, distributions, loss=trial.loss) for trial in taught])
    study.add_trials([_told(trial, learnt, distributions, loss=lie) for trial in history if trial.status == PLANNED])
    random, asked = count // 4, []
    with threadpool_limits(1):  # matrices of a hundred rows are not worth more threads
        for _ in range(count - random):
            trial = study.ask(distributions)
            study.tell(trial, lie)
            asked.append(_chosen(trial, learnt))
    common = {name: asked[0][name] for name in space.values if name in shared}
    generator = np.random.default_rng([seed, 1])
    configs = [
        space.config(one | {name: value.at(generator.random()) for name, value in rare.items()} | common)
        for one in asked
    ]
    rest = draw_random(space, history, random, shared=shared, seed=seed)
    return tuple(configs) + tuple(space.settled(config.with_values(**common)) for config in rest)


def _taught(known: Sequence[Trial]) -> list[Trial]:
    """The trials that the process is fitted to."""
    if len(known) <= MOST_TRIALS:
        return list(known)
    best = sorted(known, key=lambda trial: (trial.loss, trial.number))[: MOST_TRIALS // 2]
    numbers = {trial.number for trial in best}
    others = [trial for trial in known if trial.number not in numbers]
    return best + others[-(MOST_TRIALS - len(best)) :]


def _distribution(known: Distribution) -> BaseDistribution:
    """Places between 0 and 1, or the numbers of words."""
    if _is_words(known):
        return CategoricalDistribution(list(range(len(_words(known)))))
    return FloatDistribution(0.0, 1.0)


def _is_words(known: Distribution) -> bool:
    return isinstance(known, Choice) and any(isinstance(value, str) for value in known.values)


def _words(known: Distribution) -> list[Any]:
    return list(known.values) if isinstance(known, Choice) else []


def _told(
    trial: Trial, learnt: Mapping[str, Distribution], distributions: Mapping[str, BaseDistribution], *, loss: float
) -> FrozenTrial:
    """A trial in Optuna's terms."""
    params: dict[str, Any] = {}
    for name, known in learnt.items():
        value = getattr(trial.config, name)
        if _is_words(known):
            words = _words(known)
            params[name] = words.index(value) if value in words else 0
        else:
            params[name] = known.quantile_of(value)
    return create_trial(params=params, distributions=dict(distributions), value=float(loss))


def _chosen(trial: optuna.Trial, learnt: Mapping[str, Distribution]) -> dict[str, Any]:
    return {
        name: _words(known)[trial.params[name]]
        if _is_words(known)
        else known.at(min(trial.params[name], math.nextafter(1.0, 0.0)))
        for name, known in learnt.items()
    }
