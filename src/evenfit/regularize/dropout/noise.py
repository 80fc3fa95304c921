"""Noise: standard normal numbers of streams."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from evenfit.regularize.dropout.draws import Draw, wide
from evenfit.regularize.dropout.masks import compiled, kernels
from evenfit.regularize.dropout.streams import words


def normals(input: Tensor, shape: Sequence[int], found: Draw) -> Tensor:
    """Give standard normal numbers of ``shape``, where the input is, by Box and Muller's transform.

    Each word of a member's stream gives two, of 32 bits each. The words are the same on every device; logarithms and
    cosines may round otherwise.
    """
    kind = wide(input)
    streams = found.streams(input.device)
    count = math.prod(shape[found.members is not None :])
    pairs = -(-count // 2)
    if compiled(input) and pairs and len(streams):
        drawn = torch.empty((len(streams), pairs), dtype=torch.int64, device=input.device)
        kernels().fill(drawn.data_ptr(), len(streams), pairs, streams.data_ptr())
    else:
        drawn = words(streams, pairs)
    radius = torch.sqrt(-2 * torch.log((((drawn >> 32) & 0xFFFFFFFF).to(kind) + 0.5) * 2.0**-32))
    angle = (drawn & 0xFFFFFFFF).to(kind) * (2 * torch.pi * 2.0**-32)
    both = torch.stack((radius * torch.cos(angle), radius * torch.sin(angle)), dim=-1)
    return both.flatten(1)[:, :count].reshape(tuple(shape))
