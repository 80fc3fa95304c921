"""Label smoothing: a share of every target is spread over all classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from evenfit.errors import RegularizeError

_LEFT_OUT = -100  # torch's ignore_index


def smooth_labels(labels: Tensor, classes: int, *, amount: float | Tensor) -> Tensor:
    """Give the targets of label smoothing: amount / classes for every class, and 1 - amount more for the label.

    Args:
        labels: class numbers ``[...]``, whole numbers from 0 to ``classes - 1``.
        classes: how many classes there are.
        amount: share in [0, 1] that is spread, or one for each member, ``[members]``, where the labels' first axis
            is that of members.

    Returns:
        Probabilities ``[..., classes]`` in torch's default precision; with an amount of 0 they are exactly 0 and 1.

    Raises:
        RegularizeError: an amount outside [0, 1], labels that are not whole numbers or not below ``classes``.

    Source: Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016.

    Example:
        >>> smooth_labels(torch.tensor([1, 0]), 2, amount=0.2)
        tensor([[0.1000, 0.9000],
                [0.9000, 0.1000]])
    """
    _check_labels(labels, classes)
    share = _checked(amount, labels)
    hot = functional.one_hot(labels.long(), classes).to(torch.get_default_dtype())
    if isinstance(share, Tensor):
        share = share.to(hot).reshape(-1, *[1] * labels.dim())
    return (1 - share) * hot + share / classes


def smoothed_cross_entropy(
    logits: Tensor, labels: Tensor, *, amount: float | Tensor, weight: Tensor | None = None
) -> Tensor:
    """Give the mean cross-entropy against smoothed labels; with one amount it is torch's own ``label_smoothing``.

    Args:
        logits: ``[rows, classes, ...]`` or ``[classes]`` as torch takes them; with one amount for each member
            ``[members, rows, classes]``.
        labels: class numbers ``[rows, ...]``, or ``[members, rows]``; rows of -100 are left out, as in torch.
        amount: share in [0, 1] that is spread over all classes, or one for each member, ``[members]``.
        weight: of each class, ``[classes]``; without it all weigh 1.

    Returns:
        The mean over rows (weighted, as in torch); one for each member, ``[members]``, if there is one amount for each.

    Raises:
        RegularizeError: an amount outside [0, 1], or as many amounts as there are not members.

    Source: Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016.

    Example:
        >>> logits, labels = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1])
        >>> smoothed_cross_entropy(logits, labels, amount=0.1)
        tensor(0.2951)
    """
    share = _checked(amount, labels)
    if not isinstance(share, Tensor):
        return functional.cross_entropy(logits, labels, weight=weight, label_smoothing=share)
    if logits.dim() != 3 or logits.shape[:2] != labels.shape:
        raise RegularizeError(
            "an amount for each member needs logits [members, rows, classes] and labels [members, rows]; "
            f"got {list(logits.shape)} and {list(labels.shape)}"
        )
    share = share.to(logits)
    weights = logits.new_ones(logits.shape[2]) if weight is None else weight.to(logits)
    surprise = -logits.log_softmax(dim=2) * weights
    counted = labels != _LEFT_OUT
    known = labels.where(counted, 0).long()
    own = (surprise.gather(2, known[:, :, None])[:, :, 0] * counted).sum(1)
    # A class that is ruled out, with a logit of minus infinity, must not reach a member that smooths nothing.
    every = (surprise * counted[:, :, None]).sum((1, 2)).where(share > 0, 0.0)
    total = (weights[known] * counted).sum(1)
    return (1 - share) * (own / total) + share / logits.shape[2] * (every / total)


def _checked(amount: float | Tensor, labels: Tensor) -> float | Tensor:
    """Give one amount as a float, and one for each member as a tensor ``[members]``."""
    shares = amount if isinstance(amount, Tensor) else torch.tensor(float(amount), dtype=torch.float64)
    if not bool(((shares >= 0) & (shares <= 1)).all()):
        raise RegularizeError(f"the amount of label smoothing must be in [0, 1], got {amount}")
    if shares.dim() == 0:
        return float(shares)
    if shares.dim() != 1 or labels.dim() < 2 or len(shares) != len(labels):
        raise RegularizeError(
            "label smoothing needs one amount, or one for each member, the first axis of the labels; "
            f"got amounts {list(shares.shape)} and labels {list(labels.shape)}"
        )
    return shares


def _check_labels(labels: Tensor, classes: int) -> None:
    if labels.is_floating_point() or labels.is_complex():
        raise RegularizeError(f"labels must be whole numbers, got {labels.dtype}; turn them with .long()")
    if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise RegularizeError(
            f"labels must be between 0 and {classes - 1}, as there are {classes} classes; "
            f"got {int(labels.min())} to {int(labels.max())}"
        )
