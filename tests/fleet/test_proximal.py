"""A member of a fleet is the same network trained alone, in torch, with ``Proximal``."""

import numpy as np
import pytest
import torch
from tests.fleet.networks import make_samples
from torch import nn

import evenfit.regularize as er
from evenfit.fleet import chance
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.layout import layout, starting_weights
from evenfit.fleet.member import Member
from evenfit.specs.config import Config

SAMPLES = make_samples(rows=40, numeric=5, hot=2, cardinalities=())
EPOCHS = 6
BASE = {
    "width": 7,
    "depth": 2,
    "activation": "relu",
    "numeric_embedding": "none",
    "input_scale_rate": 0.0,
    "schedule": "constant",
    "batch_rows": 8,
    "epochs": EPOCHS,
}
OPTIMISERS = {
    "adamw": {"optimiser": "adamw", "learning_rate": 0.02},
    "sgd": {"optimiser": "sgd", "learning_rate": 0.05, "momentum": 0.0},
    "momentum": {"optimiser": "sgd", "learning_rate": 0.01, "momentum": 0.9},
    "nesterov": {"optimiser": "sgd", "learning_rate": 0.01, "momentum": 0.8, "nesterov": True},
}
HIDDEN = ("0.weight", "2.weight")
PENALTIES = {  # what the config says, and the penalties whose steps are taken one after the other
    "l1": ({"l1": 0.3}, [er.L1(0.3)]),
    "l2": ({"l2": 0.4}, [er.L2(0.4)]),
    "elastic net": ({"elastic_net": 0.4, "beta": 0.3}, [er.ElasticNet(0.4, beta=0.3)]),
    "group lasso": ({"group_lasso": 0.3}, [er.GroupLasso(0.3, groups="inputs")]),
    "sparse group lasso": (
        {"group_lasso": 0.2, "l1": 0.1, "l2": 2.0, "elastic_net": 0.1, "beta": 0.5},
        [er.SparseGroupLasso(0.3, beta=1 / 3, groups="inputs") + er.L2(2.0) + er.ElasticNet(0.1, beta=0.5)],
    ),
    "max norm": ({"max_norm": 0.8, "l1": 0.1}, [er.L1(0.1), er.MaxNorm(0.8)]),
    "unit norm": ({"unit_norm": True, "l2": 0.1}, [er.L2(0.1), er.UnitNorm(only=HIDDEN)]),
    "spectral bound": ({"spectral_bound": 0.9}, [er.SpectralBound(0.9)]),
    "all bounds": (
        {"group_lasso": 0.1, "max_norm": 0.9, "unit_norm": True, "spectral_bound": 1.2},
        [er.GroupLasso(0.1, groups="inputs"), er.MaxNorm(0.9), er.UnitNorm(only=HIDDEN), er.SpectralBound(1.2)],
    ),
}


def as_module(member, samples):
    """The member's network as torch has it, at its starting weights."""
    plan = layout(member.config, samples.shape, samples.outputs)
    row = torch.from_numpy(starting_weights(plan, member.seed, samples.prior[member.split]))
    layers = []
    for block in plan.weights():
        bias = plan.block(block.name.replace("weight", "bias"))
        linear = nn.Linear(*block.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(row[block.start : block.stop].reshape(block.shape).T)
            linear.bias.copy_(row[bias.start : bias.stop])
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def optimiser_of(config, model):
    if config.optimiser == "adamw":
        decays = (config.momentum, config.second_momentum)
        return torch.optim.AdamW(model.parameters(), lr=config.learning_rate, betas=decays, weight_decay=0.0)
    return torch.optim.SGD(
        model.parameters(), lr=config.learning_rate, momentum=config.momentum, nesterov=config.nesterov
    )


def train_alone(member, samples, penalties):
    """Train the network in torch, and give it."""
    config, split = member.config, member.split
    model, rows = as_module(member, samples), np.asarray(samples.training[member.split])
    optimiser = optimiser_of(config, model)
    for penalty in penalties:
        optimiser = er.Proximal(optimiser, penalty, model=model)
    batch = min(config.batch_rows, len(rows))
    for epoch in range(config.epochs):
        order = rows[chance.row_order(member.seed, epoch, len(rows))]
        for step in range(len(rows) // batch):
            taken = order[step * batch : (step + 1) * batch]
            target = torch.tensor(samples.target[split][taken])
            losses = nn.functional.cross_entropy(
                model(torch.tensor(samples.values[split][taken])), target.long(), reduction="none"
            )
            optimiser.zero_grad()
            (losses * torch.tensor(samples.row_weights[split][taken])).mean().backward()
            optimiser.step()
    return model


@pytest.mark.parametrize("optimiser", sorted(OPTIMISERS))
def test_each_member_equals_the_same_network_trained_alone_with_proximal(optimiser):
    members = [
        Member(config=Config(**BASE, **OPTIMISERS[optimiser], **values), split=place % 3, seed=place)
        for place, (values, _) in enumerate(PENALTIES.values())
    ]
    fleet = Fleet(members, SAMPLES, precision=np.float64)
    for _ in range(EPOCHS):
        fleet.train_epoch()
    for row, member, (name, (_, penalties)) in zip(fleet.learnt(), members, PENALTIES.items(), strict=True):
        model = train_alone(member, SAMPLES, penalties)
        linears = [layer for layer in model if isinstance(layer, nn.Linear)]
        for block, linear in zip(fleet.layout.weights(), linears, strict=True):
            learnt = row[block.start : block.stop].reshape(block.shape)
            wanted = linear.weight.detach().numpy().T
            np.testing.assert_allclose(learnt, wanted, rtol=1e-8, atol=1e-11, err_msg=name)
            np.testing.assert_array_equal(learnt == 0, wanted == 0, err_msg=name)
            bias = fleet.layout.block(block.name.replace("weight", "bias"))
            np.testing.assert_allclose(row[bias.start : bias.stop], linear.bias.detach().numpy(), rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("schedule", ["linear", "early", "late", "rising", "cosine"])
def test_scheduled_strengths_are_those_of_proximal(schedule):
    values = {"l1": 0.3, "l2": 0.2, "penalty_schedule": schedule, "batch_rows": 100}  # an epoch is one step
    member = Member(config=Config(**(BASE | OPTIMISERS["momentum"] | values)), split=0, seed=3)
    fleet = Fleet([member], SAMPLES, precision=np.float64)
    model = as_module(member, SAMPLES)
    penalty = er.L1(0.3, schedule=schedule) + er.L2(0.2, schedule=schedule)
    optimiser = er.Proximal(optimiser_of(member.config, model), penalty, model=model, steps=EPOCHS)
    rows = torch.from_numpy(np.asarray(SAMPLES.training[0]))
    target = torch.tensor(SAMPLES.target[0])[rows].long()
    weights = torch.tensor(SAMPLES.row_weights[0])[rows]
    for _ in range(EPOCHS):
        fleet.train_epoch()
        losses = nn.functional.cross_entropy(model(torch.tensor(SAMPLES.values[0])[rows]), target, reduction="none")
        optimiser.zero_grad()
        (losses * weights).mean().backward()
        optimiser.step()
        block = fleet.layout.weights()[0]
        learnt = fleet.weights[0, block.start : block.stop].reshape(block.shape)
        np.testing.assert_allclose(learnt, model[0].weight.detach().numpy().T, rtol=1e-9, atol=1e-12)
