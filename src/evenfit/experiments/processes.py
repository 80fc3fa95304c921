"""Processes: heats run in programs of their own, one core and one thread each."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from multiprocessing.connection import Connection, Listener, wait
from types import TracebackType
from typing import Self

from evenfit.errors import EvenfitError
from evenfit.experiments.heat import Event, Heat, HeatDone
from evenfit.experiments.problem import Problem

_START_SECONDS = 120.0


class Processes:
    """Several workers: processes of one thread each, which end when this one does.

    They start at once, and are given a problem when it is known. They are started as programs of their own rather than forked, so that a script without a main
    guard can use them, and talk through a local socket with a key that only they know.
    """

    def __init__(self, *, count: int) -> None:
        key = secrets.token_bytes(32)
        self._listener = Listener(None, authkey=key)
        threads = dict.fromkeys(
            ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
        )
        self._programs = [
            subprocess.Popen(  # noqa: S603 (this program's own module)
                [sys.executable, "-m", "evenfit.experiments.worker", str(self._listener.address)],
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
        self._count = count
        self._connections: list[Connection] = []
        self._busy: dict[Connection, int] = {}

    def give(self, problem: Problem) -> Self:
        """Say what the heats to come are about; the programs have been starting meanwhile.

        Raises:
            EvenfitError: a program ended before it began to work.
        """
        self._connections = [self._accept() for _ in self._programs]
        for connection in self._connections:
            connection.send(problem)
        return self

    def _accept(self) -> Connection:
        # a program that dies before it connects would leave accept waiting for ever
        socket = self._listener._listener._socket  # type: ignore[attr-defined]  # noqa: SLF001
        socket.settimeout(1.0)
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                return self._listener.accept()  # type: ignore[return-value]
            except TimeoutError:
                dead = [program.poll() for program in self._programs if program.poll() is not None]
                if dead or time.monotonic() > until:
                    self._end()
                    raise EvenfitError(f"a worker process ended before it began, with exit code {dead}") from None

    @property
    def count(self) -> int:
        """As many as processes."""
        return self._count

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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections:
            connection.close()
        self._listener.close()
        self._end()
