"""Tune: try configs, whole fleets at a time, until the budget is spent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from evenfit.experiments.ending import Ended, Limits
from evenfit.experiments.heat import Event, Heat
from evenfit.experiments.rounds import tune_by_trials
from evenfit.experiments.terms import Costs, Planned, Terms
from evenfit.experiments.timed import tune_by_seconds
from evenfit.experiments.workers import Workers
from evenfit.results.trial import Trial


def tune(
    terms: Terms,
    workers: Workers,
    *,
    history: Sequence[Trial] = (),
    planned: Sequence[Heat] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Planned | Ended | Event]:
    """Yield heats as they are planned, trials as they end, and last what ended it; the default config is tried first.

    With a limit in trials or epochs, rounds are synchronous: what is proposed depends on the trials of the
    rounds before alone, so any number of workers gives the same study. Without, a worker that falls
    idle is given the next heat at once.

    Args:
        terms: where to look, by what means, and until when.
        workers: where heats are raced.
        history: trials of before, to resume.
        planned: heats of before, to resume; those whose trials have not all ended are raced again.
        clock: monotonic seconds.
    """
    limits = terms.limits
    if limits.rounds and not (limits.trials is None and limits.epochs is None):
        return tune_by_trials(terms, workers, history=history, planned=planned, clock=clock)
    return tune_by_seconds(terms, workers, history=history, clock=clock)


__all__ = ["Costs", "Ended", "Limits", "Planned", "Terms", "tune"]
