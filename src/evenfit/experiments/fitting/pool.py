"""Pool: fits of models that Python trains, one after the other here, or in processes where they take long.

Processes, not threads: what a user's model leaves to chance may come from generators of which a process has one, and
most of the work holds Python's lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import joblib
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool
from threadpoolctl import threadpool_limits

from evenfit.errors import WorkerError
from evenfit.experiments.fitting.fits import Fitted, never

Shared = TypeVar("Shared")
Stop = Callable[[], bool]
Work = Callable[[Shared, Stop], Fitted | None]

WORTH_PROCESSES = 4.0  # seconds of work that is left; less is done here before processes have started
_AHEAD = 2  # calls for each process that wait for it
_PATIENCE = 0.1  # seconds between questions whether to stop
_IDLE = 60  # seconds after which processes end that nobody needs


def run(
    calls: Sequence[Work[Shared]],
    shared: Shared,
    *,
    workers: int,
    stop: Stop,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Fitted]:
    """Make calls, and tell what each gives as it ends.

    The first ones are made here, until it is known how long one takes. The rest go to processes where enough of them
    are left. Linear algebra has one thread everywhere. When told to stop, calls that run in processes are ended; one
    that runs here is asked to end by itself, and then gives None.

    Args:
        calls: functions of what they share and of ``stop``, that can be sent to another process.
        shared: what all calls are given, such as rows; sent to each process once.
        workers: processes; with 1, all is done here.
        stop: asked before each call, and often while processes work.
        clock: gives seconds.

    Raises:
        WorkerError: a process has died.
    """
    begun = clock()
    for done, call in enumerate(calls):
        left = len(calls) - done
        if stop():
            return
        if workers > 1 and done and left > 1 and left * (clock() - begun) / done > WORTH_PROCESSES:
            yield from _in_processes(calls[done:], shared, workers=min(workers, left), stop=stop)
            return
        with threadpool_limits(limits=1):
            found = call(shared, stop)
        if found is None:
            return
        yield found


def _in_processes(calls: Sequence[Work[Shared]], shared: Shared, *, workers: int, stop: Stop) -> Iterator[Fitted]:
    """Make calls in processes; what they share goes through a file, of which arrays are mapped into memory."""
    executor = get_reusable_executor(max_workers=workers, timeout=_IDLE)
    waiting = list(reversed(calls))
    running: set[Future[Fitted | None]] = set()
    with TemporaryDirectory(prefix="evenfit-") as folder:
        path = Path(folder) / "shared.joblib"
        joblib.dump(shared, path)
        try:
            while waiting or running:
                while waiting and len(running) < workers * _AHEAD:
                    running.add(executor.submit(_call_there, waiting.pop(), str(path)))
                done, running = wait(running, timeout=_PATIENCE, return_when=FIRST_COMPLETED)
                for each in done:
                    if (found := each.result()) is not None:
                        yield found
                if stop():
                    return
        except BrokenProcessPool as error:
            raise WorkerError(
                "a process that fits models has died, perhaps for lack of memory: use fewer workers"
            ) from error
        finally:
            if running:
                executor.shutdown(kill_workers=True)


def _call_there(call: Work[Any], path: str) -> Fitted | None:
    """Make a call in a process of many: models that would start workers of their own do without."""
    with threadpool_limits(limits=1), joblib.parallel_config(backend="sequential"):
        return call(_shared(path), never)


@lru_cache(maxsize=1)
def _shared(path: str) -> Any:
    """What calls share, read once for each process."""
    return joblib.load(path, mmap_mode="r")
