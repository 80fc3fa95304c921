"""Rounds: a search with a budget in trials, the same on any number of workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from evenfit.experiments.as_raced import as_raced
from evenfit.experiments.heat import Event, Finished, Heat, HeatDone
from evenfit.experiments.sizing import SHARED
from evenfit.experiments.terms import Exhausted, Planned, Terms, default_heat, make_entries
from evenfit.experiments.waiting import waiting
from evenfit.experiments.weighing import weigh
from evenfit.experiments.workers import Workers
from evenfit.regularize.chance import key
from evenfit.results.trial import Trial

_HEATS = 2  # of a round: their configs are proposed from the same history


def tune_by_trials(
    terms: Terms,
    workers: Workers,
    *,
    history: Sequence[Trial],
    planned: Sequence[Heat],
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Planned | Exhausted | Event]:
    """Try as many configs as the limit says, round after round.

    What a round tries, and how it is raced, depends on the trials of the rounds before alone. The configs of
    ``planned`` heats are taken as they were, and raced again unless all their trials are in ``history``. It ends
    early where nothing more is proposed.
    """
    wanted, stop_at = terms.limits.trials or 0, terms.limits.stop_at
    known = {heat.round: heat for heat in planned}
    ended = {trial.number: trial for trial in history}
    number = heat_number = 0
    while number < wanted:
        before = [ended[position] for position in sorted(ended) if position < number]
        raced: list[Heat] = []
        exhausted = False
        for _ in range(1 if heat_number == 0 else _HEATS):
            if number >= wanted:
                break
            heat = known.get(heat_number)
            if heat is None:
                heat = _next_heat(terms, before, heat_number, number)
                if not heat.entries:
                    exhausted = True
                    break
                yield Planned(heat=heat)
            heat_number += 1
            number += len(heat.entries)
            if not all(entry.number in ended for entry in heat.entries):
                raced.append(replace(as_raced(terms.racing, heat, before), stop_at=stop_at))
            before += waiting(heat)
        for event in _raced(raced, workers):
            if isinstance(event, Finished):
                ended[event.trial.number] = event.trial
            yield event
        if exhausted:
            yield Exhausted()
            return
        if stop_at is not None and clock() >= stop_at:
            return


def _next_heat(terms: Terms, before: Sequence[Trial], heat_number: int, number: int) -> Heat:
    """Propose one heat's configs, as many as make a good fleet and the limit allows."""
    if heat_number == 0:
        return default_heat(terms)
    most = terms.racing(heat_number).entries(terms.costs.entries)
    count = min(most, (terms.limits.trials or 0) - number)
    batches = []
    for place in range(terms.weighed):
        seed = key(terms.seed, heat_number, place) >> 2 if place else key(terms.seed, heat_number) >> 2
        batches.append(terms.propose(terms.space, before, count, shared=SHARED, seed=seed))
        if not batches[0]:
            return Heat(round=heat_number, entries=())
    chosen = weigh(terms.space, before, batches, seconds=terms.costs.config, seed=key(terms.seed, heat_number) >> 2)
    drawn = batches[chosen]
    return Heat(round=heat_number, entries=make_entries(drawn, first=number))


def _raced(waiting: list[Heat], workers: Workers) -> Iterator[Event]:
    """Race heats on the workers there are, and yield what they tell until all are done."""
    running = 0
    while waiting or running:
        while waiting and workers.idle:
            workers.submit(waiting.pop(0))
            running += 1
        for event in workers.receive():
            running -= isinstance(event, HeatDone)
            yield event
