"""Labels: losses made of counts of predicted and true classes, and what each row contributes.

Each is a smooth function of weighted counts, so that the loss plus a row's influence on it gives
numbers whose weighted means are nearly the loss of the weighted rows (Hampel, "The influence
curve and its role in robust estimation", JASA, 1974).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]


def balanced_loss(predicted: Labels, true: Labels, weights: Numbers, *, classes: int) -> Array:
    """1 - the mean recall of the classes that are present: weights [B, N] -> [B]; NaN without rows.

    Example:
        >>> balanced_loss(np.array([0, 0, 0]), np.array([0, 0, 1]), np.ones((1, 3)), classes=2)
        array([0.5])
    """
    found, _, present = _counts(predicted, true, weights, classes=classes)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - _mean_of_finite(found / present)


def f1_loss(predicted: Labels, true: Labels, weights: Numbers, *, classes: int) -> Array:
    """1 - F1 of the second of two classes; of more, 1 - the mean over those true or predicted.

    NaN where the second of two classes is neither true nor predicted.

    Example:
        >>> f1_loss(np.array([1, 1, 0]), np.array([1, 0, 0]), np.ones((1, 3)), classes=2).round(3)
        array([0.333])
    """
    found, chosen, present = _counts(predicted, true, weights, classes=classes)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = 2 * found / (chosen + present)
    return 1 - (f1[:, 1] if classes == 2 else _mean_of_finite(f1))


def balanced_shares(predicted: Labels, true: Labels, *, classes: int) -> Numbers:
    """Give numbers whose mean is the balanced loss of these rows: labels [N] -> [N]."""
    found, _, present = (count[0] for count in _counts(predicted, true, np.ones((1, len(true))), classes=classes))
    if not present.any():
        return np.full(len(true), np.nan, dtype=np.float32)
    recall = found / np.maximum(present, 1)
    influence = ((predicted == true) - recall[true]) / present[true]
    loss = 1 - recall[present > 0].mean()
    return np.asarray(loss - influence * len(true) / np.count_nonzero(present), dtype=np.float32)


def f1_shares(predicted: Labels, true: Labels, *, classes: int) -> Numbers:
    """Give numbers whose mean is the F1 loss of these rows: labels [N] -> [N]."""
    found, chosen, present = (count[0] for count in _counts(predicted, true, np.ones((1, len(true))), classes=classes))
    total = chosen + present
    judged = total > 0
    if classes == 2:
        judged &= np.array([False, True])
    if not judged.any():
        return np.full(len(true), np.nan, dtype=np.float32)
    f1 = 2 * found / np.maximum(total, 1)
    # What a row adds to 2 * found, less what it adds to predicted + true, for each class that it touches.
    slope = np.where(judged, 1 / np.maximum(total, 1), 0) / np.count_nonzero(judged)
    influence = 2 * (predicted == true) * slope[true] - f1[true] * slope[true] - f1[predicted] * slope[predicted]
    return np.asarray(1 - f1[judged].mean() - influence * len(true), dtype=np.float32)


def _counts(predicted: Labels, true: Labels, weights: Numbers, *, classes: int) -> tuple[Array, Array, Array]:
    """Weights of each class: found, predicted and true, each [B, K]."""
    is_true = true[:, None] == np.arange(classes)
    is_predicted = predicted[:, None] == np.arange(classes)
    return weights @ (is_true & is_predicted), weights @ is_predicted, weights @ is_true


def _mean_of_finite(numbers: Array) -> Array:
    """The mean over the last axis of what is finite; NaN where nothing is."""
    finite = np.isfinite(numbers)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(finite, numbers, 0).sum(axis=-1) / finite.sum(axis=-1))
