"""Arithmetic: exponentials, cosines and random words, in operations that vectorise."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from evenfit.fleet.kernels.compilation import inline, jit
from evenfit.regularize.chance import GOLDEN
from evenfit.regularize.kernels.compilation import like
from evenfit.regularize.kernels.words import mix

_GOLDEN, _S11 = np.uint64(GOLDEN), np.uint64(11)

# 2^f for f in [-1/2, 1/2]: Taylor's terms ln(2)^n / n!
_POWERS = tuple(float(np.log(2.0) ** n / np.prod(np.arange(1, n + 1, dtype=float))) for n in range(14))
# sin and cos of pi r for r in [-1/2, 1/2], in powers of r^2
_SIN = tuple(
    float((-1.0) ** n * np.pi ** (2 * n + 1) / np.prod(np.arange(1, 2 * n + 2, dtype=float))) for n in range(10)
)
_COS = tuple(float((-1.0) ** n * np.pi ** (2 * n) / np.prod(np.arange(1, 2 * n + 1, dtype=float))) for n in range(11))


@intrinsic
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


@intrinsic
def _whole(typing_context: Any, number: Any) -> Any:
    """Truncate a float32 to int32, a float64 to int64."""
    result = types.int32 if number == types.float32 else types.int64

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fptosi(arguments[0], context.get_value_type(result))

    return result(number), generate


@intrinsic
def _double(typing_context: Any, number: Any) -> Any:
    """Say whether ``number`` is a float64: a constant, so that what float32 does not need is left out."""
    answer = int(number == types.float64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(ir.IntType(1), answer)

    return types.boolean(number), generate


@jit
def exponential(x):
    """Exponential, to the last digits; the argument is held in [-80, 80]."""
    x = min(max(x, like(-80.0, x)), like(80.0, x))
    t = x * like(1.4426950408889634, x)
    n = np.floor(t + like(0.5, x))
    f = t - n
    p = like(_POWERS[6], x)
    if _double(x):
        p = like(_POWERS[11], x)
        p = p * f + like(_POWERS[10], x)
        p = p * f + like(_POWERS[9], x)
        p = p * f + like(_POWERS[8], x)
        p = p * f + like(_POWERS[7], x)
        p = p * f + like(_POWERS[6], x)
    p = p * f + like(_POWERS[5], x)
    p = p * f + like(_POWERS[4], x)
    p = p * f + like(_POWERS[3], x)
    p = p * f + like(_POWERS[2], x)
    p = p * f + like(_POWERS[1], x)
    p = p * f + like(1.0, x)
    return p * _power_of_two(_whole(n))


@jit
def half_turn_sine(r):
    """Sine of pi r for r in [-1/2, 1/2]."""
    q = r * r
    s = like(_SIN[5], r)
    if _double(r):
        s = like(_SIN[9], r)
        s = s * q + like(_SIN[8], r)
        s = s * q + like(_SIN[7], r)
        s = s * q + like(_SIN[6], r)
        s = s * q + like(_SIN[5], r)
    s = s * q + like(_SIN[4], r)
    s = s * q + like(_SIN[3], r)
    s = s * q + like(_SIN[2], r)
    s = s * q + like(_SIN[1], r)
    return (s * q + like(_SIN[0], r)) * r


@jit
def half_turn_cosine(r):
    """Cosine of pi r for r in [-1/2, 1/2]."""
    q = r * r
    c = like(_COS[6], r)
    if _double(r):
        c = like(_COS[10], r)
        c = c * q + like(_COS[9], r)
        c = c * q + like(_COS[8], r)
        c = c * q + like(_COS[7], r)
        c = c * q + like(_COS[6], r)
    c = c * q + like(_COS[5], r)
    c = c * q + like(_COS[4], r)
    c = c * q + like(_COS[3], r)
    c = c * q + like(_COS[2], r)
    c = c * q + like(_COS[1], r)
    return c * q + like(1.0, r)


@jit
def stream_of(seed, purpose, epoch, step):
    """Give the key of a stream, as ``chance.key`` does."""
    state = mix(mix(seed + _GOLDEN) + _GOLDEN)
    state = mix((state ^ mix(np.uint64(purpose) + _GOLDEN)) + _GOLDEN)
    state = mix((state ^ mix(np.uint64(epoch) + _GOLDEN)) + _GOLDEN)
    return mix((state ^ mix(np.uint64(step) + _GOLDEN)) + _GOLDEN)


@jit
def fill_words(stream, out, count):
    """Fill ``out`` with the first words of a stream, as ``chance.words`` gives them."""
    for i in range(count):
        out[i] = mix(stream + np.uint64(i + 1) * _GOLDEN)


@jit
def word(stream, i):
    """Give the i-th word of a stream, as ``chance.words`` does."""
    return mix(stream + np.uint64(i + 1) * _GOLDEN)


@intrinsic
def _bits(typing_context: Any, number: Any) -> Any:
    """Give the bits of a float64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _from_bits(typing_context: Any, bits: Any) -> Any:
    """Give the float64 of these bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@jit
def _logarithm(x):
    """Natural logarithm of a positive float64: 2 atanh((m - 1) / (m + 1)) for its mantissa m."""
    bits = _bits(x)
    exponent = (bits >> 52) - 1023
    m = _from_bits((bits & 0xFFFFFFFFFFFFF) | (1023 << 52))
    high = m > 1.4142135623730951
    m = 0.5 * m if high else m
    turns = np.float64(exponent) + (1.0 if high else 0.0)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    p = 1 / 19
    p = p * q + 1 / 17
    p = p * q + 1 / 15
    p = p * q + 1 / 13
    p = p * q + 1 / 11
    p = p * q + 1 / 9
    p = p * q + 1 / 7
    p = p * q + 1 / 5
    p = p * q + 1 / 3
    return turns * 0.6931471805599453 + 2.0 * s * (p * q + 1.0)


@inline
def normal(stream, i):
    """Give the i-th standard normal number of a stream, as ``chance.normals`` does."""
    a = np.int64(mix(stream + np.uint64(2 * i + 1) * _GOLDEN) >> _S11)
    b = np.int64(mix(stream + np.uint64(2 * i + 2) * _GOLDEN) >> _S11)
    u, v = (np.float64(a) + 0.5) * 2.0**-53, (np.float64(b) + 0.5) * 2.0**-53
    s = half_turn_sine(v - np.floor(v + 0.5))
    return np.sqrt(-2.0 * _logarithm(u)) * (1.0 - 2.0 * s * s)
