"""Losses: from the outputs of one member to the gradient of its mean loss."""

from __future__ import annotations

import numpy as np

from evenfit.fleet.kernels.arithmetic import exponential, like
from evenfit.fleet.kernels.compilation import jit


@jit
def class_gradient(logits, bias, target, rows, row_weights, smoothing, d_bias):
    """Turn logits (without their bias) into the gradient of the mean log loss, in place.

    Targets are class codes, smoothed to ``1 - s + s / K`` on the class and ``s / K`` elsewhere.
    """
    count, classes = logits.shape
    for b in range(count):
        largest = logits[b, 0] + bias[0]
        for k in range(classes):
            logits[b, k] += bias[k]
            largest = max(largest, logits[b, k])
        for k in range(classes):
            logits[b, k] -= largest
    flat = logits.reshape(logits.size)
    for i in range(flat.size):
        flat[i] = exponential(flat[i])
    for k in range(classes):
        d_bias[k] = like(0.0, d_bias[k])
    low, high = like(smoothing / classes, bias[0]), like(1.0 - smoothing, bias[0])
    for b in range(count):
        row = np.int64(rows[b])
        total = like(0.0, bias[0])
        for k in range(classes):
            total += logits[b, k]
        weight = like(row_weights[row] / count, total)
        share = like(1.0, total) / total
        for k in range(classes):
            logits[b, k] = logits[b, k] * share - low
        logits[b, np.int64(target[row])] -= high
        for k in range(classes):
            g = weight * logits[b, k]
            logits[b, k] = g
            d_bias[k] += g


@jit
def square_gradient(outputs, bias, target, rows, row_weights, d_bias):
    """Turn outputs (without their bias) into the gradient of the mean squared error, in place."""
    count = outputs.shape[0]
    total = like(0.0, bias[0])
    for b in range(count):
        row = np.int64(rows[b])
        g = like(2.0 * row_weights[row] / count, total) * (outputs[b, 0] + bias[0] - target[row])
        outputs[b, 0] = g
        total += g
    d_bias[0] = total
