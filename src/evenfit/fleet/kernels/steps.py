"""Steps: one member after the other through some of its steps, and through its predictions.

A member stays in the cache from its rows to its new weights, and touches nothing of its neighbours.
The plan is a flat description of the network: see ``evenfit.fleet.plan``.
"""

from __future__ import annotations

import numpy as np

from evenfit.fleet.kernels.activations import activate
from evenfit.fleet.kernels.borrowing import borrow, borrow_all
from evenfit.fleet.kernels.compilation import inline, jit
from evenfit.fleet.kernels.inputs import assemble, gather, scale_weights
from evenfit.fleet.kernels.losses import class_gradient, disagreement, square_gradient
from evenfit.fleet.kernels.network import (
    ACTIVATION,
    ADAMW,
    ASSEMBLED,
    BIAS,
    CLASSES,
    DROP_CONNECT,
    FAN_IN,
    FAN_OUT,
    GRADIENT_CLIP,
    GROUP_LASSO,
    L1,
    L2,
    LEVEL_ROWS,
    LEVEL_SIZE,
    MAX_NORM,
    MOMENTUM,
    NESTEROV,
    NUMERIC,
    R_DROP,
    SAM_RADIUS,
    SCALE_PLACE,
    SCALE_RATE,
    SECOND_MOMENTUM,
    SMOOTHING,
    SPECTRAL_BOUND,
    UNIT_NORM,
    WEIGHT,
    WEIGHT_NOISE,
    Batch,
    backward,
    embeds,
    forward,
)
from evenfit.fleet.kernels.optimisers import adamw, sgd
from evenfit.fleet.kernels.products import product
from evenfit.fleet.kernels.weights import constrain, perturb, restore_gradient
from evenfit.regularize.kernels.compilation import like

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
    mixes,
    seeds,
    splits,
    balanced,
    scalars,
    values,
    codes,
    target,
    row_weights,
    balanced_weights,
    network,
    blocks,
    memory,
):
    """Take the members through the steps of this epoch from ``first_step`` to before ``last_step``.

    A member with fewer steps, ``member_steps``, rests behind its last. ``weights``, the moments ``first``
    and ``second``, and the counts ``steps`` change in place.
    """
    network, memory = borrow_all(network), borrow_all(memory)
    weights, first, second = borrow(weights), borrow(first), borrow(second)
    scalars, blocks, orders = borrow(scalars), borrow(blocks), borrow(orders)
    values, codes, target = borrow(values), borrow(codes), borrow(target)
    row_weights, balanced_weights = borrow(row_weights), borrow(balanced_weights)
    start, assembled = network.places[SCALE_PLACE], network.options[ASSEMBLED]
    gradient = memory.gradients[0]
    for m in range(weights.shape[0]):
        count, split = batch_rows[m], splits[m]
        weighing = balanced_weights[split] if balanced[m] else row_weights[split]
        own, w = scalars[m], weights[m]
        if own[SCALE_RATE] == 0:
            memory.gradients[:, start : start + assembled] = like(0.0, w[0])
        for step in range(first_step, min(last_step, member_steps[m])):
            rows = orders[m, step * count : (step + 1) * count]
            batch = Batch(
                values[split], codes[split], target[split], weighing, rows, mixes[m, step], seeds[m], epoch, step
            )
            looks = 2 if own[SAM_RADIUS] > 0 else 1
            for look in range(looks):
                _gradient(w if look == 0 else memory.uphill, own, network, batch, memory)
                if look + 1 < looks:
                    _climb(w, gradient, own[SAM_RADIUS], memory.uphill)
            if own[GRADIENT_CLIP] > 0:
                _clip(gradient, own[GRADIENT_CLIP])
            steps[m] += 1
            _update(w, gradient, first[m], second[m], steps[m], rates[m, step], own, network, blocks, memory.spare)


@inline
def _gradient(w, own, network, batch, memory):
    """Give the gradient of the mean loss on a batch, ``gradients[0]``: of one pass, or of two that are to agree.

    Liang et al., "R-Drop: regularized dropout for neural networks", NeurIPS 2021.
    """
    depth, gradients = network.layers.shape[0] - 1, memory.gradients
    count, outputs, at = batch.rows.size, network.layers[depth, FAN_OUT], network.layers[depth, BIAS]
    passes = 2 if own[R_DROP] > 0 else 1
    perturbed = own[WEIGHT_NOISE] > 0 or own[DROP_CONNECT] > 0
    for turn in range(passes):
        used = w
        if perturbed:
            used = memory.perturbed[turn]
            perturb(w, own, network, batch, turn, used)
        made = forward(used, own, network, batch, memory, turn)
        if passes > 1:
            for b in range(count):
                for k in range(outputs):
                    memory.outputs[turn, b * outputs + k] = made[b, k] + used[at + k]
    for turn in range(passes):
        used, gradient, portion = memory.perturbed[turn] if perturbed else w, gradients[turn], 1.0 / passes
        output = memory.slopes[turn, depth, : count * outputs].reshape(count, outputs)
        bias, d_bias = used[at : at + outputs], gradient[at : at + outputs]
        if network.options[CLASSES]:
            class_gradient(
                output, bias, batch.target, batch.rows, batch.row_weights, own[SMOOTHING], portion, batch.mix, d_bias
            )
        else:
            square_gradient(output, bias, batch.target, batch.rows, batch.row_weights, portion, batch.mix, d_bias)
        if passes > 1:
            disagreement(
                memory.outputs[turn], memory.outputs[1 - turn], batch.rows, batch.row_weights, batch.mix, own[R_DROP],
                network.options[CLASSES] > 0, output, d_bias,
            )  # fmt: skip
        backward(used, own, network, batch, memory, turn, gradient, portion)
        if own[DROP_CONNECT] > 0:
            restore_gradient(own, network, batch, turn, gradient)
    if passes > 1:
        gradient, more = gradients[0], gradients[1]
        for i in range(gradient.size):
            gradient[i] += more[i]


