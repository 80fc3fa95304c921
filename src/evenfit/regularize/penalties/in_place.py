"""Proximal steps in place, for many weights at once: what ``Proximal`` does after each step of an optimiser.

The same arithmetic as the functions of ``elementwise``, with as little memory traffic as torch allows: on a CPU one
vectorised pass for each weight, elsewhere one launch for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from evenfit.regularize.penalties.amounts import Amount, largest


def soft_threshold_(weights: Sequence[Tensor], amounts: Sequence[Amount]) -> None:
    """Replace each w by sign(w) max(|w| - amount, 0)."""
    numbers = _numbers(weights, amounts)
    if numbers is None:
        for weight, amount in zip(weights, amounts, strict=True):
            limit = torch.as_tensor(amount, device=weight.device).to(weight.dtype)
            weight.sub_(torch.minimum(torch.maximum(weight, -limit), limit))
    elif all(weight.device.type == "cpu" for weight in weights):
        for weight, number in zip(weights, numbers, strict=True):
            torch._C._nn.softshrink(weight, number, out=weight)  # type: ignore[call-arg] # torch's stub lacks it
    else:
        middle = torch._foreach_clamp_min(list(weights), [-number for number in numbers])
        torch._foreach_clamp_max_(middle, numbers)
        torch._foreach_sub_(list(weights), middle)


def shrink_(weights: Sequence[Tensor], amounts: Sequence[Amount]) -> None:
    """Replace each w by w / (1 + amount)."""
    numbers = _numbers(weights, amounts)
    if numbers is None:
        for weight, amount in zip(weights, amounts, strict=True):
            weight.div_(1 + torch.as_tensor(amount, device=weight.device))
    elif numbers:
        torch._foreach_div_(list(weights), [1 + number for number in numbers])


def _numbers(weights: Sequence[Tensor], amounts: Sequence[Amount]) -> list[float] | None:
    """Give amounts as numbers that the weights' precisions can hold; None if a learning rate on a device is in them."""
    if any(isinstance(amount, Tensor) for amount in amounts):
        return None
    return [largest(float(amount), weight) for weight, amount in zip(weights, amounts, strict=True)]
