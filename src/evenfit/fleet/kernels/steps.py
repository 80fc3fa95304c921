"""Steps: one member after the other through some of its steps, and through its predictions.

A member stays in the cache from its rows to its new weights, and touches nothing of its neighbours.
The plan is a flat description of the network: see ``evenfit.fleet.plan``.
"""

from __future__ import annotations

import numpy as np

from evenfit.fleet.chance import HIDDEN_MASK, INPUT_MASK, NOISE
from evenfit.fleet.kernels.activations import activate, back
from evenfit.fleet.kernels.arithmetic import stream_of
from evenfit.fleet.kernels.compilation import jit
from evenfit.fleet.kernels.inputs import assemble, disassemble, drop_inputs, gather, scale_weights, unscale_gradient
from evenfit.fleet.kernels.losses import class_gradient, square_gradient
from evenfit.fleet.kernels.optimisers import adamw, sgd
from evenfit.fleet.kernels.products import product, transpose

# numbers of ``options``
NUMERIC, COLUMNS, ASSEMBLED, LEVEL_ROWS, LEVEL_SIZE, ACTIVATION, CLASSES, ADAMW = range(8)
# columns of ``scalars``
(
    MOMENTUM, SECOND_MOMENTUM, NESTEROV, L1, L2, DROPOUT, DROPOUT_SCALE, INPUT_DROPOUT, INPUT_DROPOUT_SCALE,
    SMOOTHING, NOISE_SIZE, SCALE_RATE,
) = range(12)  # fmt: skip
# columns of ``layers``
WEIGHT, FAN_IN, FAN_OUT, BIAS = range(4)
# kinds of ``blocks``, beside their start and size
PLAIN, PENALISED, SCALING = range(3)


