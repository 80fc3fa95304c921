"""Tally: what a search has done so far and what is under way, counted from what its heats tell."""

from __future__ import annotations

from evenfit.experiments.heat import Epoch, Event, Finished, HeatDone
from evenfit.experiments.spending import trained_epochs
from evenfit.experiments.tuning import Ended, Planned
from evenfit.results.trial import Trial


class Tally:
    """Configs in flight, epochs of single networks, the speed of a step, and the memory of processes."""

    def __init__(self) -> None:
        self.running: dict[int, int] = {}  # configs of the heats that are under way
        self.step_seconds = 0.0  # of one member of the default config, measured
        self.held: dict[int, int] = {}  # bytes at the peak of each process that trained; 0 is this one
        self._ended: dict[int, int] = {}  # epochs, by the trial that has ended
        self._running: dict[int, int] = {}  # epochs of the configs of a heat that are left

    def recall(self, trial: Trial) -> None:
        """Count a trial of before."""
        self._ended[trial.number] = trained_epochs([trial])

    def take(self, event: Planned | Ended | Event) -> None:
        """Count what a heat tells."""
        if isinstance(event, Planned):
            self.running[event.heat.round] = len(event.heat.entries)
        elif isinstance(event, Finished):
            self.recall(event.trial)
            left = self._running.get(event.trial.round, 0) - self._ended[event.trial.number]
            self._running[event.trial.round] = max(0, left)
        elif isinstance(event, Epoch):
            if event.round == 0:
                self.step_seconds = event.seconds_a_step
            self.running[event.round] = event.running
            self._running[event.round] = event.trained
        elif isinstance(event, HeatDone):
            self.held[event.process] = event.memory
            self.running.pop(event.round, None)
            self._running.pop(event.round, None)

    @property
    def epochs(self) -> int:
        """Epochs that single networks have trained, those in flight included."""
        return sum(self._ended.values()) + sum(self._running.values())
