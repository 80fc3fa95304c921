"""L1, L2 and the elastic net, weight by weight: values, gradients, proximal operators.

Every function takes a weight of any shape. ``strength`` and ``step`` are numbers, or one for each member,
``[members]``; then the first axis of the weight is members, and a value is given for each.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from evenfit.regularize.penalties.amounts import (
    Amount,
    check_amount,
    has_members,
    is_nothing,
    largest,
    spread,
    spread_tensor,
)


def l1_value(weight: Tensor, *, strength: Amount) -> Tensor:
    """Sum of absolute values, times the strength: lambda sum|w|.

    Example:
        >>> l1_value(torch.tensor([1.0, -2.0]), strength=0.5)
        tensor(1.5000)
    """
    return _total(weight.abs(), strength)


def l1_gradient(weight: Tensor, *, strength: Amount) -> Tensor:
    """Gradient of ``l1_value``: lambda sign(w), and 0, the smallest of the subgradients, where w is 0."""
    check_amount("strength", strength)
    has_members(weight, strength)
    return (spread(strength, weight) * weight.sign()).to(weight.dtype)


def l1_prox(weight: Tensor, *, strength: Amount, step: Amount) -> Tensor:
    """Soft threshold, sign(w) max(|w| - step lambda, 0): where |w| is at most step lambda, exactly 0.

    It minimises 1/2 ||w' - w||^2 + step lambda sum|w'| over w'.

    Source: Daubechies, Defrise & De Mol, "An iterative thresholding algorithm for linear inverse problems with a
    sparsity constraint", 2004.

    Example:
        >>> l1_prox(torch.tensor([3.0, 0.5, -2.0]), strength=1.0, step=1.0)
        tensor([ 2.,  0., -1.])
    """
    amount = _product(weight, strength, step)
    if is_nothing(amount):
        return weight.clone()
    if not isinstance(amount, Tensor):
        return functional.softshrink(weight, largest(amount, weight))
    threshold = spread_tensor(amount, weight)
    less = weight - torch.minimum(torch.maximum(weight, -threshold), threshold)
    return torch.where(threshold == 0, weight, less.to(weight.dtype))  # a zero keeps its sign


def l2_value(weight: Tensor, *, strength: Amount) -> Tensor:
    """Sum of squares, times the strength, without a half: lambda sum w^2.

    Example:
        >>> l2_value(torch.tensor([1.0, -2.0]), strength=0.5)
        tensor(2.5000)
    """
    wide = weight.to(torch.promote_types(weight.dtype, torch.float32))  # squares of half precision overflow at 256
    return _total(wide * wide, strength)


def l2_gradient(weight: Tensor, *, strength: Amount) -> Tensor:
    """Gradient of ``l2_value``: 2 lambda w."""
    check_amount("strength", strength)
    has_members(weight, strength)
    return (2 * spread(strength, weight) * weight).to(weight.dtype)


def l2_prox(weight: Tensor, *, strength: Amount, step: Amount) -> Tensor:
    """Shrink, w / (1 + 2 step lambda).

    It minimises 1/2 ||w' - w||^2 + step lambda sum w'^2 over w'.

    Example:
        >>> l2_prox(torch.tensor([3.0]), strength=1.0, step=1.0)
        tensor([1.])
    """
    amount = _product(weight, strength, step)
    if is_nothing(amount):
        return weight.clone()
    return (weight / (1 + 2 * spread(amount, weight))).to(weight.dtype)


def elastic_net_value(weight: Tensor, *, strength: Amount, beta: Amount) -> Tensor:
    """Elastic net, lambda sum(beta |w| + (1 - beta) / 2 w^2), with its half (Zou & Hastie, 2005)."""
    return l1_value(weight, strength=strength * beta) + l2_value(weight, strength=strength * (1 - beta) / 2)


def elastic_net_gradient(weight: Tensor, *, strength: Amount, beta: Amount) -> Tensor:
    """Gradient of ``elastic_net_value``: lambda (beta sign(w) + (1 - beta) w)."""
    first = l1_gradient(weight, strength=strength * beta)
    return first + l2_gradient(weight, strength=strength * (1 - beta) / 2)


def elastic_net_prox(weight: Tensor, *, strength: Amount, beta: Amount, step: Amount) -> Tensor:
    """Soft threshold by step lambda beta, then a shrink by 1 + step lambda (1 - beta).

    Example:
        >>> elastic_net_prox(torch.tensor([3.0, 0.5]), strength=1.0, beta=0.5, step=1.0)
        tensor([1.6667, 0.0000])
    """
    soft = l1_prox(weight, strength=strength * beta, step=step)
    return l2_prox(soft, strength=strength * (1 - beta) / 2, step=step)


def _product(weight: Tensor, strength: Amount, step: Amount) -> Amount:
    check_amount("strength", strength)
    check_amount("step", step)
    has_members(weight, strength, step)
    return strength * step


def _total(terms: Tensor, strength: Amount) -> Tensor:
    """Sum over a weight, or over each member's, in at least single precision, times the strength."""
    check_amount("strength", strength)
    kind = torch.promote_types(terms.dtype, torch.float32)
    if has_members(terms, strength):
        terms = terms.flatten(1) if terms.dim() > 1 else terms[:, None]
        total = terms.sum(1, dtype=kind)
    else:
        total = terms.sum(dtype=kind)
    return total * (strength.to(total) if isinstance(strength, Tensor) else strength)
