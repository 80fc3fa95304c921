"""Workers: where heats run. In this process, or in others, one core and one thread each."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from evenfit.experiments.heat import Event, Heat


class Workers(Protocol):
    """Where heats are raced; used in a ``with`` block, which ends them."""

    @property
    def count(self) -> int:
        """How many heats can run at once."""
        ...

    @property
    def idle(self) -> int:
        """How many more heats could start now."""
        ...

    def submit(self, heat: Heat) -> None:
        """Start a heat; one worker must be idle."""
        ...

    def receive(self) -> list[Event]:
        """Wait until some heat has something to tell, and give it; nothing where no heat runs."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers, whatever they are doing."""
        ...
