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

from evenfit.fleet import averaging, chance
from evenfit.fleet.layout import Layout, layout, starting_weights
from evenfit.fleet.member import Member
from evenfit.fleet.plain_network import Parameters, Pass, groups, network
from evenfit.fleet.samples import Samples
from evenfit.fleet.schedules import SCHEDULES
from evenfit.regularize.schedules import SCHEDULES as STRENGTHS


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
    average, trained = start * 0, min(epochs, config.epochs)
    for epoch in range(trained):
        order = rows[chance.row_order(member.seed, epoch, len(rows))]
        mixes = chance.mixtures(member.seed, epoch, steps, config.mixup) if config.mixup > 0 else np.ones(steps)
        for step in range(steps):
            progress = np.array([(epoch * steps + step) / (config.epochs * steps)])
            rate = config.learning_rate * float(SCHEDULES[config.schedule](progress)[0])
            for group in optimiser.param_groups:
                group["lr"] = rate * group["multiple"]
            taken = order[step * batch : (step + 1) * batch]
            passes = [
                Pass(member=member, rows=taken, epoch=epoch, step=step, turn=turn, mix=float(mixes[step]))
                for turn in range(2 if config.r_drop > 0 else 1)
            ]
            _set_gradients(parameters, plan, samples, passes)
            optimiser.step()
            _proximal(parameters, plan, member, rate=rate, epoch=epoch)
        decay = averaging.decay(config, epoch)
        average = decay * average + (1 - decay) * _flat(plan, parameters)
    share = averaging.correction(config, trained)
    return (average / share if share > 0 else _flat(plan, parameters)).numpy()


def predict(row: npt.NDArray[Any], member: Member, samples: Samples, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Predict with one member's parameters, in evaluation mode: ``[rows, outputs]``."""
    plan = layout(member.config, samples.shape, samples.outputs)
    flat = torch.from_numpy(np.ascontiguousarray(row))
    parameters = {block.name: flat[block.start : block.stop].reshape(block.shape) for block in plan.blocks}
    return network(parameters, plan, samples, member.split, rows, None)[0].numpy()


def _set_gradients(parameters: Parameters, plan: Layout, samples: Samples, passes: list[Pass]) -> None:
    """Give each parameter its gradient: at the weights, or uphill from them, and not longer than may be."""
    config, learnt = passes[0].member.config, [one for one in parameters.values() if one.requires_grad]
    gradients = torch.autograd.grad(_loss(parameters, plan, samples, passes), learnt, materialize_grads=True)
    if config.sam_radius > 0:
        pace = config.sam_radius / (_length(gradients) + 1e-12)
        there = {id(one): one + pace * gradient for one, gradient in zip(learnt, gradients, strict=True)}
        uphill = {name: there.get(id(one), one) for name, one in parameters.items()}
        gradients = torch.autograd.grad(_loss(uphill, plan, samples, passes), learnt, materialize_grads=True)
    factor = 1.0
    if config.gradient_clip > 0:
        factor = min(1.0, config.gradient_clip / (float(_length(gradients)) + 1e-6))
    for one, gradient in zip(learnt, gradients, strict=True):
        one.grad = factor * gradient


def _length(gradients: tuple[Tensor, ...]) -> Tensor:
    return torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()


def _loss(parameters: Parameters, plan: Layout, samples: Samples, passes: list[Pass]) -> Tensor:
    """Give the mean loss of a batch, with what its passes add to it."""
    first, split = passes[0], passes[0].member.split
    config = first.member.config
    weights = (samples.balanced_weights if config.balanced_classes else samples.row_weights)[split][first.rows]
    total, made = torch.zeros(()), []
    for one in passes:
        outputs, hidden = network(parameters, plan, samples, split, one.rows, one)
        made.append(outputs)
        weight = torch.tensor(weights, dtype=outputs.dtype)
        target = torch.tensor(samples.target[split][one.rows], dtype=outputs.dtype)
        losses = one.mix * weight * _row_losses(outputs, target, samples, config.label_smoothing)
        if one.mix < 1:
            partner = _row_losses(outputs, target.roll(-1), samples, config.label_smoothing)
            losses = losses + (1 - one.mix) * weight.roll(-1) * partner
        activity = torch.stack([units.abs().sum() for units in hidden]).sum() / len(one.rows) if hidden else 0.0
        total = total + (losses.mean() + config.activity_l1 * activity) / len(passes)
    if len(passes) > 1:
        total = total + config.r_drop * (first.mixed(weight) * _disagreement(made, samples)).mean()
    return total


def _row_losses(outputs: Tensor, target: Tensor, samples: Samples, smoothing: float) -> Tensor:
    if samples.classification:
        return functional.cross_entropy(outputs, target.long(), label_smoothing=smoothing, reduction="none")
    return (outputs[:, 0] - target) ** 2


def _disagreement(made: list[Tensor], samples: Samples) -> Tensor:
    if not samples.classification:
        return (made[0][:, 0] - made[1][:, 0]) ** 2
    one, other = (outputs.log_softmax(dim=1) for outputs in made)
    return ((one.exp() - other.exp()) * (one - other)).sum(dim=1) / 2


def _optimiser(member: Member, plan: Layout, parameters: Parameters) -> torch.optim.Optimizer:
    config = member.config
    parameters["scale"].requires_grad_(config.input_scale_rate > 0)
    groups = [
        {
            "params": [parameters[block.name]],
            "multiple": config.input_scale_rate if block.kind == "scale" else 1.0,
        }
        for block in plan.blocks
        if parameters[block.name].requires_grad
    ]
    if config.optimiser == "adamw":
        decays = (config.momentum, config.second_momentum)
        return torch.optim.AdamW(groups, lr=1.0, betas=decays, weight_decay=0.0)
    return torch.optim.SGD(groups, lr=1.0, momentum=config.momentum, nesterov=config.nesterov)


@torch.no_grad()
def _proximal(parameters: Parameters, plan: Layout, member: Member, *, rate: float, epoch: int) -> None:
    """Take the proximal step of all penalties, then the projections on the bounds."""
    config = member.config
    step = rate if config.optimiser == "adamw" else rate / (1 - config.momentum)
    step *= STRENGTHS[config.penalty_schedule](epoch / config.epochs)
    l1 = config.l1 + config.elastic_net * config.beta
    l2 = config.l2 + config.elastic_net * (1 - config.beta) / 2
    for layer, block in enumerate(plan.weights()):
        weight = parameters[block.name]  # [in, out]
        weight.copy_(torch.sign(weight) * (weight.abs() - step * l1).clamp(min=0))
        group = groups(plan, layer)
        squares = torch.zeros(int(group.max()) + 1, dtype=weight.dtype).index_add(0, group, weight.square().sum(dim=1))
        norms = squares.sqrt()[group, None]
        threshold = step * config.group_lasso
        weight.copy_(torch.where(norms > threshold, weight * (1 - threshold / norms), 0.0))
        weight.div_(1 + 2 * step * l2)
        if config.max_norm > 0:
            weight.mul_((config.max_norm / weight.norm(dim=0)).clamp(max=1))
        if config.unit_norm and layer < len(plan.widths):
            norms = weight.norm(dim=0)
            weight.copy_(torch.where(norms > 0, weight / norms, weight))
        if config.spectral_bound > 0:
            left, stretch, right = torch.linalg.svd(weight, full_matrices=False)
            weight.copy_(left @ torch.diag(stretch.clamp(max=config.spectral_bound)) @ right)


def _flat(plan: Layout, parameters: Parameters) -> Tensor:
    return torch.cat([parameters[block.name].detach().reshape(-1) for block in plan.blocks])
