"""Kernels: the elementwise work of a training step, each in one pass over memory.

Every array has the member axis first. Numbers are computed in the arrays' own precision, so the
same code serves training (float32) and the tests of its laws (float64). Each kernel has its slow
twin in ``plain``.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from evenfit.fleet.chance import GOLDEN, MIX_A, MIX_B
from evenfit.fleet.layout import FREQUENCIES, PERIODIC, SLOTS

# reassociation lets sums be vectorised; NaN and infinity keep their meaning
_FAST = {"reassoc", "contract", "arcp", "nsz"}
_jit = numba.njit(cache=True, nogil=True, fastmath=_FAST, boundscheck=False, error_model="numpy")

_GOLDEN, _MIX_A, _MIX_B = np.uint64(GOLDEN), np.uint64(MIX_A), np.uint64(MIX_B)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)

RELU, SELU, MISH, SILU, GELU, LINEAR = 0, 1, 2, 3, 4, 5
ACTIVATION_CODES = {"relu": RELU, "selu": SELU, "mish": MISH, "silu": SILU, "gelu": GELU}

# 2^f for f in [-1/2, 1/2]: Taylor's terms ln(2)^n / n!, exact to double precision
_POWERS = tuple(float(np.log(2.0) ** n / np.prod(np.arange(1, n + 1, dtype=float))) for n in range(14))
# sin and cos of pi r for r in [-1/2, 1/2], in powers of r^2
_SIN = tuple(
    float((-1.0) ** n * np.pi ** (2 * n + 1) / np.prod(np.arange(1, 2 * n + 2, dtype=float))) for n in range(10)
)
_COS = tuple(float((-1.0) ** n * np.pi ** (2 * n) / np.prod(np.arange(1, 2 * n + 1, dtype=float))) for n in range(11))


@intrinsic  # type: ignore[misc]
def _power_of_two(typing_context: Any, exponent: Any) -> Any:
    """Give 2^exponent for an int32 (as float32) or int64 (as float64), by writing the exponent's bits."""
    if exponent == types.int32:
        signature, kind, bias, shift = types.float32(types.int32), ir.FloatType(), 127, 23
    else:
        signature, kind, bias, shift = types.float64(types.int64), ir.DoubleType(), 1023, 52

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer = arguments[0].type
        bits = builder.shl(builder.add(arguments[0], ir.Constant(integer, bias)), ir.Constant(integer, shift))
        return builder.bitcast(bits, kind)

    return signature, generate


@intrinsic  # type: ignore[misc]
def _whole(typing_context: Any, number: Any) -> Any:
    """Truncate a float32 to int32, a float64 to int64."""
    result = types.int32 if number == types.float32 else types.int64

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fptosi(arguments[0], context.get_value_type(result))

    return result(number), generate


