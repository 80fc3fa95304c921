"""Layout: where each layer's parameters lie in a row of a fleet's one matrix of weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenfit.data.encodings import InputShape
from evenfit.fleet import chance
from evenfit.specs.config import Config

FREQUENCIES = 16  # cosines of one numeric column's periodic embedding
PERIODIC = 3  # numbers that are made of them, beside the column itself
SLOTS = PERIODIC + 1
FREQUENCY_SPREAD = 0.1  # standard deviation of the starting frequencies

_GAIN = {"relu": 2.0, "selu": 1.0, "mish": 2.0, "silu": 2.0, "gelu": 2.0}


@dataclass(frozen=True, kw_only=True)
class Block:
    """One layer's weights or biases: ``size`` columns of the matrix from ``start``."""

    name: str
    kind: str  # weight, bias, scale, frequency, phase, periodic, level
    start: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many parameters it has."""
        return math.prod(self.shape)

    @property
    def stop(self) -> int:
        """The column after its last."""
        return self.start + self.size


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The blocks of one network, in the order in which data meets them."""

    inputs: InputShape
    outputs: int
    periodic: bool  # numeric columns have periodic embeddings
    embedding_size: int
    widths: tuple[int, ...]  # units of each hidden layer
    activation: str
    blocks: tuple[Block, ...]

    @property
    def parameters(self) -> int:
        """Parameters of one network: columns of the fleet's matrix."""
        return self.blocks[-1].stop

    @property
    def assembled(self) -> int:
        """Numbers that the first linear layer sees."""
        numeric = self.inputs.numeric * (SLOTS if self.periodic else 1)
        rest = self.inputs.features - self.inputs.numeric
        return numeric + rest + len(self.inputs.cardinalities) * self.embedding_size

    @property
    def columns(self) -> int:
        """Encoded columns: what input dropout drops, one by one."""
        return self.inputs.features + len(self.inputs.cardinalities)

    def block(self, name: str) -> Block:
        """Give a block by its name."""
        return next(block for block in self.blocks if block.name == name)

    def weights(self) -> tuple[Block, ...]:
        """Give the linear layers' weights: what penalties see."""
        return tuple(block for block in self.blocks if block.kind == "weight")


def layout(config: Config, inputs: InputShape, outputs: int) -> Layout:
    """Lay out a multilayer perceptron's parameters.

    Weights are stored ``[in, out]``. Level embeddings are one block for all columns,
    ``[sum of cardinalities, embedding_size]``.
    """
    periodic = config.numeric_embedding == "pbld" and inputs.numeric > 0
    shapes: list[tuple[str, str, tuple[int, ...]]] = []
    if periodic:
        shapes += [
            ("frequency", "frequency", (inputs.numeric, FREQUENCIES)),
            ("phase", "phase", (inputs.numeric, FREQUENCIES)),
            ("periodic", "periodic", (inputs.numeric, PERIODIC, FREQUENCIES)),
            ("periodic_bias", "bias", (inputs.numeric, PERIODIC)),
        ]
    if inputs.cardinalities:
        shapes.append(("level", "level", (sum(inputs.cardinalities), config.embedding_size)))
    numeric = inputs.numeric * (SLOTS if periodic else 1)
    width = numeric + inputs.features - inputs.numeric + len(inputs.cardinalities) * config.embedding_size
    shapes.append(("scale", "scale", (width,)))
    for layer in range(config.depth):
        shapes += [(f"weight{layer}", "weight", (width, config.width)), (f"bias{layer}", "bias", (config.width,))]
        width = config.width
    shapes += [("weight_out", "weight", (width, outputs)), ("bias_out", "bias", (outputs,))]
    blocks: list[Block] = []
    start = 0
    for name, kind, shape in shapes:
        blocks.append(Block(name=name, kind=kind, start=start, shape=shape))
        start = blocks[-1].stop
    return Layout(
        inputs=inputs,
        outputs=outputs,
        periodic=periodic,
        embedding_size=config.embedding_size,
        widths=(config.width,) * config.depth,
        activation=config.activation,
        blocks=tuple(blocks),
    )


def starting_weights(layout: Layout, seed: int, prior: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Draw a member's starting parameters, ``[parameters]``, each block from a stream of its own.

    Weights of hidden layers are normal with variance gain / fan-in (He et al., "Delving deep into
    rectifiers", 2015), those of the output layer a tenth of that deviation, so that training starts
    at ``prior``, the output's bias (log class shares, or 0). The periodic embedding is RealMLP's
    PBLD (Holzmueller et al., "Better by default", 2024).
    """
    row = np.zeros(layout.parameters)
    for position, block in enumerate(layout.blocks):
        draw = chance.generator(seed, chance.WEIGHTS, position)
        values = row[block.start : block.stop]
        if block.kind == "weight":
            last = block.name == "weight_out"
            deviation = math.sqrt((1.0 if last else _GAIN[layout.activation]) / block.shape[0])
            values[:] = draw.standard_normal(block.size) * deviation * (0.1 if last else 1.0)
        elif block.kind == "frequency":
            values[:] = draw.standard_normal(block.size) * FREQUENCY_SPREAD
        elif block.kind == "phase":
            values[:] = draw.uniform(-0.5, 0.5, block.size)
        elif block.kind == "periodic":
            values[:] = draw.uniform(-1.0, 1.0, block.size) / math.sqrt(FREQUENCIES)
        elif block.kind == "level":
            values[:] = draw.standard_normal(block.size) / math.sqrt(layout.embedding_size)
        elif block.kind == "scale":
            values[:] = 1.0
        elif block.name == "bias_out":
            values[:] = prior
        elif block.name.startswith("bias"):
            fan_in = layout.block(block.name.replace("bias", "weight")).shape[0]
            values[:] = draw.uniform(-1.0, 1.0, block.size) / math.sqrt(fan_in)
    return row
