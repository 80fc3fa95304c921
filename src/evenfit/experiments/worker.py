"""Worker: a process that races the heats it is sent, until its parent is gone.

The program imports what it needs once, and then forks: each copy is a worker, and so is the first.
"""

from __future__ import annotations

import os
import sys
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from threading import Thread

from evenfit.experiments.heat import HeatDone
from evenfit.experiments.here import Cache
from evenfit.experiments.peak import peak_memory
from evenfit.experiments.problem import Problem

_KEY_BYTES = 32


def main() -> None:
    """Become as many workers as asked for, connect to the parent at the address given, and work."""
    key = os.read(sys.stdin.fileno(), _KEY_BYTES)
    for _ in range(int(sys.argv[2]) - 1):
        if os.fork() == 0:  # imports have started no thread
            break
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        with Client(sys.argv[1], authkey=key) as parent:
            _serve(parent)
    except (EOFError, OSError, AuthenticationError):
        return  # the parent is gone, or has stopped waiting


def _serve(parent: Connection) -> None:
    """Race what the parent sends, and tell it what happens; another problem takes the place of the one before."""
    cache = Cache(parent.recv())
    while True:
        heat = parent.recv()
        if isinstance(heat, Problem):
            cache = Cache(heat)
            continue
        try:
            for event in cache.race(heat):
                parent.send(event)
        except (EOFError, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - the parent raises it
            parent.send(error)
        parent.send(HeatDone(round=heat.round, process=os.getpid(), memory=peak_memory()))


def _end_with_parent() -> None:
    """Wait for the end of standard input, which is the parent's, however it came; what is under way is of no use."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
