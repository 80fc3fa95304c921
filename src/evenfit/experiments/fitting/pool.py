"""Pool: fits of models that Python trains, one after the other here, or in processes where they take long.

Processes, not threads: what a user's model leaves to chance may come from generators of which a process has one, and
most of the work holds Python's lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import lru_cache
from pathlib import Path
from pickle import PicklingError
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
    are left, but for those that cannot be sent there. Linear algebra has one thread everywhere. When told to stop,
    calls that run in processes are ended; one that runs here is asked to end by itself, and then gives None.

    Args:
        calls: functions of what they share and of ``stop``, that can be sent to another process.
        shared: what all calls are given, such as rows; sent to each process once.
        workers: processes; with 1, all is done here.
        stop: asked before each call, and often while processes work.
        clock: gives seconds.

    Raises:
        WorkerError: a process has died.
    """
    spent = 0.0
    for done, call in enumerate(calls):
        left = len(calls) - done
        if stop():
            return
        if workers > 1 and done and left > 1 and left * spent / done > WORTH_PROCESSES:
            unsent = yield from _in_processes(calls[done:], shared, workers=min(workers, left), stop=stop)
            yield from run(unsent, shared, workers=1, stop=stop)
            return
        begun = clock()
        with threadpool_limits(limits=1):
            found = call(shared, stop)
        spent += clock() - begun
        if found is None:
            return
        yield found


def _in_processes(
    calls: Sequence[Work[Shared]], shared: Shared, *, workers: int, stop: Stop
) -> Generator[Fitted, None, list[Work[Shared]]]:
    """Make calls in processes, and return those that cannot be sent there.

    What they share goes through a file, of which arrays are mapped into memory.
    """
    executor = get_reusable_executor(max_workers=workers, timeout=_IDLE)
    waiting, left = list(reversed(calls)), []
    running: dict[Future[Fitted | None], Work[Shared]] = {}
    with TemporaryDirectory(prefix="evenfit-") as folder:
        path = Path(folder) / "shared.joblib"
        joblib.dump(shared, path)
        try:
            while waiting or running:
                while waiting and len(running) < workers * _AHEAD:
                    call = waiting.pop()
                    running[executor.submit(_call_there, call, str(path))] = call
                for each in wait(running, timeout=_PATIENCE, return_when=FIRST_COMPLETED).done:
                    call = running.pop(each)
                    try:
                        found = each.result()
                    except PicklingError:
                        left.append(call)
                        continue
                    if found is not None:
                        yield found
                if stop():
                    return []
        except BrokenProcessPool as error:
            if "un-serialize" in str(error):  # such as a class of a module that cannot be imported there
                return [*left, call, *running.values(), *waiting]
            raise WorkerError(
                "a process that fits models has died, perhaps for lack of memory: use fewer workers"
            ) from error
        finally:
            if running:
                executor.shutdown(kill_workers=True)
    return left


def _call_there(call: Work[Any], path: str) -> Fitted | None:
    """Make a call in a process of many: models that would start workers of their own do without."""
    with threadpool_limits(limits=1), joblib.parallel_config(backend="sequential"):
        return call(_shared(path), never)


@lru_cache(maxsize=1)
def _shared(path: str) -> Any:
    """What calls share, read once for each process."""
    return joblib.load(path, mmap_mode="r")
