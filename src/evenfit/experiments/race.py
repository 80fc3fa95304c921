"""Race: a heat's configs, trained together; at each rung the worse ones leave the fleet, with all their folds.

A race yields and never saves: a finished trial, or how far it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.experiments.heat import Entry, Epoch, Finished, Heat
from evenfit.experiments.problem import Prepared, Problem
from evenfit.fleet import chance
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.member import Member
from evenfit.results.metrics import METRICS, base_loss, split_losses
from evenfit.results.trial import COMPLETE, DIVERGED, DROPPED, Trial

Array = npt.NDArray[Any]

RESIDUALS = 200  # quantiles of the training residuals that are kept with a network


def checkpoint_epochs(epochs: int, count: int) -> list[int]:
    """Give the epochs at which a config is validated, the last included.

    Half of them are spread over orders of magnitude in the first half of training, where small
    tables are overfitted within a few epochs; half evenly over the second.

    Example:
        >>> checkpoint_epochs(40, 8)
        [1, 3, 7, 20, 25, 30, 35, 40]
    """
    if epochs <= count:
        return list(range(1, epochs + 1))
    middle, early = epochs // 2, count // 2
    first = {max(1, round(middle ** (position / (early - 1)))) for position in range(early)} if early > 1 else {middle}
    late = count - early
    second = {middle + round((epochs - middle) * (position + 1) / late) for position in range(late)}
    return sorted(first | second)


class _Record:
    """What one config has shown so far."""

    def __init__(self, entry: Entry, problem: Problem, prepared: Prepared, parameters: int) -> None:
        truth = problem.truth
        self.entry, self.problem, self.prepared = entry, problem, prepared
        self.metric = METRICS[problem.metric]
        repeats, rows = truth.split_of.shape
        self.shape = (repeats, rows, truth.classes)
        self.epochs: list[int] = []
        self.training: list[Array] = []
        self.validation: list[Array] = []
        self.selection: list[Array] = []
        self.values: list[Array] = []
        self.best = 0
        self.best_loss = float("inf")
        self.predictions = np.full(self.shape, np.nan, dtype=np.float32)
        self.weights = np.zeros((len(problem.splits), parameters), dtype=np.float32)
        self.residuals = np.zeros((len(problem.splits), RESIDUALS), dtype=np.float32)
        self.seconds = 0.0

    def validate(self, epoch: int, outputs: list[Array], weights: Array) -> None:
        """Judge the config's networks by their outputs on validation and followed training rows."""
        problem, truth, prepared = self.problem, self.problem.truth, self.prepared
        predictions = np.full(self.shape, np.nan)
        training, validation = np.empty(len(problem.splits)), np.empty(len(problem.splits))
        residuals = np.zeros((len(problem.splits), RESIDUALS))
        for number, split in enumerate(problem.splits):
            judged, followed = outputs[number][: len(split.validate)], outputs[number][len(split.validate) :]
            rows = prepared.followed[number]
            if truth.task == "regression":
                encoding = prepared.encodings[number]
                spread = np.asarray(encoding.target(truth.target[rows]) - followed[:, 0], dtype=np.float64)
                spread = np.nan_to_num(spread, nan=0.0, posinf=0.0, neginf=0.0)
                residuals[number] = np.quantile(spread, (np.arange(RESIDUALS) + 0.5) / RESIDUALS)
                known = encoding.restore(judged, residuals[number])
                clean = encoding.restore(followed, residuals[number])
            else:
                known, clean = log_softmax(judged), log_softmax(followed)
            predictions[split.repeat, split.validate] = known
            training[number] = float(np.mean(base_loss(clean, truth.target[rows])))
            validation[number] = float(np.mean(base_loss(known, truth.target[split.validate])))
        values = self.metric.values(predictions, truth.target)
        selection = split_losses(self.metric, values, truth.target, truth.split_of)
        self.epochs.append(epoch)
        self.training.append(training)
        self.validation.append(validation)
        self.selection.append(selection)
        self.values.append(np.asarray(values, dtype=np.float16))
        loss = float(np.mean(selection))
        if loss < self.best_loss and np.isfinite(validation).all():
            self.best, self.best_loss = len(self.epochs) - 1, loss
            self.predictions = predictions.astype(np.float32)
            self.weights[:], self.residuals[:] = weights, residuals

    @property
    def diverged(self) -> bool:
        """Whether the newest losses are no longer numbers."""
        return not bool(np.isfinite(self.selection[-1]).all() and np.isfinite(self.validation[-1]).all())

    def finish(self, status: str, round_number: int) -> Finished:
        """Make the trial of what was seen."""
        complete = status == COMPLETE
        trial = Trial(
            number=self.entry.number,
            round=round_number,
            config=self.entry.config,
            status=status,
            epochs=np.array(self.epochs, dtype=np.int64),
            training_loss=np.array(self.training),
            validation_loss=np.array(self.validation),
            selection_loss=np.array(self.selection),
            row_values=np.stack(self.values),
            best=self.best,
            predictions=self.predictions if complete else np.empty((0, 0, 0), dtype=np.float32),
            seconds=self.seconds,
        )
        return Finished(trial=trial, state={"weights": self.weights, "residuals": self.residuals} if complete else None)


