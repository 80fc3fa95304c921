"""Losses: from the outputs of one member to the gradient of its mean loss."""

from __future__ import annotations

import numpy as np

from evenfit.fleet.kernels.arithmetic import exponential, like
from evenfit.fleet.kernels.compilation import jit


@jit
def class_gradient(logits, bias, target, rows, row_weights, smoothing, portion, mix, d_bias):
    """Turn logits (without their bias) into the gradient of ``portion`` of the mean log loss, in place.

    Targets are class codes, smoothed to ``1 - s + s / K`` on the class and ``s / K`` elsewhere. With a ``mix`` below
    1 a row's loss is that share of its own and the rest of the next row's of its batch.
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
        row, partner = np.int64(rows[b]), np.int64(rows[(b + 1) % count])
        total = like(0.0, bias[0])
        for k in range(classes):
            total += logits[b, k]
        weight = like(portion * mix * row_weights[row] / count, total)
        share = like(1.0, total) / total
        for k in range(classes):
            logits[b, k] = logits[b, k] * share - low
        if mix < 1:
            other = like(portion * (1.0 - mix) * row_weights[partner] / count, total)
            for k in range(classes):
                logits[b, k] *= weight + other
            logits[b, np.int64(target[row])] -= weight * high
            logits[b, np.int64(target[partner])] -= other * high
            for k in range(classes):
                d_bias[k] += logits[b, k]
        else:
            logits[b, np.int64(target[row])] -= high
            for k in range(classes):
                g = weight * logits[b, k]
                logits[b, k] = g
                d_bias[k] += g


@jit
def square_gradient(outputs, bias, target, rows, row_weights, portion, mix, d_bias):
    """Turn outputs (without their bias) into the gradient of ``portion`` of the mean squared error, in place."""
    count = outputs.shape[0]
    total = like(0.0, bias[0])
    for b in range(count):
        row, partner = np.int64(rows[b]), np.int64(rows[(b + 1) % count])
        made = outputs[b, 0] + bias[0]
        g = like(2.0 * portion * mix * row_weights[row] / count, total) * (made - target[row])
        if mix < 1:
            other = like(2.0 * portion * (1.0 - mix) * row_weights[partner] / count, total)
            g += other * (made - target[partner])
        outputs[b, 0] = g
        total += g
    d_bias[0] = total


@jit
def disagreement(outputs, bias, others, rows, row_weights, mix, amount, classification, out):
    """Give the gradient of how far outputs (without their bias) are from those of another pass, into ``out``.

    For classes the mean of both Kullback-Leibler divergences, for numbers the squared difference; a mean over rows,
    weighed as the loss is.
    """
    count, classes = outputs.shape
    own, other = np.empty(classes), np.empty(classes)
    for b in range(count):
        row, partner = np.int64(rows[b]), np.int64(rows[(b + 1) % count])
        weight = amount * (mix * row_weights[row] + (1.0 - mix) * row_weights[partner]) / count
        if not classification:
            out[b] = like(2.0 * weight * (outputs[b, 0] + bias[0] - others[b]), bias[0])
            continue
        for k in range(classes):
            own[k] = outputs[b, k] + bias[k]
            other[k] = others[b * classes + k]
        _log_softmax(own)
        _log_softmax(other)
        away = 0.0
        for k in range(classes):
            away += np.exp(own[k]) * (own[k] - other[k])
        for k in range(classes):
            share = np.exp(own[k])
            g = share * (own[k] - other[k] - away) + share - np.exp(other[k])
            out[b * classes + k] = like(0.5 * weight * g, bias[0])


@jit
def _log_softmax(logits):
    largest, total = logits.max(), 0.0
    for k in range(logits.size):
        total += np.exp(logits[k] - largest)
    for k in range(logits.size):
        logits[k] -= largest + np.log(total)


@jit
def add_gradient(gradient, d_bias, more):
    """Add another gradient at the outputs, and its sum over rows to the bias's."""
    count, classes = gradient.shape
    for b in range(count):
        for k in range(classes):
            gradient[b, k] += more[b * classes + k]
            d_bias[k] += more[b * classes + k]
