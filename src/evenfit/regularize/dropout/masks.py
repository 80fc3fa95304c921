"""Masks: which units are kept, from a rate and a seed, on every device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.chance import RESOLUTION, kept, key, signed, threshold

Rate = float | Tensor  # a number, or one for each member
Seed = int | Sequence[int] | Tensor | None  # None: fresh chance from torch's generator


def keep_mask(
    shape: Sequence[int],
    *,
    rate: Rate,
    seed: Seed = None,
    generator: torch.Generator | None = None,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Say which units are kept: a bool tensor of ``shape``; with a rate for each member, the first axis is members.

    Args:
        rate: probability that a unit is dropped, in [0, 1), exact to 2^-48; a number, or a tensor [members].
        seed: the same seed gives the same mask, on every device; a number, or one for each member.
            None draws one from ``generator``, or from torch's own.

    Example:
        >>> keep_mask((2, 3), rate=0.5, seed=1).equal(keep_mask((2, 3), rate=0.5, seed=1))
        True
    """
    place = torch.device(device)
    if isinstance(rate, Tensor):
        members = shape[0]
        thresholds = (rate.to(place, torch.float64) * 2.0**RESOLUTION).round()
        thresholds = torch.where(rate.to(place) > 0, thresholds.clamp(1, 2.0**RESOLUTION - 1), 0).to(torch.int64)
    else:
        members = 1
        thresholds = torch.full((1,), threshold(rate), device=place)
    count = 1
    for size in shape[1:] if isinstance(rate, Tensor) else shape:
        count *= size
    return kept(_streams(seed, generator, members, place), thresholds, count).reshape(tuple(shape))


def _streams(seed: Seed, generator: torch.Generator | None, members: int, device: torch.device) -> Tensor:
    """Give each member's stream, int64 [members]."""
    if seed is None:
        source = "cpu" if generator is None else generator.device
        return torch.randint(2**63 - 1, (members,), generator=generator, device=source).to(device)
    if isinstance(seed, int):
        seeds = [key(seed, member) for member in range(members)] if members > 1 else [key(seed)]
    else:
        seeds = [key(int(one)) for one in seed]
    if len(seeds) != members:
        raise RegularizeError(f"seed must be one number, or one for each of the {members} members; got {len(seeds)}")
    return torch.tensor([signed(one) for one in seeds], device=device)
