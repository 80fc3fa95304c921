"""Losses: from the outputs of one member to the gradient of its mean loss."""

from __future__ import annotations

import numpy as np

from evenfit.fleet.kernels.arithmetic import exponential
from evenfit.fleet.kernels.compilation import jit
from evenfit.regularize.kernels.compilation import like


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
    own, rest = like(portion * mix, bias[0]), like(portion * (1.0 - mix), bias[0])
    for b in range(count):
        row = np.int64(rows[b])
        total = like(0.0, bias[0])
        for k in range(classes):
            total += logits[b, k]
        weight = like(row_weights[row] / count, total) * own
        share = like(1.0, total) / total
        for k in range(classes):
            logits[b, k] = logits[b, k] * share - low
        if mix < 1:
            partner = np.int64(rows[b + 1 if b + 1 < count else 0])
            other = like(row_weights[partner] / count, total) * rest
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
    own, rest, total = like(portion * mix, bias[0]), like(portion * (1.0 - mix), bias[0]), like(0.0, bias[0])
    for b in range(count):
        row = np.int64(rows[b])
        made = outputs[b, 0] + bias[0]
        g = like(2.0 * row_weights[row] / count, total) * own * (made - target[row])
        if mix < 1:
            partner = np.int64(rows[b + 1 if b + 1 < count else 0])
            g += like(2.0 * row_weights[partner] / count, total) * rest * (made - target[partner])
        outputs[b, 0] = g
        total += g
    d_bias[0] = total


@jit
def disagreement(made, others, rows, row_weights, mix, amount, classification, gradient, d_bias):
    """Add to a gradient at the outputs that of how far they are from those of another pass; both flat, with their bias.

    For classes the mean of both Kullback-Leibler divergences, for numbers the squared difference; a mean over rows,
    weighed as the loss is.
    """
    count, classes = gradient.shape
    own, other = np.empty(classes), np.empty(classes)
    for b in range(count):
        row, partner = np.int64(rows[b]), np.int64(rows[b + 1 if b + 1 < count else 0])
        weight = amount * (mix * row_weights[row] + (1.0 - mix) * row_weights[partner]) / count
        begin = b * classes
        if classification:
            _log_softmax(made[begin : begin + classes], own)
            _log_softmax(others[begin : begin + classes], other)
        away = 0.0
        for k in range(classes if classification else 0):
            away += np.exp(own[k]) * (own[k] - other[k])
        for k in range(classes):
            if classification:
                share = np.exp(own[k])
                g = 0.5 * (share * (own[k] - other[k] - away) + share - np.exp(other[k]))
            else:
                g = 2.0 * (made[begin + k] - others[begin + k])
            added = like(weight * g, d_bias[0])
            gradient[b, k] += added
            d_bias[k] += added


@jit
def _log_softmax(logits, out):
    largest, total = np.float64(logits[0]), 0.0
    for k in range(logits.size):
        largest = max(largest, np.float64(logits[k]))
    for k in range(logits.size):
        total += np.exp(logits[k] - largest)
    for k in range(logits.size):
        out[k] = logits[k] - largest - np.log(total)
