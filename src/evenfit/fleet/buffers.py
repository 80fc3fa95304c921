"""Buffers: the memory of one step, made once for a fleet and a number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from evenfit.fleet.layout import Layout

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Buffers:
    """Arrays ``[members, batch, ...]`` for the kernels, and torch's views of the same memory."""

    batch: int
    values: Array  # gathered inputs
    codes: Array  # gathered level codes
    raw: Array  # what the first layer sees, before scaling
    input_mask: Array
    units: list[Array]  # inputs of each linear layer: assembled columns, then hidden units
    slopes: list[Array]  # outputs of each linear layer; then the slopes of its activation
    back: list[Array]  # gradient with respect to each of ``units``
    t_units: list[torch.Tensor]
    t_slopes: list[torch.Tensor]
    t_back: list[torch.Tensor]


def make_buffers(plan: Layout, *, members: int, batch: int, precision: npt.DTypeLike) -> Buffers:
    """Allocate what a step on ``batch`` rows a member needs."""

    def empty(*shape: int) -> Array:
        return np.empty((members, batch, *shape), dtype=precision)

    widths = (plan.assembled, *plan.widths)
    units = [empty(width) for width in widths]
    slopes = [empty(width) for width in (*plan.widths, plan.outputs)]
    back = [empty(width) for width in widths]
    return Buffers(
        batch=batch,
        values=empty(plan.inputs.features),
        codes=np.full((members, batch, len(plan.inputs.cardinalities)), -1, dtype=np.int32),
        raw=empty(plan.assembled),
        input_mask=empty(plan.columns),
        units=units,
        slopes=slopes,
        back=back,
        t_units=[torch.from_numpy(array) for array in units],
        t_slopes=[torch.from_numpy(array) for array in slopes],
        t_back=[torch.from_numpy(array) for array in back],
    )


@dataclass(frozen=True, kw_only=True)
class Gradients:
    """One contiguous gradient a block, since a batched product cannot write into a strided view."""

    of: dict[str, Array]  # block name -> [members, size]
    t_weights: list[torch.Tensor]  # [members, in, out] of each linear layer
    inputs: tuple[Array, ...]  # frequency, phase, periodic, periodic_bias, level, scale; empty where there is none


def make_gradients(plan: Layout, *, members: int, precision: npt.DTypeLike) -> Gradients:
    """Allocate the gradients of all blocks."""
    of = {block.name: np.zeros((members, block.size), dtype=precision) for block in plan.blocks}

    def shaped(name: str, *blank: int) -> Array:
        if name not in of:
            return np.zeros((members, *blank), dtype=precision)
        return of[name].reshape(members, *plan.block(name).shape)

    return Gradients(
        of=of,
        t_weights=[torch.from_numpy(of[block.name]).view(members, *block.shape) for block in plan.weights()],
        inputs=(
            shaped("frequency", 0, 1),
            shaped("phase", 0, 1),
            shaped("periodic", 0, 1, 1),
            shaped("periodic_bias", 0, 1),
            shaped("level", 0, plan.embedding_size),
            shaped("scale", 0),
        ),
    )
