"""Settling: whether what a search could still gain is less than what its folds could show.

Makarova, Shen, Perrone, Klein, Faddoul, Krause, Seeger & Archambeau, "Automatic termination for hyperparameter
optimization", AutoML 2022: end where a bound on the regret that remains falls below the standard error of the
incumbent's cross-validation mean, corrected for training rows that overlap (Nadeau & Bengio, 2003). Beyond that, a
lower mean is more likely luck with these folds than a better config.

The bound is the lowest upper bound of the configs that were tried, minus the lowest lower bound of those that could
be. The paper takes both from a Gaussian process; here they are from a forest, the mean over its trees and their
standard deviation: over some thirty values of a config the process's bounds stayed several times too wide for any
search to end. They hold as far as the forest's do: trees that differ where little is known, and a space that the drawn
candidates represent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evenfit.proposals.draws import draw_random
from evenfit.proposals.near import draw_near_to
from evenfit.proposals.places import place_of
from evenfit.results.intervals import corrected_error
from evenfit.results.trial import COMPLETE, DIVERGED, PLANNED, Trial
from evenfit.specs.space import Space

LEAST_TRIALS = 30  # with losses
_MOST_TRIALS = 150  # that the forest learns from: the best half and the latest
_CANDIDATES = 400  # at random, and as many near the best three
_FAR = 1.5  # interquartile ranges above the third quartile: losses that are higher count as that
_REACH = 1.2816  # standard deviations: each bound is to hold with a probability of 90%
_TREES = 100

Array = npt.NDArray[np.float64]


def settled(space: Space, history: Sequence[Trial], *, factor: float, seed: int) -> bool:
    """Whether the regret that may remain is below the corrected standard error of the best config's mean loss.

    Args:
        space: where the search looks.
        history: trials so far; with fewer than ``LEAST_TRIALS`` losses nothing is settled.
        factor: of the corrected variance of a mean over splits: 1/J + n_validation / n_training.
        seed: of the candidates.
    """
    bounds = regret(space, history, factor=factor, seed=seed)
    return bounds is not None and bounds[0] <= bounds[1]


def regret(space: Space, history: Sequence[Trial], *, factor: float, seed: int) -> tuple[float, float] | None:
    """Give the bound on the regret and the error that it is held against; None where too little is known."""
    known = [t for t in history if t.status not in (DIVERGED, PLANNED) and math.isfinite(t.loss)]
    complete = [trial for trial in known if trial.status == COMPLETE]
    if len(known) < LEAST_TRIALS or len(complete) < 5:
        return None
    best = min(complete, key=lambda trial: (trial.loss, trial.number))
    error = float(corrected_error(np.asarray(best.selection_loss[best.best], dtype=np.float64), factor=factor))
    if not math.isfinite(error) or not error > 0:
        return None
    if len(known) > _MOST_TRIALS:
        ranked = sorted(known, key=lambda trial: (trial.loss, trial.number))[: _MOST_TRIALS // 2]
        chosen = {trial.number for trial in ranked}
        known = ranked + [t for t in known if t.number not in chosen][-(_MOST_TRIALS - len(ranked)) :]
    losses = np.array([trial.loss for trial in known])
    low, high = np.quantile(losses, [0.25, 0.75])
    losses = np.minimum(losses, high + _FAR * (high - low))
    rows = np.array([[*_places(space, trial), trial.epochs[-1] / trial.config.epochs] for trial in known])
    asked = _candidates(space, complete, seed=seed)
    told, deviation = _forest(rows, losses, np.concatenate([rows, asked]))
    reach = _REACH * deviation
    whole = np.array([trial.status == COMPLETE for trial in known])
    upper = float((told + reach)[: len(known)][whole].min())
    lower = float((told - reach)[np.concatenate([whole, np.ones(len(asked), dtype=bool)])].min())
    return max(0.0, upper - lower), error


def _places(space: Space, trial: Trial) -> list[float]:
    return [place_of(known, getattr(trial.config, name)) for name, known in space.values.items()]


def _candidates(space: Space, complete: Sequence[Trial], *, seed: int) -> Array:
    """Places of configs that could be tried to their ends: at random, and near the best."""
    drawn = list(draw_random(space, (), _CANDIDATES, shared=(), seed=seed))
    ranked = sorted(complete, key=lambda trial: (trial.loss, trial.number))[:3]
    for number, trial in enumerate(ranked):
        drawn += draw_near_to(
            trial.config, space, _CANDIDATES // len(ranked), free=frozenset(space.values), tried=(), seed=seed + number
        )
    found = [[*(place_of(known, getattr(one, name)) for name, known in space.values.items()), 1.0] for one in drawn]
    return np.array(found)


def _forest(rows: Array, losses: Array, asked: Array) -> tuple[Array, Array]:
    """Mean and standard deviation over the trees of a forest, at the rows that are asked about."""
    from sklearn.ensemble import ExtraTreesRegressor  # noqa: PLC0415 - only where a search is to end when settled

    forest = ExtraTreesRegressor(_TREES, bootstrap=True, max_features=0.6, min_samples_leaf=2, random_state=0)
    forest.fit(rows, losses)
    told = np.stack([tree.predict(asked) for tree in forest.estimators_])
    return told.mean(axis=0), told.std(axis=0)
