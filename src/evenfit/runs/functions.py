"""Tune and cross_validate: evenfit as functions, on arrays and data frames; they write only where a store is given."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evenfit.data.arrays import from_memory
from evenfit.data.schema import Table
from evenfit.errors import ConfigError
from evenfit.experiments.cross_validation import cross_validate as cross_validate_events
from evenfit.experiments.heat import Finished
from evenfit.experiments.here import Here
from evenfit.experiments.processes import Processes
from evenfit.results.cross_validation import CrossValidation, cross_validation
from evenfit.results.study import Study
from evenfit.results.trial import COMPLETE, Trial
from evenfit.runs.alone import Alone
from evenfit.runs.job import Job
from evenfit.runs.kept import Kept
from evenfit.runs.memory import plan_request, solve, useful_workers
from evenfit.runs.nested import Nesting, share_of
from evenfit.runs.progress import ignore
from evenfit.runs.request import FitRequest
from evenfit.runs.search import PROPOSALS, Search
from evenfit.runs.source import Source
from evenfit.runs.spaces import asked_space
from evenfit.runs.warm_start import First, warm_start_of
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.memory import parse_memory
from evenfit.specs.objectives import LOSS
from evenfit.specs.racing import RACING
from evenfit.specs.space import Distribution, Space, SpaceRequest
from evenfit.store import open_store

MODELS = ("mlp",)
_TABLE = "memory"  # the table's name in a store, and so its runs' name


def tune(  # noqa: PLR0913 - every option is a keyword
    model: str,
    X: Any,
    y: Any,
    *,
    budget: Budget | str | float,
    space: Space | SpaceRequest | Mapping[str, Distribution] | None = None,
    folds: int = 5,
    repeats: int = 1,
    holdout: float | None = None,
    seed: int = 0,
    metric: str | None = None,
    task: str | None = None,
    groups: Any = None,
    sample_weight: Any = None,
    workers: int = 1,
    proposals: str = PROPOSALS,
    racing: str = RACING,
    objectives: Sequence[str] = (),
    prefer: str = LOSS,
    nested: int | None = None,
    target_loss: float | None = None,
    stop_when_settled: bool = False,
    memory: str | None = None,
    try_first: First = None,
    store: str | Path | None = None,
) -> Study:
    """Search for a config that generalises, by cross-validation, and say honestly how good it is.

    Args:
        model: the family of networks: "mlp".
        X: an array [rows, columns] or any data frame: numbers, words, booleans, dates; cells may be missing.
        y: what to predict, a value for each row.
        budget: seconds, or a text such as "5m" or "40 trials". In trials, results do not depend on the machine.
        space: where to look: a ``Space``, with a default of its own; or a ``SpaceRequest``, laid over the space that
            fits the table and the budget, which is what None gives. A dict of distributions is such a request.
        folds: of the cross-validation.
        repeats: how often to split anew.
        holdout: share of the rows that judges, in place of folds.
        seed: of everything that is left to chance.
        metric: what selection looks at; None is log loss or RMSE.
        task: "classification" or "regression"; None finds it from the target.
        groups: a value for each row; rows of one group stay in one fold.
        sample_weight: how much each row counts in training.
        workers: processes; 1 is this one.
        proposals: how configs are chosen: "grid", "quasi-random", "tpe" and others, as of ``evenfit fit``.
        racing: when the worse of the configs that train together are dropped: "halving", "hyperband",
            "finish-best", "forgiving" or "none".
        objectives: ("loss", "size") or ("loss", "latency") looks for small or fast networks, too: ``study.front``.
        prefer: which of the front is selected: "loss", the lowest; "small", the smallest or fastest within one
            corrected standard error of it; or "knee", where the front bends most.
        nested: outer folds of nested cross-validation, whose searches share the budget with the study's own; see the
            study's ``nested``.
        target_loss: the search ends where a complete config has this loss or less on cross-validation, in the units
            in which the metric is shown: an RMSE for "rmse".
        stop_when_settled: the search ends where no gain is to be expected that the folds could show.
        memory: what the study's processes may hold together, such as "2g", this one and evenfit's libraries included,
            but not what your own program holds; None is no bound.
        try_first: what is tried after the default, as far as the space has it: configs; or the best ten of another
            study, or of a stored run by its name or folder.
        store: a folder of runs, to keep this one in, model and report included; None writes nothing.

    Raises:
        ConfigError: there is no such model, or an option is out of its range.
        DataError: the rows or the target cannot be used.
        BudgetError: the budget cannot be read, or it or the memory is too small for any answer.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> study = tune("mlp", X, y, budget="2 trials")
        >>> len(study.trials), study.estimate.metric
        (2, 'log_loss')
    """
    started = time.monotonic()
    if model not in MODELS:
        raise ConfigError(f"model must be one of {', '.join(MODELS)}; got {model!r}")
    known = budget if isinstance(budget, Budget) else Budget.parse(str(budget))
    where = asked_space(space)
    if isinstance(objectives, str):
        raise ConfigError(f"objectives must be several words, such as ('loss', 'size'); got {objectives!r}")
    table = from_memory(X, y, task=task, groups=groups, sample_weight=sample_weight)
    request = _request(
        table,
        budget=known,
        folds=folds,
        repeats=repeats,
        holdout=holdout,
        seed=seed,
        metric=metric,
        task=task,
        workers=workers,
        proposals=proposals,
        racing=racing,
        space=where if isinstance(where, SpaceRequest) else None,
        objectives=tuple(objectives),
        prefer=prefer,
        nested=nested,
        target_loss=target_loss,
        stop_when_settled=stop_when_settled,
        memory=None if memory is None else parse_memory(memory),
        from_run=str(try_first) if isinstance(try_first, str | Path) else None,
        store=store,
    )
    warm = warm_start_of(
        try_first,
        runs=request.runs,
        task=table.schema.target.task if table.schema.target else "",
        fingerprint=_fingerprint(table),
    )
    workers = useful_workers(workers, known)

    def plan(rows: Table, share: Budget, first: Sequence[Config] = ()) -> Search:
        return plan_request(replace(request, budget=share), rows, workers=workers, space=where, first=first)

    # Outer folds of nested searches begin with nothing that has seen the rows that judge them.
    search = replace(plan(table, share_of(known, nested), warm.configs), searches=1 + (nested or 0))
    if search.room is not None:
        workers = search.room.workers(workers)
    if store is not None:
        own = where if isinstance(where, Space) else None  # another is in the request
        return _stored(request, search, workers=workers, started=started, space=own, warm_note=warm.note)
    notes = [*table.notes, *([warm.note] if warm.note else [])]
    nesting = None if nested is None else Nesting(folds=nested, seed=seed, budget=known)
    return solve(search, workers=workers, started=started, notes=notes, nesting=nesting, plan=plan).study


def cross_validate(  # noqa: PLR0913 - every option is a keyword
    X: Any,
    y: Any,
    *,
    config: Config,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    metric: str | None = None,
    task: str | None = None,
    groups: Any = None,
    sample_weight: Any = None,
    store: str | Path | None = None,
) -> CrossValidation:
    """Train one config on every split, and judge it by the rows that each split leaves out.

    All folds train together, in this process. Losses are those of the epoch where their mean was lowest.

    Args:
        X: an array [rows, columns] or any data frame.
        y: what to predict, a value for each row.
        config: the network and its training.
        folds: of the cross-validation.
        repeats: how often to split anew.
        seed: of everything that is left to chance.
        metric: what the losses are; None is log loss or RMSE, whose loss is the mean squared error.
        task: "classification" or "regression"; None finds it from the target.
        groups: a value for each row; rows of one group stay in one fold.
        sample_weight: how much each row counts in training.
        store: a folder of runs, to keep this one in, model and report included; None writes nothing.

    Raises:
        ConfigError: an option is out of its range.
        DataError: the rows or the target cannot be used.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from evenfit.specs.config import Config
        >>> X, y = load_iris(return_X_y=True)
        >>> found = cross_validate(X, y, config=Config(width=32, batch_rows=32, dropout=0.1))
        >>> found.losses.shape, found.scores["accuracy"] > 0.9
        ((5,), True)
    """
    started = time.monotonic()
    table = from_memory(X, y, task=task, groups=groups, sample_weight=sample_weight)
    request = _request(
        table, budget=Budget(trials=1), folds=folds, repeats=repeats, seed=seed, metric=metric, task=task, store=store
    )
    search = plan_request(request, table, workers=1, space=Space(default=config))
    if store is not None:
        study = _stored(request, search, workers=1, started=started)
        return cross_validation(study.truth, study.trials[0])
    return cross_validation(search.problem.truth, _trial(search, config))


def _trial(search: Search, config: Config) -> Trial:
    for event in cross_validate_events(config, workers=Here(search.problem)):
        if isinstance(event, Finished) and event.trial.status == COMPLETE:
            return event.trial
    raise ConfigError(
        f"the losses of this config were not finite on any split; lower its learning_rate, {config.learning_rate:g}"
    )


def _request(table: Table, *, store: str | Path | None, **options: Any) -> FitRequest:
    """The options as a request, which checks them and is what a store keeps."""
    schema = table.schema
    return FitRequest(
        table=_TABLE,
        target="" if schema.target is None else schema.target.name,
        group=schema.group,
        weight=schema.weight,
        runs=str(store or "runs"),
        **options,
    )


def _stored(
    request: FitRequest,
    search: Search,
    *,
    workers: int,
    started: float,
    space: Space | None = None,
    warm_note: str = "",
) -> Study:
    """The study of a search that is kept as a run of a store."""
    table = search.problem.table
    source = Source(table=table, test=None, fingerprint=_fingerprint(table))
    with Processes(count=workers) if workers > 1 else Alone() as starting, open_store(Path(request.runs)) as store:
        kept = Kept(request=request, space=search.space, workers=workers, warm=search.warm, warm_note=warm_note)
        run = store.create_run(kept.to_json(), name=None, fingerprint=source.fingerprint)
        job = Job(kept=kept, source=source, search=search, store=store, run=run, started=started, space=space)
        return job.run_with(starting, ignore).study


def _fingerprint(table: Table) -> str:
    known = hashlib.sha256()
    for array in (table.numeric, table.codes, table.target, table.weights, table.groups):
        if array is not None:
            known.update(np.ascontiguousarray(array).tobytes())
    return known.hexdigest()
