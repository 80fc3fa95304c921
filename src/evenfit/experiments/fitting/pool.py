"""Pool: fits of models that Python trains, one after the other here, or in processes where it takes long.

Processes, not threads: what a user's model leaves to chance may be drawn from generators that a process has one of,
and most of the work holds Python's lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache

from joblib import Parallel, delayed, parallel_config
from threadpoolctl import ThreadpoolController

from evenfit.experiments.fitting.fits import Fitted

Call = Callable[[], Fitted]

WORTH_PROCESSES = 4.0  # seconds of work; less is done before processes have started


def run(
    calls: Sequence[Call],
    *,
    workers: int,
    stop: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Fitted]:
    """Make calls, and tell what each gives as it ends.

    The first ones are made here, until it is known how long one takes. The rest go to processes, with one thread
    each for linear algebra, where there is enough left to be worth it.

    Args:
        calls: functions that can be sent to another process, such as ``functools.partial`` of one.
        workers: processes; with 1, all is done here.
        stop: asked before each call.
        clock: gives seconds.
    """
    begun = clock()
    for done, call in enumerate(calls):
        left = len(calls) - done
        if stop():
            return
        if workers > 1 and done and left > 1 and left * (clock() - begun) / done > WORTH_PROCESSES:
            yield from _in_processes(calls[done:], workers=min(workers, left), stop=stop)
            return
        yield _alone(call)


def _alone(call: Call) -> Fitted:
    """Make a call with one thread for linear algebra, as it is made in a process of many."""
    with _controller().limit(limits=1):
        return call()


def _in_processes(calls: Sequence[Call], *, workers: int, stop: Callable[[], bool]) -> Iterator[Fitted]:
    """Make calls in processes; what is not done when told to stop is left."""

    def wanted() -> Iterator[Call]:
        for call in calls:
            if stop():
                return
            yield delayed(_alone)(call)

    with parallel_config(backend="loky", inner_max_num_threads=1):
        told = Parallel(n_jobs=workers, return_as="generator_unordered")(wanted())
    with closing(told):
        yield from told


@cache
def _controller() -> ThreadpoolController:
    """What sets the threads of libraries that are loaded; looking for them takes long."""
    return ThreadpoolController()
