"""Fleet: many networks of one shape, trained together as one tensor program.

The weights of all members are one matrix ``[members, parameters]``. A step is a handful of batched
matrix products, which torch does, and one pass of a kernel over each intermediate, which numba
does. Gradients are written out by hand; ``plain`` holds the same network in plain torch, and the
tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.fleet import chance, kernels
from evenfit.fleet.buffers import make_buffers, make_gradients
from evenfit.fleet.layout import layout, starting_weights
from evenfit.fleet.member import Member, Scalars
from evenfit.fleet.network import Masking, backward, bias_starts, forward, input_places, weight_views
from evenfit.fleet.samples import Samples
from evenfit.fleet.schedules import SCHEDULES

Array = npt.NDArray[Any]
_CHUNK = 256  # rows a member that are predicted at once
_STATE = ("weights", "first", "second", "average", "steps")


class Fleet:
    """The networks, their optimiser's moments, and how far they are.

    Members share what shapes tensors (``Config.shape``); everything else is each member's own.
    ``precision`` is float32 for training and float64 for the tests of its laws.
    """

    def __init__(self, members: Sequence[Member], samples: Samples, *, precision: type = np.float32) -> None:
        self.members = tuple(members)
        self.samples = samples
        self.precision = np.dtype(precision)
        self.layout = layout(members[0].config, samples.shape, samples.outputs)
        self.epoch = 0
        rows = [starting_weights(self.layout, member.seed, samples.prior[member.split]) for member in self.members]
        self.weights: Array = np.stack(rows).astype(self.precision)
        self.first: Array = np.zeros_like(self.weights)
        self.second: Array = np.zeros_like(self.weights)
        self.average: Array = np.zeros_like(self.weights)
        self.steps: Array = np.zeros(len(members), dtype=np.int64)
        self._values = samples.values.astype(self.precision, copy=False)
        self._target = samples.target.astype(self.precision, copy=False)
        self._places = input_places(self.layout)
        self._biases = bias_starts(self.layout)
        self._prepare()

    def _prepare(self) -> None:
        """Collect what follows from the members: their values, and memory for as many of them."""
        members, samples = self.members, self.samples
        self.scalars = Scalars.of(members)
        self._seeds = np.array([member.seed for member in members], dtype=np.uint64)
        self._splits = np.array([member.split for member in members], dtype=np.int64)
        trained = np.array([len(samples.training[member.split]) for member in members], dtype=np.int64)
        self.batch_rows = np.minimum(trained, members[0].config.batch_rows)
        self.epoch_steps = trained // self.batch_rows
        self._adamw = members[0].config.optimiser == "adamw"
        weights = [
            (samples.balanced_weights if member.config.balanced_classes else samples.row_weights)[member.split]
            for member in members
        ]
        self._row_weights = np.stack(weights).astype(self.precision)
        level_or_periodic = self.layout.periodic or bool(samples.shape.cardinalities)
        self._input_learns = level_or_periodic or bool(self.scalars.input_scale_rate.any())
        count = len(members)
        self._buffers = make_buffers(
            self.layout, members=count, batch=int(self.batch_rows.max()), precision=self.precision
        )
        self._judging = make_buffers(self.layout, members=count, batch=_CHUNK, precision=self.precision)
        self._gradients = make_gradients(self.layout, members=count, precision=self.precision)
        self._views = weight_views(self.layout, self.weights)
        self._none, self._unit = np.zeros(count), np.ones(count)

    # training

    def train_epoch(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Train every member for one more of its epochs; members past their last epoch rest.

        A member's epoch visits its training rows once, in an order of its own, in batches of
        ``batch_rows``; rows left over by the last whole batch wait for the next epoch's order.

        Returns:
            False if ``stop`` said so between two steps; the fleet is then to be thrown away.
        """
        living = self.epoch < self.scalars.epochs
        steps = int(np.max(np.where(living, self.epoch_steps, 0)))
        active = living & (np.arange(steps)[:, None] < self.epoch_steps)
        rates, orders, maskings = self._rates(steps), self._orders(steps), self._maskings(steps)
        effective = rates if self._adamw else rates / (1 - self.scalars.momentum)
        soft = effective * self.scalars.l1
        shrink = 1 / (1 + 2 * effective * self.scalars.l2)
        for step in range(steps):
            if stop():
                return False
            self.steps[active[step]] += 1
            self._gradient(orders[step], step, maskings[step])
            self._update(active[step], rates[step], soft[step], shrink[step])
        self.epoch += 1
        self._average(living)
        return True

    def _rates(self, steps: int) -> Array:
        """Learning rates ``[steps, members]``: a function of each config's own epochs."""
        rates = np.empty((steps, len(self.members)))
        for position, member in enumerate(self.members):
            total = member.config.epochs * self.epoch_steps[position]
            done = (self.epoch * self.epoch_steps[position] + np.arange(steps)) / total
            share = SCHEDULES[member.config.schedule](np.minimum(done, 1.0))
            rates[:, position] = member.config.learning_rate * share
        return rates

    def _orders(self, steps: int) -> Array:
        """Row numbers ``[steps, members, batch]`` of this epoch; -1 is padding."""
        orders = np.full((steps, len(self.members), self._buffers.batch), -1, dtype=np.int32)
        for position, member in enumerate(self.members):
            rows = self.samples.training[member.split]
            order = rows[chance.row_order(member.seed, self.epoch, len(rows))]
            size, count = int(self.batch_rows[position]), min(int(self.epoch_steps[position]), steps)
            orders[:count, position, :size] = order[: count * size].reshape(count, size)
        return orders

    def _maskings(self, steps: int) -> list[Masking]:
        scalars, every = self.scalars, np.arange(steps)[:, None]
        layers = [chance.keys(self._seeds, chance.HIDDEN_MASK + i, self.epoch, every) for i in range(self._depth)]
        hidden = np.stack(layers, axis=1) if layers else np.zeros((steps, 0, len(self.members)), dtype=np.uint64)
        inputs = chance.keys(self._seeds, chance.INPUT_MASK, self.epoch, every)
        inputs_scale = scalars.input_dropout_scale.astype(self.precision)
        hidden_scale = scalars.dropout_scale.astype(self.precision)
        return [
            Masking(
                inputs=scalars.input_dropout,
                inputs_scale=inputs_scale,
                inputs_streams=inputs[step],
                hidden=scalars.dropout,
                hidden_scale=hidden_scale,
                hidden_streams=hidden[step],
            )
            for step in range(steps)
        ]

    @property
    def _depth(self) -> int:
        return len(self.layout.widths)

    def _gradient(self, rows: Array, step: int, masking: Masking) -> None:
        buffers, scalars, bias = self._buffers, self.scalars, self._biases[-1]
        noise = scalars.noise if scalars.noise.any() else self._none
        streams = chance.keys(self._seeds, chance.NOISE, self.epoch, step)
        numeric = self.layout.inputs.numeric
        kernels.gather(self._values, self._splits, rows, buffers.values, noise, streams, numeric)
        if buffers.codes.shape[2]:
            kernels.gather_codes(self.samples.codes, self._splits, rows, buffers.codes)
        output = forward(self.layout, self._places, buffers, self.weights, self._views, masking)
        known = (self.weights, bias, self._target, self._splits, rows, self._row_weights)
        d_bias = self._gradients.of["bias_out"]
        if self.samples.classification:
            kernels.class_gradient(output, *known, scalars.smoothing, self.batch_rows, d_bias)
        else:
            kernels.square_gradient(output, *known, self.batch_rows, d_bias)
        backward(
            self.layout,
            self._places,
            buffers,
            self._gradients,
            self.weights,
            self._views,
            input_learns=self._input_learns,
            inputs_dropped=bool(masking.inputs.any()),
        )

    def _update(self, active: Array, rates: Array, soft: Array, shrink: Array) -> None:
        scalars = self.scalars
        for block in self.layout.blocks:
            if not self._input_learns and block.kind not in ("weight", "bias"):
                continue
            gradient = self._gradients.of[block.name]
            rate = rates * scalars.input_scale_rate if block.kind == "scale" else rates
            penalties = (soft, shrink) if block.kind == "weight" else (self._none, self._unit)
            if self._adamw:
                moments = (self.first, self.second)
                decays = (scalars.momentum, scalars.second_momentum, self.steps)
                kernels.adamw(self.weights, block.start, gradient, *moments, active, rate, *decays, *penalties)
            else:
                decays = (scalars.momentum, scalars.nesterov)
                kernels.sgd(self.weights, block.start, gradient, self.first, active, rate, *decays, *penalties)

    def _average(self, living: Array) -> None:
        decay = self.scalars.averaging
        moving = living & (decay > 0)
        if moving.any():
            d = decay[moving, None].astype(self.precision)
            self.average[moving] = d * self.average[moving] + (1 - d) * self.weights[moving]

    # what it has learnt

    def learnt(self) -> Array:
        """Give the weights to predict with, ``[members, parameters]``: averaged where a member averages."""
        decay = self.scalars.averaging
        if not decay.any() or self.epoch == 0:
            return self.weights
        trained = np.minimum(self.epoch, self.scalars.epochs)
        share = np.where(decay > 0, 1 - decay**trained, 1.0)[:, None].astype(self.precision)
        averaged: Array = np.where(decay[:, None] > 0, self.average / share, self.weights)
        return averaged

    def outputs(self, rows: Sequence[Array], weights: Array) -> list[Array]:
        """Predict in evaluation mode: logits or encoded targets, a ``[rows, outputs]`` for each member.

        Args:
            rows: row numbers of each member, of any length.
            weights: ``[members, parameters]``, as ``learnt`` gives them.
        """
        longest = max(len(one) for one in rows)
        chunks = -(-longest // _CHUNK)
        padded = np.full((chunks, len(self.members), _CHUNK), -1, dtype=np.int32)
        for position, one in enumerate(rows):
            whole = np.full(chunks * _CHUNK, -1, dtype=np.int32)
            whole[: len(one)] = one
            padded[:, position] = whole.reshape(chunks, _CHUNK)
        views, bias, buffers = weight_views(self.layout, weights), self._biases[-1], self._judging
        result = np.empty((len(self.members), chunks * _CHUNK, self.layout.outputs), dtype=self.precision)
        streams = np.zeros(len(self.members), dtype=np.uint64)
        for chunk in range(chunks):
            taken = padded[chunk]
            kernels.gather(self._values, self._splits, taken, buffers.values, self._none, streams, 0)
            if buffers.codes.shape[2]:
                kernels.gather_codes(self.samples.codes, self._splits, taken, buffers.codes)
            output = forward(self.layout, self._places, buffers, weights, views, None)
            result[:, chunk * _CHUNK : (chunk + 1) * _CHUNK] = output + weights[:, None, bias : bias + output.shape[2]]
        return [result[position, : len(one)] for position, one in enumerate(rows)]

    # row operations

    def keep(self, positions: Sequence[int]) -> None:
        """Keep the members at these positions, in this order; the others are gone."""
        rows = np.array(positions, dtype=np.int64)
        self.members = tuple(self.members[position] for position in positions)
        for name in _STATE:
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[rows]))
        self._prepare()

    def state(self) -> dict[str, Array]:
        """Give a copy of all that training has changed; with the members it is the fleet."""
        return {name: getattr(self, name).copy() for name in _STATE} | {"epoch": np.array(self.epoch)}

    def load(self, state: dict[str, Array]) -> None:
        """Continue from what ``state`` gave for the same members."""
        for name in _STATE:
            setattr(self, name, np.ascontiguousarray(state[name]).copy())
        self.epoch = int(state["epoch"])
        self._prepare()