@intrinsic  # type: ignore[misc]
def _like(typing_context: Any, constant: Any, number: Any) -> Any:
    """Give a constant in the precision of ``number``, so that float32 stays float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[0], signature.args[0], signature.return_type)

    return number(constant, number), generate


@_jit
def _exp(x):
    """Exponential, to the last digits, in operations that vectorise; the argument is held in [-80, 80]."""
    x = min(max(x, _like(-80.0, x)), _like(80.0, x))
    t = x * _like(1.4426950408889634, x)
    n = np.floor(t + _like(0.5, x))
    f = t - n
    p = _like(_POWERS[11], x)
    p = p * f + _like(_POWERS[10], x)
    p = p * f + _like(_POWERS[9], x)
    p = p * f + _like(_POWERS[8], x)
    p = p * f + _like(_POWERS[7], x)
    p = p * f + _like(_POWERS[6], x)
    p = p * f + _like(_POWERS[5], x)
    p = p * f + _like(_POWERS[4], x)
    p = p * f + _like(_POWERS[3], x)
    p = p * f + _like(_POWERS[2], x)
    p = p * f + _like(_POWERS[1], x)
    p = p * f + _like(1.0, x)
    return p * _power_of_two(_whole(n))


@_jit
def _half_turn(z):
    """Sine and cosine of pi r, where r is z less its nearest whole number."""
    r = z - np.floor(z + _like(0.5, z))
    q = r * r
    s = _like(_SIN[9], z)
    s = s * q + _like(_SIN[8], z)
    s = s * q + _like(_SIN[7], z)
    s = s * q + _like(_SIN[6], z)
    s = s * q + _like(_SIN[5], z)
    s = s * q + _like(_SIN[4], z)
    s = s * q + _like(_SIN[3], z)
    s = s * q + _like(_SIN[2], z)
    s = s * q + _like(_SIN[1], z)
    s = (s * q + _like(_SIN[0], z)) * r
    c = _like(_COS[10], z)
    c = c * q + _like(_COS[9], z)
    c = c * q + _like(_COS[8], z)
    c = c * q + _like(_COS[7], z)
    c = c * q + _like(_COS[6], z)
    c = c * q + _like(_COS[5], z)
    c = c * q + _like(_COS[4], z)
    c = c * q + _like(_COS[3], z)
    c = c * q + _like(_COS[2], z)
    c = c * q + _like(_COS[1], z)
    c = c * q + _like(1.0, z)
    return s, c


@_jit
def _hash_words(stream, out):
    """Fill ``out`` with the first words of a stream, as ``chance.words`` does."""
    for i in range(out.size):
        state = stream + np.uint64(i + 1) * _GOLDEN
        state = (state ^ (state >> _S30)) * _MIX_A
        state = (state ^ (state >> _S27)) * _MIX_B
        out[i] = state ^ (state >> _S31)


@_jit
def _normal(stream, i):
    """The i-th standard normal number of a stream, as ``chance.normals`` gives it."""
    a = stream + np.uint64(2 * i + 1) * _GOLDEN
    a = (a ^ (a >> _S30)) * _MIX_A
    a = (a ^ (a >> _S27)) * _MIX_B
    a = (a ^ (a >> _S31)) >> _S11
    b = stream + np.uint64(2 * i + 2) * _GOLDEN
    b = (b ^ (b >> _S30)) * _MIX_A
    b = (b ^ (b >> _S27)) * _MIX_B
    b = (b ^ (b >> _S31)) >> _S11
    u, v = (np.float64(a) + 0.5) * 2.0**-53, (np.float64(b) + 0.5) * 2.0**-53
    return np.sqrt(-2.0 * np.log(u)) * np.cos(2.0 * np.pi * v)


@_jit
def gather(source, table, rows, values, noise, noise_streams, numeric):
    """Copy each member's rows from its table: ``values[m, b] = source[table[m], rows[m, b]]``, plus noise.

    ``rows`` below 0 are padding, and give zeros. Noise goes to the first ``numeric`` columns.
    """
    members, batch, width = values.shape
    for m in range(members):
        for b in range(batch):
            row = rows[m, b]
            if row < 0:
                for j in range(width):
                    values[m, b, j] = _like(0.0, values[m, b, j])
            else:
                for j in range(width):
                    values[m, b, j] = source[table[m], row, j]
        if noise[m] > 0:
            for b in range(batch):
                for j in range(numeric):
                    values[m, b, j] += _like(noise[m] * _normal(noise_streams[m], b * numeric + j), values[m, b, j])


@_jit
def gather_codes(source, table, rows, codes):
    """Copy each member's level codes; padding gets -1."""
    members, batch, columns = codes.shape
    for m in range(members):
        for b in range(batch):
            for c in range(columns):
                codes[m, b, c] = source[table[m], rows[m, b], c] if rows[m, b] >= 0 else -1


