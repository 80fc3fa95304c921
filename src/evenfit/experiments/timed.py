"""Timed: a search with a budget in seconds, every worker busy until the last of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate

from evenfit.experiments.as_raced import as_raced
from evenfit.experiments.ending import EPOCHS, MEMORY, SECONDS, TRIALS, Ended
from evenfit.experiments.heat import Epoch, Event, Finished, Heat, HeatDone
from evenfit.experiments.rounds import LEAST_SHARE, within
from evenfit.experiments.sizing import step_seconds
from evenfit.experiments.spending import most_epochs, trained_epochs
from evenfit.experiments.terms import Planned, Terms, default_heat, left_over, make_entries, proposed
from evenfit.experiments.waiting import waiting
from evenfit.experiments.workers import Workers
from evenfit.regularize.chance import key
from evenfit.results.trial import Trial
from evenfit.specs.config import Config

_RACED = 1.1  # times the share of all epochs that a race is expected to train
_HEAT_SHARE = 0.12  # of the budget's seconds that one heat may take
_MOST_SHARE = 0.25  # of the budget's seconds that one config may take
_SAFETY = 1.1
_ATTEMPTS = 6  # at drawing a shape that can be afforded


def tune_by_seconds(
    terms: Terms, workers: Workers, *, history: Sequence[Trial], clock: Callable[[], float] = time.monotonic
) -> Iterator[Planned | Ended | Event]:
    """Try configs until the moment that the limits name: a worker that falls idle is given the next heat at once.

    Heats are sized by the cost model, corrected by the speed that heats so far have shown. Where something else ends
    the search, the heats that train are finished; and it is said what it was.
    """
    ended = list(history)
    number = 1 + max((trial.number for trial in ended), default=0)
    heat_number = 1 + max((trial.round for trial in ended), default=0)
    speed = 1.0  # measured seconds over the cost model's
    running: dict[int, Heat] = {}
    first = None if any(trial.number == 0 for trial in ended) else default_heat(terms)
    why = terms.limits.reached(ended)
    while True:
        while workers.idle and why is None:
            left = (terms.limits.stop_at or 0.0) - clock()
            if left <= 0:  # to propose takes time as well
                why = SECONDS
                break
            heat = first
            if heat is None:
                known = [*ended, *(trial for heat in running.values() for trial in waiting(heat, ended))]
                heat, why = _timed_heat(terms, known, heat_number, number, left, speed)
                heat, why = _within(terms, heat, known, running, why)
            if heat is None or why is not None:
                break
            if first is None:
                heat_number += 1
                number += len(heat.entries)
            first = None
            yield Planned(heat=heat)
            running[heat.round] = heat
            workers.submit(heat)
        if not running:
            yield Ended(why=why or SECONDS)
            return
        for event in workers.receive():
            if isinstance(event, Finished):
                ended.append(event.trial)
            elif isinstance(event, HeatDone):
                del running[event.round]
                why = _after(terms, ended, why)
            elif event.seconds_a_step > 0:
                speed = _speed(terms, running[event.round], event)
            yield event


def _after(terms: Terms, ended: Sequence[Trial], why: str | None) -> str | None:
    """Say what ends the search after a heat; what that has dropped may leave memory for others."""
    return terms.limits.reached(ended) if why in (None, MEMORY) else why


def _within(
    terms: Terms, heat: Heat | None, known: Sequence[Trial], running: Mapping[int, Heat], why: str | None
) -> tuple[Heat | None, str | None]:
    """Cut a heat to the trials and epochs that are left while others run; where there is none, it is known why."""
    limits = terms.limits
    if heat is None or (limits.trials is None and limits.epochs is None):
        return heat, why
    if limits.trials is not None and len(known) >= limits.trials:
        return None, TRIALS
    under_way = {entry.number for heat in running.values() for entry in heat.entries}
    spent = trained_epochs([trial for trial in known if trial.number not in under_way])
    spent += sum(most_epochs(heat, terms.costs.splits) for heat in running.values())
    if limits.epochs is not None and spent >= limits.epochs:
        return None, EPOCHS
    cut, why = within(terms, heat, known, number=len(known), spent=spent)
    return (as_raced(terms.racing, cut, known, price=terms.price) if cut.entries else None), why


def _speed(terms: Terms, heat: Heat, event: Epoch) -> float:
    """Give the measured seconds of a step over the cost model's."""
    costs, seconds = terms.costs, 0.0
    for entry in heat.entries:
        whole = entry.config.with_values(batch_rows=min(entry.config.batch_rows, costs.rows))
        seconds += step_seconds(whole, costs.shape, costs.outputs) / len(heat.entries)
    return max(0.1, event.seconds_a_step / seconds)


def _timed_heat(
    terms: Terms, history: Sequence[Trial], heat_number: int, number: int, left: float, speed: float
) -> tuple[Heat | None, str | None]:
    """Propose a heat that ends in time: cheaper configs, then fewer epochs; where neither helps, say what is over.

    What cannot be afforded is passed over, as if it had been tried, but by this heat alone.
    """
    racing = terms.racing(heat_number)
    seconds, most = terms.limits.seconds or 0.0, racing.entries(terms.costs.entries)
    batches: list[tuple[Config, ...]] = []
    dear: list[tuple[float, Config]] = []
    passed: tuple[Trial, ...] = ()
    for attempt in range(_ATTEMPTS):
        seed = key(terms.seed, heat_number, attempt) >> 2
        drawn = proposed(terms, [*history, *passed], most, seed=seed)
        if not drawn or drawn in batches:
            break
        costs = [terms.costs.config(config) * speed * _SAFETY for config in drawn]
        one, raced = sum(costs) / len(costs), min(1.0, _RACED * racing.trained(len(drawn)))
        room = min(left, max(_HEAT_SHARE * seconds, 2 * one))
        count = sum(1 for spent in accumulate(costs) if spent * raced <= room)
        if count >= min(2, len(drawn)) and one <= _MOST_SHARE * seconds:
            batches.append(drawn[:count])
            if len(batches) == terms.weighed:
                break
        else:
            dear.append((costs[0], drawn[0]))
            passed += waiting(Heat(round=heat_number, entries=make_entries(drawn, first=number)))
    if batches:
        seed = key(terms.seed, heat_number) >> 2
        chosen = terms.weigh(terms.space, history, batches, seconds=terms.costs.config, seed=seed)
        entries = make_entries(batches[chosen], first=number)
        heat = Heat(round=heat_number, entries=entries, stop_at=terms.limits.stop_at)
        return as_raced(terms.racing, heat, history, price=terms.price), None
    if not dear:
        return None, left_over(terms, history)
    cost, config = min(dear, key=lambda known: known[0])
    share = left / cost
    if share < LEAST_SHARE:
        return None, SECONDS
    config = config.with_values(epochs=max(1, int(config.epochs * min(1.0, share))))
    entries = make_entries((config,), first=number)
    return Heat(round=heat_number, entries=entries, rungs=(), stop_at=terms.limits.stop_at), None
