"""Alone: stands for worker processes where there is to be one worker, this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evenfit.experiments.here import Here
    from evenfit.experiments.problem import Problem


class Alone:
    """No processes are started: heats run in this one."""

    def give(self, problem: Problem, *, stop_at: float | None) -> Here:
        """Say what the heats to come are about; there is nobody to wait for."""
        del stop_at
        from evenfit.experiments.here import Here

        return Here(problem)

    def __enter__(self) -> Alone:
        return self

    def __exit__(self, *details: object) -> None:
        return None
