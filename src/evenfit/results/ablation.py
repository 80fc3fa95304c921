"""Ablation: how much the loss rises when a config does without one of its regularisers, the rest unchanged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from evenfit.results.intervals import corrected_error, corrected_interval, correction
from evenfit.results.selection import validation_rows
from evenfit.results.study import Interval, Truth
from evenfit.results.trial import Trial

LEVEL = 0.95
HELPS, HARMS, UNCLEAR = "helps", "harms", "unclear"


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What one regulariser does for a config."""

    name: str
    value: float  # in the config
    rise: Interval  # of the metric's loss without it; infinite where training then diverges
    chance: float  # of a rise or fall this far from 0 if it did nothing: Holm's, over all regularisers measured
    verdict: str  # helps, harms or unclear


def effects(truth: Truth, whole: Trial, without: Mapping[str, Trial]) -> tuple[Effect, ...]:
    """Compare a config with itself without each of some regularisers, the largest rise of the loss first.

    All were trained on the same splits from the same seeds, so differences are paired; each is judged at the epoch that
    is best for it, as in a search. Intervals and probabilities are of the t distribution with the corrected variance
    of overlapping training sets (Nadeau & Bengio, "Inference for the generalization error", Machine Learning, 2003).
    Probabilities are Holm's ("A simple sequentially rejective multiple test procedure", 1979), so that where no
    regulariser does anything, one is said to with a probability of 5% in all.

    Args:
        truth: what the trials are judged by.
        whole: the config with all its regularisers.
        without: the trial without it, by the regulariser's name.
    """
    rows = {"training_rows": truth.training_rows, "validation_rows": validation_rows(truth)}
    rises, chances = {}, {}
    for name, trial in without.items():
        losses = trial.selection_loss[trial.best] - whole.selection_loss[whole.best]
        if math.isfinite(trial.loss):
            rises[name] = corrected_interval(losses, **rows, level=LEVEL)
            chances[name] = chance_of(losses, factor=correction(**rows))
        else:
            rises[name] = Interval(mean=math.inf, low=math.inf, high=math.inf, level=LEVEL)
            chances[name] = 0.0
    adjusted = holm(chances)
    found = [
        Effect(
            name=name,
            value=float(getattr(whole.config, name)),
            rise=rise,
            chance=adjusted[name],
            verdict=_verdict(rise.mean, adjusted[name]),
        )
        for name, rise in rises.items()
    ]
    return tuple(sorted(found, key=lambda effect: -effect.rise.mean))


def holm(chances: Mapping[str, float]) -> dict[str, float]:
    """Adjust probabilities for how many there are: the k-th smallest of n is multiplied by n - k + 1.

    Example:
        >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
        {'a': 0.03, 'c': 0.06, 'b': 0.06}
    """
    adjusted, highest = {}, 0.0
    for place, name in enumerate(sorted(chances, key=lambda known: chances[known])):
        highest = max(highest, min(1.0, chances[name] * (len(chances) - place)))
        adjusted[name] = highest
    return adjusted


def chance_of(losses: np.ndarray, *, factor: float) -> float:
    """Give the probability of a mean at least as far from 0 as that of these differences."""
    error, mean = float(corrected_error(losses, factor=factor)), float(losses.mean())
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * special.stdtr(len(losses) - 1, -abs(mean) / error)) if math.isfinite(error) else 1.0


def _verdict(rise: float, chance: float) -> str:
    if not chance < 1 - LEVEL:
        return UNCLEAR
    return HELPS if rise > 0 else HARMS
