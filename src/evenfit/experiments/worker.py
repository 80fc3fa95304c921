"""Worker: a process that races the heats it is sent, until its parent is gone."""

from __future__ import annotations

import signal
import sys
from multiprocessing.connection import Client

from evenfit.experiments.heat import HeatDone
from evenfit.experiments.here import Cache
from evenfit.fleet.threads import one_thread


def main() -> None:
    """Connect to the parent at the address given, and work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent answers Ctrl-C, and ends its workers
    key = sys.stdin.buffer.read()
    with Client(sys.argv[1], authkey=key) as parent, one_thread():
        try:
            cache = Cache(parent.recv())
            while True:
                heat = parent.recv()
                try:
                    for event in cache.race(heat):
                        parent.send(event)
                except (MemoryError, ValueError, RuntimeError) as error:
                    parent.send(error)
                parent.send(HeatDone(round=heat.round))
        except (EOFError, ConnectionError):
            return  # the parent is gone


if __name__ == "__main__":
    main()
