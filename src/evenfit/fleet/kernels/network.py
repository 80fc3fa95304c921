"""Network: one member's outputs on one batch, and the gradient of its loss on the way back.

What all members share, what a batch is and the memory to work in are named tuples of arrays;
``evenfit.fleet.plan`` makes the first of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from evenfit.fleet.chance import HIDDEN_MASK, INPUT_MASK, NOISE, SECOND_PASS
from evenfit.fleet.kernels.activations import activate, back
from evenfit.fleet.kernels.arithmetic import stream_of
from evenfit.fleet.kernels.compilation import inline, jit
from evenfit.fleet.kernels.inputs import (
    assemble,
    disassemble,
    drop_inputs,
    gather,
    mix_rows,
    scale_weights,
    unmix_rows,
    unscale_gradient,
)
from evenfit.fleet.kernels.products import product, transpose
from evenfit.regularize.kernels.compilation import like

# numbers of ``options``
NUMERIC, COLUMNS, ASSEMBLED, LEVEL_ROWS, LEVEL_SIZE, ACTIVATION, CLASSES, ADAMW = range(8)
# columns of ``scalars``: what is each member's own
(
    MOMENTUM, SECOND_MOMENTUM, NESTEROV, L1, L2, DROPOUT, DROPOUT_SCALE, INPUT_DROPOUT, INPUT_DROPOUT_SCALE,
    SMOOTHING, NOISE_SIZE, SCALE_RATE, DROPOUT_KIND, DROP_CONNECT, DROP_CONNECT_SCALE, WEIGHT_NOISE, R_DROP,
    ACTIVITY_L1, SAM_RADIUS, GRADIENT_CLIP, GROUP_LASSO, MAX_NORM, UNIT_NORM, SPECTRAL_BOUND,
) = range(24)  # fmt: skip
# columns of ``layers``
WEIGHT, FAN_IN, FAN_OUT, BIAS = range(4)
# places of the input layer's parameters
PERIODIC_PLACE, SCALE_PLACE = 0, 5


class Network(NamedTuple):
    """What all members share."""

    options: Any  # the numbers named above
    places: Any  # frequency, phase, periodic, periodic_bias, level, scale; -1 where there is none
    offsets: Any  # first level of each embedded column
    source_of: Any  # the encoded column of each number that the first layer sees
    layers: Any  # weight's start, inputs, outputs, bias's start of each linear layer


class Batch(NamedTuple):
    """The rows of one member's step, and where its chance comes from."""

    values: Any  # [N, features] of the member's split
    codes: Any  # [N, columns]
    target: Any  # [N]
    row_weights: Any  # [N]
    rows: Any  # [batch] row numbers
    mix: Any  # share of each row in its mixture with the next; 1 mixes nothing
    seed: Any
    epoch: Any
    step: Any


class Memory(NamedTuple):
    """Arrays to work in, large enough for any member's batch; the first axis of some is the turn of a pass."""

    gathered: Any  # [turns, batch, features]
    units: Any  # [turns, layers, batch * widest] what each layer sees
    slopes: Any  # [turns, layers, batch * widest] what takes a gradient back through its activation
    scaled: Any  # [turns, weights] the first layer's weights, times the input scales
    outputs: Any  # [turns, batch * outputs] what two passes are compared by
    gradients: Any  # [turns, parameters]
    perturbed: Any  # [turns, parameters] the weights of a pass, where they are not those that are learnt
    uphill: Any  # [parameters] the weights from which a sharpness-aware step looks
    turned: Any  # the largest weight matrix, transposed
    columns: Any  # [4, batch]
    words: Any  # random bytes of a mask
    spare: Any  # [batch * widest]


@jit
def embeds(network):
    """Say whether what the first layer sees is made of more than the encoded columns."""
    return network.places[PERIODIC_PLACE] >= 0 or network.offsets.size > 1


