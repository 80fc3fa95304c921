"""Warming: the engine is compiled once after it was installed or changed; no budget pays for that."""

from __future__ import annotations

import time

from evenfit.runs.progress import Progress, Report

_SAID = "compiling the engine for this machine, once; the budget begins when that is done"


def warm_engine(progress: Report) -> float:
    """Compile the engine where it is not yet, say so, and give the seconds that it took: 0 where nothing was to do.

    Where what was compiled cannot be kept, each worker compiles again, in its own time.
    """
    from evenfit.fleet.warm import is_cold, warm

    if not is_cold():
        return 0.0
    begun = time.monotonic()
    progress(Progress(line=_SAID))
    warm()
    return time.monotonic() - begun
