"""Masks: which units are kept; and a tensor multiplied by a mask, forward and backward.

On the CPU one compiled pass hashes, compares and multiplies, and again on the way back: nothing is stored but the
mask's stream. Elsewhere, without numba, and in programs that torch traces (``torch.compile``, ``vmap``, ``export``)
torch's operations give the same mask, bit for bit.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional

from evenfit.regularize.dropout.draws import Draw, draw, traced, wide
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
    place = torch.empty((), device=device)
    return factors(place, shape, draw(shape, rate=rate, form="original", seed=seed, generator=generator)) != 0


def multiplied(input: Tensor, found: Draw) -> Tensor:
    """Multiply each unit of a tensor by its own factor: 0, or the scale of what is kept."""
    if compiled(input) and input.numel():
        streams, law = found.streams(input.device), found.law()
        if input.dtype in _HALVES:
            return _multiply(input.float(), streams, law).to(input.dtype)
        return _multiply(input, streams, law)
    if _is_torchs(input, found):
        dropped = functional.dropout(input, found.rates[0], training=True)
        return dropped if found.form == "inverted" else dropped * kept_share(found.rates[0])
    return (input * factors(input, input.shape, found)).to(input.dtype)


def shared(input: Tensor, shape: Sequence[int], found: Draw) -> Tensor:
    """Multiply an input by factors that several of its units share: those of ``shape``, broadcast."""
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
    if compiled(input):
        return _pass(torch.ones(shape, dtype=kind, device=input.device), streams, found.law())
    return _by_torch(input, shape, streams, found.law())


def compiled(input: Tensor) -> bool:
    """Say whether compiled code can take this tensor's memory."""
    return input.device.type == "cpu" and not input.is_complex() and not traced(input) and kernels() is not None


@cache
def kernels() -> Any:
    """Give the compiled passes, or None where there cannot be any."""
    if sys.byteorder != "little":
        return None  # a word's quarters would lie the other way round
    try:
        return import_module("evenfit.regularize.kernels.masks")
    except (ImportError, RuntimeError):  # no numba for this Python, or no folder to keep compiled code in
        return None


def _is_torchs(input: Tensor, found: Draw) -> bool:
    """Say whether torch's own kernel may draw the mask: off the CPU, where no seed asks for a certain one."""
    return (
        input.device.type != "cpu"
        and found.seed is None
        and found.generator is None
        and found.members is None
        and found.symbol is None
        and found.rates[0] >= _TORCH_LEAST
    )


def _by_torch(input: Tensor, shape: tuple[int, ...], streams: Tensor, law: Law) -> Tensor:
    """Give the factors of each member's stream in torch's operations: the twin of the compiled pass over ones."""
    limits = torch.tensor(law.thresholds.tolist(), device=input.device)
    scales = torch.tensor(law.scales.tolist(), dtype=wide(input), device=input.device)
    sparse = input.device.type == "cpu" and not traced(input) and not traced(streams)
    keep = kept(streams, limits, math.prod(shape) // len(limits), sparse=sparse)
    return torch.where(keep, scales[:, None], 0).reshape(shape)


def _pass(input: Tensor, streams: Tensor, law: Law) -> Tensor:
    """Multiply by the mask of each member's stream, units counted in the order of the axes, whatever the memory's."""
    source = input if input.is_contiguous() and not input.is_neg() else input.contiguous().resolve_neg()
    target = torch.empty_like(source)
    zero = _ZERO_64 if source.dtype == torch.float64 else _ZERO_32
    count = source.numel() // law.members
    kernels().drop(source.data_ptr(), target.data_ptr(), law.members, count, streams.data_ptr(), *law.addresses, zero)
    if source is input or 0 in input.stride():  # an expanded tensor's memory is not one to imitate
        return target
    return torch.empty_like(input).copy_(target)


class _Multiply(torch.autograd.Function):
    """Multiplication by a mask, which is its own derivative: of every order, and in both directions."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, streams: Tensor, law: Law) -> Tensor:
        ctx.streams, ctx.law = streams, law
        return _pass(input, streams, law)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _again(gradient, ctx), None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: object) -> Tensor:
        return _again(tangent, ctx)


_APPLY: Any = _Multiply.apply
_UNPACK: Any = forward_ad.unpack_dual


def _multiply(input: Tensor, streams: Tensor, law: Law) -> Tensor:
    """Multiply by a mask, noting it for derivatives where there are any."""
    if not (torch.is_grad_enabled() and input.requires_grad) and _UNPACK(input).tangent is None:
        return _pass(input, streams, law)
    product: Tensor = _APPLY(input, streams, law)
    return product


def _again(gradient: Tensor, ctx: Any) -> Tensor:
    """Multiply a gradient by the mask of the way forward, made anew."""
    if traced(gradient):  # many gradients at once, or a way back that is compiled
        return gradient * _by_torch(gradient, tuple(gradient.shape), ctx.streams, ctx.law)
    return _multiply(gradient, ctx.streams, ctx.law)
