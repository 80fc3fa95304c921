"""Plan: a network's layout as the flat arrays of numbers that compiled code reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.fleet.kernels import steps
from evenfit.fleet.kernels.activations import ACTIVATION_CODES
from evenfit.fleet.layout import SLOTS, Layout
from evenfit.fleet.member import Scalars

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Where everything lies: numbers of ``kernels.steps``."""

    options: Integers
    places: Integers  # frequency, phase, periodic, periodic_bias, level, scale; -1 where there is none
    offsets: Integers  # first level of each embedded column
    source_of: Integers  # the encoded column of each number that the first layer sees
    layers: Integers  # weight's start, inputs, outputs, bias's start of each linear layer
    blocks: Integers  # start, size and kind of each block of parameters


def make_plan(layout: Layout, *, classification: bool, adamw: bool) -> Plan:
    """Flatten a layout."""
    known = {block.name: block.start for block in layout.blocks}
    names = ("frequency", "phase", "periodic", "periodic_bias")
    places = [known.get(name, -1) for name in names] + [known.get("level", 0), known["scale"]]
    inputs, kinds = layout.inputs, {"weight": steps.PENALISED, "scale": steps.SCALING}
    options = {
        steps.NUMERIC: inputs.numeric,
        steps.COLUMNS: layout.columns,
        steps.ASSEMBLED: layout.assembled,
        steps.LEVEL_ROWS: sum(inputs.cardinalities),
        steps.LEVEL_SIZE: layout.embedding_size,
        steps.ACTIVATION: ACTIVATION_CODES[layout.activation],
        steps.CLASSES: classification,
        steps.ADAMW: adamw,
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
    return Plan(
        options=_integers([options[name] for name in range(len(options))]),
        places=_integers(places),
        offsets=_integers([0, *np.cumsum(inputs.cardinalities)]),
        source_of=_integers(np.concatenate(source_of)),
        layers=_integers(layers),
        blocks=_integers(blocks),
    )


def _integers(values: Any) -> Integers:
    return np.array(values, dtype=np.int64)


def make_scalars(scalars: Scalars) -> npt.NDArray[np.float64]:
    """Lay the members' values out as the columns that ``kernels.steps`` names: ``[members, values]``."""
    columns = {
        steps.MOMENTUM: scalars.momentum,
        steps.SECOND_MOMENTUM: scalars.second_momentum,
        steps.NESTEROV: scalars.nesterov,
        steps.L1: scalars.l1,
        steps.L2: scalars.l2,
        steps.DROPOUT: scalars.dropout,
        steps.DROPOUT_SCALE: scalars.dropout_scale,
        steps.INPUT_DROPOUT: scalars.input_dropout,
        steps.INPUT_DROPOUT_SCALE: scalars.input_dropout_scale,
        steps.SMOOTHING: scalars.smoothing,
        steps.NOISE_SIZE: scalars.noise,
        steps.SCALE_RATE: scalars.input_scale_rate,
    }
    return np.stack([columns[name].astype(np.float64) for name in range(len(columns))], axis=1)
