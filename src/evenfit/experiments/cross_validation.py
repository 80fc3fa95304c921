"""Cross-validate: one config on all splits, its folds trained together in one fleet."""

from __future__ import annotations

from collections.abc import Iterator

from evenfit.experiments.heat import Entry, Event, Heat, HeatDone
from evenfit.experiments.workers import Workers
from evenfit.specs.config import Config


def cross_validate(config: Config, *, workers: Workers, stop_at: float | None = None) -> Iterator[Event]:
    """Yield how far the folds are, and the trial when all have trained for the config's epochs.

    Args:
        config: what to train.
        workers: where; one of them, given the problem, must be idle.
        stop_at: moment of the monotonic clock after which no step begins; the trial keeps the epochs it reached.
    """
    workers.submit(Heat(round=0, entries=(Entry(number=0, config=config, protected=True),), rungs=(), stop_at=stop_at))
    while True:
        for event in workers.receive():
            yield event
            if isinstance(event, HeatDone):
                return
