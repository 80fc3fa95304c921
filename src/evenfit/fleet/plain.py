"""Plain: the fleet's slow twin, one network at a time in plain torch with autograd.

It is what the tests hold the fleet to, and says in the fewest lines what a fleet computes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from evenfit.fleet import chance
from evenfit.fleet.layout import Layout, layout, starting_weights
from evenfit.fleet.member import Member
from evenfit.fleet.samples import Samples
from evenfit.fleet.schedules import SCHEDULES

ACTIVATIONS = {
    "relu": functional.relu,
    "selu": functional.selu,
    "mish": functional.mish,
    "silu": functional.silu,
    "gelu": lambda x: functional.gelu(x, approximate="tanh"),
}


def train(member: Member, samples: Samples, *, epochs: int, precision: torch.dtype = torch.float64) -> npt.NDArray[Any]:
    """Train one member alone for some of its epochs, and give the parameters to predict with."""
    config, plan = member.config, layout(member.config, samples.shape, samples.outputs)
    start = torch.tensor(starting_weights(plan, member.seed, samples.prior[member.split]), dtype=precision)
    parameters = {
        block.name: start[block.start : block.stop].reshape(block.shape).clone().requires_grad_()
        for block in plan.blocks
    }
    optimiser = _optimiser(member, plan, parameters)
    rows = np.asarray(samples.training[member.split])
    batch = min(config.batch_rows, len(rows))
    steps = len(rows) // batch
    weights = samples.balanced_weights if config.balanced_classes else samples.row_weights
    average, share = start * 0, 1.0
    for epoch in range(min(epochs, config.epochs)):
        order = rows[chance.row_order(member.seed, epoch, len(rows))]
        for step in range(steps):
            progress = np.array([(epoch * steps + step) / (config.epochs * steps)])
            rate = config.learning_rate * float(SCHEDULES[config.schedule](progress)[0])
            for group in optimiser.param_groups:
                group["lr"] = rate * group["multiple"]
            taken = order[step * batch : (step + 1) * batch]
            outputs = network(parameters, plan, member, samples, taken, epoch=epoch, step=step)
            weight = torch.tensor(weights[member.split][taken], dtype=precision)
            loss = (_row_losses(outputs, member, samples, taken) * weight).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            _proximal(member, plan, parameters, rate)
        decay = config.weight_averaging
        average, share = decay * average + (1 - decay) * _flat(plan, parameters), share * decay
    if config.weight_averaging > 0 and epochs > 0:
        return (average / (1 - share)).numpy()
    return _flat(plan, parameters).numpy()


def predict(row: npt.NDArray[Any], member: Member, samples: Samples, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Predict with one member's parameters, in evaluation mode: ``[rows, outputs]``."""
    plan = layout(member.config, samples.shape, samples.outputs)
    flat = torch.from_numpy(np.ascontiguousarray(row))
    parameters = {block.name: flat[block.start : block.stop].reshape(block.shape) for block in plan.blocks}
    return network(parameters, plan, member, samples, rows, epoch=None, step=0).numpy()


