"""Masks: which units are kept, and a tensor multiplied by a mask.

Compiled code and torch's operations give the same mask, bit for bit, on every device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from evenfit.regularize.dropout.draws import Draw, draw, traced, wide
from evenfit.regularize.dropout.products import Factors, is_compiled, multiply
from evenfit.regularize.dropout.rates import Law, Rate, kept_share, thresholds_of
from evenfit.regularize.dropout.streams import Seed, kept

_HALVES = (torch.float16, torch.bfloat16)
_ZERO_32, _ZERO_64 = np.float32(0), np.float64(0)  # they say to compiled code what type to take
_TORCH_LEAST = 2.0**-16  # torch's own masks compare 24 bits: a lower rate might be rounded to 0


def keep_mask(
    shape: Sequence[int],
    *,
    rate: Rate,
    seed: Seed = None,
    generator: torch.Generator | None = None,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Say which units are kept: a bool tensor of ``shape``; with a rate or seed for each member, members come first.

    Args:
        rate: probability that a unit is dropped, in [0, 1), exact to 2^-48; a number, or one for each member.
        seed: the same seed gives the same mask, on every device; a number, or one for each member.
            None draws one from ``generator``, or from torch's own.

    Raises:
        RegularizeError: a rate outside [0, 1), or rates or seeds that are not as many as there are members.

    Example:
        >>> keep_mask((2, 3), rate=0.5, seed=1).equal(keep_mask((2, 3), rate=0.5, seed=1))
        True
    """
    place = torch.empty((), dtype=torch.float32, device=device)
    return factors(place, shape, draw(shape, rate=rate, form="original", seed=seed, generator=generator)) != 0


def multiplied(input: Tensor, found: Draw) -> Tensor:
    """Multiply each unit of a tensor by its own factor: 0, or the scale of what is kept."""
    if is_compiled(input, _MASK) and input.numel():
        streams, law = found.streams(input.device), found.law()
        if input.dtype in _HALVES:
            return multiply(input.float(), streams, law, _MASK).to(input.dtype)
        return multiply(input, streams, law, _MASK)
    if _is_torchs(input, found):
        dropped = functional.dropout(input, found.rates[0], training=True)
        return dropped if found.form == "inverted" else dropped * kept_share(found.rates[0])
    return shared(input, input.shape, found)


def shared(input: Tensor, shape: Sequence[int], found: Draw) -> Tensor:
    """Multiply an input by factors that several of its units may share: those of ``shape``, broadcast."""
    return (input * factors(input, shape, found)).to(input.dtype)


def factors(input: Tensor, shape: Sequence[int], found: Draw) -> Tensor:
    """Give factors for units of ``shape``, 0 or the scale, at least float32, where the input is."""
    shape, kind = tuple(shape), wide(input)
    streams = found.streams(input.device)
    if 0 in shape:
        return torch.empty(shape, dtype=kind, device=input.device)
    if found.symbol is not None:
        limits = thresholds_of(found.symbol.reshape(-1)).to(input.device)
        scales = 1 / (1 - limits * 2.0**-48) if found.form == "inverted" else torch.ones_like(limits)
        keep = kept(streams, limits, math.prod(shape) // (found.members or 1), sparse=False)
        return torch.where(keep, scales.to(kind)[:, None], 0).reshape(shape)
    if is_compiled(input, _MASK):
        return multiply(torch.ones(shape, dtype=kind, device=input.device), streams, found.law(), _MASK)
    return _by_torch(input, shape, streams, found.law())


def _is_torchs(input: Tensor, found: Draw) -> bool:
    """Say whether torch's own kernel may draw the mask: off the CPU, where no seed asks for a certain one."""
    return (
        not input.is_cpu
        and found.seed is None
        and found.generator is None
        and found.members is None
        and found.symbol is None
        and found.rates[0] >= _TORCH_LEAST
    )


def _compiled(passes: Any, source: Tensor, target: Tensor, streams: Tensor, law: Law) -> None:
    """Write the source times its mask to the target, in one pass."""
    zero = _ZERO_64 if source.dtype == torch.float64 else _ZERO_32
    count = source.numel() // law.members
    passes.drop(source.data_ptr(), target.data_ptr(), law.members, count, streams.data_ptr(), *law.addresses[:2], zero)


def _by_torch(input: Tensor, shape: tuple[int, ...], streams: Tensor, law: Law) -> Tensor:
    """Give the factors of each member's stream in torch's operations: the twin of the compiled pass over ones."""
    limits = torch.tensor(law.thresholds.tolist(), device=input.device)
    scales = torch.tensor(law.scales.tolist(), dtype=wide(input), device=input.device)
    sparse = input.is_cpu and not traced(input) and not traced(streams)
    keep = kept(streams, limits, math.prod(shape) // law.members, sparse=sparse)
    return torch.where(keep, scales[:, None], 0).reshape(shape)


_MASK = Factors(
    module="evenfit.regularize.kernels.masks",
    compiled=_compiled,
    by_torch=_by_torch,
    types=(torch.float32, torch.float64, *_HALVES),
)
