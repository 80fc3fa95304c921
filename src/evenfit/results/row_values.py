"""Row values: what each row contributes to a metric, in half precision, so that rows can be resampled.

Predictions are [..., N, K] and values [..., N, C]: log-probabilities of K classes, or one number. A row
without a prediction, NaN, has NaN values. Errors of numbers are multiples of the deviation of the whole
table's target, or of its square, whatever rows are judged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]
Target = npt.NDArray[Any]  # class codes, or numbers

LARGEST = 6e4  # half precision ends at 65504


def base_loss(predictions: Numbers, target: Target) -> Array:
    """Each row's base loss: log loss, or the squared error in the target's own units.

    Log-probabilities have a column for each class, numbers have one: [..., N, K] -> [..., N].

    Example:
        >>> base_loss(np.array([[3.0], [5.0]]), np.array([1.0, 5.0]))
        array([4., 0.])
    """
    predictions = np.asarray(predictions, dtype=np.float64)
    if predictions.shape[-1] == 1:
        return np.asarray((predictions[..., 0] - target) ** 2)
    return -_of_true_class(predictions, target)


def deviation(target: Target) -> float:
    """The standard deviation of the target, which is what errors are counted in; 1 where it does not vary."""
    return float(np.std(np.asarray(target, dtype=np.float64))) or 1.0


def _clipped(values: Numbers) -> Numbers:
    """Clip to what half precision holds; NaN stays NaN."""
    return np.clip(values, -LARGEST, LARGEST).astype(np.float32)


def log_loss_values(predictions: Numbers, target: Target) -> Numbers:
    """Minus the logarithm of the true class's probability."""
    return _clipped(base_loss(predictions, target))[..., None]


def predicted(predictions: Numbers, target: Target) -> Numbers:  # noqa: ARG001  one signature for all metrics
    """The likeliest class, the first of equals; NaN where a row has no prediction."""
    known = ~np.isnan(predictions).any(axis=-1)
    return np.where(known, np.argmax(predictions, axis=-1), np.nan).astype(np.float32)[..., None]


def error_values(predictions: Numbers, target: Target) -> Numbers:
    """1 where the likeliest class is not the true one, else 0."""
    chosen = predicted(predictions, target)[..., 0]
    return np.where(np.isnan(chosen), chosen, chosen != target).astype(np.float32)[..., None]


def squared_values(predictions: Numbers, target: Target) -> Numbers:
    """The squared error, as a multiple of the target's variance."""
    return _clipped(base_loss(predictions, target) / deviation(target) ** 2)[..., None]


def absolute_values(predictions: Numbers, target: Target) -> Numbers:
    """The absolute error, as a multiple of the target's deviation."""
    return _clipped(np.sqrt(base_loss(predictions, target)) / deviation(target))[..., None]


def log_odds(predictions: Numbers, target: Target) -> Numbers:  # noqa: ARG001  one signature for all metrics
    """Log-odds of the second of two classes, or of every class: half precision keeps their order."""
    log_p = np.minimum(np.asarray(predictions, dtype=np.float64), 0.0)
    if log_p.shape[-1] == 2:
        with np.errstate(invalid="ignore"):
            return _clipped(log_p[..., 1:] - log_p[..., :1])
    with np.errstate(divide="ignore"):
        return _clipped(log_p - np.log(-np.expm1(log_p)))


def _of_true_class(log_probabilities: Numbers, target: Target) -> Array:
    index = np.asarray(target, dtype=np.int64)[:, None]
    index = np.broadcast_to(index, (*log_probabilities.shape[:-1], 1))
    return np.asarray(np.take_along_axis(log_probabilities, index, axis=-1)[..., 0])
