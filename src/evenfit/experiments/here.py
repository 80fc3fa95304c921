"""Here: heats run in this process, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from evenfit.experiments.heat import Epoch, Event, Finished, Heat, HeatDone
from evenfit.experiments.problem import Prepared, Problem, prepare
from evenfit.experiments.race import race


class Here:
    """One worker: this process."""

    def __init__(self, problem: Problem) -> None:
        self._cache = Cache(problem)
        self._running: Iterator[Finished | Epoch] | None = None
        self._round = 0

    @property
    def count(self) -> int:
        """One."""
        return 1

    @property
    def idle(self) -> int:
        """One, unless a heat is under way."""
        return int(self._running is None)

    def submit(self, heat: Heat) -> None:
        """Make a heat the one under way."""
        self._running, self._round = self._cache.race(heat), heat.round

    def receive(self) -> list[Event]:
        """Train until the heat under way tells something."""
        if self._running is None:
            return []
        event = next(self._running, None)
        if event is None:
            self._running = None
            return [HeatDone(round=self._round)]
        return [event]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running = None


class Cache:
    """A problem, and what was prepared of it: one entry a choice of encodings."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._prepared: dict[tuple[str, str], Prepared] = {}

    def race(self, heat: Heat) -> Iterator[Finished | Epoch]:
        """Race a heat on the samples that its encodings make."""
        config = heat.entries[0].config
        choice = (config.inputs, config.target)
        if choice not in self._prepared:
            self._prepared[choice] = prepare(self._problem, inputs=choice[0], target=choice[1])
        return race(self._problem, self._prepared[choice], heat)
