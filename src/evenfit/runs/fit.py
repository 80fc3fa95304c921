"""Fit: one run from a request to a folder with a model in it; written once, here."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from evenfit.experiments.processes import Processes
from evenfit.runs.alone import Alone
from evenfit.runs.clock import process_age
from evenfit.runs.cores import core_count
from evenfit.runs.progress import Report
from evenfit.runs.request import FitRequest

if TYPE_CHECKING:
    from evenfit.runs.outcome import Outcome
    from evenfit.runs.plan import Plan
    from evenfit.runs.source import Source
    from evenfit.runs.warm_start import WarmStart
    from evenfit.specs.budget import Budget

# Imports that take long are inside: the workers begin first, and start while this process reads the table.


def fit(request: FitRequest, *, progress: Report) -> Outcome:
    """Tune a network on a table, score it honestly, and keep everything in the run's folder.

    Raises:
        EvenfitError: the table, a column or an option cannot be used, or the budget is too small.
        Interrupted: the user stopped the run after it was stored; it can be resumed.
    """
    started = time.monotonic() - process_age()
    count = worker_count(request)
    if request.memory is not None and count > 1:  # how many fit is known once the table is
        count = plan(request, probed=False).workers
    with _starting(count, table=request.table) as workers:
        from evenfit.runs.job import Job
        from evenfit.runs.kept import Kept
        from evenfit.runs.planning import plan_job
        from evenfit.runs.source import read_source
        from evenfit.store import open_store

        source = read_source(request)
        warm = _warm_start(request, source)
        search = plan_job(request, source, workers=count, warm=warm.configs if warm else ())
        kept = Kept(
            request=request,
            space=search.space,
            workers=count,
            warm=search.warm,
            warm_note=warm.note if warm else "",
        )
        with open_store(Path(request.runs)) as store:
            run = store.create_run(kept.to_json(), name=request.name, fingerprint=source.fingerprint)
            job = Job(kept=kept, source=source, search=search, store=store, run=run, started=started)
            return job.run_with(workers, progress)


def resume(name: str, *, runs: str, progress: Report, extend: Budget | None = None) -> Outcome:
    """Go on with a run that was stopped: spend what is left of its budget, and end as if it had not been.

    With so much more to ``extend`` it by, a run that is done goes on too, as if it had been given it at once.

    Raises:
        EvenfitError: there is no such run, it is done or under way, its table has changed, or it has no such budget.
        Interrupted: the user stopped the run again.
    """
    started = time.monotonic() - process_age()
    from evenfit.runs.extending import check_open, extended, keep_extension
    from evenfit.runs.kept import Kept
    from evenfit.store import open_store

    with open_store(Path(runs), create=False) as store:
        run = store.run(name)
        if extend is None:
            check_open(run)
        kept = Kept.from_json(run.request, runs=str(runs))
        kept = kept if extend is None else extended(kept, run, extend)
        request = kept.request
        with _starting(kept.workers, table=request.table) as workers:
            from evenfit.runs.job import Job
            from evenfit.runs.planning import plan_job
            from evenfit.runs.source import read_source

            source = read_source(request)
            source.check_unchanged(run.fingerprint, run=run.name, path=request.table)
            search = plan_job(request, source, workers=kept.workers, space=kept.space, warm=kept.warm)
            if extend is not None:
                run = keep_extension(store, run, kept, search)
            job = Job(kept=kept, source=source, search=search, store=store, run=run, started=started)
            return job.run_with(workers, progress)


def plan(request: FitRequest, *, probed: bool = True) -> Plan:
    """Say what a fit would do, without doing it, and by a probe of two seconds what it would cost.

    Where memory is bounded, it has as many workers as fit.

    Raises:
        EvenfitError: the table, a column or an option cannot be used.
    """
    begun = time.monotonic() - process_age()
    from evenfit.runs.plan import Plan
    from evenfit.runs.planning import plan_job
    from evenfit.runs.probing import measured_plan
    from evenfit.runs.source import read_source

    source, count = read_source(request), worker_count(request)
    warm = _warm_start(request, source)
    search = plan_job(request, source, workers=count, warm=warm.configs if warm else ())
    if search.room is not None and (fitting := search.room.workers(count)) < count:
        count = fitting
        search = plan_job(request, source, workers=count, warm=warm.configs if warm else ())
    known = Plan(source=source, search=search, workers=count, nested=request.nested)
    return measured_plan(known, begun=begun) if probed else known


def worker_count(request: FitRequest) -> int:
    """Give the number of worker processes: one a core that this process may use, unless asked otherwise."""
    return core_count() if request.workers is None else request.workers


def _warm_start(request: FitRequest, source: Source) -> WarmStart | None:
    """Read the configs of the run that a request begins with, if there is one."""
    if request.from_run is None:
        return None
    from evenfit.runs.warm_start import read_warm_start

    target = source.table.schema.target
    task = "" if target is None else target.task
    return read_warm_start(request.from_run, runs=request.runs, task=task, fingerprint=source.fingerprint)


def _starting(count: int, *, table: str) -> AbstractContextManager[Processes | Alone]:
    """Start the workers at once, since they take a second or two; unless the table is plainly not there."""
    if count <= 1 or not Path(table).is_file():
        return Alone()
    return Processes(count=count)
