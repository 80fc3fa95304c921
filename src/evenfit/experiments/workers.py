"""Workers: where heats run. In this process, or in others, one core and one thread each."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, Listener, wait
from types import TracebackType
from typing import Protocol, Self

from evenfit.errors import EvenfitError
from evenfit.experiments.heat import Epoch, Finished, Heat, race
from evenfit.experiments.problem import Prepared, Problem, prepare
from evenfit.fleet.threads import one_thread

_START_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class HeatDone:
    """A heat has yielded all it will."""

    round: int


Event = Finished | Epoch | HeatDone


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

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the workers, whatever they are doing."""
        ...


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
        with one_thread():
            event = next(self._running, None)
        if event is None:
            self._running = None
            return [HeatDone(round=self._round)]
        return [event]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
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


class Processes:
    """Several workers: processes of one thread each, which end when this one does.

    They are started as programs of their own rather than forked, so that a script without a main
    guard can use them, and talk through a local socket with a key that only they know.
    """

    def __init__(self, problem: Problem, *, count: int) -> None:
        key = secrets.token_bytes(32)
        listener = Listener(None, authkey=key)
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
        self._programs = [
            subprocess.Popen(  # noqa: S603 (this program's own module)
                [sys.executable, "-m", "evenfit.experiments.worker", str(listener.address)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env=os.environ | threads,
            )
            for _ in range(count)
        ]
        for program in self._programs:
            if program.stdin is not None:
                program.stdin.write(key)
                program.stdin.close()
        self._connections = [self._accept(listener) for _ in self._programs]
        listener.close()
        self._busy: dict[Connection, int] = {}
        for connection in self._connections:
            connection.send(problem)

    def _accept(self, listener: Listener) -> Connection:
        # a program that dies before it connects would leave accept waiting for ever
        socket = listener._listener._socket  # type: ignore[attr-defined]  # noqa: SLF001
        socket.settimeout(1.0)
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                return listener.accept()  # type: ignore[return-value]
            except TimeoutError:
                dead = [program.poll() for program in self._programs if program.poll() is not None]
                if dead or time.monotonic() > until:
                    self._end()
                    raise EvenfitError(f"a worker process ended before it began, with exit code {dead}") from None

    @property
    def count(self) -> int:
        """As many as processes."""
        return len(self._connections)

    @property
    def idle(self) -> int:
        """The processes that have no heat."""
        return len(self._connections) - len(self._busy)

    def submit(self, heat: Heat) -> None:
        """Hand a heat to a process that has none."""
        connection = next(known for known in self._connections if known not in self._busy)
        connection.send(heat)
        self._busy[connection] = heat.round

    def receive(self) -> list[Event]:
        """Wait for the processes' next words.

        Raises:
            EvenfitError: a process has died; what had been yielded is not lost.
        """
        events: list[Event] = []
        for connection in wait(list(self._busy)):
            try:
                event = connection.recv()  # type: ignore[union-attr]
            except (EOFError, ConnectionError) as error:
                raise EvenfitError("a worker process died; finished trials are stored: resume the run") from error
            if isinstance(event, BaseException):
                raise event
            if isinstance(event, HeatDone):
                del self._busy[connection]  # type: ignore[arg-type]
            events.append(event)
        return events

    def _end(self) -> None:
        for program in self._programs:
            program.kill()
        for program in self._programs:
            program.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for connection in self._connections:
            connection.close()
        self._end()


def make_workers(problem: Problem, *, count: int) -> Workers:
    """Give as many workers as asked for: this process itself where it is one."""
    return Here(problem) if count <= 1 else Processes(problem, count=count)
