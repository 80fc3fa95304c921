"""Gradient clipping: the norm of all gradients together, or of each member's, is bounded."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from evenfit.errors import RegularizeError

_SMALL = 1e-6  # as torch adds it, so that a member is clipped as a model alone


def clip_gradients_(
    parameters: nn.Module | Tensor | Iterable[Tensor], max_norm: float | Tensor, *, members: bool = False
) -> Tensor:
    """Scale gradients in place so that their norm, all of them taken as one vector, is at most ``max_norm``.

    Without members this is ``torch.nn.utils.clip_grad_norm_``. With members, each member's gradients are one vector,
    clipped by itself: a member is not changed by its neighbours, even where theirs are not finite.

    Args:
        parameters: a model, or its parameters; those without a gradient are passed over.
        max_norm: at least 0; with members one for all, or one for each, ``[members]``. Infinity clips nothing.
        members: whether the first axis of every parameter is that of members, as ``torch.func.stack_module_state``
            makes it.

    Returns:
        The norm before clipping: one number, or one for each member, ``[members]``; 0 without any gradient.

    Raises:
        RegularizeError: a negative bound; with members, gradients whose first axes differ, or that are sparse.

    Source: Pascanu, Mikolov & Bengio, "On the difficulty of training recurrent neural networks", 2013.

    Example:
        >>> weight = nn.Parameter(torch.ones(2, 2))
        >>> (weight * torch.tensor([[3.0, 4.0], [0.3, 0.4]])).sum().backward()
        >>> clip_gradients_([weight], 1.0, members=True)
        tensor([5.0000, 0.5000])
        >>> weight.grad
        tensor([[0.6000, 0.8000],
                [0.3000, 0.4000]])
    """
    given = _listed(parameters)
    bound = max_norm if isinstance(max_norm, Tensor) else torch.tensor(float(max_norm), dtype=torch.float64)
    if not bool((bound >= 0).all()):
        raise RegularizeError(f"the bound of a gradient's norm must be at least 0, got {max_norm}")
    if members:
        return _clip_members([one.grad for one in given if one.grad is not None], bound)
    if bound.dim():
        raise RegularizeError("a bound for each member needs members=True, and their axis first in every parameter")
    norm: Tensor = nn.utils.clip_grad_norm_(given, float(bound))
    return norm


@torch.no_grad()
def _clip_members(gradients: list[Tensor], bound: Tensor) -> Tensor:
    if not gradients:
        return torch.zeros(bound.shape)
    count = _count(gradients, bound)
    first = gradients[0]
    norms = []
    for one in gradients:
        # in at least single precision: squares of half precision overflow at 256
        wide = torch.promote_types(one.dtype, torch.float32)
        norms.append(torch.linalg.vector_norm(one.reshape(count, -1), dim=1, dtype=wide).to(first.device))
    norm: Tensor = torch.linalg.vector_norm(torch.stack(norms), dim=0)
    limit = bound.to(norm)
    share = torch.where(limit.isinf(), 1.0, (limit / (norm + _SMALL)).clamp(max=1.0))
    for one in gradients:
        one.mul_(share.to(one).reshape(-1, *[1] * (one.dim() - 1)))
    return norm


def _listed(parameters: nn.Module | Tensor | Iterable[Tensor]) -> list[Tensor]:
    if isinstance(parameters, nn.Module):
        return list(parameters.parameters())
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def _count(gradients: list[Tensor], bound: Tensor) -> int:
    """Give how many members there are."""
    if any(one.is_sparse for one in gradients):
        raise RegularizeError("a sparse gradient cannot be clipped for each member; clip it alone, members=False")
    counts = {one.shape[0] if one.dim() else 0 for one in gradients}
    if len(counts) > 1 or 0 in counts:
        shapes = ", ".join(str(list(one.shape)) for one in gradients[:6])
        raise RegularizeError(f"the first axis of every gradient must be that of the members; got the shapes {shapes}")
    [count] = counts
    if bound.dim() > 1 or (bound.dim() == 1 and len(bound) != count):
        raise RegularizeError(
            f"clipping needs one bound, or one for each of the {count} members; got {list(bound.shape)}"
        )
    return count
