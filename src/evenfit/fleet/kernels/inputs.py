"""Inputs: from a member's rows to what its first layer sees, and the way back.

Matrices ``[rows, columns]`` of one member. ``places`` says where the parameters of the input layer
lie in a row of weights: frequency, phase, periodic, periodic_bias, level and scale, -1 where there is none.
"""

from __future__ import annotations

import numpy as np

from evenfit.fleet.kernels.arithmetic import fill_words, half_turn_cosine, half_turn_sine, normal
from evenfit.fleet.kernels.compilation import jit
from evenfit.fleet.layout import FREQUENCIES, PERIODIC, SLOTS
from evenfit.regularize.kernels.compilation import like


@jit
def gather(source, rows, values, noise, stream, numeric):
    """Copy rows of a table, ``values[b] = source[rows[b]]``, and add noise to the first ``numeric`` columns."""
    for b in range(rows.size):
        found, kept = source[np.int64(rows[b])], values[b]
        for j in range(found.size):
            kept[j] = found[j]
    if noise > 0:
        for b in range(rows.size):
            kept = values[b]
            for j in range(numeric):
                kept[j] += like(noise * normal(stream, b * numeric + j), kept[j])


@jit
def assemble(values, codes, row_numbers, weights, places, level_rows, size, offsets, numeric, columns, units):
    """Make what the first layer sees: periodic embeddings, the other columns, level embeddings.

    ``columns [4, rows]`` is memory to work in. Codes below 0 give zeros.
    """
    count, features = values.shape
    d = 0
    if places[0] >= 0:
        frequency = weights[places[0] : places[0] + numeric * FREQUENCIES].reshape(numeric, FREQUENCIES)
        phase = weights[places[1] : places[1] + numeric * FREQUENCIES].reshape(numeric, FREQUENCIES)
        periodic = weights[places[2] : places[2] + numeric * PERIODIC * FREQUENCIES].reshape(
            numeric, PERIODIC, FREQUENCIES
        )
        bias = weights[places[3] : places[3] + numeric * PERIODIC].reshape(numeric, PERIODIC)
        x, first, second, third = columns[0], columns[1], columns[2], columns[3]
        for j in range(numeric):
            for b in range(count):
                x[b] = values[b, j]
                first[b] = bias[j, 0]
                second[b] = bias[j, 1]
                third[b] = bias[j, 2]
            for f in range(FREQUENCIES):
                turn, shift = frequency[j, f], phase[j, f]
                p, q, r = periodic[j, 0, f], periodic[j, 1, f], periodic[j, 2, f]
                for b in range(count):
                    z = x[b] * turn + shift
                    s = half_turn_sine(z - np.floor(z + like(0.5, z)))
                    c = like(1.0, z) - like(2.0, z) * s * s
                    first[b] += p * c
                    second[b] += q * c
                    third[b] += r * c
            for b in range(count):
                units[b, d] = x[b]
                units[b, d + 1] = first[b]
                units[b, d + 2] = second[b]
                units[b, d + 3] = third[b]
            d += SLOTS
        for b in range(count):
            for j in range(numeric, features):
                units[b, d + j - numeric] = values[b, j]
        d += features - numeric
    else:
        for b in range(count):
            for j in range(features):
                units[b, j] = values[b, j]
        d = features
    level = weights[places[4] : places[4] + level_rows * size].reshape(level_rows, size)
    for c in range(codes.shape[1]):
        for b in range(count):
            code = codes[np.int64(row_numbers[b]), c]
            for e in range(size):
                units[b, d + e] = level[offsets[c] + code, e] if code >= 0 else like(0.0, weights[0])
        d += size


