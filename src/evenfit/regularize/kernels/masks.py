"""Masks: hash, compare and multiply in one pass over memory; called with addresses, which cost nothing to hand over.

A unit's first 16 bits are a quarter of a word of its stream. They decide alone but for one unit in 65,536, whose bits
are those of the threshold: there, 32 bits of a second stream are asked.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from evenfit.regularize.chance import GOLDEN, TIE
from evenfit.regularize.kernels.compilation import jit, like, pointer
from evenfit.regularize.kernels.words import mix

_GOLDEN, _TIE, _S32 = np.uint64(GOLDEN), np.uint64(TIE), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_BLOCK = 1024  # units whose words stay in the nearest cache


@jit
def drop(
    source: Any, target: Any, members: Any, count: Any, streams: Any, thresholds: Any, scales: Any, zero: Any
) -> None:
    """Write ``source`` times scale to ``target`` where a unit is kept, and times 0 where it is dropped.

    All but the sizes are addresses: ``source`` and ``target`` of [members, count] numbers of the type of ``zero``,
    ``streams`` and ``thresholds`` of [members] int64, ``scales`` of [members] float64.
    """
    given = numba.carray(pointer(source, zero), (members, count))
    out = numba.carray(pointer(target, zero), (members, count))
    stream_of = numba.carray(pointer(streams, np.uint64(0)), (members,))
    threshold_of = numba.carray(pointer(thresholds, np.uint64(0)), (members,))
    scale_of = numba.carray(pointer(scales, np.float64(0)), (members,))
    words = np.empty(_BLOCK // 4, np.uint64)
    halves = words.view(np.uint16)
    for m in range(members):
        stream, threshold, scale = stream_of[m], threshold_of[m], like(scale_of[m], zero)
        high, low = np.uint16(threshold >> _S32), threshold & _LOW
        for start in range(0, count, _BLOCK):
            size = min(_BLOCK, count - start)
            first = np.uint64(start // 4 + 1)
            for j in range((size + 3) // 4):
                words[j] = mix(stream + (first + np.uint64(j)) * _GOLDEN)
            a, b = given[m, start : start + size], out[m, start : start + size]
            for j in range(size):
                b[j] = a[j] * (scale if halves[j] >= high else zero)
            if low > 0:  # else the first bits decide ties, too
                ties = np.int32(0)
                for j in range(size):
                    ties += np.int32(halves[j] == high)
                if ties > 0:
                    for j in range(size):
                        if halves[j] == high:
                            second = mix((stream ^ _TIE) + np.uint64(start + j + 1) * _GOLDEN)
                            if second >> _S32 < low:
                                b[j] = a[j] * zero
