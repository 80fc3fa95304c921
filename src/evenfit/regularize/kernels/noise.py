"""Noise: hash, make normal numbers of the words, and multiply, in one pass over memory, in float32.

The words are those of ``chance.words``; logarithms, sines and cosines are polynomials that vectorise, good to float32's
last digits.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from evenfit.regularize.chance import GOLDEN
from evenfit.regularize.kernels.compilation import inline, jit, like, pointer
from evenfit.regularize.kernels.words import mix

_GOLDEN = np.uint64(GOLDEN)
_BLOCK = 256  # pairs whose words stay in the nearest cache
_ONE, _TWO, _HALF = np.float32(1), np.float32(2), np.float32(0.5)
_LN2, _ROOT2 = np.float32(np.log(2.0)), np.float32(np.sqrt(2.0))
_31_BITS, _32_BITS = np.float32(2.0**-31), np.float32(2.0**-32)
# ln((1 + s) / (1 - s)) / 2s, sin(pi t) / t and cos(pi t) for |t| up to 1/2, in powers of the square: Taylor's terms
_LOG = tuple(np.float32(1 / (2 * n + 1)) for n in range(5))
_SIN = tuple(
    np.float32((-1.0) ** n * np.pi ** (2 * n + 1) / np.prod(np.arange(1, 2 * n + 2, dtype=float))) for n in range(7)
)
_COS = tuple(
    np.float32((-1.0) ** n * np.pi ** (2 * n) / np.prod(np.arange(1, 2 * n + 1, dtype=float))) for n in range(7)
)


@intrinsic
def _bits(typing_context: Any, number: Any) -> Any:  # noqa: ARG001 - numba calls it so
    """Give the bits of a float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def _from_bits(typing_context: Any, bits: Any) -> Any:  # noqa: ARG001
    """Give the float32 of these bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@inline
def _logarithm(x: Any) -> Any:
    """Natural logarithm of a positive number: 2 atanh((m - 1) / (m + 1)) for its mantissa m."""
    bits = _bits(x)
    exponent = np.float32((bits >> 23) - 127)
    m = _from_bits(np.int32((bits & 0x7FFFFF) | 0x3F800000))
    high = m > _ROOT2
    m = m * _HALF if high else m
    exponent = exponent + _ONE if high else exponent
    s = (m - _ONE) / (m + _ONE)
    q = s * s
    p = _LOG[4]
    p = p * q + _LOG[3]
    p = p * q + _LOG[2]
    p = p * q + _LOG[1]
    p = p * q + _LOG[0]
    return exponent * _LN2 + _TWO * s * p


@inline
def _sine(t: Any) -> Any:
    """Sine of pi t."""
    q = t * t
    p = _SIN[6]
    p = p * q + _SIN[5]
    p = p * q + _SIN[4]
    p = p * q + _SIN[3]
    p = p * q + _SIN[2]
    p = p * q + _SIN[1]
    return (p * q + _SIN[0]) * t


@inline
def _cosine(t: Any) -> Any:
    """Cosine of pi t."""
    q = t * t
    p = _COS[6]
    p = p * q + _COS[5]
    p = p * q + _COS[4]
    p = p * q + _COS[3]
    p = p * q + _COS[2]
    p = p * q + _COS[1]
    return p * q + _COS[0]


@jit
def multiply(source: Any, target: Any, members: Any, count: Any, streams: Any, deviations: Any) -> None:
    """Write ``source`` times 1 plus a normal number times a deviation to ``target``.

    All but the sizes are addresses: ``source`` and ``target`` of [members, count] float32, ``streams`` of [members]
    int64, ``deviations`` of [members] float64.
    """
    given = numba.carray(pointer(source, np.float32(0)), (members, count))
    out = numba.carray(pointer(target, np.float32(0)), (members, count))
    stream_of = numba.carray(pointer(streams, np.uint64(0)), (members,))
    deviation_of = numba.carray(pointer(deviations, np.float64(0)), (members,))
    words = np.empty(_BLOCK, np.uint64)
    radius, turn = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.float32)
    for m in range(members):
        stream, deviation = stream_of[m], like(deviation_of[m], np.float32(0))
        for start in range(0, count, 2 * _BLOCK):
            size = min(2 * _BLOCK, count - start)
            pairs = (size + 1) // 2
            first = np.uint64(start // 2 + 1)
            for j in range(pairs):
                words[j] = mix(stream + (first + np.uint64(j)) * _GOLDEN)
            for j in range(pairs):
                high, low = np.int32(words[j] >> np.uint64(33)), np.int32(words[j] & np.uint64(0xFFFFFFFF))
                uniform = (np.float32(high) + _HALF) * _31_BITS
                radius[j] = np.sqrt(-_TWO * _logarithm(uniform)) * deviation
                turn[j] = np.float32(low) * _32_BITS
            a, b = given[m, start : start + size], out[m, start : start + size]
            for j in range(size // 2):
                sine = _sine(turn[j])
                b[2 * j] = a[2 * j] + a[2 * j] * (radius[j] * (_ONE - _TWO * sine * sine))
                b[2 * j + 1] = a[2 * j + 1] + a[2 * j + 1] * (radius[j] * (_TWO * sine * _cosine(turn[j])))
            if size % 2:
                sine = _sine(turn[pairs - 1])
                b[size - 1] = a[size - 1] + a[size - 1] * (radius[pairs - 1] * (_ONE - _TWO * sine * sine))
