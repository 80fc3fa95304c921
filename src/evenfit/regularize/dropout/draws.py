"""Draws: what decides a mask, checked; and whether it is drawn now, or in a program that torch writes down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.rates import Law, Rate, check_form, check_rate, kept_share, law, thresholds_of
from evenfit.regularize.dropout.streams import Seed, streams

_PLAIN = (Tensor, torch.nn.Parameter)
_TRACING: Any = torch.jit  # which says so by an untyped function


class Draw(NamedTuple):
    """What decides a mask."""

    rates: tuple[float, ...]  # one, or one for each member; none where they cannot be read
    symbol: Tensor | None  # the same in a program that is traced
    form: str
    seed: Seed
    generator: torch.Generator | None
    members: int | None  # None: the first axis is not one of members

    def never(self) -> bool:
        """Say whether no unit is dropped."""
        return bool(self.rates) and not any(self.rates)

    def law(self) -> Law:
        """Give the thresholds and scales of the members, or of all."""
        return law(self.rates if len(self.rates) == self.members else self.rates * (self.members or 1), self.form)

    def streams(self, device: torch.device) -> Tensor:
        """Give the stream of each member's mask, or the one of all, int64."""
        return streams(self.seed, self.generator, members=self.members, device=device)

    def kept(self, input: Tensor) -> Tensor:
        """Give the exact share that is kept, in a shape that broadcasts over the input; at least float32."""
        if self.symbol is not None:
            shares = (1 - thresholds_of(self.symbol) * 2.0**-48).to(input.device, wide(input))
        else:
            shares = torch.tensor([kept_share(rate) for rate in self.rates], dtype=wide(input), device=input.device)
        return shares.reshape(-1, *[1] * (input.dim() - 1)) if self.members is not None else shares.reshape(())


def draw(
    shape: Sequence[int],
    *,
    rate: Rate,
    form: str = "inverted",
    seed: Seed = None,
    generator: torch.Generator | None = None,
) -> Draw:
    """Check what decides a mask of ``shape``.

    Raises:
        RegularizeError: a rate outside [0, 1), an unknown form, or rates or seeds that are not one for each member.
    """
    check_form(form)
    symbol: Tensor | None = None
    rates: tuple[float, ...] = ()
    if isinstance(rate, Tensor) and (traced(rate) or batched(rate)):
        if batched(rate):
            raise RegularizeError(
                "vmap cannot have a rate for each lane: give the members' rates to a call without vmap"
            )
        symbol, many = rate, rate.dim() > 0
    else:
        found = check_rate(rate)
        many = isinstance(found, tuple)
        rates = found if isinstance(found, tuple) else (found,)
        if torch.compiler.is_compiling():
            symbol = torch.tensor(found, dtype=torch.float64, device="cpu")
    members = None
    if many or not (seed is None or isinstance(seed, int)):
        members = _members(
            shape, rates=(len(rates) if symbol is None else len(symbol)) if many else None, seeds=_count(seed)
        )
    return Draw(rates, symbol, form, seed, generator, members)


def traced(tensor: Tensor) -> bool:
    """Say whether what happens to a tensor is being written down, or done to many at once, rather than done."""
    return (
        torch.compiler.is_compiling()
        or torch._C._are_functorch_transforms_active()
        or torch._C._len_torch_dispatch_stack() > 0
        or _TRACING.is_tracing()
        or type(tensor) not in _PLAIN
    )


def batched(tensor: Tensor) -> bool:
    """Say whether a tensor is many, in a lane of vmap or of another of torch's transforms."""
    if torch.compiler.is_compiling():
        return False  # and these questions cannot be compiled
    kinds = torch._C._functorch
    return bool(kinds.is_functorch_wrapped_tensor(tensor) or kinds.is_legacy_batchedtensor(tensor))


def wide(input: Tensor) -> torch.dtype:
    """Give the type of a mask's factors: not narrower than float32, so that scales are not rounded."""
    return torch.float64 if input.dtype in (torch.float64, torch.complex128) else torch.float32


def _count(seed: Seed) -> int | None:
    """Give how many seeds there are, None for one of all."""
    if isinstance(seed, Sequence | np.ndarray) or (isinstance(seed, Tensor) and seed.dim() > 0):
        return len(seed)
    return None


def _members(shape: Sequence[int], **counts: int | None) -> int | None:
    """Give how many members there are: as many as rates, as seeds, and as the first axis is long."""
    members = None
    for what, count in counts.items():
        if count is None:
            continue
        if not shape or shape[0] != count:
            raise RegularizeError(
                f"with {count} {what}, one for each member, the first axis must be {count} members; "
                f"got the shape {tuple(shape)}"
            )
        members = count
    return members
