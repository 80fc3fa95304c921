"""Group lasso and sparse group lasso: values, gradients, proximal operators.

Every function takes a weight as torch lays it out, ``[units, inputs, ...]``, and ``groups``: "inputs" (each input's
outgoing weights) or "units" (each unit's incoming ones; "filters" is the same). ``strength`` and ``step`` are numbers,
or one for each member, ``[members]``; then the weight is ``[members, units, inputs, ...]``, and a value is given for
each. Groups are not scaled by the root of their size, unlike in Yuan & Lin, "Model selection and estimation in
regression with grouped variables", 2006.
"""

from __future__ import annotations

import torch
from torch import Tensor

from evenfit.regularize.penalties.amounts import Amount, check_amount, has_members, is_nothing, spread
from evenfit.regularize.penalties.elementwise import l1_gradient, l1_prox, l1_value
from evenfit.regularize.penalties.groups import norms, plain_axes, shares_left


def group_lasso_value(weight: Tensor, *, strength: Amount, groups: str = "inputs") -> Tensor:
    """Sum of the groups' norms, times the strength: lambda sum_g ||w_g||.

    Example:
        >>> group_lasso_value(torch.tensor([[3.0, 0.0], [4.0, 0.0]]), strength=1.0)
        tensor(5.)
    """
    check_amount("strength", strength)
    members = has_members(weight, strength)
    total = norms(weight, plain_axes(weight, groups, members=members))
    total = total.flatten(1).sum(1) if members else total.sum()
    return total * (strength.to(total) if isinstance(strength, Tensor) else strength)


def group_lasso_gradient(weight: Tensor, *, strength: Amount, groups: str = "inputs") -> Tensor:
    """Gradient of ``group_lasso_value``: lambda w_g / ||w_g||, and 0, the smallest of the subgradients, at 0."""
    check_amount("strength", strength)
    members = has_members(weight, strength)
    norm = norms(weight, plain_axes(weight, groups, members=members))
    return (spread(strength, weight) * (weight / torch.where(norm > 0, norm, 1.0))).to(weight.dtype)


def group_lasso_prox(weight: Tensor, *, strength: Amount, step: Amount, groups: str = "inputs") -> Tensor:
    """Group shrink, w_g max(0, 1 - step lambda / ||w_g||): a group of norm at most step lambda is exactly 0.

    It minimises 1/2 ||w' - w||^2 + step lambda sum_g ||w'_g|| over w'.

    Example:
        >>> group_lasso_prox(torch.tensor([[3.0, 0.1], [4.0, 0.1]]), strength=1.0, step=1.0)
        tensor([[2.4000, 0.0000],
                [3.2000, 0.0000]])
    """
    check_amount("strength", strength)
    check_amount("step", step)
    members = has_members(weight, strength, step)
    axes = plain_axes(weight, groups, members=members)
    amount = strength * step
    if is_nothing(amount):
        return weight.clone()
    return (weight * shares_left(norms(weight, axes), spread(amount, weight))).to(weight.dtype)


def sparse_group_lasso_value(weight: Tensor, *, strength: Amount, beta: Amount, groups: str = "inputs") -> Tensor:
    """Give lambda (beta sum|w| + (1 - beta) sum_g ||w_g||) (Simon et al., "A sparse-group lasso", 2013)."""
    single = l1_value(weight, strength=strength * beta)
    return single + group_lasso_value(weight, strength=strength * (1 - beta), groups=groups)


def sparse_group_lasso_gradient(weight: Tensor, *, strength: Amount, beta: Amount, groups: str = "inputs") -> Tensor:
    """Gradient of ``sparse_group_lasso_value``."""
    single = l1_gradient(weight, strength=strength * beta)
    return single + group_lasso_gradient(weight, strength=strength * (1 - beta), groups=groups)


def sparse_group_lasso_prox(
    weight: Tensor, *, strength: Amount, beta: Amount, step: Amount, groups: str = "inputs"
) -> Tensor:
    """Soft threshold, then a group shrink: the exact minimiser, since soft thresholds keep a group's directions."""
    soft = l1_prox(weight, strength=strength * beta, step=step)
    return group_lasso_prox(soft, strength=strength * (1 - beta), step=step, groups=groups)
