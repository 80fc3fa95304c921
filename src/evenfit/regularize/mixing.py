"""Mixup: train on mixtures of two rows and of their targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from evenfit.errors import RegularizeError


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """Mixed inputs, and the two targets that each of them has.

    Input i is ``share * x[i] + (1 - share) * x[order[i]]``; so its targets are ``first`` (its own) with weight
    ``share``, and ``second`` (its partner's) with the rest. With members, every part has their axis first.
    """

    inputs: Tensor
    first: Tensor  # the targets as they were given
    second: Tensor  # those of the partners
    share: Tensor  # lambda: one number, or [members]
    order: Tensor  # each row's partner, [rows] or [members, rows]


def mixup(x: Tensor, y: Tensor, *, alpha: float, seed: int | torch.Generator) -> Mixed:
    """Mix every row with a partner: lambda x + (1 - lambda) x', with one lambda from Beta(alpha, alpha) for the batch.

    The partners are a random permutation of the batch, drawn anew with each call; a row may be its own partner.
    Train on ``mixed_loss(criterion, model(mixed.inputs), mixed)``.

    Args:
        x: inputs ``[rows, ...]``, real numbers.
        y: targets ``[rows, ...]``: class numbers, soft labels or numbers.
        alpha: of the Beta distribution: near 0 hardly mixes, 1 draws lambda uniformly; exactly 0 gives the rows back.
        seed: of the pairing and of lambda, such as the number of the step (one seed, one pairing); or a generator, of
            which each call takes a number.

    Raises:
        RegularizeError: a negative or infinite alpha, inputs that are not real numbers, as many targets as not rows.

    Source: Zhang et al., "mixup: beyond empirical risk minimization", 2018, as in the authors' own code.

    Example:
        >>> x, y = torch.eye(3), torch.tensor([0, 1, 2])
        >>> mixed = mixup(x, y, alpha=0.4, seed=1)
        >>> torch.allclose(mixed.inputs.sum(1), torch.ones(3))
        True
    """
    _check(x, y, axes=1)
    [share], order = _draw([_checked(alpha)], rows=len(x), seeds=[_number(seed)])
    order = order[0].to(x.device)
    lam = torch.tensor(share, dtype=x.dtype, device=x.device)
    inputs = x if share == 1 else lam * x + (1 - lam) * x[order]
    return Mixed(inputs=inputs, first=y, second=y[order.to(y.device)], share=lam, order=order)


def mixup_members(x: Tensor, y: Tensor, *, alpha: Sequence[float] | Tensor, seeds: Sequence[int]) -> Mixed:
    """Mix the rows of every member as ``mixup`` does, each with an alpha and a seed of its own.

    Args:
        x: inputs ``[members, rows, ...]``, real numbers.
        y: targets ``[members, rows, ...]``.
        alpha: of each member, ``[members]``; 0 gives a member's rows back, bit for bit.
        seeds: of each member, ``[members]``: a member does not change with its neighbours.

    Raises:
        RegularizeError: as ``mixup``, or as many alphas or seeds as there are not members.

    Source: Zhang et al., "mixup: beyond empirical risk minimization", 2018.

    Example:
        >>> x, y = torch.rand(2, 5, 3), torch.rand(2, 5)
        >>> mixed = mixup_members(x, y, alpha=[0.0, 0.4], seeds=[1, 2])
        >>> torch.equal(mixed.inputs[0], x[0])
        True
    """
    _check(x, y, axes=2)
    alphas = [_checked(float(one)) for one in alpha]
    if not len(alphas) == len(seeds) == len(x):
        raise RegularizeError(
            f"mixup needs an alpha and a seed for each of the {len(x)} members, got {len(alphas)} and {len(seeds)}"
        )
    shares, order = _draw(alphas, rows=x.shape[1], seeds=[_number(seed) for seed in seeds])
    order = order.to(x.device)
    member = torch.arange(len(x), device=x.device)[:, None]
    lam = torch.tensor(shares, dtype=x.dtype, device=x.device)
    each = lam.reshape(-1, *[1] * (x.dim() - 1))
    inputs = torch.where(each == 1, x, each * x + (1 - each) * x[member, order])
    second = y[member.to(y.device), order.to(y.device)]
    return Mixed(inputs=inputs, first=y, second=second, share=lam, order=order)


def mixed_loss(criterion: Callable[[Tensor, Tensor], Tensor], outputs: Tensor, mixed: Mixed) -> Tensor:
    """Give lambda criterion(outputs, own targets) + (1 - lambda) criterion(outputs, partners' targets).

    For cross-entropy this is the loss against ``soft_targets``; for squared error it is the loss against mixed
    numbers, but for a term without the outputs.

    Args:
        criterion: gives one number, or one for each member, ``[members]``, where rows were mixed for members.
        outputs: what the model made of ``mixed.inputs``.
        mixed: as ``mixup`` gave it.

    Source: Zhang et al., "mixup: beyond empirical risk minimization", 2018.

    Example:
        >>> mixed = mixup(torch.eye(2), torch.tensor([0, 1]), alpha=0.0, seed=1)
        >>> mixed_loss(functional.cross_entropy, mixed.inputs, mixed)
        tensor(0.3133)
    """
    own = criterion(outputs, mixed.first)
    if bool((mixed.share == 1).all()):
        return own
    share = mixed.share.to(own.dtype)
    if share.dim() and own.shape != share.shape:
        raise RegularizeError(
            f"rows were mixed for {len(share)} members: the criterion must give a loss for each, "
            f"got the shape {list(own.shape)}"
        )
    mixture = share * own + (1 - share) * criterion(outputs, mixed.second)
    return torch.where(share == 1, own, mixture)


def soft_targets(mixed: Mixed, classes: int) -> Tensor:
    """Give the mixture of both targets' class probabilities, ``[rows, classes]`` or ``[members, rows, classes]``.

    Example:
        >>> mixed = mixup(torch.eye(2), torch.tensor([0, 1]), alpha=1.0, seed=3)
        >>> soft_targets(mixed, 2).sum(1)
        tensor([1., 1.])
    """
    first, second = (
        functional.one_hot(labels.long(), classes).to(mixed.share.dtype) for labels in (mixed.first, mixed.second)
    )
    share = mixed.share.reshape(-1, 1, 1) if mixed.share.dim() else mixed.share
    return share * first + (1 - share) * second


def _draw(alphas: Sequence[float], *, rows: int, seeds: Sequence[int]) -> tuple[list[float], Tensor]:
    """Draw lambda and the partners, ``[members, rows]``, each member's from its own seed."""
    shares, orders = [], []
    for alpha, seed in zip(alphas, seeds, strict=True):
        # numpy's generator, since torch draws from Beta without a seed alone
        random = np.random.Generator(np.random.SFC64(seed))
        orders.append(torch.from_numpy(random.permutation(rows)))
        shares.append(float(random.beta(alpha, alpha)) if alpha > 0 else 1.0)
    return shares, torch.stack(orders)


def _number(seed: int | torch.Generator) -> int:
    if isinstance(seed, torch.Generator):
        return int(torch.randint(2**62, (), generator=seed, device=seed.device))
    if isinstance(seed, bool) or int(seed) != seed or seed < 0:
        raise RegularizeError(f"a seed must be a whole number of at least 0, or a torch.Generator; got {seed!r}")
    return int(seed)


def _checked(alpha: float) -> float:
    if not 0 <= alpha < float("inf"):
        raise RegularizeError(f"mixup's alpha must be a number of at least 0, got {alpha}")
    return float(alpha)


def _check(x: Tensor, y: Tensor, *, axes: int) -> None:
    if not x.is_floating_point():
        raise RegularizeError(f"mixup needs inputs that are real numbers, got {x.dtype}: mix their embeddings instead")
    if x.dim() < axes or y.dim() < axes or x.shape[:axes] != y.shape[:axes]:
        wanted = "[rows, ...]" if axes == 1 else "[members, rows, ...]"
        raise RegularizeError(
            f"mixup needs a target for each row of the inputs, both {wanted}; got {list(x.shape)} and {list(y.shape)}"
        )
