"""Plan: a network's layout as the flat arrays of numbers that compiled code reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.fleet.kernels import network as kernel
from evenfit.fleet.kernels import steps
from evenfit.fleet.kernels.activations import ACTIVATION_CODES
from evenfit.fleet.kernels.network import Memory, Network
from evenfit.fleet.layout import SLOTS, Layout
from evenfit.fleet.member import Scalars, kept_scale

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Where everything lies: what compiled code needs to know beside the members."""

    network: Network
    blocks: Integers  # start, size and kind of each block of parameters


def make_plan(layout: Layout, *, classification: bool, adamw: bool) -> Plan:
    """Flatten a layout."""
    known = {block.name: block.start for block in layout.blocks}
    names = ("frequency", "phase", "periodic", "periodic_bias")
    places = [known.get(name, -1) for name in names] + [known.get("level", 0), known["scale"]]
    inputs, kinds = layout.inputs, {"weight": steps.PENALISED, "scale": steps.SCALING}
    options = {
        kernel.NUMERIC: inputs.numeric,
        kernel.COLUMNS: layout.columns,
        kernel.ASSEMBLED: layout.assembled,
        kernel.LEVEL_ROWS: sum(inputs.cardinalities),
        kernel.LEVEL_SIZE: layout.embedding_size,
        kernel.ACTIVATION: ACTIVATION_CODES[layout.activation],
        kernel.CLASSES: classification,
        kernel.ADAMW: adamw,
    }
    source_of = (
        np.repeat(np.arange(inputs.numeric), SLOTS if layout.periodic else 1),
        np.arange(inputs.numeric, inputs.features),
        np.repeat(inputs.features + np.arange(len(inputs.cardinalities)), layout.embedding_size),
    )
    layers = [
        (block.start, *block.shape, layout.block(block.name.replace("weight", "bias")).start)
        for block in layout.weights()
    ]
    blocks = [(block.start, block.size, kinds.get(block.kind, steps.PLAIN)) for block in layout.blocks]
    network = Network(
        options=_integers([options[name] for name in range(len(options))]),
        places=_integers(places),
        offsets=_integers([0, *np.cumsum(inputs.cardinalities)]),
        source_of=_integers(np.concatenate(source_of)),
        layers=_integers(layers),
    )
    return Plan(network=network, blocks=_integers(blocks))


def make_memory(layout: Layout, *, rows: int, turns: int, precision: npt.DTypeLike) -> Memory:
    """Allocate what compiled code works in: for batches of at most ``rows`` rows and ``turns`` passes a step."""
    shapes = [block.shape for block in layout.weights()]
    widest = max(layout.assembled, *(fan_out for _, fan_out in shapes))
    bytes_drawn = rows * max(widest, layout.columns)

    def empty(*shape: int) -> npt.NDArray[Any]:
        return np.empty(shape, dtype=precision)

    return Memory(
        gathered=empty(turns, rows, layout.inputs.features),
        units=empty(turns, len(shapes), rows * widest),
        slopes=empty(turns, len(shapes), rows * widest),
        scaled=empty(turns, math.prod(shapes[0])),
        outputs=empty(turns, rows * layout.outputs),
        gradients=empty(turns, layout.parameters),
        perturbed=empty(turns, layout.parameters),
        uphill=empty(layout.parameters),
        turned=empty(max(math.prod(shape) for shape in shapes)),
        columns=empty(4, rows),
        words=np.empty(-(-bytes_drawn // 8), dtype=np.uint64),
        spare=empty(rows * widest),
    )


def _integers(values: Any) -> Integers:
    return np.array(values, dtype=np.int64)


def make_scalars(scalars: Scalars) -> npt.NDArray[np.float64]:
    """Lay the members' values out as the columns that ``kernels.network`` names: ``[members, values]``."""
    columns = {
        kernel.MOMENTUM: scalars.momentum,
        kernel.SECOND_MOMENTUM: scalars.second_momentum,
        kernel.NESTEROV: scalars.nesterov,
        kernel.L1: scalars.l1,
        kernel.L2: scalars.l2,
        kernel.GROUP_LASSO: scalars.group_lasso,
        kernel.MAX_NORM: scalars.max_norm,
        kernel.UNIT_NORM: scalars.unit_norm,
        kernel.SPECTRAL_BOUND: scalars.spectral_bound,
        kernel.DROPOUT_KIND: scalars.dropout_kind,
        kernel.DROPOUT: scalars.dropout,
        kernel.DROPOUT_SCALE: kept_scale(scalars.dropout),
        kernel.INPUT_DROPOUT: scalars.input_dropout,
        kernel.INPUT_DROPOUT_SCALE: kept_scale(scalars.input_dropout),
        kernel.DROP_CONNECT: scalars.drop_connect,
        kernel.DROP_CONNECT_SCALE: kept_scale(scalars.drop_connect),
        kernel.SMOOTHING: scalars.smoothing,
        kernel.NOISE_SIZE: scalars.noise,
        kernel.WEIGHT_NOISE: scalars.weight_noise,
        kernel.R_DROP: scalars.r_drop,
        kernel.ACTIVITY_L1: scalars.activity_l1,
        kernel.SAM_RADIUS: scalars.sam_radius,
        kernel.GRADIENT_CLIP: scalars.gradient_clip,
        kernel.SCALE_RATE: scalars.input_scale_rate,
    }
    return np.stack([columns[name].astype(np.float64) for name in range(len(columns))], axis=1)
