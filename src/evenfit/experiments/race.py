"""Race: a heat's configs, trained together; at each rung the worse ones leave the fleet, with all their folds.

A race yields and never saves: a finished trial, or how far it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from evenfit.experiments.heat import Epoch, Finished, Heat
from evenfit.experiments.problem import Prepared, Problem
from evenfit.experiments.record import Record
from evenfit.fleet import chance
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.member import Member
from evenfit.results.trial import COMPLETE, DIVERGED, DROPPED

_DRAW = 2_000_000  # more than there are repeats


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


def race(
    problem: Problem, prepared: Prepared, heat: Heat, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Finished | Epoch]:
    """Train a heat's configs in one fleet, and yield each trial when it ends.

    The configs share shape, encodings and epochs. Where time runs out, a protected config that was
    validated at least once is complete with the epochs that it reached; the others are dropped.
    """
    splits = range(len(problem.splits))
    members = [
        Member(config=entry.config, split=number, seed=seed_of(problem, number, draw=heat.draw))
        for entry in heat.entries
        for number in splits
    ]
    fleet = Fleet(members, prepared.samples)
    records = [Record(entry, problem, prepared, fleet.layout.parameters) for entry in heat.entries]
    epochs = heat.entries[0].config.epochs
    checkpoints = checkpoint_epochs(epochs, heat.checkpoints)
    rungs = [min(checkpoints, key=lambda at: abs(at - share * epochs)) for share in heat.rungs]
    since, trained = clock(), 0  # a first epoch that loads kernels is not counted
    judging = 0.0  # seconds that the last validation took; the next will, and making trials at the end
    for epoch in range(1, epochs + 1):
        judged = epoch in checkpoints
        stop_at = None if heat.stop_at is None else heat.stop_at - 2 * judging
        if not _train(fleet, records, stop_at=stop_at, clock=clock):
            break
        if judged:
            judging = _judge(fleet, records, clock=clock)
        trained += int(fleet.epoch_steps.max()) * len(fleet.members)
        if epoch == 1:
            since, trained = clock(), 0
        if not judged:
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


def _train(fleet: Fleet, records: list[Record], *, stop_at: float | None, clock: Callable[[], float]) -> bool:
    """Train one epoch; False where time ran out before its end."""
    before = clock()
    done = fleet.train_epoch(lambda: stop_at is not None and clock() >= stop_at)
    for record in records:
        record.seconds += (clock() - before) / len(records)
    return done


def _judge(fleet: Fleet, records: list[Record], *, clock: Callable[[], float]) -> float:
    """Validate every config, and give the seconds that it took."""
    before = clock()
    problem, followed = records[0].problem, records[0].prepared.followed
    rows = [np.concatenate([split.validate, followed[n]]) for n, split in enumerate(problem.splits)]
    weights = fleet.learnt()
    outputs = fleet.outputs(rows * len(records), weights)
    for position, record in enumerate(records):
        own = slice(position * len(rows), (position + 1) * len(rows))
        record.validate(fleet.epoch, outputs[own], weights[own])
    seconds = clock() - before
    for record in records:
        record.seconds += seconds / len(records)
    return seconds


def seed_of(problem: Problem, number: int, *, draw: int = 0) -> int:
    """Give the seed of the member on a split: the same for every config of a search, and others in another draw."""
    split = problem.splits[number]
    return chance.member_seed(problem.seed, split.repeat + _DRAW * draw, split.fold)


def _leaving(records: list[Record], heat: Heat, *, thin: bool) -> dict[int, str]:
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