def network(
    parameters: dict[str, Tensor],
    plan: Layout,
    member: Member,
    samples: Samples,
    rows: npt.NDArray[Any],
    *,
    epoch: int | None,
    step: int,
) -> Tensor:
    """Run the network over rows; ``epoch`` is None in evaluation mode."""
    config, training = member.config, epoch is not None
    scale = parameters["scale"]
    values = torch.tensor(samples.values[member.split][rows], dtype=scale.dtype)
    numeric = plan.inputs.numeric
    if training and config.input_noise > 0:
        stream = chance.key(member.seed, chance.NOISE, epoch or 0, step)
        noise = torch.tensor(chance.normals(stream, len(rows) * numeric).reshape(len(rows), numeric), dtype=scale.dtype)
        values[:, :numeric] += config.input_noise * noise
    parts = [values[:, :numeric]]
    if plan.periodic:
        column = values[:, :numeric, None]
        cosines = torch.cos(2 * torch.pi * (column * parameters["frequency"] + parameters["phase"]))
        made = torch.einsum("bjf,jkf->bjk", cosines, parameters["periodic"]) + parameters["periodic_bias"]
        parts = [torch.cat([column, made], dim=2).flatten(1)]
    parts.append(values[:, numeric:])
    first = 0
    for position, levels in enumerate(plan.inputs.cardinalities):
        code = torch.tensor(samples.codes[member.split][rows, position], dtype=torch.int64)
        known = parameters["level"][first + code.clamp(min=0)] * (code >= 0)[:, None]
        parts.append(known)
        first += levels
    units = torch.cat(parts, dim=1) * scale
    if training and config.input_dropout > 0:
        mask = _mask(member, chance.INPUT_MASK, epoch or 0, step, config.input_dropout, (len(rows), plan.columns))
        units = units * mask.to(scale.dtype)[:, _sources(plan)]
    for layer, width in enumerate(plan.widths):
        units = ACTIVATIONS[plan.activation](units @ parameters[f"weight{layer}"] + parameters[f"bias{layer}"])
        if training and config.dropout > 0:
            purpose = chance.HIDDEN_MASK + layer
            units = units * _mask(member, purpose, epoch or 0, step, config.dropout, (len(rows), width)).to(scale.dtype)
    return units @ parameters["weight_out"] + parameters["bias_out"]


def _sources(plan: Layout) -> Tensor:
    numeric, size = plan.inputs.numeric, plan.embedding_size
    slots = 4 if plan.periodic else 1
    sources = [j for j in range(numeric) for _ in range(slots)] + list(range(numeric, plan.inputs.features))
    sources += [plan.inputs.features + c for c in range(len(plan.inputs.cardinalities)) for _ in range(size)]
    return torch.tensor(sources)


def _mask(member: Member, purpose: int, epoch: int, step: int, rate: float, shape: tuple[int, int]) -> Tensor:
    limit = chance.threshold(rate)
    drawn = chance.mask_bytes(chance.key(member.seed, purpose, epoch, step), shape[0] * shape[1]).reshape(shape)
    return torch.from_numpy((drawn >= limit) * (256 / (256 - limit)))


def _row_losses(outputs: Tensor, member: Member, samples: Samples, rows: npt.NDArray[Any]) -> Tensor:
    target = torch.tensor(samples.target[member.split][rows], dtype=outputs.dtype)
    if samples.classification:
        smoothing = member.config.label_smoothing
        return functional.cross_entropy(outputs, target.long(), label_smoothing=smoothing, reduction="none")
    return (outputs[:, 0] - target) ** 2


def _optimiser(member: Member, plan: Layout, parameters: dict[str, Tensor]) -> torch.optim.Optimizer:
    config = member.config
    learns = config.input_scale_rate > 0
    groups = [
        {
            "params": [parameters[block.name]],
            "multiple": config.input_scale_rate if block.kind == "scale" else 1.0,
        }
        for block in plan.blocks
        if learns or block.kind != "scale"
    ]
    if config.optimiser == "adamw":
        decays = (config.momentum, config.second_momentum)
        return torch.optim.AdamW(groups, lr=1.0, betas=decays, weight_decay=0.0)
    return torch.optim.SGD(groups, lr=1.0, momentum=config.momentum, nesterov=config.nesterov)


def _proximal(member: Member, plan: Layout, parameters: dict[str, Tensor], rate: float) -> None:
    config = member.config
    step = rate if config.optimiser == "adamw" else rate / (1 - config.momentum)
    l1 = config.l1 + config.elastic_net * config.beta
    l2 = config.l2 + config.elastic_net * (1 - config.beta) / 2
    with torch.no_grad():
        for block in plan.weights():
            weight = parameters[block.name]
            weight.copy_(torch.sign(weight) * (weight.abs() - step * l1).clamp(min=0) / (1 + 2 * step * l2))


def _flat(plan: Layout, parameters: dict[str, Tensor]) -> Tensor:
    return torch.cat([parameters[block.name].detach().reshape(-1) for block in plan.blocks])
