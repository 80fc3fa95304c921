"""Race: a heat's configs, trained together; at each rung the worse ones leave the fleet, with all their folds.

A race yields and never saves: a finished trial, or how far it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator

import numpy as np

from evenfit.experiments.checkpoints import checkpoint_epochs
from evenfit.experiments.heat import Epoch, Finished, Heat
from evenfit.experiments.problem import Prepared, Problem
from evenfit.experiments.record import Record
from evenfit.fleet import chance
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.layout import layout
from evenfit.fleet.member import Member
from evenfit.results.trial import COMPLETE, DIVERGED, DROPPED
from evenfit.specs.racing import survivors

_DRAW = 2_000_000  # more than there are repeats
_MOST_NUMBERS = 6e7  # that a heat holds of its first splits


def race(
    problem: Problem, prepared: Prepared, heat: Heat, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Finished | Epoch]:
    """Train a heat's configs in one fleet, and yield each trial when it ends.

    The configs share shape, encodings and epochs. Where the heat has first splits, a fleet of these is trained to
    its end; then, of the configs that are not above the bar, a fleet of the other splits. A config that is complete
    is what it would have been on all splits at once. Where time runs out, a protected config that was
    validated at least once is complete with the epochs that it reached; the others are dropped.
    """
    first, count = _first(problem, prepared, heat), len(problem.splits)
    records = [Record(entry, problem, prepared, keeping=first > 0) for entry in heat.entries]
    if first:
        tried = yield from _train_on(range(first), records, heat, clock=clock)
        records = []
        for record in tried:
            if record.epochs and record.epochs[-1] == record.entry.config.epochs and record.best_loss <= heat.bar:
                records.append(Record(record.entry, problem, prepared, before=record))
            elif record.epochs:
                yield record.finish(DROPPED, heat.round)
    if records:
        records = yield from _train_on(range(first, count), records, heat, clock=clock)
    for record in records:
        if record.epochs:
            whole = record.epochs[-1] == record.entry.config.epochs or record.entry.protected
            yield record.finish(COMPLETE if whole else DROPPED, heat.round)
        elif record.before is not None:
            yield record.before.finish(DROPPED, heat.round)


def _first(problem: Problem, prepared: Prepared, heat: Heat) -> int:
    """Say how many splits come first.

    None where the metric could judge none of them, or where what they show is too much to hold until the others have
    trained.
    """
    count = len(problem.splits)
    first = min(count - 1, max(1, round(heat.first * count))) if heat.first else 0
    config, samples, splits = heat.entries[0].config, prepared.samples, problem.splits[:first]
    if not any(len(np.unique(problem.target[split.validate])) > 1 for split in splits):
        return 0
    rows = sum(len(split.validate) for split in splits) + sum(map(len, prepared.followed[:first]))
    shown = layout(config, samples.shape, samples.outputs).parameters * first + rows * samples.outputs
    return first if shown * len(heat.entries) * min(heat.checkpoints, config.epochs) <= _MOST_NUMBERS else 0


def _train_on(
    splits: range, records: list[Record], heat: Heat, *, clock: Callable[[], float]
) -> Generator[Finished | Epoch, None, list[Record]]:
    """Train configs on some splits; yield those that leave on the way, and give those that are left at the end."""
    problem, prepared = records[0].problem, records[0].prepared
    members = [
        Member(config=record.entry.config, split=number, seed=seed_of(problem, number, draw=heat.draw))
        for record in records
        for number in splits
    ]
    fleet = Fleet(members, prepared.samples)
    epochs = heat.entries[0].config.epochs
    checkpoints = checkpoint_epochs(epochs, heat.checkpoints)
    whole = splits.stop == len(problem.splits)
    rungs = [min(checkpoints, key=lambda at: abs(at - share * epochs)) for share in heat.rungs] if whole else []
    since, trained = clock(), 0  # a first epoch that loads kernels is not counted
    judging = 0.0  # seconds that the last validation took; the next will, and making trials at the end
    for epoch in range(1, epochs + 1):
        judged = epoch in checkpoints
        stop_at = None if heat.stop_at is None else heat.stop_at - 2 * judging
        if not _train(fleet, records, stop_at=stop_at, clock=clock):
            break
        if judged:
            judging = _judge(fleet, records, splits, clock=clock)
        trained += int(fleet.epoch_steps.max()) * len(fleet.members)
        if epoch == 1:
            since, trained = clock(), 0
        if not judged:
            continue
        leaving = _leaving(records, heat, thin=epoch in rungs and epoch < epochs)
        for position in sorted(leaving):
            yield records[position].finish(leaving[position], heat.round)
        staying = [position for position in range(len(records)) if position not in leaving]
        records = [records[position] for position in staying]
        if not records:
            break
        if leaving:
            fleet.keep([position * len(splits) + place for position in staying for place in range(len(splits))])
        yield Epoch(
            round=heat.round,
            epoch=epoch,
            epochs=epochs,
            running=len(records),
            trained=len(records) * (splits.start * epochs + len(splits) * epoch),  # splits before these are done
            best_loss=min(record.best_loss for record in records),
            seconds_a_step=(clock() - since) / trained if trained else 0.0,
        )
    return records


def _train(fleet: Fleet, records: list[Record], *, stop_at: float | None, clock: Callable[[], float]) -> bool:
    """Train one epoch; False where time ran out before its end."""
    before = clock()
    done = fleet.train_epoch(lambda: stop_at is not None and clock() >= stop_at)
    for record in records:
        record.seconds += (clock() - before) / len(records)
    return done


def _judge(fleet: Fleet, records: list[Record], splits: range, *, clock: Callable[[], float]) -> float:
    """Validate every config on these splits, and give the seconds that it took."""
    before = clock()
    problem, followed = records[0].problem, records[0].prepared.followed
    rows = [np.concatenate([problem.splits[number].validate, followed[number]]) for number in splits]
    weights = fleet.learnt()
    outputs = fleet.outputs(rows * len(records), weights)
    for position, record in enumerate(records):
        own = slice(position * len(rows), (position + 1) * len(rows))
        record.validate(
            fleet.epoch,
            dict(zip(splits, outputs[own], strict=True)),
            dict(zip(splits, weights[own], strict=True)),
        )
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
        kept = survivors(len(left), heat.thinning)
        ranked = sorted(left, key=lambda position: (records[position].best_loss, records[position].entry.number))
        for position in ranked[kept:]:
            if not records[position].entry.protected:
                leaving[position] = DROPPED
    return leaving
