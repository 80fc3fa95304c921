"""Network: the multilayer perceptrons of a fleet, forward and backward, over one batch.

A linear layer is one batched product; what lies between two of them is one pass of a kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from evenfit.fleet import kernels
from evenfit.fleet.buffers import Buffers, Gradients
from evenfit.fleet.layout import SLOTS, Layout

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Masking:
    """What is dropped in one step: bytes below which a unit goes, scales of what stays, streams."""

    inputs: Array  # [members] thresholds
    inputs_scale: Array
    inputs_streams: Array
    hidden: Array
    hidden_scale: Array
    hidden_streams: Array  # [layers, members]


def weight_views(plan: Layout, weights: Array) -> list[torch.Tensor]:
    """Give each linear layer's weights, ``[members, in, out]``, as views of the one matrix."""
    matrix = torch.from_numpy(weights)
    return [matrix[:, block.start : block.stop].unflatten(1, block.shape) for block in plan.weights()]


def bias_starts(plan: Layout) -> list[int]:
    """Give the column at which each linear layer's bias begins."""
    return [plan.block(block.name.replace("weight", "bias")).start for block in plan.weights()]


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Where the parameters of the input layer lie, in the form that the kernels read."""

    starts: Array  # frequency, phase, periodic, periodic_bias, level, scale
    offsets: Array  # first level of each embedded column
    level_rows: int
    source_of: Array  # the encoded column of each number that the first layer sees


def input_places(plan: Layout) -> Inputs:
    """Find the input layer's parameters in a layout."""
    known = {block.name: block.start for block in plan.blocks}
    names = ("frequency", "phase", "periodic", "periodic_bias")
    starts = [known.get(name, -1) for name in names] + [known.get("level", 0), known["scale"]]
    inputs = plan.inputs
    source_of = (
        np.repeat(np.arange(inputs.numeric), SLOTS if plan.periodic else 1),
        np.arange(inputs.numeric, inputs.features),
        np.repeat(inputs.features + np.arange(len(inputs.cardinalities)), plan.embedding_size),
    )
    return Inputs(
        starts=np.array(starts, dtype=np.int64),
        offsets=np.concatenate([[0], np.cumsum(inputs.cardinalities)]).astype(np.int64),
        level_rows=int(sum(inputs.cardinalities)),
        source_of=np.concatenate(source_of).astype(np.int64),
    )


def forward(
    plan: Layout, places: Inputs, buffers: Buffers, weights: Array, views: list[torch.Tensor], masking: Masking | None
) -> Array:
    """Run the networks over the gathered rows.

    Returns:
        The last layer's products without their bias, ``[members, batch, outputs]``: a buffer. Without
        ``masking`` this is evaluation mode; with it, ``buffers.slopes`` hold what the way back needs.
    """
    size, numeric = plan.embedding_size, plan.inputs.numeric
    kernels.assemble(
        buffers.values,
        buffers.codes,
        weights,
        places.starts,
        places.level_rows,
        size,
        places.offsets,
        numeric,
        buffers.raw,
        buffers.units[0],
    )
    if masking is not None and masking.inputs.any():
        kernels.drop_inputs(
            buffers.units[0],
            masking.inputs,
            masking.inputs_scale,
            masking.inputs_streams,
            places.source_of,
            buffers.input_mask,
        )
    members = weights.shape[0]
    thresholds, scale, streams = (
        np.zeros(members, np.int64),
        np.ones(members, weights.dtype),
        np.zeros(members, np.uint64),
    )
    code = kernels.ACTIVATION_CODES[plan.activation]
    starts = bias_starts(plan)
    last = len(plan.widths)
    for layer in range(last):
        torch.bmm(buffers.t_units[layer], views[layer], out=buffers.t_slopes[layer])
        if masking is not None:
            thresholds, scale, streams = masking.hidden, masking.hidden_scale, masking.hidden_streams[layer]
        kernels.activate(
            buffers.slopes[layer], weights, starts[layer], buffers.units[layer + 1], code, thresholds, scale, streams
        )
    torch.bmm(buffers.t_units[last], views[last], out=buffers.t_slopes[last])
    return buffers.slopes[last]


def backward(
    plan: Layout,
    places: Inputs,
    buffers: Buffers,
    gradients: Gradients,
    weights: Array,
    views: list[torch.Tensor],
    *,
    input_learns: bool,
    inputs_dropped: bool,
) -> None:
    """Fill ``gradients`` from the gradient of the loss, which the last of ``buffers.slopes`` holds.

    The output's bias is the loss kernel's business. Without ``input_learns`` the parameters before
    the first linear layer are skipped.
    """
    gradient = buffers.t_slopes[-1]
    names = [block.name.replace("weight", "bias") for block in plan.weights()]
    for layer in range(len(plan.widths), -1, -1):
        torch.bmm(buffers.t_units[layer].transpose(1, 2), gradient, out=gradients.t_weights[layer])
        if layer == 0 and not input_learns:
            return
        torch.bmm(gradient, views[layer].transpose(1, 2), out=buffers.t_back[layer])
        gradient = buffers.t_back[layer]
        if layer:
            kernels.back(buffers.back[layer], buffers.slopes[layer - 1], gradients.of[names[layer - 1]])
    if inputs_dropped:
        kernels.undrop_inputs(buffers.back[0], buffers.input_mask, places.source_of)
    kernels.disassemble(
        buffers.back[0],
        buffers.values,
        buffers.codes,
        weights,
        places.starts,
        places.offsets,
        plan.inputs.numeric,
        buffers.raw,
        *gradients.inputs,
    )
