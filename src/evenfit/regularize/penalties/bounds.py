"""Max-norm, unit norm and the spectral bound: projections, the nearest point that keeps the bound.

Every function takes a weight as torch lays it out, ``[units, inputs, ...]``. ``bound`` is a number above 0, or one for
each member, ``[members]``; then the weight is ``[members, units, inputs, ...]``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from evenfit.errors import RegularizeError
from evenfit.regularize.penalties.amounts import Amount, check_amount, has_members, spread
from evenfit.regularize.penalties.groups import norms, plain_axes


def max_norm_projection(weight: Tensor, *, bound: Amount) -> Tensor:
    """Project each unit's incoming weights on the ball: w min(1, bound / ||w||).

    Source: Srebro & Shraibman, "Rank, trace-norm and max-norm", 2005; Srivastava et al., "Dropout: a simple way to
    prevent neural networks from overfitting", 2014.

    Example:
        >>> max_norm_projection(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), bound=2.5)
        tensor([[1.5000, 2.0000],
                [0.3000, 0.4000]])
    """
    check_amount("bound", bound)
    norm = norms(weight, plain_axes(weight, "units", members=has_members(weight, bound)))
    return (weight * shares_within(norm, spread(bound, weight))).to(weight.dtype)


def unit_norm_projection(weight: Tensor, *, members: bool = False) -> Tensor:
    """Scale each unit's incoming weights to norm 1; those of norm 0 have no direction, and stay.

    Example:
        >>> unit_norm_projection(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """
    norm = norms(weight, plain_axes(weight, "units", members=members))
    return (weight / divisors_to_one(norm)).to(weight.dtype)


def spectral_projection(weight: Tensor, *, bound: Amount) -> Tensor:
    """Cut the singular values of ``[units, inputs x kernel]`` at the bound: the nearest matrix in Frobenius norm.

    For a convolution this is a bound for the matrix that its kernels make, not for the convolution as a map of images,
    which may be larger (Sedghi, Gupta & Long, "The singular values of convolutional layers", 2019).

    Source: Yoshida & Miyato, "Spectral norm regularization for improving the generalizability of deep learning", 2017.

    Example:
        >>> spectral_projection(torch.diag(torch.tensor([3.0, 1.0])), bound=2.0)
        tensor([[2., 0.],
                [0., 1.]])
    """
    check_amount("bound", bound)
    members = has_members(weight, bound)
    plain_axes(weight, "units", members=members)  # says so if there is no matrix
    matrix = weight.flatten(1 + members)
    limit = spread(bound, matrix)
    return (matrix - spectral_excess(matrix, limit)).to(weight.dtype).reshape(weight.shape)


def shares_within(norm: Tensor, bound: Amount) -> Tensor:
    """Give what brings groups of some norm within a bound: exactly 1 where they are, so that they do not change."""
    limit = bound if isinstance(bound, Tensor) else torch.full_like(norm, bound)
    return torch.where(norm > limit, limit / norm * _inside(norm), torch.ones_like(norm))


def divisors_to_one(norm: Tensor) -> Tensor:
    """Give what groups of some norm are divided by to have norm 1: exactly 1 of those that do, and of norm 0."""
    done = (norm == 0) | ((norm - 1).abs() <= 4 * torch.finfo(norm.dtype).eps)
    return torch.where(done, torch.ones_like(norm), norm)


def spectral_excess(matrix: Tensor, bound: Amount) -> Tensor:
    """Give what a matrix, or each of a batch, has beyond singular values of the bound: to be taken from it.

    Raises:
        RegularizeError: numbers that are not finite.
    """
    wide = matrix.to(torch.promote_types(matrix.dtype, torch.float32))
    # Two bounds of the largest singular value that cost nothing beside it: Frobenius, and of rows and columns.
    rows, columns = wide.abs().sum(-1), wide.abs().sum(-2)
    if wide.numel() == 0:
        return torch.zeros_like(wide)
    most = torch.minimum(wide.square().sum((-2, -1)).sqrt(), (rows.amax(-1) * columns.amax(-1)).sqrt())
    limit = bound.reshape(most.shape) if isinstance(bound, Tensor) and bound.dim() else bound
    if bool((most <= limit).all()):
        return torch.zeros_like(wide)
    if not bool(most.isfinite().all()):
        raise RegularizeError("a spectral bound needs finite weights; some are infinite or not a number")
    left, values, right = torch.linalg.svd(wide, full_matrices=False)
    cut = bound.reshape(-1, 1) if isinstance(bound, Tensor) and bound.dim() else bound
    excess: Tensor = (left * (values - cut).clamp(min=0).unsqueeze(-2)) @ right
    return excess


def _inside(norm: Tensor) -> float:
    """Give a factor just below 1: what is scaled to a bound is within it after rounding, and is not scaled again."""
    return 1 - 4 * torch.finfo(norm.dtype).eps
