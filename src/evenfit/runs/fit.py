"""Fit: one run from a request to a folder with a model in it; written once, here."""

from __future__ import annotations

import shlex
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from evenfit.errors import StoreError
from evenfit.experiments.processes import Processes
from evenfit.runs.alone import Alone
from evenfit.runs.clock import process_age
from evenfit.runs.cores import core_count
from evenfit.runs.progress import Report
from evenfit.runs.request import FitRequest

if TYPE_CHECKING:
    from evenfit.runs.outcome import Outcome
    from evenfit.runs.plan import Plan
    from evenfit.store import Run

# Imports that take long are inside: the workers begin first, and start while this process reads the table.


def fit(request: FitRequest, *, progress: Report) -> Outcome:
    """Tune a network on a table, score it honestly, and keep everything in the run's folder.

    Raises:
        EvenfitError: the table, a column or an option cannot be used, or the budget is too small.
        Interrupted: the user stopped the run after it was stored; it can be resumed.
    """
    started = time.monotonic() - process_age()
    count = worker_count(request)
    with _starting(count, table=request.table) as workers:
        from evenfit.runs.job import Job, plan_job, read_source
        from evenfit.store import open_store

        source = read_source(request)
        search = plan_job(request, source, workers=count)
        stored = request.to_json() | {"space": search.space.to_json(), "workers": count}
        with open_store(Path(request.runs)) as store:
            run = store.create_run(stored, name=request.name, fingerprint=source.fingerprint)
            job = Job(request=request, source=source, search=search, store=store, run=run, started=started)
            return job.run_with(workers, progress)


def resume(name: str, *, runs: str, progress: Report) -> Outcome:
    """Go on with a run that was stopped: spend what is left of its budget, and end as if it had not been.

    Raises:
        EvenfitError: there is no such run, it is done or under way, or its table has changed.
        Interrupted: the user stopped the run again.
    """
    started = time.monotonic() - process_age()
    from evenfit.specs.space import Space
    from evenfit.store import open_store

    with open_store(Path(runs), create=False) as store:
        run = store.run(name)
        _check_open(run)
        values = dict(run.request)
        space, count = Space.from_json(values.pop("space")), values.pop("workers")
        request = replace(FitRequest.from_json(values), runs=str(runs))
        with _starting(count, table=request.table) as workers:
            from evenfit.runs.job import Job, plan_job, read_source

            source = read_source(request)
            source.check_unchanged(run.fingerprint, run=run.name, path=request.table)
            search = plan_job(request, source, workers=count, space=space)
            job = Job(request=request, source=source, search=search, store=store, run=run, started=started)
            return job.run_with(workers, progress)


def plan(request: FitRequest) -> Plan:
    """Say what a fit would do, without doing it.

    Raises:
        EvenfitError: the table, a column or an option cannot be used.
    """
    from evenfit.runs.job import plan_job, read_source
    from evenfit.runs.plan import Plan

    source, count = read_source(request), worker_count(request)
    return Plan(source=source, search=plan_job(request, source, workers=count), workers=count, nested=request.nested)


def worker_count(request: FitRequest) -> int:
    """Give the number of worker processes: one a core that this process may use, unless asked otherwise."""
    return core_count() if request.workers is None else request.workers


def _check_open(run: Run) -> None:
    """A run can be resumed unless it has ended."""
    if run.status == "done":
        raise StoreError(f"run {run.name!r} is done; see it with: evenfit show {shlex.quote(str(run.folder))}")
    if run.status == "failed":
        raise StoreError(
            f"run {run.name!r} failed: its budget was too small, or its table cannot be learnt from; fit anew"
        )


def _starting(count: int, *, table: str) -> AbstractContextManager[Processes | Alone]:
    """Start the workers at once, since they take a second or two; unless the table is plainly not there."""
    if count <= 1 or not Path(table).is_file():
        return Alone()
    return Processes(count=count)
