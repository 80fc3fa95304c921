"""Leaning: which regularisers the best configs of a search have, beside those of all that were tried."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenfit.results.trial import Trial
from evenfit.specs.config import REGULARISERS

FEWEST = 20  # trials: fewer say nothing
BEST_SHARE = 0.2  # of the trials: the best
_PARTS = 3  # of the values above 0, as many configs in each


@dataclass(frozen=True, kw_only=True)
class Lean:
    """How one regulariser is spread among the best configs and among all: an average over a search."""

    name: str
    importance: float  # how different the two spreads are; 0 where they are the same
    among_best: float  # share of the best configs that have it
    among_all: float  # share of all


def leaning(trials: Sequence[Trial]) -> tuple[Lean, ...]:
    """Give the regularisers that differ among trials, the most important first; none where trials are few.

    The importance is PED-ANOVA's: the variance, over what was tried, of how much more likely a value is among the best
    (Watanabe, Bansal & Hutter, "PED-ANOVA", IJCAI 2023); here of histograms whose first bar is 0 and whose others
    share the values above it. Other values vary at the same time, so it is an average over the search and no effect.
    """
    known = sorted((trial for trial in trials if math.isfinite(trial.loss)), key=lambda trial: trial.loss)
    if len(known) < FEWEST:
        return ()
    best = max(1, round(BEST_SHARE * len(known)))
    found = []
    for name in REGULARISERS:
        values = np.array([float(getattr(trial.config, name)) for trial in known])
        if (values == values[0]).all():
            continue
        bars = _bars(values)
        whole = np.bincount(bars, minlength=_PARTS + 1) / len(bars)
        top = (np.bincount(bars[:best], minlength=_PARTS + 1) + whole) / (best + 1)  # one trial's worth of doubt
        tried = whole > 0
        ratio = top[tried] / whole[tried]
        importance = float((whole[tried] * (ratio - 1) ** 2).sum())
        among = [float((some > 0).mean()) for some in (values[:best], values)]
        found.append(Lean(name=name, importance=importance, among_best=among[0], among_all=among[1]))
    return tuple(sorted(found, key=lambda lean: -lean.importance))


def _bars(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Give the bar of each value: 0 for none, then by rank among those above."""
    above = values[values > 0]
    edges = np.quantile(above, np.arange(1, _PARTS) / _PARTS) if len(above) else np.empty(0)
    return np.where(values > 0, 1 + np.searchsorted(edges, values, side="left"), 0)
