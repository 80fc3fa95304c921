"""Products: a tensor multiplied by random factors, forward and backward.

On the CPU one compiled pass hashes, makes the factors and multiplies, and again on the way back: nothing is stored but
the factors' streams. Elsewhere, without numba, and in programs that torch traces (``torch.compile``, ``vmap``,
``export``) torch's operations make the same factors.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from evenfit.regularize.dropout.draws import batched, traced
from evenfit.regularize.dropout.rates import Law


@dataclass(frozen=True, kw_only=True, eq=False)
class Factors:
    """Random factors of one kind: how compiled code multiplies by them, and how torch makes them."""

    module: str  # of compiled passes
    compiled: Callable[[Any, Tensor, Tensor, Tensor, Law], None]  # (passes, source, target, streams, law)
    by_torch: Callable[[Tensor, tuple[int, ...], Tensor, Law], Tensor]  # (like, shape, streams, law)
    types: tuple[torch.dtype, ...]  # that compiled code takes


def is_compiled(input: Tensor, factors: Factors) -> bool:
    """Say whether compiled code can take this tensor's memory."""
    return input.is_cpu and not traced(input) and input.dtype in factors.types and passes(factors.module) is not None


@cache
def passes(module: str) -> Any:
    """Give a module of compiled passes, or None where there cannot be any."""
    if sys.byteorder != "little":
        return None  # a word's quarters would lie the other way round
    try:
        return import_module(module)
    except (ImportError, RuntimeError):  # no numba for this Python, or no folder to keep compiled code in
        return None


def multiply(input: Tensor, streams: Tensor, law: Law, factors: Factors) -> Tensor:
    """Multiply by the factors of each member's stream, noting it for derivatives where there are any.

    Units are counted in the order of the axes, whatever the order of memory is.
    """
    if forward_ad._current_level < 0 and not (torch.is_grad_enabled() and input.requires_grad):
        return _pass(input, streams, law, factors)
    product: Tensor = _APPLY(input, streams, law, factors)
    return product


class _Multiply(torch.autograd.Function):
    """Multiplication by random factors, which is its own derivative: of every order, and in both directions."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, streams: Tensor, law: Law, factors: Factors) -> Tensor:
        ctx.settings = streams, law, factors
        return _pass(input, streams, law, factors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return _again(gradient, *ctx.settings), None, None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: object) -> Tensor:
        return _again(tangent, *ctx.settings)


_APPLY: Any = _Multiply.apply


def _again(gradient: Tensor, streams: Tensor, law: Law, factors: Factors) -> Tensor:
    """Multiply a gradient by the factors of the way forward, made anew."""
    if traced(gradient) or batched(gradient):  # many gradients at once, or a way back that is compiled
        return gradient * factors.by_torch(gradient, tuple(gradient.shape), streams, law)
    return multiply(gradient, streams, law, factors)


def _pass(input: Tensor, streams: Tensor, law: Law, factors: Factors) -> Tensor:
    """Multiply by factors in compiled code."""
    source = input if input.is_contiguous() and not input.is_neg() else input.contiguous().resolve_neg()
    target = torch.empty_like(source)
    factors.compiled(passes(factors.module), source, target, streams, law)
    if source is input or 0 in input.stride():  # an expanded tensor's memory is not one to imitate
        return target
    return torch.empty_like(input).copy_(target)
