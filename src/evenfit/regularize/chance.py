"""Chance: 64-bit random words, as a function of a seed and a position.

Words are a hash of (seed, position) and not the next ones of a generator. So a mask can be computed again where it is
needed, a member's mask does not depend on its neighbours, there is no state to save, and compiled code, numpy, torch
and every device give the same bits for the same seed. The hash is SplitMix64's finaliser (Steele, Lea & Flood, "Fast
splittable pseudorandom number generators", OOPSLA 2014). This module imports neither torch nor numba.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

UintArray = npt.NDArray[np.uint64]

GOLDEN = 0x9E3779B97F4A7C15
MIX_A = 0xBF58476D1CE4E5B9
MIX_B = 0x94D049BB133111EB
TIE = 0xD1B54A32D192ED03  # what sets a stream's second words apart from its first
_MASK = (1 << 64) - 1


def mix(value: int) -> int:
    """Scramble 64 bits so that neighbouring values give unrelated ones."""
    value = (value ^ (value >> 30)) * MIX_A & _MASK
    value = (value ^ (value >> 27)) * MIX_B & _MASK
    return value ^ (value >> 31)


def key(seed: int, *path: int) -> int:
    """Give the 64-bit key of a stream: a function of the seed and the path alone.

    Example:
        >>> key(1, 3, 0) != key(1, 3, 1)
        True
    """
    state = mix(mix((seed + GOLDEN) & _MASK) + GOLDEN & _MASK)  # twice, or seed and part could change places
    for part in path:
        state = mix((state ^ mix((part + GOLDEN) & _MASK)) + GOLDEN & _MASK)
    return state


def keys(seeds: UintArray, *path: int | npt.NDArray[np.int64]) -> UintArray:
    """Give the keys of many streams at once: ``key`` of every seed and path, which broadcast.

    Example:
        >>> int(keys(np.array([7], dtype=np.uint64), 2, 3)[0]) == key(7, 2, 3)
        True
    """
    with np.errstate(over="ignore"):
        state = _mix_all(_mix_all(seeds + np.uint64(GOLDEN)) + np.uint64(GOLDEN))
        for part in path:
            state = _mix_all(
                (state ^ _mix_all(np.asarray(part).astype(np.uint64) + np.uint64(GOLDEN))) + np.uint64(GOLDEN)
            )
    return state


def words(stream: int, count: int) -> UintArray:
    """Give the first ``count`` 64-bit words of a stream: the hashes of its positions.

    Example:
        >>> words(5, 3)[:2].tolist() == words(5, 2).tolist()
        True
    """
    with np.errstate(over="ignore"):
        return _mix_all(np.uint64(stream) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN))


def signed(value: int) -> int:
    """Give the same 64 bits as a signed number, which is what torch computes with.

    Example:
        >>> signed(2**64 - 1)
        -1
    """
    value &= _MASK
    return value - (1 << 64) if value >> 63 else value


def _mix_all(values: UintArray) -> UintArray:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(MIX_A)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(MIX_B)
    return values ^ (values >> np.uint64(31))