@jit
def _length(gradient):
    total = 0.0
    for i in range(gradient.size):
        total += gradient[i] * gradient[i]
    return np.sqrt(total)


@jit
def _climb(w, gradient, radius, out):
    """Go ``radius`` uphill (Foret et al., "Sharpness-aware minimization", ICLR 2021)."""
    length = _length(gradient)
    pace = like(radius / (length + 1e-12), w[0])  # as the authors' own code: no gradient, no climb
    for i in range(w.size):
        out[i] = w[i] + pace * gradient[i]


@jit
def _clip(gradient, most):
    """Shorten a gradient to length ``most`` where it is longer."""
    factor = like(most / (_length(gradient) + 1e-6), gradient[0])  # as torch's clip_grad_norm_
    if factor < 1:
        for i in range(gradient.size):
            gradient[i] *= factor


@inline
def _update(w, gradient, first, second, step, rate, own, network, blocks, sums):
    """Take the optimiser's step, and the proximal step behind it."""
    by_adamw = network.options[ADAMW] > 0
    reach = rate if by_adamw else rate / (1.0 - own[MOMENTUM])
    shorter = 1.0 / (1.0 + 2.0 * reach * own[L2])
    for k in range(blocks.shape[0]):
        begin, end, kind = blocks[k, 0], blocks[k, 0] + blocks[k, 1], blocks[k, 2]
        if kind == SCALING and own[SCALE_RATE] == 0:
            continue
        pace = rate * own[SCALE_RATE] if kind == SCALING else rate
        soft = reach * own[L1] if kind == PENALISED else 0.0
        shrink = shorter if kind == PENALISED else 1.0
        if by_adamw:
            adamw(
                w[begin:end], gradient[begin:end], first[begin:end], second[begin:end], pace, own[MOMENTUM],
                own[SECOND_MOMENTUM], step, soft, shrink,
            )  # fmt: skip
        else:
            sgd(
                w[begin:end],
                gradient[begin:end],
                first[begin:end],
                pace,
                own[MOMENTUM],
                own[NESTEROV] > 0,
                soft,
                shrink,
            )
    if own[GROUP_LASSO] > 0 or own[MAX_NORM] > 0 or own[UNIT_NORM] > 0 or own[SPECTRAL_BOUND] > 0:
        constrain(w, own, network, reach, shorter, sums)


@jit
def predict(rows, bounds, out, weights, splits, values, codes, network, chunk):
    """Predict in evaluation mode, ``chunk`` rows at once.

    Member m's row numbers are ``rows[bounds[m] : bounds[m + 1]]``, and its predictions the same rows of ``out``.
    """
    options, places, offsets, layers = network.options, network.places, network.offsets, network.layers
    features, assembled = values.shape[2], options[ASSEMBLED]
    depth, widest = layers.shape[0] - 1, options[ASSEMBLED]
    for i in range(depth + 1):
        widest = max(widest, layers[i, FAN_OUT])
    number = weights.dtype
    deep = embeds(network)
    gathered = np.empty((chunk, features), number)
    before, behind = np.empty(chunk * widest, number), np.empty(chunk * widest, number)
    scaled = np.empty(layers[0, FAN_IN] * layers[0, FAN_OUT], number)
    columns, words = np.empty((4, chunk), number), np.empty(0, np.uint64)
    for m in range(weights.shape[0]):
        w, split = weights[m], splits[m]
        scale, first = w[places[SCALE_PLACE] : places[SCALE_PLACE] + assembled], layers[0, WEIGHT]
        scale_weights(w[first : first + scaled.size], scale, scaled, assembled, layers[0, FAN_OUT])
        for begin in range(bounds[m], bounds[m + 1], chunk):
            end = min(begin + chunk, bounds[m + 1])
            count, taken = end - begin, rows[begin:end]
            seen = before[: count * assembled].reshape(count, assembled)
            found = gathered[:count] if deep else seen
            gather(values[split], taken, found, 0.0, np.uint64(0), 0)
            if deep:
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
                        made, bias, before[: count * fan_out].reshape(count, fan_out), options[ACTIVATION], 0, 0.0, 1.0,
                        np.uint64(0), words,
                    )  # fmt: skip
                else:
                    for b in range(count):
                        for k in range(fan_out):
                            out[begin + b, k] = made[b, k] + bias[k]
