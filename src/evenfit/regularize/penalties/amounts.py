"""Amounts: a strength or a step as one number, or as one for each member."""

from __future__ import annotations

import torch
from torch import Tensor

from evenfit.errors import RegularizeError

Amount = float | Tensor  # a number, a tensor of no dimension, or [members]


def has_members(weight: Tensor, *amounts: Amount) -> bool:
    """Say whether the first axis of a weight is that of members: where an amount is given for each.

    Raises:
        RegularizeError: the amounts have more than one axis, or another length than the weight's first.
    """
    each = [one for one in amounts if isinstance(one, Tensor) and one.dim() > 0]
    for one in each:
        if one.dim() > 1 or weight.dim() == 0 or one.shape[0] not in {1, weight.shape[0]}:
            raise RegularizeError(
                f"amounts for each member are [members], like the first axis of the weight, {list(weight.shape)}; "
                f"got {list(one.shape)}"
            )
    return bool(each)


def check_amount(name: str, amount: Amount) -> None:
    """See that an amount, or each member's, is at least 0.

    Raises:
        RegularizeError: one is negative or not a number.
    """
    if not isinstance(amount, Tensor):
        wrong = not amount >= 0
    elif torch.compiler.is_compiling() or torch._C._functorch.is_functorch_wrapped_tensor(amount):
        return  # its numbers are not known yet
    else:
        wrong = bool((~(amount >= 0)).any())
    if wrong:
        raise RegularizeError(f"{name} must be at least 0, got {amount}")


def spread(amount: Amount, weight: Tensor) -> Amount:
    """Give an amount that multiplies a weight: ``[members]`` becomes ``[members, 1, ...]``, on the weight's device."""
    return spread_tensor(amount, weight) if isinstance(amount, Tensor) else amount


def spread_tensor(amount: Tensor, weight: Tensor) -> Tensor:
    """Do what ``spread`` does, in at least single precision, in which an amount of 1e-8 is not nothing."""
    kind = torch.promote_types(weight.dtype, torch.float32)
    amount = amount.to(weight.device, kind)
    return amount.reshape(-1, *[1] * (weight.dim() - 1)) if amount.dim() else amount


def largest(amount: float, weight: Tensor) -> float:
    """Give an amount that a weight's precision can hold."""
    return min(amount, torch.finfo(weight.dtype).max)


def is_nothing(amount: Amount) -> bool:
    """Say whether an amount is the number 0; a tensor's numbers are not looked at."""
    return not isinstance(amount, Tensor) and amount == 0
