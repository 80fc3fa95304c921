"""Plain network: one member's outputs in plain torch, in evaluation mode or in one pass of one training step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from evenfit.fleet import chance
from evenfit.fleet.layout import SLOTS, Layout
from evenfit.fleet.member import Member, Scalars
from evenfit.fleet.samples import Samples
from evenfit.regularize.chance import key

Parameters = dict[str, Tensor]

ACTIVATIONS = {
    "relu": functional.relu,
    "selu": functional.selu,
    "mish": functional.mish,
    "silu": functional.silu,
    "gelu": lambda x: functional.gelu(x, approximate="tanh"),
}
_SELU_FLOOR = -1.7580993408473766  # what SELU gives far below 0


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One pass of one step of training: which rows, and where its chance comes from."""

    member: Member
    rows: npt.NDArray[np.int64]
    epoch: int
    step: int
    turn: int  # 1 in a second pass over the same rows
    mix: float  # share of a row in its mixture with the next of its batch

    def scalar(self, name: str) -> float:
        """Give one of the member's values in this epoch."""
        return float(getattr(Scalars.of([self.member], self.epoch), name)[0])

    def stream(self, purpose: int) -> int:
        """Give the key of what this pass draws for a purpose."""
        return key(self.member.seed, purpose + self.turn * chance.SECOND_PASS, self.epoch, self.step)

    def mask(self, purpose: int, limit: float, shape: tuple[int, ...], kind: torch.dtype) -> Tensor:
        """Draw factors: 0 where the byte lies below the limit, else 1 / (kept share)."""
        drawn = chance.mask_bytes(self.stream(purpose), math.prod(shape)).reshape(shape)
        return torch.from_numpy((drawn >= limit) * (256 / (256 - limit))).to(kind)

    def normals(self, purpose: int, shape: tuple[int, ...], kind: torch.dtype) -> Tensor:
        """Draw standard normal numbers."""
        return torch.from_numpy(chance.normals(self.stream(purpose), math.prod(shape)).reshape(shape)).to(kind)

    def mixed(self, values: Tensor) -> Tensor:
        """Mix each row with the next, the last with the first."""
        return self.mix * values + (1 - self.mix) * values.roll(-1, 0) if self.mix < 1 else values


def network(
    parameters: Parameters,
    plan: Layout,
    samples: Samples,
    split: int,
    rows: npt.NDArray[np.int64],
    passing: Pass | None,
) -> tuple[Tensor, list[Tensor]]:
    """Run the network over rows, and give its outputs and its hidden units; without a pass in evaluation mode."""
    kind = parameters["scale"].dtype
    used = parameters if passing is None else _perturbed(parameters, plan, passing)
    values = torch.tensor(samples.values[split][rows], dtype=kind)
    if passing is not None and passing.scalar("noise") > 0:
        shape = (len(rows), plan.inputs.numeric)
        values[:, : plan.inputs.numeric] += passing.scalar("noise") * passing.normals(chance.NOISE, shape, kind)
    units = _assembled(used, plan, values, samples.codes[split][rows])
    if passing is not None:
        units = passing.mixed(units)
        limit = passing.scalar("input_dropout")
        units = units * passing.mask(chance.INPUT_MASK, limit, (len(rows), plan.columns), kind)[:, _sources(plan)]
    units = units * used["scale"]
    hidden: list[Tensor] = []
    for layer in range(len(plan.widths)):
        units = ACTIVATIONS[plan.activation](units @ used[f"weight{layer}"] + used[f"bias{layer}"])
        if passing is not None and passing.scalar("dropout") > 0:
            units = _dropped(units, chance.HIDDEN_MASK + layer, passing)
        hidden.append(units)
    return units @ used["weight_out"] + used["bias_out"], hidden


def _perturbed(parameters: Parameters, plan: Layout, passing: Pass) -> Parameters:
    """Give the weights of one pass: with noise, and without those that are dropped."""
    made = dict(parameters)
    for layer, block in enumerate(plan.weights()):
        kind = made[block.name].dtype
        if passing.scalar("weight_noise") > 0:
            noise = passing.normals(chance.WEIGHT_NOISE_STREAM + layer, block.shape, kind)
            made[block.name] = made[block.name] + passing.scalar("weight_noise") * noise
        if layer > 0:
            limit = passing.scalar("drop_connect")
            made[block.name] = made[block.name] * passing.mask(chance.WEIGHT_MASK + layer, limit, block.shape, kind)
    return made


def _dropped(units: Tensor, purpose: int, passing: Pass) -> Tensor:
    limit, shape, kind = passing.scalar("dropout"), tuple(units.shape), units.dtype
    rate = limit / 256
    if passing.member.config.dropout_kind == "gaussian":
        return units * (1 + math.sqrt(rate / (1 - rate)) * passing.normals(purpose, shape, kind))
    if passing.member.config.dropout_kind == "alpha":
        kept = passing.mask(purpose, limit, shape, kind) > 0
        gain = 1 / math.sqrt((1 - rate) * (1 + rate * _SELU_FLOOR**2))
        return gain * torch.where(kept, units, _SELU_FLOOR) - gain * rate * _SELU_FLOOR
    return units * passing.mask(purpose, limit, shape, kind)


def _assembled(parameters: Parameters, plan: Layout, values: Tensor, codes: npt.NDArray[np.int32]) -> Tensor:
    """Give what the first layer sees, before scaling."""
    numeric = plan.inputs.numeric
    parts = [values[:, :numeric]]
    if plan.periodic:
        column = values[:, :numeric, None]
        cosines = torch.cos(2 * torch.pi * (column * parameters["frequency"] + parameters["phase"]))
        made = torch.einsum("bjf,jkf->bjk", cosines, parameters["periodic"]) + parameters["periodic_bias"]
        parts = [torch.cat([column, made], dim=2).flatten(1)]
    parts.append(values[:, numeric:])
    first = 0
    for position, levels in enumerate(plan.inputs.cardinalities):
        code = torch.tensor(codes[:, position], dtype=torch.int64)
        parts.append(parameters["level"][first + code.clamp(min=0)] * (code >= 0)[:, None])
        first += levels
    return torch.cat(parts, dim=1)


def _sources(plan: Layout) -> Tensor:
    """Give the encoded column of each number that the first layer sees."""
    numeric, features = plan.inputs.numeric, plan.inputs.features
    sources = [j for j in range(numeric) for _ in range(SLOTS if plan.periodic else 1)] + list(range(numeric, features))
    sources += [features + c for c in range(len(plan.inputs.cardinalities)) for _ in range(plan.embedding_size)]
    return torch.tensor(sources)


def groups(plan: Layout, layer: int) -> Tensor:
    """Give the group of each row of a layer's weights: the column that it comes from, or the hidden unit."""
    return _sources(plan) if layer == 0 else torch.arange(plan.weights()[layer].shape[0])
