"""As raced: a heat with the rungs, or the bar, that its number and the trials before it give."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from evenfit.experiments.heat import Heat
from evenfit.results.trial import COMPLETE, Trial
from evenfit.specs.config import Config
from evenfit.specs.racing import Racing


def as_raced(
    racing: Callable[[int], Racing],
    heat: Heat,
    history: Sequence[Trial],
    *,
    price: Callable[[Config], float] | None = None,
) -> Heat:
    """Say how a heat is raced: a function of its number, its configs and the trials that were known before it.

    The heat of the default, and every other with a protected config, runs to its end on all splits.
    All configs of a heat have one price, so that rungs compare equals. The bar comes from other heats: with a price,
    from configs that are no dearer, so that nothing is dropped for being worse than what costs more.
    """
    if any(entry.protected for entry in heat.entries):
        return replace(heat, rungs=(), first=0.0)
    known = racing(heat.round)
    rungs = known.rungs_of(len(heat.entries))
    rivals = [] if not known.first else [trial for trial in history if _no_dearer(trial, heat, price)]
    bar = worst_of_incumbent(rivals) if known.first else math.inf
    if not math.isfinite(bar):
        return replace(heat, rungs=rungs, thinning=known.thinning)
    return replace(heat, rungs=rungs, thinning=known.thinning, first=known.first, bar=bar)


def _no_dearer(trial: Trial, heat: Heat, price: Callable[[Config], float] | None) -> bool:
    return price is None or price(trial.config) <= price(heat.entries[0].config)


def worst_of_incumbent(history: Sequence[Trial]) -> float:
    """Give the highest loss of a split that the complete trial with the lowest mean has; inf where there is none."""
    complete = [trial for trial in history if trial.status == COMPLETE and math.isfinite(trial.loss)]
    if not complete:
        return math.inf
    incumbent = min(complete, key=lambda trial: (trial.loss, trial.number))
    return float(np.max(incumbent.selection_loss[incumbent.best]))
