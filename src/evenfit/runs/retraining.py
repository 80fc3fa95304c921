"""Retraining: the networks of trials whose weights are no longer kept, from their own seeds."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from evenfit.experiments.heat import Entry, Finished, Heat, HeatDone
from evenfit.experiments.workers import Workers
from evenfit.results.study import Study
from evenfit.results.trial import COMPLETE
from evenfit.runs.search import Found

_ROUNDS = 3  # of concluding anew, where retrained networks differ from those that were
_MOST_LOST, _LOST_SHARE = 5, 0.1  # trials of before that may have to be trained again, and their share of what is left


def needed(study: Study) -> tuple[int, ...]:
    """Give the numbers of the trials whose networks a study deploys."""
    mixed = study.ensemble.trials if study.ensemble.used else ()
    return tuple(dict.fromkeys((study.selected.trial, *mixed)))


def lost_seconds(found: Found, *, workers: int, left: float) -> float:
    """Give the seconds to train again what may be deployed of trials whose weights are gone.

    Args:
        found: trials and weights so far.
        workers: processes that train.
        left: seconds in which networks may still be trained.
    """
    ranked = sorted((trial for trial in found.trials.values() if trial.status == COMPLETE), key=lambda t: t.loss)
    lost = [trial.seconds for trial in ranked[:_MOST_LOST] if trial.number not in found.states]
    return min(_LOST_SHARE * max(0.0, left), sum(lost) / workers)


def with_networks(
    conclude: Callable[[], Study],
    found: Found,
    *,
    workers: Workers,
    stop_at: float | None,
    keep: Callable[[Finished], None],
) -> Study:
    """Conclude, and train again what the study deploys and has no weights, to the same networks from the same seeds.

    Where a network comes out different, as on another machine, its trial is replaced, and the study concluded anew.
    Where time runs out, the selected config is deployed alone.

    Args:
        conclude: makes the study of what was found.
        found: trials and weights so far.
        workers: all of them idle.
        stop_at: moment of the monotonic clock after which no step begins, but for the selected config.
        keep: told of every trial that was trained again.
    """
    for _ in range(_ROUNDS):
        study = conclude()
        lost = [number for number in needed(study) if number not in found.states]
        if not lost:
            return study
        changed = False
        for event in _train(found, lost, workers, stop_at=stop_at, selected=study.selected.trial):
            before = found.trials[event.trial.number]
            same = before.epoch == event.trial.epoch and np.array_equal(
                before.predictions, event.trial.predictions, equal_nan=True
            )
            changed |= not same
            kept = replace(event, trial=before) if same else event
            keep(kept)
            found.add(kept)
        left = [number for number in needed(study) if number not in found.states]
        if not changed and not left:
            return study
        if not changed:
            break
    single = study.ensemble.single_loss
    alone = replace(
        study.ensemble, trials=(study.selected.trial,), weights=(1.0,), loss=single, single_loss=single, used=False
    )
    return replace(study, ensemble=alone)


def _train(
    found: Found, numbers: Collection[int], workers: Workers, *, stop_at: float | None, selected: int
) -> list[Finished]:
    """Train configs to their ends, each alone with its folds, and give the trials that came to theirs."""
    waiting = [
        Heat(
            round=found.trials[number].round,
            entries=(Entry(number=number, config=found.trials[number].config),),
            rungs=(),
            stop_at=None if number == selected else stop_at,
        )
        for number in numbers
    ]
    done: list[Finished] = []
    running = 0
    while waiting or running:
        while waiting and workers.idle:
            workers.submit(waiting.pop(0))
            running += 1
        for event in workers.receive():
            running -= isinstance(event, HeatDone)
            if isinstance(event, Finished) and event.trial.status == COMPLETE:
                done.append(event)
    return done
