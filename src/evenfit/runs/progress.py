"""Progress: how far a run is, as one frozen value."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands at one moment."""

    seconds_spent: float = 0.0
    seconds_left: float | None = None  # None: the budget has no seconds
    trials_done: int = 0
    trials_running: int = 0
    trials_left: int | None = None  # None: the budget has no trials
    epochs_done: int = 0  # of single networks
    epochs_left: int | None = None  # None: the budget has no epochs
    best_loss: float | None = None  # None: no trial is done yet
    fleets: int = 0  # in flight
    models_done: int | None = None  # of a measurement; None: it is a search
    models_left: int = 0
    note: str = ""  # what is being done, when it is not the search
    line: str = ""  # to be shown once and kept: what was understood of the table, a warning

    def share(self) -> float | None:
        """The share of the budget that is spent, in [0, 1]: of the limit that is nearest; None where there is none."""
        known = [
            _share(spent, left)
            for spent, left in (
                (self.seconds_spent, self.seconds_left),
                (self.trials_done, self.trials_left),
                (self.epochs_done, self.epochs_left),
            )
            if left is not None
        ]
        if not known and self.models_done is not None:
            return _share(self.models_done, self.models_left)
        return max(known, default=None)


Report = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """Tell nobody."""
    del progress


def _share(spent: float, left: float) -> float:
    """How much of a whole is spent."""
    return min(1.0, max(0.0, spent / (spent + left))) if spent + left > 0 else 1.0
