"""Watch: when a measurement is to stop, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable

from evenfit.runs.progress import Progress, Report


class Watch:
    """Says when to stop, and tells how many models are done."""

    def __init__(
        self, progress: Report, *, started: float, seconds: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._progress, self._started, self._seconds, self._clock = progress, started, seconds, clock
        self.done = self.of = 0  # models

    @property
    def spent(self) -> float:
        """Seconds since the command began."""
        return self._clock() - self._started

    def stop(self) -> bool:
        """Whether training is to stop now."""
        return self._seconds is not None and self.spent >= self._seconds

    def tell(self, done: int, of: int) -> None:
        """Say how many models are done."""
        self.done, self.of = done, of
        self.say()

    def note(self, note: str) -> None:
        """Say what is being done."""
        self.say(note=note)

    def say(self, *, note: str = "") -> None:
        """Say how far it is."""
        left = None if self._seconds is None else max(0.0, self._seconds - self.spent)
        self._progress(
            Progress(
                seconds_spent=self.spent,
                seconds_left=left,
                models_done=self.done,
                models_left=self.of - self.done,
                note=note,
            )
        )
