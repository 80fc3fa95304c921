"""Streams: one for each mask, from a seed; and their bits in torch's operations, on every device.

The bits are those of ``evenfit.regularize.chance``. torch has no unsigned 64-bit arithmetic on every device: signed
numbers wrap to the same bits, and a shift to the right is masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evenfit.errors import RegularizeError
from evenfit.regularize.chance import GOLDEN, MIX_A, MIX_B, TIE, key, signed

Seed = int | Sequence[int] | npt.NDArray[np.int64] | Tensor | None  # None: fresh chance from torch's generator

_CPU = torch.device("cpu")
_HIGHEST = 2**63 - 1
_GOLDEN, _MIX_A, _MIX_B, _TIE = signed(GOLDEN), signed(MIX_A), signed(MIX_B), signed(TIE)


def streams(seed: Seed, generator: torch.Generator | None, *, members: int | None, device: torch.device) -> Tensor:
    """Give the stream of each member's mask, int64 [members]; without members [1].

    A number for all members gives each its own stream, and a number for each gives member m what it alone would get.

    Raises:
        RegularizeError: a seed that is not whole, is given beside a generator, or one too many or few.
    """
    if seed is None:
        source = _CPU if generator is None else generator.device
        drawn = torch.randint(_HIGHEST, (members or 1,), generator=generator, device=source)
        return drawn if source == device else drawn.to(device)
    if generator is not None:
        raise RegularizeError("give seed or generator, not both: each says alone what the mask is")
    if isinstance(seed, Tensor):
        return _of_tensor(seed, members).to(device)
    if isinstance(seed, Sequence | np.ndarray):
        found = [key(check_seed(one)) for one in seed]
    elif members is None:
        found = [key(check_seed(seed))]
    else:
        found = [key(check_seed(seed), member) for member in range(members)]
    return torch.tensor([signed(one) for one in found], device=device)


def words(stream: Tensor, count: int) -> Tensor:
    """Give the first words of each stream, as ``chance.words`` does: int64 [streams] -> [streams, count]."""
    # 1 to count, as -~0 to -~(count - 1): what torch.compile knows to be a place in memory it multiplies as one, where
    # overflow is undefined.
    positions = -torch.bitwise_not(torch.arange(count, device=stream.device))
    return _mix(stream[:, None] + positions * _GOLDEN)


def kept(stream: Tensor, thresholds: Tensor, count: int, *, sparse: bool) -> Tensor:
    """Say which of each stream's first units are kept: int64 [streams] and [streams] -> bool [streams, count].

    A unit's first 16 bits decide, but where they are those of the threshold: there, 32 bits of a second stream do.
    With ``sparse`` only those units' second bits are made, which waits for the device and cannot be traced.
    """
    word = words(stream, -(-count // 4))
    first = torch.stack([(word >> shift) & 0xFFFF for shift in (0, 16, 32, 48)], dim=2).flatten(1)[:, :count]
    high, low = (thresholds >> 32)[:, None], (thresholds & 0xFFFFFFFF)[:, None]
    if not sparse:
        return (first > high) | ((first == high) & (_high(words(stream ^ _TIE, count)) >= low))
    keep = first >= high
    member, unit = torch.nonzero((first == high) & (low > 0), as_tuple=True)
    keep[member, unit] = _high(_mix((stream[member] ^ _TIE) + (unit + 1) * _GOLDEN)) >= low[member, 0]
    return keep


def check_seed(seed: object) -> int:
    """Give the seed as a number.

    Raises:
        RegularizeError: it is not a whole number.
    """
    try:
        return index(seed)  # type: ignore[arg-type]
    except TypeError:
        raise RegularizeError(f"seed must be a whole number, or one for each member; got {seed!r}") from None


def derived(seed: int | Tensor, part: int | Tensor) -> int | Tensor:
    """Give the seed of one part of what a seed is for, as ``chance.key`` does; a tensor if the seed is one."""
    if isinstance(seed, Tensor):
        return _key(seed, torch.as_tensor(part))
    return signed(key(seed, int(part)))


def _of_tensor(seed: Tensor, members: int | None) -> Tensor:
    """Give the streams of seeds in a tensor, of 0 or 1 dimensions."""
    if seed.is_floating_point() or seed.is_complex() or seed.dtype == torch.bool:
        raise RegularizeError(f"seed must be a whole number, or one for each member; got {seed.dtype}")
    found = seed.to(torch.int64)
    if seed.dim():
        return _key(found)
    return _key(found[None]) if members is None else _key(found[None], torch.arange(members, device=seed.device))


def _key(seed: Tensor, part: Tensor | None = None) -> Tensor:
    """Give the keys of streams, as ``chance.key`` does."""
    state = _mix(_mix(seed + _GOLDEN) + _GOLDEN)
    return state if part is None else _mix((state ^ _mix(part + _GOLDEN)) + _GOLDEN)


def _mix(state: Tensor) -> Tensor:
    """Scramble 64 bits, as ``chance.mix`` does, of each number of an int64 tensor."""
    state = (state ^ ((state >> 30) & (1 << 34) - 1)) * _MIX_A
    state = (state ^ ((state >> 27) & (1 << 37) - 1)) * _MIX_B
    return state ^ ((state >> 31) & (1 << 33) - 1)


def _high(word: Tensor) -> Tensor:
    return (word >> 32) & 0xFFFFFFFF
