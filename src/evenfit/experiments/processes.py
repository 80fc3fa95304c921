"""Processes: heats run in programs of their own, one core and one thread each."""

from __future__ import annotations

import math
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection, Listener, wait
from multiprocessing.reduction import ForkingPickler
from types import TracebackType
from typing import TYPE_CHECKING, Self

from evenfit.errors import WorkerError
from evenfit.experiments.heat import Event, Heat, HeatDone

if TYPE_CHECKING:
    from evenfit.experiments.problem import Problem

# Nothing that takes long is imported here: the programs are to begin before this process has imported the rest.

_START_SECONDS = 120.0
_GRACE_SECONDS, _LONG_GRACE_SECONDS = 0.5, 1.5  # after a heat's end; the long one for an answer that is needed
_DIED = "a worker process died, perhaps for want of memory; finished trials are kept"
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS")


class Processes:
    """Several workers: processes of one thread each, which end when this one does.

    They begin at once, and are given a problem when it is known. They are copies of a program of its own
    rather than of this one, so that a script without a main guard can use them; they talk through a local
    socket, with a key that only they know, and end when their standard input does.
    """

    def __init__(self, *, count: int) -> None:
        key = secrets.token_bytes(32)
        self._listener = Listener(None, authkey=key)
        self._connections: list[Connection] = []
        self._busy: dict[Connection, Heat] = {}
        self._lost: list[Connection] = []  # still in a heat whose time is over
        self._count = count
        self._program: subprocess.Popen[bytes] | None = self._start(key)

    def _start(self, key: bytes) -> subprocess.Popen[bytes]:
        program = subprocess.Popen(  # noqa: S603 (this program's own module)
            [sys.executable, "-m", "evenfit.experiments.worker", str(self._listener.address), str(self._count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=os.environ | dict.fromkeys(_ONE_THREAD, "1"),
            process_group=0,  # Ctrl-C is for this process, which ends its workers: all of that group
        )
        if program.stdin is not None:
            program.stdin.write(key)
            program.stdin.flush()  # and left open: its end says that this process has gone
        return program

    def give(self, problem: Problem, *, stop_at: float | None) -> Self:
        """Say what the heats to come are about; the programs have been starting meanwhile.

        Those that have not begun by ``stop_at``, a moment of the monotonic clock, are not waited for. Another problem
        may be given once the heats of the one before are over.

        Raises:
            WorkerError: a program ended before it began to work.
        """
        words = ForkingPickler.dumps(problem)
        self._find_lost(stop_at)
        for known in self._connections:
            known.send_bytes(words)
        for _ in range(self._count - len(self._connections)):
            connection = self._accept(stop_at)
            if connection is not None:
                self._connections.append(connection)
                connection.send_bytes(words)
        return self

    def _find_lost(self, stop_at: float | None) -> None:
        """Wait until the processes whose heats were given up have ended them; what those tell is of no use."""
        until = time.monotonic() + _START_SECONDS if stop_at is None else stop_at
        while self._lost and (left := until - time.monotonic()) > 0:
            for connection in wait(self._lost, left):
                if isinstance(connection, Connection) and isinstance(connection.recv(), HeatDone):
                    self._lost.remove(connection)

    def _accept(self, stop_at: float | None) -> Connection | None:
        # a program that dies before it connects would leave accept waiting for ever
        socket = self._listener._listener._socket  # type: ignore[attr-defined]
        until = time.monotonic() + _START_SECONDS if stop_at is None else stop_at
        while (left := until - time.monotonic()) > 0:
            socket.settimeout(min(0.5, left))
            try:
                return self._listener.accept()
            except TimeoutError:
                code = self._program.poll() if self._program else 0
                if code is not None:
                    raise WorkerError(f"a worker process ended before it began, with exit code {code}") from None
            except (EOFError, OSError) as error:
                raise WorkerError(f"a worker process ended before it began ({error})") from error
        if stop_at is None:
            raise WorkerError(f"a worker process does not answer after {_START_SECONDS:g} s")
        return None

    @property
    def count(self) -> int:
        """As many as processes."""
        return self._count

    @property
    def idle(self) -> int:
        """The processes that have no heat."""
        return len(self._connections) - len(self._busy) - len(self._lost)

    def submit(self, heat: Heat) -> None:
        """Hand a heat to a process that has none."""
        connection = next(known for known in self._connections if known not in self._busy and known not in self._lost)
        try:
            connection.send(heat)
        except (BrokenPipeError, ConnectionError) as error:
            raise WorkerError(_DIED) from error
        self._busy[connection] = heat

    def receive(self) -> list[Event]:
        """Wait for the processes' next words; a heat whose time is over, and says nothing, is done.

        Raises:
            WorkerError: a process has died; what had been yielded is not lost.
        """
        events: list[Event] = []
        ready = wait(list(self._busy), self._patience())
        for connection in [known for known in self._busy if known in ready]:
            try:
                event: Event | BaseException = connection.recv()
            except (EOFError, ConnectionError) as error:
                raise WorkerError(_DIED) from error
            if isinstance(event, BaseException):
                raise event
            if isinstance(event, HeatDone):
                del self._busy[connection]
            events.append(event)
        return events or self._overdue()

    def _patience(self) -> float | None:
        """Give the seconds until some heat must have ended; None where none need end."""
        end = min(map(_end_of, self._busy.values()), default=math.inf)
        return None if end == math.inf else max(0.0, end - time.monotonic())

    def _overdue(self) -> list[Event]:
        """Give up the heats whose time is over."""
        now = time.monotonic()
        late = [known for known, heat in self._busy.items() if _end_of(heat) <= now]
        self._lost += late
        return [HeatDone(round=self._busy.pop(known).round) for known in late]

    def _end(self) -> None:
        for connection in self._connections:
            connection.close()
        self._connections = []
        self._listener.close()
        program, self._program = self._program, None
        if program is not None:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            if program.stdin is not None:
                program.stdin.close()
            program.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()


def _end_of(heat: Heat) -> float:
    """Give the moment after which a heat is no longer waited for."""
    if heat.stop_at is None:
        return math.inf
    needed = any(entry.protected for entry in heat.entries)
    return heat.stop_at + (_LONG_GRACE_SECONDS if needed else _GRACE_SECONDS)
