"""The difference between what two searches selected: over shared splits paired, else not.

Losses are lower when better; a difference is the first run's loss minus the second's, above 0 where the second is
better. Paired differences over splits leave out what makes a split hard for both: their spread, and so the interval,
is narrower. Variances are corrected for training rows that overlap (Nadeau & Bengio, "Inference for the
generalization error", Machine Learning, 2003); without pairs they add, with Welch's degrees of freedom (Welch, "The
generalization of Student's problem when several different population variances are involved", Biometrika, 1947).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special

from evenfit.results.intervals import corrected_error
from evenfit.results.study import Interval

Array = npt.NDArray[np.float64]
LEVEL = 0.95


def paired_difference(first: Array, second: Array, *, factor: float, level: float = LEVEL) -> Interval:
    """Mean of first minus second over splits that they share: [S], [S]; ``factor`` is that of the corrected variance.

    Example:
        >>> found = paired_difference(np.array([1.0, 2.0, 3.0]), np.array([0.9, 1.8, 2.7]), factor=0.8)
        >>> round(found.mean, 3), round(found.low, 3), round(found.high, 3)
        (0.2, -0.185, 0.585)
    """
    differences = np.asarray(first, dtype=np.float64) - second
    error = float(corrected_error(differences, factor=factor))
    return _interval(float(differences.mean()), error, freedom=len(differences) - 1, level=level)


def unpaired_difference(first: Array, second: Array, *, factors: tuple[float, float], level: float = LEVEL) -> Interval:
    """Difference of two means over splits of their own: [S], [T]; with the factor of each one's corrected variance.

    Example:
        >>> found = unpaired_difference(
        ...     np.array([1.0, 2.0, 3.0]), np.array([0.9, 1.8, 2.7]), factors=(0.8, 0.8)
        ... )
        >>> round(found.mean, 3), round(found.low, 3), round(found.high, 3)
        (0.2, -3.156, 3.556)
    """
    mean = float(np.mean(first)) - float(np.mean(second))
    variances = [
        float(corrected_error(np.asarray(losses, dtype=np.float64), factor=factor)) ** 2
        for losses, factor in zip((first, second), factors, strict=True)
    ]
    total = sum(variances)
    if not (0 < total < math.inf):
        return _interval(mean, math.sqrt(total) if total >= 0 else math.nan, freedom=1, level=level)
    parts = [
        variance**2 / (len(losses) - 1) for variance, losses in zip(variances, (first, second), strict=True) if variance
    ]
    return _interval(mean, math.sqrt(total), freedom=total**2 / sum(parts), level=level)


def implied_factor(losses: Array, interval: Interval, *, otherwise: float) -> float:
    """The factor of the corrected variance behind an interval over splits that was stored without it.

    ``otherwise`` is given where the interval has no width or no bound to tell by.

    Example:
        >>> losses = np.array([1.0, 2.0, 3.0])
        >>> implied_factor(losses, paired_difference(losses, np.zeros(3), factor=0.7), otherwise=1.0)
        0.7
    """
    deviation = float(np.std(losses, ddof=1)) if len(losses) > 1 else 0.0
    reach = (interval.high - interval.low) / 2
    if not (deviation > 0 and reach > 0 and math.isfinite(reach) and math.isfinite(deviation)):
        return otherwise
    error = reach / float(special.stdtrit(len(losses) - 1, (1 + interval.level) / 2))
    return round((error / deviation) ** 2, 12)


def _interval(mean: float, error: float, *, freedom: float, level: float) -> Interval:
    """A t interval; without bounds where there is one split alone."""
    if math.isnan(mean) or math.isnan(error):
        return Interval(mean=math.nan, low=math.nan, high=math.nan, level=level)
    if math.isinf(error):
        return Interval(mean=mean, low=-math.inf, high=math.inf, level=level)
    reach = error * float(special.stdtrit(freedom, (1 + level) / 2))
    return Interval(mean=mean, low=mean - reach, high=mean + reach, level=level)
