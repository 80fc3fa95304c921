"""Starting: workers that start before it is known what they are to train."""

from __future__ import annotations

from typing import Any, Protocol

from evenfit.experiments.problem import Problem
from evenfit.experiments.workers import Workers


class Starting(Protocol):
    """Workers that begin to work once they are given a problem; used in a ``with`` block, which ends them."""

    def give(self, problem: Problem, *, stop_at: float | None) -> Workers:
        """Say what the heats to come are about; those that have not begun by then are not waited for."""
        ...

    def __exit__(self, *details: Any) -> None:
        """End the workers."""
        ...
