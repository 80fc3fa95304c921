"""Room: what a bound of memory leaves for fleets, for workers and for trials that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evenfit.errors import BudgetError
from evenfit.experiments.footprint import Footprint
from evenfit.results.trial import Trial
from evenfit.specs.config import Config
from evenfit.specs.memory import memory_text

_KEPT = 1 / 3  # of what is left beside programs, table and samples: for trials that are kept
_FLEET = 1 / 6  # of the same: for one fleet, whatever the number of workers


@dataclass(frozen=True, kw_only=True)
class Room:
    """A bound of memory, shared out.

    What a fleet may take and what trials may take depends on the table and the bound alone: a search whose budget is in
    trials tries the same configs with any number of workers. Only the workers depend on what is left.

    Raises:
        BudgetError: the default config does not fit, even with one worker and a fleet of its own.
    """

    memory: int  # of all processes of a run together
    footprint: Footprint
    default: Config

    def __post_init__(self) -> None:
        if self.memory < self.needed():
            raise BudgetError(
                f"memory of {memory_text(self.memory)} is too little: the default config on "
                f"{self.footprint.splits} splits of {self.footprint.rows:,} rows takes {memory_text(self.needed())}; "
                "give as much, or fewer folds or rows"
            )

    def needed(self) -> int:
        """The least that a run takes: the default config alone, trained by the program itself."""
        known = self.footprint
        return known.main() + known.samples() + known.heat(self.default, 1) + self._two()

    def fleet(self) -> int:
        """What one fleet may take: room for the default config at least."""
        return max(self.footprint.heat(self.default, 1), int(_FLEET * self._left()))

    def kept(self) -> int:
        """What trials may take: room for the default and another at least."""
        return max(self._two(), int(_KEPT * self._left()))

    def workers(self, wanted: int) -> int:
        """Say how many of the workers that are wanted fit; one is always there, the program itself if need be."""
        left = self.memory - self.footprint.main() - self.kept()
        return max(1, min(wanted, left // (self.footprint.worker() + self.fleet())))

    def entries(self, config: Config, most: int) -> int:
        """Say how many configs of this one's shape fit into a fleet, at most ``most``; 0 where not even one does."""
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            if self.footprint.heat(config, middle) <= self.fleet():
                low = middle
            else:
                high = middle - 1
        return low

    def places(self, config: Config, history: Sequence[Trial]) -> int:
        """Say how many trials of this config's size could be kept beside these."""
        one = self.footprint.trial(config) + self.footprint.summed(config)
        return max(0, self.kept() - self.footprint.kept(history)) // one

    def full(self, history: Sequence[Trial]) -> bool:
        """Whether no trial of the default's size could be kept beside these."""
        return self.places(self.default, history) == 0

    def _two(self) -> int:
        """What the default and another trial take."""
        return 2 * (self.footprint.trial(self.default) + self.footprint.summed(self.default))

    def _left(self) -> int:
        """What programs, table and samples leave, where the program itself trains."""
        return max(0, self.memory - self.footprint.main() - self.footprint.samples())