@_jit
def drop_inputs(values, thresholds, keep_scales, streams, source_of, mask):
    """Drop encoded columns, one draw a row and column: ``values *= mask[source_of[d]]``, in place.

    The mask (already scaled) is left in ``mask [members, batch, columns]`` for the way back.
    """
    members, batch, width = values.shape
    columns = mask.shape[2]
    hashed = np.empty((batch * columns + 7) // 8, np.uint64)
    bits = hashed.view(np.uint8)
    for m in range(members):
        if thresholds[m] == 0:
            for b in range(batch):
                for c in range(columns):
                    mask[m, b, c] = _like(1.0, mask[m, b, c])
            continue
        _hash_words(streams[m], hashed)
        limit = np.uint8(thresholds[m])
        for b in range(batch):
            for c in range(columns):
                kept = bits[b * columns + c] >= limit
                mask[m, b, c] = keep_scales[m] if kept else _like(0.0, keep_scales[m])
            for d in range(width):
                values[m, b, d] *= mask[m, b, source_of[d]]


@_jit
def undrop_inputs(gradient, mask, source_of):
    """Pass a gradient back through dropped inputs, in place."""
    members, batch, width = gradient.shape
    for m in range(members):
        for b in range(batch):
            for d in range(width):
                gradient[m, b, d] *= mask[m, b, source_of[d]]


@_jit
def assemble(values, codes, weights, starts, level_rows, size, offsets, numeric, raw, out):
    """Make what the first layer sees: periodic embeddings, other columns, level embeddings; then scale.

    ``raw`` receives it before scaling (for the way back), ``out`` after. ``starts`` are the columns of
    ``weights`` where frequency, phase, periodic, periodic_bias, level and scale begin; the first is
    -1 where there are no periodic embeddings. Codes below 0 give zeros.
    """
    members, batch, features = values.shape
    width = out.shape[2]
    embedded = starts[0] >= 0
    zero = _like(0.0, weights[0, 0])
    cosines = np.empty(FREQUENCIES, values.dtype)
    for m in range(members):
        row = weights[m]
        scale = row[starts[5] : starts[5] + width]
        level = row[starts[4] : starts[4] + level_rows * size].reshape(level_rows, size)
        block = numeric if embedded else 0
        first = max(starts[0], 0)
        frequency = row[first : first + block * FREQUENCIES].reshape(block, FREQUENCIES)
        first = max(starts[1], 0)
        phase = row[first : first + block * FREQUENCIES].reshape(block, FREQUENCIES)
        first = max(starts[2], 0)
        periodic = row[first : first + block * PERIODIC * FREQUENCIES].reshape(block, PERIODIC, FREQUENCIES)
        first = max(starts[3], 0)
        periodic_bias = row[first : first + block * PERIODIC].reshape(block, PERIODIC)
        for b in range(batch):
            d = 0
            if embedded:
                for j in range(numeric):
                    x = values[m, b, j]
                    for f in range(FREQUENCIES):
                        s, c = _half_turn(x * frequency[j, f] + phase[j, f])
                        cosines[f] = _like(1.0, x) - _like(2.0, x) * s * s
                    raw[m, b, d] = x
                    for k in range(PERIODIC):
                        total = periodic_bias[j, k]
                        for f in range(FREQUENCIES):
                            total += periodic[j, k, f] * cosines[f]
                        raw[m, b, d + 1 + k] = total
                    d += SLOTS
                for j in range(numeric, features):
                    raw[m, b, d] = values[m, b, j]
                    d += 1
            else:
                for j in range(features):
                    raw[m, b, j] = values[m, b, j]
                d = features
            for c in range(codes.shape[2]):
                code = codes[m, b, c]
                for e in range(size):
                    raw[m, b, d + e] = level[offsets[c] + code, e] if code >= 0 else zero
                d += size
            for j in range(d):
                out[m, b, j] = raw[m, b, j] * scale[j]


@_jit
def disassemble(
    gradient,
    values,
    codes,
    weights,
    starts,
    offsets,
    numeric,
    raw,
    d_frequency,
    d_phase,
    d_periodic,
    d_periodic_bias,
    d_level,
    d_scale,
):
    """Give the gradients of all that ``assemble`` used, from ``gradient [members, batch, assembled]``."""
    members, batch, width = gradient.shape
    features = values.shape[2]
    embedded = starts[0] >= 0
    size = d_level.shape[2]
    one = _like(1.0, weights[0, 0])
    two = _like(2.0, one)
    turn = _like(-12.566370614359172, one)
    cosines = np.empty(FREQUENCIES, values.dtype)
    sines = np.empty(FREQUENCIES, values.dtype)
    d_frequency[:] = 0
    d_phase[:] = 0
    d_periodic[:] = 0
    d_periodic_bias[:] = 0
    d_level[:] = 0
    d_scale[:] = 0
    for m in range(members):
        row = weights[m]
        scale = row[starts[5] : starts[5] + width]
        for b in range(batch):
            for d in range(width):
                d_scale[m, d] += gradient[m, b, d] * raw[m, b, d]
        if embedded:
            for j in range(numeric):
                frequency = row[starts[0] + j * FREQUENCIES : starts[0] + (j + 1) * FREQUENCIES]
                phase = row[starts[1] + j * FREQUENCIES : starts[1] + (j + 1) * FREQUENCIES]
                first = starts[2] + j * PERIODIC * FREQUENCIES
                periodic = row[first : first + PERIODIC * FREQUENCIES].reshape(PERIODIC, FREQUENCIES)
                d = j * SLOTS + 1
                for b in range(batch):
                    x = values[m, b, j]
                    for f in range(FREQUENCIES):
                        s, c = _half_turn(x * frequency[f] + phase[f])
                        cosines[f] = one - two * s * s
                        sines[f] = turn * s * c
                    g0 = gradient[m, b, d] * scale[d]
                    g1 = gradient[m, b, d + 1] * scale[d + 1]
                    g2 = gradient[m, b, d + 2] * scale[d + 2]
                    d_periodic_bias[m, j, 0] += g0
                    d_periodic_bias[m, j, 1] += g1
                    d_periodic_bias[m, j, 2] += g2
                    for f in range(FREQUENCIES):
                        d_periodic[m, j, 0, f] += g0 * cosines[f]
                        d_periodic[m, j, 1, f] += g1 * cosines[f]
                        d_periodic[m, j, 2, f] += g2 * cosines[f]
                        slope = (g0 * periodic[0, f] + g1 * periodic[1, f] + g2 * periodic[2, f]) * sines[f]
                        d_phase[m, j, f] += slope
                        d_frequency[m, j, f] += slope * x
        start = numeric * SLOTS + features - numeric if embedded else features
        for c in range(codes.shape[2]):
            for b in range(batch):
                code = codes[m, b, c]
                if code >= 0:
                    for e in range(size):
                        d = start + c * size + e
                        d_level[m, offsets[c] + code, e] += gradient[m, b, d] * scale[d]


@_jit
def activate(z, weights, start, h, code, thresholds, keep_scales, streams):
    """Add the bias, activate and drop: ``h`` receives the units, ``z`` the slope that takes a gradient back.

    A unit is kept where its byte of the stream reaches the member's threshold, and is then
    multiplied by ``keep_scales``.
    """
    members, batch, width = z.shape
    hashed = np.empty((batch * width + 7) // 8, np.uint64)
    bits = hashed.view(np.uint8)
    zero = _like(0.0, z[0, 0, 0])
    one = _like(1.0, zero)
    two = _like(2.0, zero)
    half = _like(0.5, zero)
    selu_scale = _like(1.0507009873554805, zero)
    selu_floor = _like(1.7580993408473766, zero)
    gelu_a = _like(0.7978845608028654, zero)
    gelu_b = _like(0.044715, zero)
    top = _like(20.0, zero)
    for m in range(members):
        bias = weights[m, start : start + width]
        drops = thresholds[m] > 0
        limit = np.uint8(thresholds[m])
        scale = keep_scales[m]
        if drops:
            _hash_words(streams[m], hashed)
        for b in range(batch):
            if code == RELU:
                for j in range(width):
                    v = z[m, b, j] + bias[j]
                    h[m, b, j] = v if v > zero else zero
                    z[m, b, j] = one if v > zero else zero
            elif code == SELU:
                for j in range(width):
                    v = z[m, b, j] + bias[j]
                    e = _exp(min(v, zero))
                    h[m, b, j] = selu_scale * v if v > zero else selu_floor * (e - one)
                    z[m, b, j] = selu_scale if v > zero else selu_floor * e
            elif code == MISH:
                for j in range(width):
                    v = z[m, b, j] + bias[j]
                    e = _exp(min(v, top))
                    n = e * (e + two)
                    t = n / (n + two)
                    h[m, b, j] = v * t
                    z[m, b, j] = t + v * (one - t * t) * (e / (one + e))
            elif code == SILU:
                for j in range(width):
                    v = z[m, b, j] + bias[j]
                    t = one / (one + _exp(-v))
                    h[m, b, j] = v * t
                    z[m, b, j] = t * (one + v * (one - t))
            elif code == GELU:
                for j in range(width):
                    v = z[m, b, j] + bias[j]
                    u = gelu_a * (v + gelu_b * v * v * v)
                    t = one - two / (one + _exp(two * u))
                    h[m, b, j] = half * v * (one + t)
                    du = gelu_a * (one + _like(3.0, zero) * gelu_b * v * v)
                    z[m, b, j] = half * (one + t) + half * v * (one - t * t) * du
            if drops:
                for j in range(width):
                    factor = scale if bits[b * width + j] >= limit else zero
                    h[m, b, j] *= factor
                    z[m, b, j] *= factor


@_jit
def back(gradient, slope, d_bias):
    """Take a gradient back through ``activate``, in place, and sum it into the bias's."""
    members, batch, width = gradient.shape
    for m in range(members):
        for j in range(width):
            d_bias[m, j] = _like(0.0, d_bias[m, j])
        for b in range(batch):
            for j in range(width):
                g = gradient[m, b, j] * slope[m, b, j]
                gradient[m, b, j] = g
                d_bias[m, j] += g


@_jit
def class_gradient(logits, weights, start, source, table, rows, row_weights, smoothing, batch_rows, d_bias):
    """Turn logits (without their bias) into the gradient of the mean log loss, in place.

    Targets are class codes, smoothed to ``1 - s + s / K`` on the class and ``s / K`` elsewhere.
    """
    members, batch, classes = logits.shape
    for m in range(members):
        for k in range(classes):
            d_bias[m, k] = _like(0.0, d_bias[m, k])
        low = smoothing[m] / classes
        for b in range(batch):
            row = rows[m, b]
            if row < 0:
                for k in range(classes):
                    logits[m, b, k] = _like(0.0, weights[m, start + k])
                continue
            largest = logits[m, b, 0] + weights[m, start]
            for k in range(classes):
                logits[m, b, k] += weights[m, start + k]
                largest = max(largest, logits[m, b, k])
            total = _like(0.0, largest)
            for k in range(classes):
                e = _exp(logits[m, b, k] - largest)
                logits[m, b, k] = e
                total += e
            weight = _like(row_weights[m, row] / batch_rows[m], total)
            label = np.int64(source[table[m], row])
            for k in range(classes):
                wanted = low + (1.0 - smoothing[m] if k == label else 0.0)
                g = weight * (logits[m, b, k] / total - _like(wanted, total))
                logits[m, b, k] = g
                d_bias[m, k] += g


@_jit
def square_gradient(outputs, weights, start, source, table, rows, row_weights, batch_rows, d_bias):
    """Turn outputs (without their bias) into the gradient of the mean squared error, in place."""
    members, batch, _ = outputs.shape
    for m in range(members):
        d_bias[m, 0] = _like(0.0, d_bias[m, 0])
        for b in range(batch):
            row = rows[m, b]
            if row < 0:
                outputs[m, b, 0] = _like(0.0, weights[m, start])
                continue
            weight = _like(2.0 * row_weights[m, row] / batch_rows[m], weights[m, start])
            g = weight * (outputs[m, b, 0] + weights[m, start] - source[table[m], row])
            outputs[m, b, 0] = g
            d_bias[m, 0] += g


@_jit
def adamw(weights, start, gradient, first, second, active, rates, decays, second_decays, steps, soft, shrink):
    """One AdamW step and the proximal step behind it: ``soft`` is the threshold, ``shrink`` the factor.

    Loshchilov & Hutter, "Decoupled weight decay regularization", 2019. The rest are
    per member; inactive members are left as they are. ``gradient [members, size]`` belongs to the columns of
    ``weights`` and the moments from ``start``.
    """
    members, size = gradient.shape
    for m in range(members):
        if not active[m]:
            continue
        like = gradient[m, 0]
        a = _like(decays[m], like)
        c = _like(second_decays[m], like)
        rate = _like(rates[m] / (1.0 - decays[m] ** steps[m]), like)
        fix = _like(1.0 / np.sqrt(1.0 - second_decays[m] ** steps[m]), like)
        threshold, factor = _like(soft[m], like), _like(shrink[m], like)
        zero, one, tiny = _like(0.0, like), _like(1.0, like), _like(1e-8, like)
        plain = soft[m] == 0.0 and shrink[m] == 1.0
        w_row = weights[m, start : start + size]
        p_row = first[m, start : start + size]
        q_row = second[m, start : start + size]
        g_row = gradient[m]
        for i in range(size):
            g = g_row[i]
            p = a * p_row[i] + (one - a) * g
            q = c * q_row[i] + (one - c) * g * g
            p_row[i] = p
            q_row[i] = q
            w = w_row[i] - rate * p / (np.sqrt(q) * fix + tiny)
            if not plain:
                size_left = max(abs(w) - threshold, zero) * factor
                w = size_left if w > zero else -size_left
            w_row[i] = w


@_jit
def sgd(weights, start, gradient, first, active, rates, decays, nesterov, soft, shrink):
    """One step of SGD with momentum (torch's form) and the proximal step behind it."""
    members, size = gradient.shape
    for m in range(members):
        if not active[m]:
            continue
        like = gradient[m, 0]
        a, rate = _like(decays[m], like), _like(rates[m], like)
        threshold, factor = _like(soft[m], like), _like(shrink[m], like)
        zero = _like(0.0, like)
        ahead = nesterov[m]
        plain = soft[m] == 0.0 and shrink[m] == 1.0
        w_row = weights[m, start : start + size]
        p_row = first[m, start : start + size]
        g_row = gradient[m]
        for i in range(size):
            g = g_row[i]
            p = a * p_row[i] + g
            p_row[i] = p
            w = w_row[i] - rate * (g + a * p if ahead else p)
            if not plain:
                size_left = max(abs(w) - threshold, zero) * factor
                w = size_left if w > zero else -size_left
            w_row[i] = w
