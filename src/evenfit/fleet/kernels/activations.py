"""Activations: bias, activation and dropout in one pass, and the way back."""

from __future__ import annotations

import numpy as np

from evenfit.fleet.kernels.arithmetic import exponential, fill_words, normal
from evenfit.fleet.kernels.compilation import jit
from evenfit.regularize.kernels.compilation import like

RELU, SELU, MISH, SILU, GELU = 0, 1, 2, 3, 4
ACTIVATION_CODES = {"relu": RELU, "selu": SELU, "mish": MISH, "silu": SILU, "gelu": GELU}
ELEMENTWISE, GAUSSIAN, ALPHA = 0, 1, 2
DROPOUT_CODES = {"elementwise": ELEMENTWISE, "gaussian": GAUSSIAN, "alpha": ALPHA}
SELU_FLOOR = -1.7580993408473766  # what SELU gives far below 0


@jit
def activate(z, bias, h, code, kind, threshold, kept_scale, stream, words):
    """Add the bias, activate and drop: ``h`` receives the units, ``z`` the slopes that take a gradient back.

    A unit is kept where its byte of the stream reaches the threshold, and is then multiplied by
    ``kept_scale``; a threshold of 0 drops nothing. Gaussian dropout multiplies by numbers of the same mean and
    variance instead; alpha dropout sets units to SELU's floor and keeps its mean and variance (Klambauer et al.,
    "Self-normalizing neural networks", 2017).
    """
    count, width = z.shape
    zero, one, two, half = like(0.0, bias[0]), like(1.0, bias[0]), like(2.0, bias[0]), like(0.5, bias[0])
    for b in range(count):
        if code == RELU:
            for j in range(width):
                v = z[b, j] + bias[j]
                h[b, j] = v if v > zero else zero
                z[b, j] = one if v > zero else zero
        elif code == SELU:
            for j in range(width):
                v = z[b, j] + bias[j]
                e = like(1.7580993408473766, zero) * exponential(min(v, zero))
                up = like(1.0507009873554805, zero)
                h[b, j] = up * v if v > zero else e - like(1.7580993408473766, zero)
                z[b, j] = up if v > zero else e
        elif code == MISH:
            for j in range(width):
                v = z[b, j] + bias[j]
                e = exponential(min(v, like(20.0, zero)))
                n = e * (e + two)
                share = one / ((n + two) * (one + e))  # one division for two quotients
                t = n * (one + e) * share
                h[b, j] = v * t
                z[b, j] = t + v * (one - t * t) * (e * (n + two) * share)
        elif code == SILU:
            for j in range(width):
                v = z[b, j] + bias[j]
                t = one / (one + exponential(-v))
                h[b, j] = v * t
                z[b, j] = t * (one + v * (one - t))
        elif code == GELU:
            for j in range(width):
                v = z[b, j] + bias[j]
                a, c = like(0.7978845608028654, zero), like(0.044715, zero)
                t = one - two / (one + exponential(two * a * (v + c * v * v * v)))
                h[b, j] = half * v * (one + t)
                slope = a * (one + like(3.0, zero) * c * v * v)
                z[b, j] = half * (one + t) + half * v * (one - t * t) * slope
    if threshold > 0 and kind == GAUSSIAN:
        deviation = np.sqrt(kept_scale - 1.0)
        for b in range(count):
            for j in range(width):
                noisy = like(1.0 + deviation * normal(stream, b * width + j), zero)
                h[b, j] *= noisy
                z[b, j] *= noisy
    elif threshold > 0 and kind == ALPHA:
        rate = threshold / 256.0
        gain = 1.0 / np.sqrt((1.0 - rate) * (1.0 + rate * SELU_FLOOR * SELU_FLOOR))
        shift, slope = like(-gain * rate * SELU_FLOOR, zero), like(gain, zero)
        floor = like(gain * SELU_FLOOR, zero) + shift
        fill_words(stream, words, (count * width + 7) // 8)
        chances = words.view(np.uint8)
        least = np.uint8(threshold)
        for b in range(count):
            for j in range(width):
                kept = chances[b * width + j] >= least
                h[b, j] = slope * h[b, j] + shift if kept else floor
                z[b, j] = slope * z[b, j] if kept else zero
    elif threshold > 0:
        fill_words(stream, words, (count * width + 7) // 8)
        bits = words.view(np.uint8)
        limit, scale = np.uint8(threshold), like(kept_scale, zero)
        for b in range(count):
            for j in range(width):
                factor = scale if bits[b * width + j] >= limit else zero
                h[b, j] *= factor
                z[b, j] *= factor


@jit
def back(gradient, slope, d_bias):
    """Take a gradient back through ``activate``, in place, and sum it into the bias's."""
    count, width = gradient.shape
    for j in range(width):
        d_bias[j] = like(0.0, d_bias[j])
    for b in range(count):
        for j in range(width):
            g = gradient[b, j] * slope[b, j]
            gradient[b, j] = g
            d_bias[j] += g
