"""Mixup: train on mixtures of two rows and of their targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from evenfit.errors import RegularizeError
from evenfit.regularize.seeds import MemberSeeds, Seed, number_of, numbers_of


@dataclass(frozen=True, kw_only=True, eq=False)
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

    @property
    def targets(self) -> Tensor:
        """The mixture of both targets, where these are numbers or probabilities.

        Raises:
            RegularizeError: they are class numbers, of which there is no mixture.
        """
        if not self.first.is_floating_point():
            raise RegularizeError(
                f"targets of {self.first.dtype} have no mixture: use mixup_loss, or mix probabilities, "
                "smooth_labels(labels, classes, amount=0)"
            )
        share = self.share.to(self.first)
        share = share.reshape(*share.shape, *[1] * (self.first.dim() - share.dim()))
        return share * self.first + (1 - share) * self.second


def mixup(x: Tensor, y: Tensor, *, alpha: float | Sequence[float] | Tensor, seed: Seed | MemberSeeds) -> Mixed:
    """Mix every row with a partner: lambda x + (1 - lambda) x', with one lambda from Beta(alpha, alpha) for the batch.

    The partners are a random permutation of the batch, drawn anew with each call; a row may be its own partner.
    Train on ``mixup_loss(model(mixed.inputs), mixed, criterion=criterion)``.

    Args:
        x: inputs ``[rows, ...]``, real numbers; with members ``[members, rows, ...]``.
        y: targets of the rows: class numbers, probabilities or numbers.
        alpha: of the Beta distribution: near 0 hardly mixes, 1 draws lambda uniformly; exactly 0 gives the rows back,
            bit for bit. Or one for each member: each then has a lambda and partners of its own.
        seed: of the pairing and of lambda, such as the number of the step (one seed, one pairing); or a generator, of
            which each call takes a number; with members one number for each, so that none changes with its neighbours.

    Raises:
        RegularizeError: a negative or infinite alpha, inputs that are not real numbers, as many targets as not rows,
            as many alphas or seeds as not members.

    Source: Zhang et al., "mixup: beyond empirical risk minimization", 2018, as in the authors' own code.

    Example:
        >>> x, y = torch.eye(3), torch.tensor([0, 1, 2])
        >>> mixed = mixup(x, y, alpha=0.4, seed=1)
        >>> torch.allclose(mixed.inputs.sum(1), torch.ones(3))
        True
    """
    alphas = torch.as_tensor(alpha, dtype=torch.float64, device="cpu")
    if not bool(((alphas >= 0) & alphas.isfinite()).all()):
        raise RegularizeError(f"mixup's alpha must be a number of at least 0, got {alpha}")
    _check(x, y, members=alphas.dim() > 0)
    if alphas.dim() == 0:
        return _mixed(x, y, alpha=float(alphas), seed=number_of(seed))
    if alphas.shape != x.shape[:1]:
        raise RegularizeError(
            f"mixup needs one alpha, or one for each of the {len(x)} members; got the shape {list(alphas.shape)}"
        )
    seeds = numbers_of(seed, members=len(x))
    each = [_mixed(x[m], y[m], alpha=float(alphas[m]), seed=seeds[m]) for m in range(len(x))]
    return Mixed(
        inputs=torch.stack([one.inputs for one in each]),
        first=y,
        second=torch.stack([one.second for one in each]),
        share=torch.stack([one.share for one in each]),
        order=torch.stack([one.order for one in each]),
    )


def mixup_loss(outputs: Tensor, mixed: Mixed, *, criterion: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Give lambda criterion(outputs, own targets) + (1 - lambda) criterion(outputs, partners' targets).

    For cross-entropy this is the loss against the mixed probabilities, ``mixed.targets``; for squared error its
    gradient is that of the loss against mixed numbers. With a lambda of 1 it is the criterion's own, bit for bit.

    Args:
        outputs: what the model makes of ``mixed.inputs``.
        mixed: of ``mixup``.
        criterion: ``criterion(outputs, targets)`` is one number, or, for rows mixed for members, one for each member.

    Raises:
        RegularizeError: rows were mixed for members, and the criterion does not give a loss for each.

    Example:
        >>> mixed = mixup(torch.eye(2), torch.tensor([0, 1]), alpha=0.0, seed=1)
        >>> mixup_loss(mixed.inputs, mixed, criterion=torch.nn.functional.cross_entropy)
        tensor(0.3133)
    """
    own = criterion(outputs, mixed.first)
    if bool((mixed.share == 1).all()):
        return own
    share = mixed.share.to(own)
    if share.dim() and own.shape != share.shape:
        raise RegularizeError(
            f"rows were mixed for {len(share)} members: the criterion must give a loss for each, "
            f"got the shape {list(own.shape)}"
        )
    mixture = share * own + (1 - share) * criterion(outputs, mixed.second)
    return torch.where(share == 1, own, mixture)


def _mixed(x: Tensor, y: Tensor, *, alpha: float, seed: int) -> Mixed:
    # numpy's generator, since torch draws from Beta only as its global generator stands
    random = np.random.Generator(np.random.SFC64(seed))
    order = torch.from_numpy(random.permutation(len(x))).to(x.device)
    share = float(random.beta(alpha, alpha)) if alpha > 0 else 1.0
    rounded = torch.tensor(share, dtype=x.dtype, device=x.device)
    inputs = x if share == 1 else rounded * x + (1 - rounded) * x[order]
    return Mixed(inputs=inputs, first=y, second=y[order.to(y.device)], share=rounded, order=order)


def _check(x: Tensor, y: Tensor, *, members: bool) -> None:
    if not x.is_floating_point():
        raise RegularizeError(
            f"mixup needs inputs that are real numbers, got {x.dtype}: turn images with .float(), mix embeddings"
        )
    axes = 2 if members else 1
    if x.dim() < axes or y.dim() < axes or x.shape[:axes] != y.shape[:axes]:
        wanted = "[members, rows, ...]" if members else "[rows, ...]"
        raise RegularizeError(
            f"mixup needs a target for each row of the inputs, both {wanted}; got {list(x.shape)} and {list(y.shape)}"
        )
