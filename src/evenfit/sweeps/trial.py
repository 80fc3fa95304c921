"""A sweep's trial: values tried, in one run for each fold and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evenfit.sweeps.parameters import Names
from evenfit.sweeps.proposals import Tried, nested
from evenfit.sweeps.sweep import Sweep

FINISHED, FAILED, STOPPED, KILLED = "finished", "failed", "stopped", "killed"
Part = tuple[int, int]  # which fold, which seed


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run of the program gave."""

    status: str
    history: tuple[float, ...] = ()  # finite values of the metric
    summary: float | None = None  # the program's own last word on the metric
    seconds: float = 0.0

    @property
    def value(self) -> float | None:
        """The metric as W&B's table has it: the summary's, or the last that was logged."""
        return self.summary if self.summary is not None else (self.history[-1] if self.history else None)


@dataclass
class Trial:
    """Values, and the runs that have ended."""

    number: int
    chosen: Mapping[Names, Any]
    runs: dict[Part, Run] = field(default_factory=dict)
    ended: bool = False

    def value(self) -> float | None:
        """The metric's mean over the group; none where a run of it failed or was stopped early."""
        values = [run.value for run in self.runs.values() if run.status == FINISHED]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if self.ended and known and len(known) == len(self.runs) else None

    def status(self) -> str:
        """What became of it, the worst of its runs."""
        if not self.ended:
            return "running"
        kinds = {run.status for run in self.runs.values()}
        return next((kind for kind in (FAILED, KILLED, STOPPED) if kind in kinds), FINISHED)

    def tried(self, sweep: Sweep, *, live: Sequence[Sequence[float]] = ()) -> Tried:
        """Itself as proposals see it: each run's best value, as W&B's bayes has it, its worst and its last, averaged.

        ``live`` has what the runs that have not ended have logged.
        """
        ended = [run.history for run in self.runs.values()]
        histories = [[sweep.better(value) for value in history] for history in (*ended, *live) if history]
        failed = any(run.status in {FAILED, KILLED} for run in self.runs.values())
        return Tried(
            chosen=self.chosen,
            loss=_mean([min(history) for history in histories]),
            worst=_mean([max(history) for history in histories]),
            latest=_mean([history[-1] for history in histories]),
            running=not self.ended,
            failed=self.ended and failed,
        )

    def json(self) -> dict[str, Any]:
        """Itself for programs."""
        return {
            "trial": self.number,
            "status": self.status(),
            "value": self.value(),
            "config": nested(self.chosen),
            "runs": [
                {"fold": fold, "seed": seed, "status": run.status, "value": run.value, "logged": len(run.history)}
                for (fold, seed), run in sorted(self.runs.items())
            ],
        }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
