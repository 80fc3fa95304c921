"""Fleet: many networks of one shape, trained together as one tensor program.

The weights of all members are one matrix ``[members, parameters]``. A step of all of them is one call
of compiled code, which takes each member from its rows to its new weights while all that it needs is in the
cache; gradients are written out by hand. ``plain`` holds the same network in plain torch, and the
tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.fleet import averaging, chance
from evenfit.fleet.kernels import steps as compiled
from evenfit.fleet.layout import layout, starting_weights
from evenfit.fleet.member import Member, Scalars, scheduled
from evenfit.fleet.plan import make_memory, make_plan, make_scalars
from evenfit.fleet.samples import Samples
from evenfit.fleet.schedules import SCHEDULES

Array = npt.NDArray[Any]
_CHUNK = 128  # rows that are predicted at once
_PATIENCE = 0.5e9  # multiplications between two questions whether to stop: some milliseconds
_STATE = ("weights", "first", "second", "average", "steps")


def _data(array: Array, kind: npt.DTypeLike) -> Array:
    """Give data as compiled code expects it, dense and read-only, without a copy where it can be."""
    view = np.ascontiguousarray(array, dtype=kind).view()
    view.flags.writeable = False
    return view


class Fleet:
    """The networks, their optimiser's moments, and how far they are.

    Members share what shapes tensors (``Config.shape``); everything else is each member's own.
    ``precision`` is float32 for training and float64 for the tests of its laws.
    """

    def __init__(self, members: Sequence[Member], samples: Samples, *, precision: type = np.float32) -> None:
        self.members = tuple(members)
        self.samples = samples
        self.precision = np.dtype(precision)
        config = members[0].config
        self.layout = layout(config, samples.shape, samples.outputs)
        self.epoch = 0
        rows = [starting_weights(self.layout, member.seed, samples.prior[member.split]) for member in self.members]
        self.weights: Array = np.stack(rows).astype(self.precision)
        self.first: Array = np.zeros_like(self.weights)
        self.second: Array = np.zeros_like(self.weights)
        self.average: Array = np.zeros_like(self.weights)
        self.steps: Array = np.zeros(len(members), dtype=np.int64)
        self._plan = make_plan(self.layout, classification=samples.classification, adamw=config.optimiser == "adamw")
        self._values = _data(samples.values, self.precision)
        self._codes = _data(samples.codes, np.int32)
        self._target = _data(samples.target, self.precision)
        self._weighings = tuple(
            _data(weights, self.precision) for weights in (samples.row_weights, samples.balanced_weights)
        )
        self._prepare()

    def _prepare(self) -> None:
        """Collect what follows from the members."""
        members = self.members
        self.epochs = np.array([member.config.epochs for member in members], dtype=np.int64)
        self._scheduled = scheduled(members)
        self._collect()
        self._seeds = np.array([member.seed for member in members], dtype=np.uint64)
        self._splits = np.array([member.split for member in members], dtype=np.int64)
        self._balanced = np.array([member.config.balanced_classes for member in members])
        trained = np.array([len(self.samples.training[member.split]) for member in members], dtype=np.int64)
        self.batch_rows = np.minimum(trained, members[0].config.batch_rows)
        self.epoch_steps = trained // self.batch_rows
        turns = 2 if self.scalars.r_drop.any() else 1
        rows = int(self.batch_rows.max())
        self._memory = make_memory(self.layout, rows=rows, turns=turns, precision=self.precision)

    def _collect(self) -> None:
        """Collect the members' values in this epoch."""
        self.scalars = Scalars.of(self.members, self.epoch)
        self._scalar_columns = make_scalars(self.scalars)

    # training

    def train_epoch(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Train every member for one more of its epochs; members past their last epoch rest.

        A member's epoch visits its training rows once, in an order of its own, in batches of
        ``batch_rows``; rows left over by the last whole batch wait for the next epoch's order.

        Returns:
            False if ``stop`` said so between two steps; the fleet is then to be thrown away.
        """
        living = self.epoch < self.epochs
        if self._scheduled:
            self._collect()
        member_steps = np.where(living, self.epoch_steps, 0)
        steps = int(member_steps.max())
        rates, orders, mixes = self._rates(steps), self._orders(living), self._mixes(steps)
        plan, stride = self._plan, self.stride()
        for begin in range(0, steps, stride):
            if stop():
                return False
            compiled.train(
                begin,
                min(begin + stride, steps),
                self.epoch,
                self.weights,
                self.first,
                self.second,
                self.steps,
                member_steps,
                self.batch_rows,
                orders,
                rates,
                mixes,
                self._seeds,
                self._splits,
                self._balanced,
                self._scalar_columns,
                self._values,
                self._codes,
                self._target,
                *self._weighings,
                plan.network,
                plan.blocks,
                self._memory,
            )
        self.epoch += 1
        self._average(living)
        return True

    def stride(self) -> int:
        """Say how many steps to take before asking again whether to stop."""
        cost = self.layout.parameters * int(self.batch_rows.max()) * len(self.members)
        return max(1, int(_PATIENCE / cost))

    def _rates(self, steps: int) -> Array:
        """Learning rates ``[members, steps]``: a function of each config's own epochs."""
        rates = np.empty((len(self.members), steps))
        for position, member in enumerate(self.members):
            total = member.config.epochs * self.epoch_steps[position]
            done = (self.epoch * self.epoch_steps[position] + np.arange(steps)) / total
            share = SCHEDULES[member.config.schedule](np.minimum(done, 1.0))
            rates[position] = member.config.learning_rate * share
        return rates

    def _mixes(self, steps: int) -> Array:
        """Shares ``[members, steps]`` of a row in its mixture with another; 1 mixes nothing."""
        mixes = np.ones((len(self.members), steps))
        for position in np.flatnonzero(self.scalars.mixup):
            member = self.members[position]
            mixes[position] = chance.mixtures(member.seed, self.epoch, steps, member.config.mixup)
        return mixes

    def _orders(self, living: Array) -> Array:
        """Row numbers ``[members, rows]`` in the order of this epoch: batch after batch, padded at the end."""
        orders = np.zeros((len(self.members), int((self.batch_rows * self.epoch_steps).max())), dtype=np.int32)
        known: dict[tuple[int, int], Array] = {}  # configs that are paired share their orders
        for position, member in enumerate(self.members):
            if living[position]:
                rows, place = self.samples.training[member.split], (member.seed, member.split)
                if place not in known:
                    known[place] = rows[chance.row_order(member.seed, self.epoch, len(rows))]
                count = int(self.batch_rows[position] * self.epoch_steps[position])
                orders[position, :count] = known[place][:count]
        return orders

    def _average(self, living: Array) -> None:
        """Take the weights at the end of an epoch into the average."""
        configs = [member.config for member in self.members]
        moving = living & np.array([averaging.correction(config, self.epoch) > 0 for config in configs])
        if moving.any():
            kept = np.array([averaging.decay(config, self.epoch - 1) for config in configs])
            d = kept[moving, None].astype(self.precision)
            self.average[moving] = d * self.average[moving] + (1 - d) * self.weights[moving]

    # what it has learnt

    def learnt(self) -> Array:
        """Give the weights to predict with, ``[members, parameters]``: averaged where a member averages."""
        trained = np.minimum(self.epoch, self.epochs)
        pairs = zip(self.members, trained, strict=True)
        corrections = np.array([averaging.correction(member.config, int(epochs)) for member, epochs in pairs])
        if not corrections.any():
            return self.weights
        share = np.where(corrections > 0, corrections, 1.0)[:, None].astype(self.precision)
        averaged: Array = np.where(corrections[:, None] > 0, self.average / share, self.weights)
        return averaged

    def outputs(self, rows: Sequence[Array], weights: Array) -> list[Array]:
        """Predict in evaluation mode: logits or encoded targets, a ``[rows, outputs]`` for each member.

        Args:
            rows: row numbers of each member, of any length.
            weights: ``[members, parameters]``, as ``learnt`` gives them.
        """
        bounds = np.concatenate([[0], np.cumsum([len(one) for one in rows])]).astype(np.int64)
        taken = np.concatenate([np.asarray(one, dtype=np.int32) for one in rows])
        out = np.empty((len(taken), self.layout.outputs), dtype=self.precision)
        plan = self._plan
        compiled.predict(
            taken,
            bounds,
            out,
            np.require(weights, dtype=self.precision, requirements=["C", "W"]),
            self._splits,
            self._values,
            self._codes,
            plan.network,
            _CHUNK,
        )
        return [out[begin:end] for begin, end in pairwise(bounds)]

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
            setattr(self, name, np.array(state[name], order="C"))
        self.epoch = int(state["epoch"])
        self._prepare()
