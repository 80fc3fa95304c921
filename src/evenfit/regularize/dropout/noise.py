"""Noise: a tensor multiplied by 1 plus normal numbers of streams.

The numbers are made by Box and Muller's transform: each word of a stream gives two, their radius from its upper 31
bits and their angle from its lower 32. The words are the same on every device and for every type; logarithms, roots
and cosines may round otherwise, by some 1e-6 of a number's size.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from evenfit.regularize.dropout.draws import Draw, wide
from evenfit.regularize.dropout.products import Factors, is_compiled, multiply
from evenfit.regularize.dropout.rates import Law
from evenfit.regularize.dropout.streams import words


def noised(input: Tensor, found: Draw) -> Tensor:
    """Multiply each unit of a tensor by a number from N(1, rate / (1 - rate))."""
    if is_compiled(input, _NOISE) and input.numel():
        streams, law = found.streams(input.device), found.law()
        return multiply(input.float(), streams, law, _NOISE).to(input.dtype)
    kept = found.kept(input)
    normal = _normals(input, tuple(input.shape), found.streams(input.device), found.members or 1)
    return (input * (1 + torch.sqrt((1 - kept) / kept) * normal)).to(input.dtype)


def _normals(input: Tensor, shape: tuple[int, ...], streams: Tensor, members: int) -> Tensor:
    """Give standard normal numbers of ``shape``, where the input is."""
    kind = wide(input)
    count = math.prod(shape) // members
    drawn = words(streams, -(-count // 2))
    uniform = (((drawn >> 33) & 0x7FFFFFFF).to(kind) + 0.5) * 2.0**-31
    angle = (((drawn & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000).to(kind) * (2 * torch.pi * 2.0**-32)
    radius = torch.sqrt(-2 * torch.log(uniform))
    both = torch.stack((radius * torch.cos(angle), radius * torch.sin(angle)), dim=-1)
    return both.flatten(1)[:, :count].reshape(shape)


def _compiled(passes: Any, source: Tensor, target: Tensor, streams: Tensor, law: Law) -> None:
    """Write the source times its noise to the target, in one pass."""
    count = source.numel() // law.members
    passes.multiply(source.data_ptr(), target.data_ptr(), law.members, count, streams.data_ptr(), law.addresses[2])


def _by_torch(input: Tensor, shape: tuple[int, ...], streams: Tensor, law: Law) -> Tensor:
    """Give the factors in torch's operations: the twin of the compiled pass over ones."""
    deviations = torch.tensor(law.deviations.tolist(), dtype=wide(input), device=input.device)
    normal = _normals(input, (law.members, math.prod(shape) // law.members), streams, law.members)
    return (1 + deviations[:, None] * normal).reshape(shape)


_NOISE = Factors(
    module="evenfit.regularize.kernels.noise",
    compiled=_compiled,
    by_torch=_by_torch,
    types=(torch.float32, torch.float16, torch.bfloat16),
)
