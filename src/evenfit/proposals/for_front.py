"""For a front: a way of proposing that is shown places along the front of loss against price in place of losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evenfit.proposals.protocol import Propose
from evenfit.results.front import ranks
from evenfit.results.trial import DIVERGED, PLANNED, Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Space


@dataclass(frozen=True, kw_only=True)
class ForFront:
    """Proposals by another way, for which a trial's loss is its rank by fronts and hypervolume.

    What is near the best is then near some config of the front, and TPE's good configs are its first fronts, as in
    Ozaki, Tanigaki, Watanabe & Onishi, "Multiobjective tree-structured Parzen estimator for computationally expensive
    optimization problems", GECCO 2020. Ways that look at no loss are what they were.
    """

    draw: Propose
    price: Callable[[Config], float]  # parameters, or microseconds a row by the cost model

    def __call__(
        self, space: Space, history: Sequence[Trial], count: int, *, shared: Collection[str], seed: int
    ) -> tuple[Config, ...]:
        """Give ``count`` configs that agree in the ``shared`` values."""
        return self.draw(space, ranked(history, self.price), count, shared=shared, seed=seed)


def ranked(history: Sequence[Trial], price: Callable[[Config], float]) -> tuple[Trial, ...]:
    """Give the same trials, each that has a loss with its rank in the loss's place."""
    has = [
        place
        for place, trial in enumerate(history)
        if trial.status not in (DIVERGED, PLANNED) and math.isfinite(trial.loss)
    ]
    known = ranks(np.array([history[i].loss for i in has]), np.array([price(history[i].config) for i in has]))
    found = list(history)
    for place, rank in zip(has, known, strict=True):
        trial = history[place]
        losses = np.full((1, trial.selection_loss.shape[1]), float(rank))
        found[place] = replace(trial, epochs=trial.epochs[-1:], selection_loss=losses, best=0)
    return tuple(found)