@inline
def forward(w, own, network, batch, memory, turn):
    """Run a member over a batch in training mode, and give its outputs without their bias: ``[batch, outputs]``.

    ``turn`` is 1 in a second pass over the same batch, whose masks and noise are drawn anew.
    """
    options, places, layers = network.options, network.places, network.layers
    units, slopes, scaled = memory.units[turn], memory.slopes[turn], memory.scaled[turn]
    rows, seed, epoch, step = batch.rows, batch.seed, batch.epoch, batch.step
    count, assembled, depth, chance = rows.size, options[ASSEMBLED], layers.shape[0] - 1, turn * SECOND_PASS
    seen = units[0, : count * assembled].reshape(count, assembled)
    deep = embeds(network)
    found = memory.gathered[turn, :count] if deep else seen
    gather(batch.values, rows, found, own[NOISE_SIZE], stream_of(seed, NOISE + chance, epoch, step), options[NUMERIC])
    if deep:
        assemble(
            found, batch.codes, rows, w, places, options[LEVEL_ROWS], options[LEVEL_SIZE], network.offsets,
            options[NUMERIC], memory.columns, seen,
        )  # fmt: skip
    if batch.mix < 1:
        mix_rows(seen, batch.mix, memory.spare)
    if own[INPUT_DROPOUT] > 0:
        drop_inputs(
            seen, options[COLUMNS], own[INPUT_DROPOUT], own[INPUT_DROPOUT_SCALE],
            stream_of(seed, INPUT_MASK + chance, epoch, step), network.source_of, memory.words,
        )  # fmt: skip
    for i in range(depth + 1):
        fan_in, fan_out = layers[i, FAN_IN], layers[i, FAN_OUT]
        matrix = w[layers[i, WEIGHT] : layers[i, WEIGHT] + fan_in * fan_out]
        if i == 0 and own[SCALE_RATE] > 0:
            scale_weights(matrix, w[places[SCALE_PLACE] : places[SCALE_PLACE] + fan_in], scaled, fan_in, fan_out)
            matrix = scaled
        product(units[i], fan_in, 1, matrix, slopes[i], count, fan_out, fan_in)
        if i < depth:
            activate(
                slopes[i, : count * fan_out].reshape(count, fan_out),
                w[layers[i, BIAS] : layers[i, BIAS] + fan_out],
                units[i + 1, : count * fan_out].reshape(count, fan_out),
                options[ACTIVATION],
                np.int64(own[DROPOUT_KIND]),
                own[DROPOUT],
                own[DROPOUT_SCALE],
                stream_of(seed, HIDDEN_MASK + i + chance, epoch, step),
                memory.words,
            )
    outputs = layers[depth, FAN_OUT]
    return slopes[depth, : count * outputs].reshape(count, outputs)


@inline
def backward(w, own, network, batch, memory, turn, gradient, portion):
    """Take the gradient at the outputs back to all weights: into ``gradient``, which has the place of a row of weights.

    It stands where ``forward`` left the outputs. ``portion`` is that of the activations' penalty.
    """
    options, places, layers = network.options, network.places, network.layers
    units, slopes, scaled = memory.units[turn], memory.slopes[turn], memory.scaled[turn]
    rows, count, assembled, depth = batch.rows, batch.rows.size, options[ASSEMBLED], layers.shape[0] - 1
    deep, learns_scale = embeds(network), own[SCALE_RATE] > 0
    activity = like(portion * own[ACTIVITY_L1] / count, w[0])
    arriving = slopes[depth]  # the gradient at the outputs of layer i
    for i in range(depth, -1, -1):
        fan_in, fan_out, at = layers[i, FAN_IN], layers[i, FAN_OUT], layers[i, WEIGHT]
        product(units[i], 1, fan_in, arriving, gradient[at : at + fan_in * fan_out], fan_in, fan_out, count)
        if i == 0 and not deep:
            break
        matrix = w[at : at + fan_in * fan_out]
        if i == 0 and learns_scale:
            matrix = scaled
        transpose(matrix, fan_in, fan_out, memory.turned)
        leaving = units[i]  # no longer needed: the gradient takes its place
        if i > 0 and activity > 0:
            for place in range(count * fan_in):
                memory.spare[place] = activity * np.sign(leaving[place])
        product(arriving, fan_out, 1, memory.turned, leaving, count, fan_in, fan_out)
        if i > 0:
            if activity > 0:
                for place in range(count * fan_in):
                    leaving[place] += memory.spare[place]
            at = layers[i - 1, BIAS]
            back(
                leaving[: count * fan_in].reshape(count, fan_in),
                slopes[i - 1, : count * fan_in].reshape(count, fan_in),
                gradient[at : at + fan_in],
            )
        arriving = leaving
    if deep:
        seen = units[0, : count * assembled].reshape(count, assembled)
        if own[INPUT_DROPOUT] > 0:
            stream = stream_of(batch.seed, INPUT_MASK + turn * SECOND_PASS, batch.epoch, batch.step)
            drop_inputs(
                seen, options[COLUMNS], own[INPUT_DROPOUT], own[INPUT_DROPOUT_SCALE], stream, network.source_of,
                memory.words,
            )  # fmt: skip
        if batch.mix < 1:
            unmix_rows(seen, batch.mix, memory.spare)
        disassemble(
            seen, memory.gathered[turn, :count], batch.codes, rows, w, places, options[LEVEL_ROWS], options[LEVEL_SIZE],
            network.offsets, options[NUMERIC], memory.columns, gradient,
        )  # fmt: skip
    if learns_scale:
        at, fan_out, start = layers[0, WEIGHT], layers[0, FAN_OUT], places[SCALE_PLACE]
        unscale_gradient(
            gradient[at : at + assembled * fan_out], w[at : at + assembled * fan_out], w[start : start + assembled],
            gradient[start : start + assembled], assembled, fan_out,
        )  # fmt: skip