def log_softmax(logits: Array) -> Array:
    """Turn logits ``[..., classes]`` into log-probabilities, in double precision."""
    logits = np.asarray(logits, dtype=np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    normal: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normal


def race(
    problem: Problem, prepared: Prepared, heat: Heat, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Finished | Epoch]:
    """Train a heat's configs in one fleet, and yield each trial when it ends.

    The configs share shape, encodings and epochs. Where time runs out, a protected config that was
    validated at least once is complete with the epochs that it reached; the others are dropped.
    """
    splits = range(len(problem.splits))
    members = [
        Member(config=entry.config, split=number, seed=seed_of(problem, number))
        for entry in heat.entries
        for number in splits
    ]
    fleet = Fleet(members, prepared.samples)
    records = [_Record(entry, problem, prepared, fleet.layout.parameters) for entry in heat.entries]
    rows = [np.concatenate([problem.splits[n].validate, prepared.followed[n]]) for n in splits]
    epochs = heat.entries[0].config.epochs
    checkpoints = checkpoint_epochs(epochs, heat.checkpoints)
    rungs = [min(checkpoints, key=lambda at: abs(at - share * epochs)) for share in heat.rungs]

    def late() -> bool:
        return heat.stop_at is not None and clock() >= heat.stop_at

    since, trained = clock(), 0  # a first epoch that loads kernels is not counted
    for epoch in range(1, epochs + 1):
        before = clock()
        done = fleet.train_epoch(late)
        if done and epoch in checkpoints:
            weights = fleet.learnt()
            outputs = fleet.outputs(rows * len(records), weights)
            for position, record in enumerate(records):
                own = slice(position * len(splits), (position + 1) * len(splits))
                record.validate(epoch, outputs[own], weights[own])
        spent = clock() - before
        trained += int(fleet.epoch_steps.max()) * len(fleet.members)
        if epoch == 1:
            since, trained = clock(), 0
        for record in records:
            record.seconds += spent / len(records)
        if not done:
            break
        if epoch not in checkpoints:
            continue
        leaving = _leaving(records, heat, thin=epoch in rungs and epoch < epochs)
        for position in sorted(leaving):
            yield records[position].finish(leaving[position], heat.round)
        staying = [position for position in range(len(records)) if position not in leaving]
        if not staying:
            return
        if leaving:
            records = [records[position] for position in staying]
            fleet.keep([position * len(splits) + number for position in staying for number in splits])
        yield Epoch(
            round=heat.round,
            epoch=epoch,
            epochs=epochs,
            running=len(records),
            best_loss=min(record.best_loss for record in records),
            seconds_a_step=(clock() - since) / trained if trained else 0.0,
        )
    for record in records:
        if record.epochs:
            whole = record.epochs[-1] == epochs or record.entry.protected
            yield record.finish(COMPLETE if whole else DROPPED, heat.round)


def seed_of(problem: Problem, number: int) -> int:
    """Give the seed of the member on a split: the same for every config of a search."""
    split = problem.splits[number]
    return chance.member_seed(problem.seed, split.repeat, split.fold)


def _leaving(records: list[_Record], heat: Heat, *, thin: bool) -> dict[int, str]:
    """Say which records end here and how: diverged ones always, the worse ones at a rung."""
    leaving = {
        position: DIVERGED
        for position, record in enumerate(records)
        if record.diverged and not (record.entry.protected and np.isfinite(record.best_loss))
    }
    left = [position for position in range(len(records)) if position not in leaving]
    if thin and len(left) > 1:
        kept = max(1, round(len(left) / heat.thinning))
        ranked = sorted(left, key=lambda position: (records[position].best_loss, records[position].entry.number))
        for position in ranked[kept:]:
            if not records[position].entry.protected:
                leaving[position] = DROPPED
    return leaving
