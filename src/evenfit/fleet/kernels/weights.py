"""Weights: noise on them and weights dropped for one pass, and the bounds that they are held to after a step.

A matrix is ``[in, out]``, flat: a row is what leaves an input, a column what arrives at a unit.
"""

from __future__ import annotations

import numpy as np

from evenfit.fleet.chance import SECOND_PASS, WEIGHT_MASK, WEIGHT_NOISE_STREAM
from evenfit.fleet.kernels.arithmetic import normal, stream_of, word
from evenfit.fleet.kernels.compilation import jit
from evenfit.fleet.kernels.network import (
    DROP_CONNECT,
    DROP_CONNECT_SCALE,
    FAN_IN,
    FAN_OUT,
    GROUP_LASSO,
    MAX_NORM,
    SPECTRAL_BOUND,
    UNIT_NORM,
    WEIGHT,
    WEIGHT_NOISE,
)
from evenfit.regularize.kernels.compilation import like

AT_MOST, EXACTLY = 0, 1  # how a unit's norm is bounded


@jit
def perturb(w, own, network, batch, turn, out):
    """Copy a row of weights for one pass: noise on all weights, weights behind hidden units dropped."""
    layers = network.layers
    for i in range(w.size):
        out[i] = w[i]
    for i in range(layers.shape[0]):
        at, size = layers[i, WEIGHT], layers[i, FAN_IN] * layers[i, FAN_OUT]
        if own[WEIGHT_NOISE] > 0:
            stream = stream_of(batch.seed, WEIGHT_NOISE_STREAM + i + turn * SECOND_PASS, batch.epoch, batch.step)
            add_noise(out[at : at + size], own[WEIGHT_NOISE], stream)
        if i > 0 and own[DROP_CONNECT] > 0:
            stream = stream_of(batch.seed, WEIGHT_MASK + i + turn * SECOND_PASS, batch.epoch, batch.step)
            drop_weights(out[at : at + size], own[DROP_CONNECT], own[DROP_CONNECT_SCALE], stream)


@jit
def restore_gradient(own, network, batch, turn, gradient):
    """Take a gradient back from weights of which some were dropped to those that are learnt, in place."""
    layers = network.layers
    for i in range(1, layers.shape[0]):
        at, size = layers[i, WEIGHT], layers[i, FAN_IN] * layers[i, FAN_OUT]
        stream = stream_of(batch.seed, WEIGHT_MASK + i + turn * SECOND_PASS, batch.epoch, batch.step)
        drop_weights(gradient[at : at + size], own[DROP_CONNECT], own[DROP_CONNECT_SCALE], stream)


@jit
def add_noise(w, amount, stream):
    """Add normal numbers of a standard deviation of ``amount``."""
    for place in range(w.size):
        w[place] += like(amount * normal(stream, place), w[place])


@jit
def drop_weights(w, threshold, kept_scale, stream):
    """Drop weights in place: each is kept where its byte of the stream reaches the threshold."""
    scale, zero, limit, low = like(kept_scale, w[0]), like(0.0, w[0]), np.uint64(threshold), np.uint64(255)
    for begin in range(0, w.size, 8):
        bits = word(stream, begin // 8)
        for place in range(begin, min(begin + 8, w.size)):
            w[place] *= scale if (bits & low) >= limit else zero
            bits = bits >> np.uint64(8)


@jit
def constrain(w, own, network, reach, shrink, sums):
    """Take the proximal step of groups and the projections on bounds, behind those of single weights.

    ``reach`` is the step size, ``shrink`` the factor that L2 has already multiplied the weights by, and
    ``sums`` memory to work in, a number for each unit of a layer.
    """
    layers = network.layers
    for i in range(layers.shape[0]):
        at, fan_in, fan_out = layers[i, WEIGHT], layers[i, FAN_IN], layers[i, FAN_OUT]
        matrix = w[at : at + fan_in * fan_out]
        if own[GROUP_LASSO] > 0:
            shrink_groups(matrix, reach * own[GROUP_LASSO] * shrink, fan_in, fan_out, network.source_of, i == 0)
        if own[MAX_NORM] > 0:
            bound_units(matrix, own[MAX_NORM], fan_in, fan_out, sums, AT_MOST)
        if own[UNIT_NORM] > 0 and i < layers.shape[0] - 1:
            bound_units(matrix, 1.0, fan_in, fan_out, sums, EXACTLY)
        if own[SPECTRAL_BOUND] > 0:
            bound_stretch(matrix, own[SPECTRAL_BOUND], fan_in, fan_out)


@jit
def shrink_groups(w, threshold, fan_in, fan_out, source_of, by_source):
    """Shorten the weights that leave each input, or all inputs of one column, by ``threshold``."""
    begin = 0
    while begin < fan_in:
        end = begin + 1
        while by_source and end < fan_in and source_of[end] == source_of[begin]:
            end += 1
        total = 0.0
        for place in range(begin * fan_out, end * fan_out):
            total += w[place] * w[place]
        norm = np.sqrt(total)
        factor = like(1.0 - threshold / norm if norm > threshold else 0.0, w[0])
        for place in range(begin * fan_out, end * fan_out):
            w[place] *= factor
        begin = end


@jit
def bound_units(w, bound, fan_in, fan_out, sums, how):
    """Shorten each unit's incoming weights to ``bound`` where they are longer, or to it exactly."""
    for j in range(fan_out):
        sums[j] = like(0.0, w[0])
    for d in range(fan_in):
        for j in range(fan_out):
            sums[j] += w[d * fan_out + j] * w[d * fan_out + j]
    for j in range(fan_out):
        norm = np.sqrt(np.float64(sums[j]))
        long = norm > bound or (how == EXACTLY and norm > 0)
        sums[j] = like(bound / norm if long else 1.0, w[0])
    for d in range(fan_in):
        for j in range(fan_out):
            w[d * fan_out + j] *= sums[j]


@jit
def bound_stretch(w, bound, fan_in, fan_out):
    """Clip the singular values at ``bound``: the nearest matrix that stretches no vector by more."""
    total = 0.0
    for place in range(w.size):
        total += w[place] * w[place]
    if total > bound * bound and total < np.inf:  # the largest singular value is at most the root of the total
        left, stretch, right = np.linalg.svd(w.reshape(fan_in, fan_out), full_matrices=False)
        if stretch[0] > bound:
            limit = like(bound, w[0])
            for k in range(stretch.size):
                kept = min(stretch[k], limit)
                for d in range(fan_in):
                    left[d, k] *= kept
            clipped = np.dot(left, right).reshape(w.size)
            for place in range(w.size):
                w[place] = clipped[place]
