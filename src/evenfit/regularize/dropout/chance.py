"""Chance: every random bit of a mask, as a function of a seed and a position.

Bits are a hash of (seed, position) and not the next ones of a generator. So a mask can be computed again where it is
needed (the backward pass stores nothing), a member's mask does not depend on its neighbours, and compiled code, plain
torch and any device give the same mask for the same seed. The hash is SplitMix64 (Steele, Lea & Flood, "Fast
splittable pseudorandom number generators", OOPSLA 2014).

A unit's 48 bits, 16 of one stream and 32 of another, are the digits of a number in [0, 1); the unit is dropped where
that number is below the rate. Rates are therefore exact to 2^-48, none above 0 is rounded to 0, and with one seed the
units that a low rate drops are among those that a higher rate drops.
"""

from __future__ import annotations

import torch
from torch import Tensor

GOLDEN = 0x9E3779B97F4A7C15
MIX_A = 0xBF58476D1CE4E5B9
MIX_B = 0x94D049BB133111EB
TIE = 0xD1B54A32D192ED03  # what sets the second stream apart from the first
RESOLUTION = 48  # bits of the number that a rate is compared with
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


def signed(value: int) -> int:
    """Give the same 64 bits as a signed number, which is what torch computes with."""
    value &= _MASK
    return value - (1 << 64) if value >> 63 else value


def threshold(rate: float) -> int:
    """Give the number of 48 bits below which a unit is dropped: at least 1 for every rate above 0.

    Example:
        >>> threshold(0.5) == 2**47, threshold(1e-30)
        (True, 1)
    """
    if rate == 0:
        return 0
    return min(max(round(rate * (1 << RESOLUTION)), 1), (1 << RESOLUTION) - 1)


def mix_tensor(state: Tensor) -> Tensor:
    """Scramble 64 bits, as ``mix`` does, of each number of an int64 tensor."""
    state = (state ^ ((state >> 30) & (1 << 34) - 1)) * signed(MIX_A)
    state = (state ^ ((state >> 27) & (1 << 37) - 1)) * signed(MIX_B)
    return state ^ ((state >> 31) & (1 << 33) - 1)


def words(streams: Tensor, count: int) -> Tensor:
    """Give the first words of each stream: int64 [streams] -> [streams, count]."""
    positions = torch.arange(1, count + 1, device=streams.device)
    return mix_tensor(streams[:, None] + positions * signed(GOLDEN))


def kept(streams: Tensor, thresholds: Tensor, count: int) -> Tensor:
    """Say which of each stream's first units are kept: int64 [streams] and [streams] -> bool [streams, count]."""
    halves = words(streams, -(-count // 4))[:, :, None] >> torch.arange(0, 64, 16, device=streams.device)
    first = (halves & 0xFFFF).flatten(1)[:, :count]
    second = (words(streams ^ signed(TIE), count) >> 32) & 0xFFFFFFFF
    return (first << 32 | second) >= thresholds[:, None]
