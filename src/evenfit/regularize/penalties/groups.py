"""Groups of a weight's numbers that live and die together, and their norms."""

from __future__ import annotations

import torch
from torch import Tensor

from evenfit.errors import RegularizeError
from evenfit.regularize.layouts import Layout

# Whole filters are the units of convolutions; a sum is what one unit adds up: a gate of a recurrent layer has its own.
GROUPS = ("filters", "inputs", "units")

Axes = tuple[int, ...]


def check_groups(name: str, groups: str) -> str:
    """Give back what groups are called.

    Raises:
        RegularizeError: it is not one of ``GROUPS``.
    """
    if groups not in GROUPS:
        raise RegularizeError(f"{name} must be one of {', '.join(GROUPS)}; got {groups!r}")
    return groups


def axes_of(groups: str, layout: Layout, view: Tensor, *, name: str) -> Axes:
    """Give the axes of ``layout.view(weight)`` that one group extends over; axes of length 1 do not count.

    Raises:
        RegularizeError: whole inputs of a bilinear layer are asked for.
    """
    if groups == "inputs" and layout.two_inputs:
        raise RegularizeError(
            f"{name} multiplies two inputs, whose groups overlap: group it by units, or leave it out with "
            f"exclude={name!r}"
        )
    kernel = tuple(range(4, view.dim()))
    axes = {"inputs": (1, 2), "units": (1, 3), "filters": (1, 3), "sums": (3,)}[groups] + kernel
    return tuple(axis for axis in axes if view.shape[axis] != 1)


def plain_axes(weight: Tensor, groups: str, *, members: bool) -> Axes:
    """Give the axes that a group extends over in a weight as torch lays it out: [units, inputs, ...], members first.

    Raises:
        RegularizeError: the weight has fewer than two axes beside that of members.
    """
    check_groups("groups", groups)
    first = int(members)
    if weight.dim() - first < 2:
        raise RegularizeError(f"groups need a weight of two or more dimensions, got the shape {list(weight.shape)}")
    alone = first + (groups == "inputs")
    return tuple(axis for axis in range(first, weight.dim()) if axis != alone)


def norms(weight: Tensor, axes: Axes) -> Tensor:
    """Give the Euclidean norm of each group, in at least single precision: its axes stay, with length 1.

    Sizes are divided out first, so that no square overflows or vanishes. The gradient at a group of zeros is 0.
    """
    wide = weight.to(torch.promote_types(weight.dtype, torch.float32))
    if not axes:
        return wide.abs()
    if wide.numel() == 0:
        return wide.abs().sum(axes, keepdim=True)
    # The largest is a constant to autograd: a norm's gradient does not depend on what scales it. Squares are summed by
    # hand, since torch's vector_norm takes ten times as long over axes that are not the last.
    largest = wide.detach().abs().amax(axes, keepdim=True)
    unit = wide / torch.where(largest > 0, largest, 1.0)
    squares = (unit * unit).sum(axes, keepdim=True)
    return largest * torch.where(largest > 0, squares, 1.0).sqrt()


def shares_left(norm: Tensor, amount: float | Tensor) -> Tensor:
    """Give what a group shrink leaves of groups of some norm: max(0, 1 - amount / norm), and 0 of NaN.

    Source: Yuan & Lin, "Model selection and estimation in regression with grouped variables", 2006.
    """
    # Not 1 - amount / norm: torch divides a number by a tensor through the tensor's inverse, which may be infinite.
    return torch.where(norm > amount, (norm - amount) / norm, torch.zeros_like(norm))
