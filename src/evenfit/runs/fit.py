"""Fit: one run from a request to a folder with a model in it; written once, here."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from evenfit.data.schema import Table
from evenfit.data.sources import read
from evenfit.data.splits import describe_splits, make_splits
from evenfit.data.table import describe, understand
from evenfit.errors import DataError, Interrupted, StoreError
from evenfit.experiments.heat import Entry, Epoch, Event, Finished, Heat, HeatDone
from evenfit.experiments.processes import Processes
from evenfit.experiments.tuning import Planned
from evenfit.experiments.workers import Workers
from evenfit.report.facts import Facts, Finish, Fresh
from evenfit.results.metrics import default_metric, metric_of
from evenfit.results.study import Study
from evenfit.runs.clock import process_age
from evenfit.runs.outcome import Outcome
from evenfit.runs.progress import Progress, Report
from evenfit.runs.request import FitRequest
from evenfit.runs.search import Found, Search, conclude, plan_search, run_search
from evenfit.specs.config import Config
from evenfit.specs.space import Space
from evenfit.store import Run, Store, open_store

_FILES = ("model", "report.html", "config.toml", "metrics.json", "request.toml", "README.md")


def fit(request: FitRequest, *, progress: Report) -> Outcome:
    """Tune a network on a table, score it honestly, and keep everything in the run's folder.

    Raises:
        EvenfitError: the table, a column or an option cannot be used, or the budget is too small.
        Interrupted: the user stopped the run after it was stored; it can be resumed.
    """
    started = time.monotonic() - process_age()
    count = worker_count(request)
    with _starting(count, table=request.table) as workers:
        source = _understand(request, progress)
        search = _plan(request, source, workers=count)
        stored = request.to_json() | {"space": search.space.to_json(), "workers": count}
        with open_store(Path(request.runs)) as store:
            run = store.create_run(stored, name=request.name, fingerprint=source.fingerprint)
            job = _Job(request=request, source=source, search=search, store=store, run=run, started=started)
            return job.run_with(workers, progress, before=0.0)


def resume(name: str, *, runs: str, progress: Report) -> Outcome:
    """Go on with a run that was stopped: spend what is left of its budget, and end as if it had not been.

    Raises:
        EvenfitError: there is no such run, it is done or under way, or its table has changed.
        Interrupted: the user stopped the run again.
    """
    started = time.monotonic() - process_age()
    with open_store(Path(runs), create=False) as store:
        run = store.run(name)
        if run.status == "done":
            raise StoreError(f"run {run.name!r} is done; see it with: evenfit show {shlex.quote(run.name)}")
        values = dict(run.request)
        space, count = Space.from_json(values.pop("space")), values.pop("workers")
        request = replace(FitRequest.from_json(values), runs=str(runs))
        with _starting(count, table=request.table) as workers:
            source = _understand(request, progress)
            if source.fingerprint != run.fingerprint:
                raise DataError(f"{request.table} has changed since run {run.name!r} began; fit it anew")
            search = _plan(request, source, workers=count, space=space)
            job = _Job(request=request, source=source, search=search, store=store, run=run, started=started)
            return job.run_with(workers, progress, before=run.seconds_spent)


def plan(request: FitRequest) -> dict[str, Any]:
    """Say what a fit would do: data, splits, default config, and the space that it would search."""
    source = _understand(request, lambda _: None)
    search = _plan(request, source, workers=worker_count(request))
    default = search.space.default
    values = search.space.to_json()["values"]
    return {
        "data": describe(source.table),
        "splits": describe_splits(search.problem.splits),
        "metric": search.problem.metric,
        "workers": worker_count(request),
        "budget": request.budget.to_json(),
        "default": default.to_json(),
        "default_seconds": search.costs.config(default),
        "searched": values,
    }


def worker_count(request: FitRequest) -> int:
    """Give the number of worker processes: one a core that this process may use, unless asked otherwise."""
    if request.workers is not None:
        return request.workers
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class _Source:
    """What was read: the table to learn from, and the labelled rows that are scored at the end."""

    table: Table
    test: Table | None
    fingerprint: str


def _starting(count: int, *, table: str) -> AbstractContextManager[Processes | _Alone]:
    """Start the workers at once, since they take a second or two; unless the table is plainly not there."""
    if count <= 1 or not Path(table).is_file():
        return _Alone()
    return Processes(count=count)


class _Alone:
    """Stands for no worker processes: heats run in this one."""

    def give(self, problem: Any) -> Workers:
        from evenfit.experiments.here import Here

        return Here(problem)

    def __enter__(self) -> _Alone:
        return self

    def __exit__(self, *details: object) -> None:
        return None


def _understand(request: FitRequest, progress: Report) -> _Source:
    frame = read(request.table, delimiter=request.delimiter, encoding=request.encoding)
    table = understand(
        frame,
        target=request.target,
        task=request.task,
        categorical=request.categorical,
        drop=request.drop,
        group=request.group,
        time=request.time,
        weight=request.weight,
    )
    test = None
    if request.test is not None:
        rows = read(request.test, delimiter=request.delimiter, encoding=request.encoding)
        test = table.schema.apply(rows, with_target=True)
    progress(Progress(line=describe(table)))
    for note in table.notes:
        progress(Progress(line=note))
    return _Source(table=table, test=test, fingerprint=_fingerprint(Path(request.table)))


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plan(request: FitRequest, source: _Source, *, workers: int, space: Space | None = None) -> Search:
    table = source.table
    task = table.schema.target.task if table.schema.target else ""
    metric = metric_of(request.metric or default_metric(task), task=task)
    splits = make_splits(table, folds=request.folds, repeats=request.repeats, seed=request.seed)
    return plan_search(
        table,
        splits,
        metric=metric.name,
        budget=request.budget,
        workers=workers,
        seed=request.seed,
        selection=request.selection,
        balanced_classes=request.class_weights,
        space=space,
    )


class _Job:
    """A stored run under way."""

    def __init__(
        self, *, request: FitRequest, source: _Source, search: Search, store: Store, run: Run, started: float
    ) -> None:
        self.request, self.source, self.search = request, source, search
        self.store, self.run, self.started = store, run, started
        self.found = Found()
        self.running: dict[int, int] = {}  # configs of the heats that are under way

    def run_with(self, starting: Processes | _Alone, progress: Report, *, before: float) -> Outcome:
        """Search, conclude, deploy and report; what an interruption leaves can be resumed."""
        self.before, self.progress = before, progress
        try:
            with self.store.lock(self.run):
                self._recover()
                workers = starting.give(self.search.problem)
                self._search(workers)
                starting.__exit__(None, None, None)
                return self._finish()
        except KeyboardInterrupt:
            self.store.spend(self.run, self._spent())
            raise Interrupted(self.run.name, runs=self.request.runs) from None

    def _recover(self) -> None:
        for trial in self.store.trials(self.run):
            self.found.trials[trial.number] = trial
            if trial.status == "complete":
                self.found.states[trial.number] = self.store.state(self.run, trial.number)

    def _search(self, workers: Workers) -> None:
        run_search(
            self.search,
            workers,
            stop_at=self._stop_at(),
            found=self.found,
            planned=[_stored_heat(stored.number, stored.configs) for stored in self.store.rounds(self.run)],
            tell=self._tell,
        )

    def _tell(self, event: Planned | Event) -> None:
        """Keep what must not be lost, and say how far it is."""
        if isinstance(event, Planned):
            heat = event.heat
            self.running[heat.round] = len(heat.entries)
            configs = [_stored_entry(entry) for entry in heat.entries]
            self.store.add_round(self.run, heat.round, configs, "default" if heat.round == 0 else "tpe")
        elif isinstance(event, Finished):
            self.store.add_trial(self.run, event.trial, state=event.state, seconds_spent=self._spent())
        elif isinstance(event, Epoch):
            self.running[event.round] = event.running
        elif isinstance(event, HeatDone):
            self.running.pop(event.round, None)
        self._say()

    def _say(self, note: str = "") -> None:
        budget, spent = self.request.budget, self._spent()
        losses = [trial.loss for trial in self.found.trials.values() if trial.status == "complete"]
        done = len(self.found.trials)
        self.progress(
            Progress(
                seconds_spent=spent,
                seconds_left=None if budget.seconds is None else max(0.0, budget.seconds - spent),
                trials_done=done,
                trials_running=sum(self.running.values()),
                trials_left=None if budget.trials is None else max(0, budget.trials - done),
                best_loss=min(losses, default=None),
                fleets=len(self.running),
                note=note,
            )
        )

    def _spent(self) -> float:
        return self.before + time.monotonic() - self.started

    def _stop_at(self) -> float | None:
        """Give the moment when training ends, so that selection, model and report fit into the budget."""
        seconds = self.request.budget.seconds
        if seconds is None:
            return None
        rows = self.source.table.rows
        reserve = 1.5 + 0.03 * min(seconds, 60.0) + rows * 4e-5
        if self.request.time is not None:
            reserve += 0.1 * seconds
        return self.started + seconds - self.before - min(reserve, 0.35 * seconds)

    def _left(self) -> float:
        seconds = self.request.budget.seconds
        return 10.0 if seconds is None else seconds - self._spent()

    def _finish(self) -> Outcome:
        from evenfit.runs.deployment import make_model, refit_model
        from evenfit.runs.importance import importance
        from evenfit.runs.scoring import score_rows

        self._say("selecting")
        notes = list(self.source.table.notes)
        study = conclude(self.search, self.found, seconds=self._spent(), stopped="budget", notes=notes)
        fold_model = make_model(self.search, self.found, study)
        model = fold_model
        if self.request.time is not None:
            self._say("training the final model on all rows")
            model = refit_model(
                self.search, study, stop=lambda: self._left() < 0.05 * (self.request.budget.seconds or 0)
            )
        model.save(self.run.folder / "model")
        fresh = None
        if self.source.test is not None:
            fresh = score_rows(model, self.source.test, source=str(self.request.test))
        self._say("measuring what each column is worth")
        worth = importance(self.search.problem, fold_model, seconds=min(3.0, max(0.3, self._left() - 1.5)))
        facts = self._facts(study, worth, fresh)
        outcome = Outcome(study=study, facts=facts, folder=self.run.folder, name=self.run.name)
        self._say("writing the report")
        self._write(outcome)
        self.store.prune_states(self.run, {part.trial for part in fold_model.parts})
        self.store.finish(self.run, outcome.json(), "done", report=outcome.text())
        self.store.spend(self.run, self._spent())
        return outcome

    def _write(self, outcome: Outcome) -> None:
        from evenfit.report.page import page
        from evenfit.report.readme import readme
        from evenfit.report.toml import toml
        from evenfit.runs.options import to_toml

        folder, study, facts = self.run.folder, outcome.study, outcome.facts
        files = {
            "report.html": page(study, facts),
            "config.toml": toml(study.selected.config, title=f"The selected config of run {self.run.name}."),
            "metrics.json": json.dumps(outcome.json(), indent=2, ensure_ascii=False, default=str) + "\n",
            "request.toml": to_toml(self.request),
            "README.md": readme(study, facts),
        }
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", errors="replace")

    def _facts(self, study: Study, worth: tuple[Any, ...], fresh: Fresh | None) -> Facts:
        table, request = self.source.table, self.request
        kinds: dict[str, int] = {}
        for column in table.schema.columns:
            kinds[column.kind] = kinds.get(column.kind, 0) + 1
        target = table.schema.target
        classes = tuple(str(name) for name in target.classes) if target and target.task != "regression" else ()
        weights = [f"each row by its {request.weight}"] if request.weight else []
        weights += ["every class as much as any other"] if request.class_weights else []
        budget = request.budget
        return Facts(
            name=self.run.name,
            folder=str(self.run.folder),
            command=_command(request),
            description=describe(table),
            target=request.target,
            rows=table.rows,
            columns=tuple(kinds.items()),
            classes=classes,
            left_out=tuple((left.name, left.reason) for left in table.schema.left_out),
            notes=tuple(table.notes),
            weights="; ".join(weights),
            budget=f"{budget.trials} trials" if budget.seconds is None else f"{budget.seconds:g}s",
            seconds=budget.seconds,
            seconds_spent=self._spent(),
            finishes=tuple(Finish(trial=known.trial, seconds=known.seconds) for known in self.store.finishes(self.run)),
            importance=worth,
            fresh=fresh,
            ensemble_gain=study.selected.selection_loss.mean - study.ensemble.loss if study.ensemble.used else None,
            versions=_versions(),
        )


def _command(request: FitRequest) -> str:
    words = ["evenfit", "fit", request.table, "--target", request.target]
    return shlex.join(words)


def _versions() -> tuple[tuple[str, str], ...]:
    names = ("evenfit", "torch", "numba", "numpy", "optuna", "polars")
    return (("python", platform.python_version()), *((name, metadata.version(name)) for name in names))


def _stored_entry(entry: Entry) -> dict[str, Any]:
    return {"number": entry.number, "protected": entry.protected, "config": entry.config.to_json()}


def _stored_heat(number: int, configs: tuple[Mapping[str, Any], ...]) -> Heat:
    entries = tuple(
        Entry(number=known["number"], config=Config.from_json(known["config"]), protected=known["protected"])
        for known in configs
    )
    return Heat(round=number, entries=entries, rungs=() if number == 0 else Heat.rungs)


Clock = Callable[[], float]
