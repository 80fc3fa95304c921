"""Seeds: where the chance of one call comes from."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index

import torch
from torch import Tensor

from evenfit.errors import RegularizeError
from evenfit.regularize.chance import key

Seed = int | torch.Generator  # of one call
MemberSeeds = Sequence[int] | Tensor  # one for each member


def number_of(seed: Seed | MemberSeeds) -> int:
    """Give a seed as a number; of a generator its next one.

    Raises:
        RegularizeError: it is not one whole number that 64 bits hold, nor a generator.

    Example:
        >>> number_of(7)
        7
    """
    if isinstance(seed, torch.Generator):
        return int(torch.randint(2**62, (), generator=seed, device=seed.device))
    try:
        number = index(seed)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if not 0 <= number < 2**64:
        raise RegularizeError(
            f"a seed must be one whole number from 0 to 2**64 - 1, or a torch.Generator; got {seed!r}"
        )
    return number


def numbers_of(seed: Seed | MemberSeeds, *, members: int) -> list[int]:
    """Give the seeds of members as numbers.

    Raises:
        RegularizeError: there are not as many as members, or one of them is no seed.
    """
    given = [] if isinstance(seed, int | torch.Generator) else list(seed)
    if len(given) != members:
        raise RegularizeError(f"each of the {members} members needs a seed of its own, got {seed!r}")
    return [number_of(one) for one in given]


def generator_of(seed: Seed | MemberSeeds) -> torch.Generator:
    """Give a generator: the one given, or one that a number starts.

    The latter draws on the processor, so that a seed means the same on every device.

    Raises:
        RegularizeError: it is neither.
    """
    if isinstance(seed, torch.Generator):
        return seed
    # Hashed, since torch's generator looks at the lower 32 bits alone: 1 and 1 + 2**32 would be one seed.
    return torch.Generator().manual_seed(key(number_of(seed)))