@jit
def disassemble(
    gradient, values, codes, row_numbers, weights, places, level_rows, size, offsets, numeric, columns, out
):
    """Give the gradients of the embeddings, in ``out``, a row of weights, from those of the assembled columns."""
    count, features = values.shape
    d = 0
    if places[0] >= 0:
        two, turns = like(2.0, weights[0]), like(-12.566370614359172, weights[0])
        x, first, second, third = columns[0], columns[1], columns[2], columns[3]
        for j in range(numeric):
            zero = like(0.0, weights[0])
            sum_p, sum_q, sum_r = zero, zero, zero
            for b in range(count):
                x[b] = values[b, j]
                first[b] = gradient[b, d + 1]
                second[b] = gradient[b, d + 2]
                third[b] = gradient[b, d + 3]
                sum_p += first[b]
                sum_q += second[b]
                sum_r += third[b]
            out[places[3] + j * PERIODIC] = sum_p
            out[places[3] + j * PERIODIC + 1] = sum_q
            out[places[3] + j * PERIODIC + 2] = sum_r
            at = places[2] + j * PERIODIC * FREQUENCIES
            for f in range(FREQUENCIES):
                turn = weights[places[0] + j * FREQUENCIES + f]
                shift = weights[places[1] + j * FREQUENCIES + f]
                p, q, r = weights[at + f], weights[at + FREQUENCIES + f], weights[at + 2 * FREQUENCIES + f]
                in_p, in_q, in_r, in_phase, in_turn = zero, zero, zero, zero, zero
                for b in range(count):
                    z = x[b] * turn + shift
                    rest = z - np.floor(z + like(0.5, z))
                    s = half_turn_sine(rest)
                    wave = like(1.0, z) - two * s * s
                    in_p += first[b] * wave
                    in_q += second[b] * wave
                    in_r += third[b] * wave
                    slope = (first[b] * p + second[b] * q + third[b] * r) * (s * half_turn_cosine(rest))
                    in_phase += slope
                    in_turn += slope * x[b]
                out[at + f] = in_p
                out[at + FREQUENCIES + f] = in_q
                out[at + 2 * FREQUENCIES + f] = in_r
                out[places[1] + j * FREQUENCIES + f] = turns * in_phase
                out[places[0] + j * FREQUENCIES + f] = turns * in_turn
            d += SLOTS
        d += features - numeric
    else:
        d = features
    level = out[places[4] : places[4] + level_rows * size].reshape(level_rows, size)
    for i in range(level_rows):
        for e in range(size):
            level[i, e] = like(0.0, weights[0])
    for c in range(codes.shape[1]):
        for b in range(count):
            code = codes[np.int64(row_numbers[b]), c]
            if code >= 0:
                for e in range(size):
                    level[offsets[c] + code, e] += gradient[b, d + e]
        d += size


@jit
def drop_inputs(units, columns, threshold, kept_scale, stream, source_of, words):
    """Drop encoded columns, one draw a row and column, in place; ``source_of`` names each number's column.

    Called again with the same stream, it takes a gradient back.
    """
    count, width = units.shape
    fill_words(stream, words, (count * columns + 7) // 8)
    bits = words.view(np.uint8)
    scale, zero, limit = like(kept_scale, units[0, 0]), like(0.0, units[0, 0]), np.uint8(threshold)
    factors = np.empty(columns, units.dtype)
    for b in range(count):
        for c in range(columns):
            factors[c] = scale if bits[b * columns + c] >= limit else zero
        for d in range(width):
            units[b, d] *= factors[source_of[d]]


@jit
def mix_rows(units, share, spare):
    """Mix each row with the next of its batch, the last with the first, in place (Zhang et al., "mixup", 2018)."""
    count, width = units.shape
    own, rest = like(share, units[0, 0]), like(1.0 - share, units[0, 0])
    for d in range(width):
        spare[d] = units[0, d]
    for b in range(count - 1):
        for d in range(width):
            units[b, d] = own * units[b, d] + rest * units[b + 1, d]
    for d in range(width):
        units[count - 1, d] = own * units[count - 1, d] + rest * spare[d]


@jit
def unmix_rows(gradient, share, spare):
    """Take a gradient back through ``mix_rows``, in place."""
    count, width = gradient.shape
    own, rest = like(share, gradient[0, 0]), like(1.0 - share, gradient[0, 0])
    for d in range(width):
        spare[d] = gradient[count - 1, d]
    for b in range(count - 1, 0, -1):
        for d in range(width):
            gradient[b, d] = own * gradient[b, d] + rest * gradient[b - 1, d]
    for d in range(width):
        gradient[0, d] = own * gradient[0, d] + rest * spare[d]


@jit
def scale_weights(weights, scale, out, rows, columns):
    """Multiply each row of the first layer's weights by its input's scale: the same as scaling the input."""
    for d in range(rows):
        for h in range(columns):
            out[d * columns + h] = weights[d * columns + h] * scale[d]


@jit
def unscale_gradient(gradient, weights, scale, d_scale, rows, columns):
    """Turn the gradient of scaled weights into those of the weights, in place, and of the scale."""
    for d in range(rows):
        total = like(0.0, gradient[0])
        for h in range(columns):
            total += gradient[d * columns + h] * weights[d * columns + h]
            gradient[d * columns + h] *= scale[d]
        d_scale[d] = total
