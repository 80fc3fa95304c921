"""Tune: try configs, whole fleets at a time, until the budget is spent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from evenfit.data.encodings import InputShape
from evenfit.experiments.heat import Entry, Event, Finished, Heat, HeatDone
from evenfit.experiments.sizing import MEMBERS, SHARED, epoch_seconds, step_seconds
from evenfit.experiments.workers import Workers
from evenfit.fleet.chance import key
from evenfit.proposals.protocol import Propose
from evenfit.results.trial import Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Space

_HEATS_A_ROUND = 2  # whose configs are proposed from the same history, where the budget is in trials
_RACED = 0.55  # share of all epochs that a raced heat trains
_LEAST_SHARE = 0.25  # of the default's epochs: fewer say little
_HEAT_SHARE = 0.12  # of the budget's seconds that one heat may take
_SAFETY = 1.1


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A heat is about to start: store it, and a killed study can go on with the same configs."""

    heat: Heat


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When to stop: at a number of trials, at a moment of the monotonic clock, or at the first of both."""

    trials: int | None
    stop_at: float | None
    seconds: float | None  # of the whole budget


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What the cost model needs to know of a problem."""

    shape: InputShape
    outputs: int
    rows: int  # training rows of a split
    splits: int

    def config(self, config: Config) -> float:
        """Estimate the core-seconds of one config on all splits."""
        return config.epochs * self.splits * epoch_seconds(config, self.shape, self.outputs, self.rows)

    @property
    def entries(self) -> int:
        """Say how many configs make a good fleet."""
        return max(1, MEMBERS // self.splits)


def tune(
    space: Space,
    *,
    propose: Propose,
    limits: Limits,
    costs: Costs,
    workers: Workers,
    seed: int,
    history: Sequence[Trial] = (),
    planned: Sequence[Heat] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Planned | Event]:
    """Yield heats as they are planned and trials as they end; the default config is the first of them.

    With a limit in trials, rounds are synchronous: what is proposed depends on the trials of the
    rounds before alone, so any number of workers gives the same study. Without, a worker that falls
    idle is given the next heat at once.

    Args:
        space: where to look; its default is tried first, and always completes.
        propose: chooses configs from what was tried.
        limits: when to stop.
        costs: of this problem, for sizing heats.
        workers: where heats are raced.
        seed: of the proposals.
        history: trials of before, to resume.
        planned: heats of before, to resume; those whose trials have not all ended are raced again.
        clock: monotonic seconds.
    """
    if limits.trials is not None:
        yield from _by_trials(
            space,
            propose=propose,
            limits=limits,
            costs=costs,
            workers=workers,
            seed=seed,
            history=history,
            planned=planned,
        )
    else:
        yield from _by_seconds(
            space, propose=propose, limits=limits, costs=costs, workers=workers, seed=seed, history=history, clock=clock
        )


def default_heat(space: Space, *, stop_at: float | None) -> Heat:
    """Make the heat that comes first: the default config, alone."""
    entry = Entry(number=0, config=space.default, protected=True)
    return Heat(round=0, entries=(entry,), rungs=(), stop_at=stop_at)


def _by_trials(
    space: Space,
    *,
    propose: Propose,
    limits: Limits,
    costs: Costs,
    workers: Workers,
    seed: int,
    history: Sequence[Trial],
    planned: Sequence[Heat],
) -> Iterator[Planned | Event]:
    wanted = limits.trials or 0
    known = {heat.round: heat for heat in planned}
    ended = {trial.number: trial for trial in history}
    number = heat_number = 0
    while number < wanted:
        before = [ended[position] for position in sorted(ended) if position < number]
        waiting: list[Heat] = []
        for _ in range(1 if heat_number == 0 else _HEATS_A_ROUND):
            if number >= wanted:
                break
            heat = known.get(heat_number)
            if heat is None:
                heat = (
                    default_heat(space, stop_at=limits.stop_at)
                    if heat_number == 0
                    else _next_heat(space, propose, before, costs, heat_number, number, wanted - number, seed)
                )
                yield Planned(heat=heat)
            heat = replace(heat, stop_at=limits.stop_at)
            heat_number += 1
            number += len(heat.entries)
            if not all(entry.number in ended for entry in heat.entries):
                waiting.append(heat)
        running = 0
        while waiting or running:
            while waiting and workers.idle:
                workers.submit(waiting.pop(0))
                running += 1
            for event in workers.receive():
                running -= isinstance(event, HeatDone)
                if isinstance(event, Finished):
                    ended[event.trial.number] = event.trial
                yield event
        if limits.stop_at is not None and time.monotonic() >= limits.stop_at:
            return


def _next_heat(
    space: Space,
    propose: Propose,
    before: Sequence[Trial],
    costs: Costs,
    heat_number: int,
    number: int,
    most: int,
    seed: int,
) -> Heat:
    """Propose one heat's configs, as many as make a good fleet of the shape they share."""
    drawn = propose(space, before, _MOST_ENTRIES, shared=SHARED, seed=key(seed, heat_number) >> 2)
    configs = drawn[: min(most, costs.entries)]
    entries = tuple(Entry(number=number + place, config=config) for place, config in enumerate(configs))
    return Heat(round=heat_number, entries=entries)


_MOST_ENTRIES = 16


def _by_seconds(
    space: Space,
    *,
    propose: Propose,
    limits: Limits,
    costs: Costs,
    workers: Workers,
    seed: int,
    history: Sequence[Trial],
    clock: Callable[[], float],
) -> Iterator[Planned | Event]:
    stop_at, seconds = limits.stop_at or 0.0, limits.seconds or 0.0
    ended = list(history)
    number = max((trial.number for trial in ended), default=-1) + 1
    heat_number = max((trial.round for trial in ended), default=-1) + 1
    number, heat_number = max(number, 1), max(heat_number, 1)
    speed = 1.0  # measured seconds over the cost model's
    running: dict[int, Heat] = {}
    exhausted = False
    while True:
        while workers.idle and not exhausted:
            if 0 not in running and not any(trial.number == 0 for trial in ended):
                heat: Heat | None = default_heat(space, stop_at=stop_at) if clock() < stop_at else None
            else:
                left = stop_at - clock()
                heat = _timed_heat(space, propose, ended, costs, heat_number, number, left, seconds, speed, seed)
                if heat is not None:
                    heat = replace(heat, stop_at=stop_at)
                    heat_number += 1
                    number += len(heat.entries)
            if heat is None:
                exhausted = True
                break
            yield Planned(heat=heat)
            running[heat.round] = heat
            workers.submit(heat)
        if not running:
            return
        for event in workers.receive():
            if isinstance(event, HeatDone):
                del running[event.round]
            elif isinstance(event, Finished):
                ended.append(event.trial)
            elif event.seconds_a_step > 0:
                config = running[event.round].entries[0].config
                batch = config.with_values(batch_rows=min(config.batch_rows, costs.rows))
                speed = max(0.1, event.seconds_a_step / step_seconds(batch, costs.shape, costs.outputs))
            yield event


def _timed_heat(
    space: Space,
    propose: Propose,
    history: Sequence[Trial],
    costs: Costs,
    heat_number: int,
    number: int,
    left: float,
    seconds: float,
    speed: float,
    seed: int,
) -> Heat | None:
    """Propose a heat that ends in time: fewer configs, then fewer epochs; None where neither helps."""
    for attempt in range(6):
        drawn = propose(space, history, _MOST_ENTRIES, shared=SHARED, seed=key(seed, heat_number, attempt) >> 2)
        one = costs.config(drawn[0]) * speed * _SAFETY
        room = min(left, max(_HEAT_SHARE * seconds, 2 * one))
        count = int(room / (one * _RACED))
        if count >= 2:
            configs = drawn[: min(count, costs.entries)]
            entries = tuple(Entry(number=number + place, config=config) for place, config in enumerate(configs))
            return Heat(round=heat_number, entries=entries, rungs=(0.25, 0.5) if len(entries) > 2 else (0.5,))
    share = left / one
    if share >= _LEAST_SHARE:
        config = drawn[0].with_values(epochs=max(1, int(drawn[0].epochs * min(1.0, share))))
        return Heat(round=heat_number, entries=(Entry(number=number, config=config),), rungs=())
    return None
