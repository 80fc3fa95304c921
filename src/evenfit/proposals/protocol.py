"""What every way of proposing configs looks like."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from evenfit.results.trial import Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Space


class Propose(Protocol):
    """Chooses what to try next from what has been tried, and remembers nothing."""

    def __call__(
        self, space: Space, history: Sequence[Trial], count: int, *, shared: Collection[str], seed: int
    ) -> tuple[Config, ...]:
        """Give ``count`` configs that agree in the ``shared`` values."""
        ...
