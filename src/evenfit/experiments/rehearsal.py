"""Rehearsal: a search by its own rules, on workers that only pretend to train, so that it is over in a moment.

What a search comes to depends on the losses that it finds, which nobody knows before: where small networks turn out
best it tries many, where large ones do few. So a rehearsal imagines losses, and is told how they go with size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import numpy as np

from evenfit.experiments.checkpoints import checkpoint_epochs
from evenfit.experiments.ending import Ended
from evenfit.experiments.heat import Entry, Epoch, Event, Finished, Heat, HeatDone
from evenfit.experiments.sizing import step_seconds
from evenfit.experiments.terms import Planned, Terms
from evenfit.experiments.tuning import tune
from evenfit.experiments.weighing import LEAST_TRIALS
from evenfit.results.trial import COMPLETE, DROPPED, Trial
from evenfit.specs.config import Config
from evenfit.specs.racing import survivors
from evenfit.specs.space import Space

MOST_HEATS = 30  # of a rehearsal; what comes after is as the later half of these
_CHANCE = 1.0  # standard deviation of an imagined loss
_SPLITS = 0.5  # the same, between a config's splits
_PROMISE = 0.7  # standard deviation of the logarithm of what batches of one cost promise
_EMPTY = np.empty((1, 0, 0, 0), dtype=np.float16)
_NOTHING = np.empty((0, 0, 0), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Imagined:
    """What a rehearsal takes to be true."""

    speed: float  # seconds on one core over those of the cost model
    heat_seconds: float  # that a heat takes besides: to be proposed, and to encode the table
    leaning: float  # what a loss gains where the cost doubles, in standard deviations; below 0 large networks are best
    seed: int  # of the rest


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """What a rehearsal came to."""

    trials: float  # the default config's among them
    seconds: float  # from the start of the first heat to the end of the last
    epochs: float  # of single networks


def rehearse(terms: Terms, imagined: Imagined, *, workers: int, most_heats: int = MOST_HEATS) -> Rehearsed:
    """Say what a search would come to if this were true.

    Args:
        terms: of the search, whose moments are seconds from the start of its first heat. Its way of proposing should
            be a quick one.
        imagined: speed and losses.
        workers: that train.
        most_heats: that are rehearsed; what would follow is taken to go on as it did in the later half of them.
    """
    pretending = _Pretending(terms, imagined, count=workers)
    known = replace(terms, weigh=pretending.weigh)
    marks = [(0.0, 0.0, 0.0)]  # of every heat that has ended: seconds, trials, epochs
    trials = epochs = 0.0
    over, begun = False, 0
    for event in tune(known, pretending, clock=pretending.clock):
        if isinstance(event, Planned):
            begun += 1
            if begun > most_heats:
                break
        elif isinstance(event, Finished):
            trials += 1
            epochs += int(event.trial.epochs[-1]) * terms.costs.splits
        elif isinstance(event, HeatDone):
            marks.append((pretending.now, trials, epochs))
        elif isinstance(event, Ended):
            over = True
    return Rehearsed(trials=trials, seconds=pretending.now, epochs=epochs) if over else _gone_on(terms, marks)


def _gone_on(terms: Terms, marks: Sequence[tuple[float, float, float]]) -> Rehearsed:
    """Give what a search comes to whose later half repeats itself until a limit is reached."""
    last, middle = marks[-1], marks[len(marks) // 2]
    rates = [end - start for end, start in zip(last, middle, strict=True)]
    limits = (terms.limits.stop_at, terms.limits.trials, terms.limits.epochs)
    times = [
        (limit - end) / rate
        for limit, end, rate in zip(limits, last, rates, strict=True)
        if limit is not None and rate > 0
    ]
    more = max(0.0, min(times, default=0.0))
    seconds, trials, epochs = (end + more * rate for end, rate in zip(last, rates, strict=True))
    return Rehearsed(trials=trials, seconds=seconds, epochs=epochs)


class _Pretending:
    """Workers that end heats at once, and a clock that only they move."""

    def __init__(self, terms: Terms, imagined: Imagined, *, count: int) -> None:
        self._terms, self._imagined, self._count = terms, imagined, count
        self._default = terms.costs.config(terms.space.default)
        self._running: list[tuple[float, int, list[Event]]] = []  # when a heat ends, and what it has told by then
        self.now = 0.0

    @property
    def count(self) -> int:
        return self._count

    @property
    def idle(self) -> int:
        return self._count - len(self._running)

    def clock(self) -> float:
        return self.now

    def submit(self, heat: Heat) -> None:
        events, seconds = self._raced(heat)
        self._running.append((self.now + seconds, heat.round, events))

    def receive(self) -> list[Event]:
        if not self._running:
            return []
        ended = min(self._running, key=lambda known: known[:2])
        self._running.remove(ended)
        self.now = ended[0]
        return ended[2]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.clear()

    def weigh(
        self,
        space: Space,
        history: Sequence[Trial],
        batches: Sequence[Sequence[Config]],
        *,
        seconds: Callable[[Config], float],
        seed: int,
    ) -> int:
        """Take the batch that promises most a second, where promises are chance and lean as losses do."""
        del space
        if len(history) < LEAST_TRIALS:
            return 0
        chance = np.random.default_rng([seed, self._imagined.seed]).normal(0.0, _PROMISE, size=len(batches))
        rates = []
        for batch, drawn in zip(batches, chance, strict=True):
            cost = sum(map(seconds, batch))
            leaning = self._imagined.leaning * self._doublings(cost / len(batch))
            rates.append(math.exp(drawn - leaning) * len(batch) / cost)
        return int(np.argmax(rates))

    def _doublings(self, cost: float) -> float:
        return math.log2(max(cost, 1e-9) / max(self._default, 1e-9))

    def _raced(self, heat: Heat) -> tuple[list[Event], float]:
        """Give what a heat tells, and the seconds that it takes."""
        costs, entries = self._terms.costs, list(heat.entries)
        one = self._imagined.speed * sum(costs.config(entry.config) for entry in entries) / len(entries)
        losses = {entry.number: self._loss(entry) for entry in entries}
        entries.sort(key=lambda entry: losses[entry.number])
        room = math.inf if heat.stop_at is None else max(0.0, heat.stop_at - self.now - self._imagined.heat_seconds)
        events: list[Event] = [self._epoch(heat)]
        since = spent = 0.0
        for share in (*_rungs(heat), 1.0):
            stage = len(entries) * one * (share - since)
            if spent + stage > room:  # time runs out before this stage ends
                since += (room - spent) / (len(entries) * one)
                spent = room
                break
            spent, since = spent + stage, share
            if share < 1:
                entries, left = entries[: (kept := survivors(len(entries), heat.thinning))], entries[kept:]
                events += [self._finished(heat, entry, losses, share=share, whole=False) for entry in left]
        if heat.first and since == 1.0:  # the other splits are for those that are not above the bar
            above = [entry for entry in entries if losses[entry.number] > heat.bar]
            spent -= one * len(above) * (1 - heat.first)
            events += [self._finished(heat, entry, losses, share=heat.first, whole=False) for entry in above]
            entries = [entry for entry in entries if entry not in above]
        whole = since == 1.0 or any(entry.protected for entry in entries)
        events += [self._finished(heat, entry, losses, share=since, whole=whole) for entry in entries]
        return [*events, HeatDone(round=heat.round)], spent + self._imagined.heat_seconds

    def _epoch(self, heat: Heat) -> Epoch:
        """Tell of a step's seconds what makes the measured speed that which is imagined."""
        costs, configs = self._terms.costs, [entry.config for entry in heat.entries]
        steps = [
            step_seconds(config.with_values(batch_rows=min(config.batch_rows, costs.rows)), costs.shape, costs.outputs)
            for config in configs
        ]
        return Epoch(
            round=heat.round,
            epoch=1,
            epochs=configs[0].epochs,
            running=len(configs),
            trained=0,
            best_loss=math.nan,
            seconds_a_step=self._imagined.speed * sum(steps) / len(steps),
        )

    def _loss(self, entry: Entry) -> float:
        chance = np.random.default_rng([self._imagined.seed, entry.number]).normal(0.0, _CHANCE)
        return float(chance) + self._imagined.leaning * self._doublings(self._terms.costs.config(entry.config))

    def _finished(self, heat: Heat, entry: Entry, losses: dict[int, float], *, share: float, whole: bool) -> Finished:
        splits = self._terms.costs.splits
        spread = np.linspace(-_SPLITS, _SPLITS, splits) if splits > 1 else np.zeros(1)
        loss = (losses[entry.number] + spread)[None]
        trial = Trial(
            number=entry.number,
            round=heat.round,
            config=entry.config,
            status=COMPLETE if whole else DROPPED,
            epochs=np.array([max(1, round(share * entry.config.epochs))]),
            training_loss=loss,
            validation_loss=loss,
            selection_loss=loss,
            row_values=_EMPTY,
            best=0,
            predictions=_NOTHING,
            seconds=0.0,
        )
        return Finished(trial=trial, state=None)


def _rungs(heat: Heat) -> list[float]:
    """The shares of the epochs at which a race drops configs: at the validations that are nearest to its rungs."""
    epochs = heat.entries[0].config.epochs
    checkpoints = checkpoint_epochs(epochs, heat.checkpoints)
    rungs = {min(checkpoints, key=lambda at: abs(at - share * epochs)) for share in heat.rungs}
    return [rung / epochs for rung in sorted(rungs - {epochs})]
