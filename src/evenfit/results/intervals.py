"""Intervals of means over splits, whose training rows overlap.

The variance of a mean over J splits is (1/J + n_validation / n_training) s^2, with t on J - 1
degrees of freedom: Nadeau & Bengio, "Inference for the generalization error", Machine Learning,
2003. The naive s^2 / J takes overlapping training sets for independent ones: for one 5-fold its
standard error is 1.5 times too small.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special

from evenfit.results.study import Interval

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]
Counts = npt.NDArray[np.integer]


def correction(training_rows: Counts, validation_rows: Counts) -> float:
    """Give the factor (1/J + n_validation / n_training) of the corrected variance.

    Example:
        >>> correction(np.array([80, 80, 80, 80, 80]), np.array([20, 20, 20, 20, 20]))
        0.45
    """
    ratio = np.asarray(validation_rows, dtype=np.float64) / np.maximum(training_rows, 1)
    return 1 / len(ratio) + float(ratio.mean())


def corrected_error(losses: Numbers, *, factor: float) -> Array:
    """Corrected standard error of a mean over splits: [..., S] -> [...]; infinite for one split.

    Example:
        >>> corrected_error(np.array([1.0, 2.0, 3.0]), factor=0.25)
        array(0.5)
    """
    if losses.shape[-1] < 2:
        return np.full(losses.shape[:-1], np.inf)
    return np.asarray(math.sqrt(factor) * np.std(losses, axis=-1, ddof=1))


def corrected_interval(
    losses: Numbers, *, training_rows: Counts, validation_rows: Counts, level: float = 0.95
) -> Interval:
    """Give the mean over splits with its corrected interval; for a paired difference, give differences.

    One split alone says nothing of its spread: the interval is infinite. Losses that are not
    finite give NaN throughout.

    Example:
        >>> rows = np.array([80, 80, 80, 80, 80])
        >>> found = corrected_interval(
        ...     np.array([1.0, 2.0, 3.0, 4.0, 5.0]), training_rows=rows, validation_rows=rows // 4
        ... )
        >>> round(found.low, 2), found.mean, round(found.high, 2)
        (0.06, 3.0, 5.94)
    """
    losses = np.asarray(losses, dtype=np.float64)
    mean = float(losses.mean())
    if not math.isfinite(mean):
        return Interval(mean=math.nan, low=math.nan, high=math.nan, level=level)
    if len(losses) < 2:
        return Interval(mean=mean, low=-math.inf, high=math.inf, level=level)
    error = float(corrected_error(losses, factor=correction(training_rows, validation_rows)))
    reach = error * float(special.stdtrit(len(losses) - 1, (1 + level) / 2))
    return Interval(mean=mean, low=mean - reach, high=mean + reach, level=level)
