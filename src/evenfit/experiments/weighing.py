"""Weighing: of several batches that could be raced next, the one from which most is to be expected a second."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from evenfit.proposals.places import place_of
from evenfit.results.trial import COMPLETE, DIVERGED, Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Space

LEAST_TRIALS = 20  # with losses; of fewer a forest tells nothing
_MOST_TRIALS = 300  # the latest; more make a forest slow
_TREES, _SAMPLES = 60, 256
_FAR = 1.5  # interquartile ranges above the third quartile: losses that are higher count as that

Array = npt.NDArray[np.float64]


class Weigh(Protocol):
    """Says which of several batches is to be raced."""

    def __call__(
        self,
        space: Space,
        history: Sequence[Trial],
        batches: Sequence[Sequence[Config]],
        *,
        seconds: Callable[[Config], float],
        seed: int,
    ) -> int:
        """Give the place of that batch."""
        ...


def weigh(
    space: Space,
    history: Sequence[Trial],
    batches: Sequence[Sequence[Config]],
    *,
    seconds: Callable[[Config], float],
    seed: int,
) -> int:
    """Say which batch has the greatest expected gain a second.

    The gain is how far the lowest loss of a batch is expected below that of the best so far, by a random forest that
    has learnt from the places of the values in the space and from how far trials came, and that errs as it does on
    trials that it has not seen (after Hutter, Hoos & Leyton-Brown, "Sequential model-based optimization for general
    algorithm configuration", LION 2011). A second is the cost model's.

    Args:
        space: where batches are from.
        history: trials so far; with fewer than ``LEAST_TRIALS`` losses the first batch is taken.
        batches: none of them empty.
        seconds: what a config costs.
        seed: of the forest and of the chance in its errors.
    """
    known = [t for t in history if t.status != DIVERGED and math.isfinite(t.loss)][-_MOST_TRIALS:]
    complete = [trial for trial in known if trial.status == COMPLETE]
    if len(batches) < 2 or len(known) < LEAST_TRIALS or not complete:
        return 0
    losses = np.array([trial.loss for trial in known])
    low, high = np.quantile(losses, [0.25, 0.75])
    losses = np.minimum(losses, high + _FAR * (high - low))
    best = min(complete, key=lambda trial: (trial.loss, trial.number))
    row = _row(space)
    rows = np.array([[*row(trial.config), trial.epochs[-1] / trial.config.epochs] for trial in known])
    asked = np.array([[*row(config), 1.0] for config in [best.config, *(one for batch in batches for one in batch)]])
    told, deviation = _foretold(rows, losses, asked, seed=seed)
    # the same chance for all batches: those of equal promise have equal gains
    chance = deviation * np.random.default_rng([seed, 3]).normal(size=(_SAMPLES, max(map(len, batches))))
    rates, first = [], 1
    for batch in batches:
        drawn = told[first : first + len(batch)] + chance[:, : len(batch)]
        gain = float(np.maximum(0.0, told[0] - drawn.min(axis=1)).mean())
        rates.append(gain / sum(map(seconds, batch)))
        first += len(batch)
    return int(np.argmax(rates))


def _row(space: Space) -> Callable[[Config], list[float]]:
    """What a forest sees of a config: the place of every value that is searched."""
    return lambda config: [place_of(known, getattr(config, name)) for name, known in space.values.items()]


def _foretold(rows: Array, losses: Array, asked: Array, *, seed: int) -> tuple[Array, float]:
    """The loss that a forest expects of each row that is asked about, and its error on rows that it has not seen."""
    from sklearn.ensemble import ExtraTreesRegressor  # noqa: PLC0415 - not before a search has something to weigh

    forest = ExtraTreesRegressor(
        _TREES, bootstrap=True, oob_score=True, max_features=0.6, min_samples_leaf=2, random_state=seed % 2**31
    )
    forest.fit(rows, losses)
    error = np.sqrt(np.mean((np.nan_to_num(forest.oob_prediction_, nan=losses.mean()) - losses) ** 2))
    return np.asarray(forest.predict(asked)), float(error)
