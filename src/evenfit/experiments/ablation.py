"""Ablation: a config, and the same without each of some of its regularisers, trained side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evenfit.experiments.heat import Entry, Event, Finished, Heat, HeatDone
from evenfit.experiments.workers import Workers
from evenfit.results.trial import Trial
from evenfit.specs.config import Config

_DRAW = 1  # of seeds: those that the config was chosen by would flatter it


def ablate(config: Config, names: Sequence[str], *, workers: Workers, stop_at: float | None = None) -> Iterator[Event]:
    """Yield what happens while the config is trained with all it has, trial 0, and without each name, trials 1 to n.

    All have the folds of the search, and seeds of their own draw, the same for all of them: differences are paired.
    Nothing is dropped. Where time runs out, trials end at the epochs that they reached.

    Args:
        config: one that has these regularisers.
        names: of regularisers, in the order of their trials.
        workers: all of them idle; each takes its share.
        stop_at: moment of the monotonic clock after which no step begins.
    """
    configs = [config, *(config.without(name).tidied() for name in names)]
    entries = [Entry(number=number, config=one) for number, one in enumerate(configs)]
    count = max(1, min(workers.idle, len(entries)))
    for number in range(count):
        own = tuple(entries[number::count])
        workers.submit(Heat(round=number, entries=own, rungs=(), stop_at=stop_at, draw=_DRAW))
    running = count
    while running:
        for event in workers.receive():
            running -= isinstance(event, HeatDone)
            yield event


def finished(events: Sequence[Event], config: Config, names: Sequence[str]) -> tuple[Trial, dict[str, Trial]] | None:
    """Sort out the trials of an ablation: the whole config's, and by name; None unless the whole one ran to its end."""
    trials = {event.trial.number: event.trial for event in events if isinstance(event, Finished)}
    done = {number: trial for number, trial in trials.items() if int(trial.epochs[-1]) == config.epochs}
    diverged = {number: trial for number, trial in trials.items() if trial.status == "diverged"}
    if 0 not in done:
        return None
    ended = done | diverged
    return done[0], {name: ended[number] for number, name in enumerate(names, start=1) if number in ended}
