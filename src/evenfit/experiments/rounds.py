"""Rounds: a search with a budget in trials or epochs, the same on any number of workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from evenfit.experiments.as_raced import as_raced
from evenfit.experiments.ending import EPOCHS, MEMORY, SECONDS, TRIALS, Ended
from evenfit.experiments.heat import Entry, Event, Finished, Heat, HeatDone
from evenfit.experiments.spending import most_epochs, trained_epochs
from evenfit.experiments.terms import Planned, Terms, default_heat, left_over, make_entries, proposed
from evenfit.experiments.waiting import waiting
from evenfit.experiments.workers import Workers
from evenfit.regularize.chance import key
from evenfit.results.trial import Trial
from evenfit.specs.racing import Racing

LEAST_SHARE = 0.25  # of a config's epochs: fewer say little
_HEATS = 2  # of a round: their configs are proposed from the same history


def tune_by_trials(
    terms: Terms,
    workers: Workers,
    *,
    history: Sequence[Trial],
    planned: Sequence[Heat],
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Planned | Ended | Event]:
    """Try as many configs as the limits allow, round after round, and say which of them ended it.

    What a round tries, and how it is raced, depends on the trials of the rounds before alone. The configs of
    ``planned`` heats are taken as they were, and raced again unless all their trials are in ``history``.
    """
    stop_at = terms.limits.stop_at
    known = {heat.round: heat for heat in planned}
    ended = {trial.number: trial for trial in history}
    number = heat_number = 0
    while True:
        before = [ended[position] for position in sorted(ended) if position < number]
        why = _over(terms, before, number)
        if why is not None:
            yield Ended(why=why)
            return
        raced: list[Heat] = []
        first, spent = heat_number, trained_epochs(before)
        for _ in range(1 if heat_number == 0 else _HEATS):
            heat = known.get(heat_number)
            if heat is None:
                heat, why = _next_heat(terms, before, heat_number, number, spent)
                if not heat.entries:
                    break
                yield Planned(heat=heat)
            elif heat_number > first and _had_no_room(terms, heat, before):
                why = MEMORY
                break
            heat_number += 1
            number += len(heat.entries)
            heat = as_raced(terms.racing, heat, before, price=terms.price)
            spent += most_epochs(heat, terms.costs.splits)
            if not all(entry.number in ended for entry in heat.entries):
                raced.append(replace(heat, stop_at=stop_at))
            before += waiting(heat)
        for event in _raced(raced, workers):
            if isinstance(event, Finished):
                ended[event.trial.number] = event.trial
            yield event
        if why is not None and (why != MEMORY or heat_number == first):  # a heat could not begin
            yield Ended(why=why)  # but what drops out of the other has made room again
            return
        if stop_at is not None and clock() >= stop_at:
            yield Ended(why=SECONDS)
            return


def is_cut(heat: Heat, *, racing: Callable[[int], Racing], most: int) -> bool:
    """Whether a limit has left a heat fewer configs than it would have had, where ``most`` make a good fleet."""
    return heat.round > 0 and len(heat.entries) < racing(heat.round).entries(most)


def _had_no_room(terms: Terms, heat: Heat, before: Sequence[Trial]) -> bool:
    """Whether a heat of before was not of this round, but of the next: what dropped out of this one had made room."""
    return terms.room is not None and len(heat.entries) > terms.room.places(heat.entries[0].config, before)


def _over(terms: Terms, before: Sequence[Trial], number: int) -> str | None:
    """Say what ends a search before its next round; None where it goes on."""
    if number == 0:
        return None
    if terms.limits.trials is not None and number >= terms.limits.trials:
        return TRIALS
    return terms.limits.reached(before)


def _next_heat(
    terms: Terms, before: Sequence[Trial], heat_number: int, number: int, spent: int
) -> tuple[Heat, str | None]:
    """Propose one heat's configs, as many as make a good fleet; of these the first, as many as the limits allow.

    Where there is none, it is said why. What is proposed does not depend on the limits, so a search with greater
    ones tries the same.
    """
    if heat_number == 0:
        return default_heat(terms), None
    most = terms.racing(heat_number).entries(terms.costs.entries)
    batches = []
    for place in range(terms.weighed):
        seed = key(terms.seed, heat_number, place) >> 2 if place else key(terms.seed, heat_number) >> 2
        if batch := proposed(terms, before, most, seed=seed):
            batches.append(batch)
        elif not batches:
            return Heat(round=heat_number, entries=()), left_over(terms, before)
    chosen = terms.weigh(
        terms.space, before, batches, seconds=terms.costs.config, seed=key(terms.seed, heat_number) >> 2
    )
    heat = Heat(round=heat_number, entries=make_entries(batches[chosen], first=number))
    return within(terms, heat, before, number=number, spent=spent)


def within(terms: Terms, heat: Heat, before: Sequence[Trial], *, number: int, spent: int) -> tuple[Heat, str | None]:
    """Cut a heat to the trials and epochs that are left after ``number`` and ``spent``; say what left none.

    Where the epochs do not suffice for one of its configs, the first is trained for as many as are left, unless they
    are so few that they say little.
    """
    limits, count, why = terms.limits, len(heat.entries), None
    if limits.trials is not None and count > limits.trials - number:
        count, why = max(0, limits.trials - number), TRIALS
    if limits.epochs is not None and count:
        while count and spent + _most(terms, heat, before, count) > limits.epochs:
            count, why = count - 1, EPOCHS
        if not count and (short := _shortened(heat.entries[0], (limits.epochs - spent) // terms.costs.splits)):
            return replace(heat, entries=(short,), cut=True), None
    return replace(heat, entries=heat.entries[:count], cut=count < len(heat.entries)), None if count else why


def _shortened(entry: Entry, epochs: int) -> Entry | None:
    """Give a config with so many epochs; None where they are too few to say much."""
    if epochs < max(1.0, LEAST_SHARE * entry.config.epochs):
        return None
    return replace(entry, config=entry.config.with_values(epochs=epochs))


def _most(terms: Terms, heat: Heat, before: Sequence[Trial], count: int) -> int:
    cut = replace(heat, entries=heat.entries[:count])
    return most_epochs(as_raced(terms.racing, cut, before, price=terms.price), terms.costs.splits)


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
