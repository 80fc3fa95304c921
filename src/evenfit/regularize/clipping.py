"""Gradient clipping: the norm of all gradients together, or of each member's, is bounded."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from evenfit.errors import RegularizeError


def clip_gradients_(
    parameters: nn.Module | Tensor | Iterable[Tensor], max_norm: float | Tensor, *, members: bool = False
) -> Tensor:
    """Scale gradients in place so that their norm, all of them taken as one vector, is at most ``max_norm``.

    Without members this is ``torch.nn.utils.clip_grad_norm_``. With members, each member's gradients are one vector,
    clipped by itself: a member is not changed by its neighbours, even where theirs are not finite.

    Args:
        parameters: a model, or its parameters; those without a gradient are passed over.
        max_norm: at least 0; with members one for all, or one for each, ``[members]``. Infinity clips nothing.
        members: whether the first axis of every parameter is that of members.

    Returns:
        The norm before clipping: one number, or one for each member, ``[members]``.

    Raises:
        RegularizeError: a negative bound; gradients whose first axes differ, or that are sparse, with members.

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
    gradients = [one.grad for one in given if one.grad is not None]
    bound = torch.as_tensor(max_norm)
    if bool((bound < 0).any() | bound.isnan().any()):
        raise RegularizeError(f"the bound of a gradient's norm must be at least 0, got {max_norm}")
    if not members:
        if bound.dim():
            raise RegularizeError("a bound for each member needs members=True, and their axis first in every parameter")
        return nn.utils.clip_grad_norm_(given, float(bound))
    if not gradients:
        return torch.zeros(0)
    count = _count(gradients, bound)
    # The norm in at least single precision, since squares of half precision overflow at 256.
    first = gradients[0]
    kind = torch.promote_types(first.real.dtype if first.is_complex() else first.dtype, torch.float32)
    with torch.no_grad():
        norms = [torch.linalg.vector_norm(one.reshape(count, -1), dim=1).to(first.device, kind) for one in gradients]
        norm = torch.linalg.vector_norm(torch.stack(norms), dim=0)
        share = (bound.to(norm) / (norm + _SMALL)).clamp(max=1.0)
        share = torch.where(bound.to(norm).isinf(), torch.ones_like(share), share)
        for one in gradients:
            one.mul_(share.to(one.device, one.real.dtype).reshape(-1, *[1] * (one.dim() - 1)))
    return norm


_SMALL = 1e-6  # as torch adds it, so that one member is clipped as a model alone


def _listed(parameters: nn.Module | Tensor | Iterable[Tensor]) -> list[Tensor]:
    if isinstance(parameters, nn.Module):
        return list(parameters.parameters())
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def _count(gradients: list[Tensor], bound: Tensor) -> int:
    """Give how many members there are."""
    for one in gradients:
        if one.is_sparse:
            raise RegularizeError("a sparse gradient cannot be clipped for each member; clip it alone, members=False")
    counts = sorted({one.shape[0] if one.dim() else 0 for one in gradients})
    if len(counts) > 1 or counts[0] == 0:
        shapes = ", ".join(str(list(one.shape)) for one in gradients[:6])
        raise RegularizeError(f"the first axis of every gradient must be that of the members; got the shapes {shapes}")
    if bound.dim() > 1 or (bound.dim() == 1 and len(bound) != counts[0]):
        raise RegularizeError(
            f"clipping needs one bound, or one for each of the {counts[0]} members; got {list(bound.shape)}"
        )
    return counts[0]