@jit
def train(
    first_step,
    last_step,
    epoch,
    weights,
    first,
    second,
    steps,
    member_steps,
    batch_rows,
    orders,
    rates,
    seeds,
    splits,
    balanced,
    scalars,
    values,
    codes,
    target,
    row_weights,
    balanced_weights,
    options,
    places,
    offsets,
    source_of,
    layers,
    blocks,
):
    """Take the members through the steps of this epoch from ``first_step`` to before ``last_step``.

    A member with fewer steps, ``member_steps``, rests behind its last. ``weights``, the moments ``first``
    and ``second``, and the counts ``steps`` change in place.
    """
    members, parameters = weights.shape
    features, assembled = values.shape[2], options[ASSEMBLED]
    depth = layers.shape[0] - 1
    most, widest, size = 0, assembled, 0
    for m in range(members):
        most = max(most, batch_rows[m])
    for i in range(depth + 1):
        widest = max(widest, layers[i, FAN_OUT])
        size = max(size, layers[i, FAN_IN] * layers[i, FAN_OUT])
    number = weights.dtype
    embeds = places[0] >= 0 or codes.shape[2] > 0
    gathered = np.empty((most, features), number)
    units = np.empty((depth + 1, most * widest), number)
    slopes = np.empty((depth + 1, most * widest), number)
    scaled, turned = np.empty(layers[0, FAN_IN] * layers[0, FAN_OUT], number), np.empty(size, number)
    gradient = np.empty(parameters, number)
    columns = np.empty((4, most), number)
    words = np.empty((most * max(widest, options[COLUMNS]) + 7) // 8, np.uint64)
    for m in range(members):
        count, split, seed = batch_rows[m], splits[m], seeds[m]
        weighing = balanced_weights[split] if balanced[m] else row_weights[split]
        own, w = scalars[m], weights[m]
        learns_scale = own[SCALE_RATE] > 0
        drops_inputs = own[INPUT_DROPOUT] > 0
        start = places[5]
        scale = w[start : start + assembled]
        for step in range(first_step, min(last_step, member_steps[m])):
            # forward
            rows = orders[m, step * count : (step + 1) * count]
            input_stream = stream_of(seed, INPUT_MASK, epoch, step)
            seen = units[0, : count * assembled].reshape(count, assembled)
            found = gathered[:count] if embeds else seen
            gather(values[split], rows, found, own[NOISE_SIZE], stream_of(seed, NOISE, epoch, step), options[NUMERIC])
            if embeds:
                assemble(
                    found, codes[split], rows, w, places, options[LEVEL_ROWS], options[LEVEL_SIZE], offsets,
                    options[NUMERIC], columns, seen,
                )  # fmt: skip
            if drops_inputs:
                drop_inputs(
                    seen, options[COLUMNS], own[INPUT_DROPOUT], own[INPUT_DROPOUT_SCALE], input_stream, source_of, words
                )
            for i in range(depth + 1):
                fan_in, fan_out = layers[i, FAN_IN], layers[i, FAN_OUT]
                matrix = w[layers[i, WEIGHT] : layers[i, WEIGHT] + fan_in * fan_out]
                if i == 0 and learns_scale:
                    scale_weights(matrix, scale, scaled, fan_in, fan_out)
                    matrix = scaled
                product(units[i], fan_in, 1, matrix, slopes[i], count, fan_out, fan_in)
                if i < depth:
                    activate(
                        slopes[i, : count * fan_out].reshape(count, fan_out),
                        w[layers[i, BIAS] : layers[i, BIAS] + fan_out],
                        units[i + 1, : count * fan_out].reshape(count, fan_out),
                        options[ACTIVATION],
                        own[DROPOUT],
                        own[DROPOUT_SCALE],
                        stream_of(seed, HIDDEN_MASK + i, epoch, step),
                        words,
                    )
            # loss
            outputs, at = layers[depth, FAN_OUT], layers[depth, BIAS]
            output = slopes[depth, : count * outputs].reshape(count, outputs)
            bias, d_bias = w[at : at + outputs], gradient[at : at + outputs]
            if options[CLASSES]:
                class_gradient(output, bias, target[split], rows, weighing, own[SMOOTHING], d_bias)
            else:
                square_gradient(output, bias, target[split], rows, weighing, d_bias)
            # backward; ``arriving`` is the gradient at the outputs of layer i
            arriving = slopes[depth]
            for i in range(depth, -1, -1):
                fan_in, fan_out = layers[i, FAN_IN], layers[i, FAN_OUT]
                at = layers[i, WEIGHT]
                d_matrix = gradient[at : at + fan_in * fan_out]
                product(units[i], 1, fan_in, arriving, d_matrix, fan_in, fan_out, count)
                if i == 0 and not embeds:
                    break
                matrix = w[at : at + fan_in * fan_out]
                if i == 0 and learns_scale:
                    matrix = scaled
                transpose(matrix, fan_in, fan_out, turned)
                leaving = units[i]  # no longer needed: the gradient takes its place
                product(arriving, fan_out, 1, turned, leaving, count, fan_in, fan_out)
                if i > 0:
                    at = layers[i - 1, BIAS]
                    back(
                        leaving[: count * fan_in].reshape(count, fan_in),
                        slopes[i - 1, : count * fan_in].reshape(count, fan_in),
                        gradient[at : at + fan_in],
                    )
                arriving = leaving
            if embeds:
                if drops_inputs:
                    drop_inputs(
                        seen, options[COLUMNS], own[INPUT_DROPOUT], own[INPUT_DROPOUT_SCALE], input_stream, source_of,
                        words,
                    )  # fmt: skip
                disassemble(
                    seen, found, codes[split], rows, w, places, options[LEVEL_ROWS], options[LEVEL_SIZE], offsets,
                    options[NUMERIC], columns, gradient,
                )  # fmt: skip
            if learns_scale:
                at, fan_out = layers[0, WEIGHT], layers[0, FAN_OUT]
                unscale_gradient(
                    gradient[at : at + assembled * fan_out], w[at : at + assembled * fan_out], scale,
                    gradient[start : start + assembled], assembled, fan_out,
                )  # fmt: skip
            # update
            steps[m] += 1
            rate = rates[m, step]
            reach = rate if options[ADAMW] else rate / (1.0 - own[MOMENTUM])
            for k in range(blocks.shape[0]):
                begin, end, kind = blocks[k, 0], blocks[k, 0] + blocks[k, 1], blocks[k, 2]
                if kind == SCALING and not learns_scale:
                    continue
                pace = rate * own[SCALE_RATE] if kind == SCALING else rate
                soft = reach * own[L1] if kind == PENALISED else 0.0
                shrink = 1.0 / (1.0 + 2.0 * reach * own[L2]) if kind == PENALISED else 1.0
                if options[ADAMW]:
                    adamw(
                        w[begin:end], gradient[begin:end], first[m, begin:end], second[m, begin:end], pace,
                        own[MOMENTUM], own[SECOND_MOMENTUM], steps[m], soft, shrink,
                    )  # fmt: skip
                else:
                    sgd(
                        w[begin:end], gradient[begin:end], first[m, begin:end], pace, own[MOMENTUM],
                        own[NESTEROV] > 0, soft, shrink,
                    )  # fmt: skip


@jit
def predict(rows, bounds, out, weights, splits, values, codes, options, places, offsets, layers, chunk):
    """Predict in evaluation mode, ``chunk`` rows at once.

    Member m's row numbers are ``rows[bounds[m] : bounds[m + 1]]``, and its predictions the same rows of ``out``.
    """
    features, assembled = values.shape[2], options[ASSEMBLED]
    depth, widest = layers.shape[0] - 1, options[ASSEMBLED]
    for i in range(depth + 1):
        widest = max(widest, layers[i, FAN_OUT])
    number = weights.dtype
    embeds = places[0] >= 0 or codes.shape[2] > 0
    gathered = np.empty((chunk, features), number)
    before, behind = np.empty(chunk * widest, number), np.empty(chunk * widest, number)
    scaled = np.empty(layers[0, FAN_IN] * layers[0, FAN_OUT], number)
    columns, words = np.empty((4, chunk), number), np.empty(0, np.uint64)
    for m in range(weights.shape[0]):
        w, split = weights[m], splits[m]
        first = layers[0, WEIGHT]
        scale_weights(
            w[first : first + scaled.size], w[places[5] : places[5] + assembled], scaled, assembled, layers[0, FAN_OUT]
        )
        for begin in range(bounds[m], bounds[m + 1], chunk):
            end = min(begin + chunk, bounds[m + 1])
            count, taken = end - begin, rows[begin:end]
            seen = before[: count * assembled].reshape(count, assembled)
            found = gathered[:count] if embeds else seen
            gather(values[split], taken, found, 0.0, np.uint64(0), 0)
            if embeds:
                assemble(
                    found, codes[split], taken, w, places, options[LEVEL_ROWS], options[LEVEL_SIZE], offsets,
                    options[NUMERIC], columns, seen,
                )  # fmt: skip
            for i in range(depth + 1):
                fan_in, fan_out = layers[i, FAN_IN], layers[i, FAN_OUT]
                matrix = w[layers[i, WEIGHT] : layers[i, WEIGHT] + fan_in * fan_out] if i > 0 else scaled
                product(before, fan_in, 1, matrix, behind, count, fan_out, fan_in)
                bias = w[layers[i, BIAS] : layers[i, BIAS] + fan_out]
                made = behind[: count * fan_out].reshape(count, fan_out)
                if i < depth:
                    activate(
                        made, bias, before[: count * fan_out].reshape(count, fan_out), options[ACTIVATION], 0.0, 1.0,
                        np.uint64(0), words,
                    )  # fmt: skip
                else:
                    for b in range(count):
                        for k in range(fan_out):
                            out[begin + b, k] = made[b, k] + bias[k]
