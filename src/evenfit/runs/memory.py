"""Memory: a study of a table that lies in memory, without any file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evenfit.data.schema import Table
from evenfit.data.splits import make_splits
from evenfit.errors import DataError
from evenfit.experiments.processes import Processes
from evenfit.results.metrics import default_metric, metric_of
from evenfit.results.study import Study
from evenfit.runs.alone import Alone
from evenfit.runs.nested import Nesting, Plan, measure_nested
from evenfit.runs.progress import ignore
from evenfit.runs.reached import with_target_note
from evenfit.runs.request import FitRequest
from evenfit.runs.search import PROPOSALS, Found, Search, conclude, plan_search, run_search
from evenfit.runs.warming import warm_engine
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.objectives import LOSS
from evenfit.specs.racing import RACING
from evenfit.specs.space import Space, SpaceRequest

_DEFAULT_SHARE = 0.16  # of the seconds that limit a study of a number of trials: what its default config may take
_PROCESS_SECONDS = 20.0  # a shorter study is over before processes have started and paid for themselves


@dataclass(frozen=True, kw_only=True)
class Solved:
    """A search that is done: what it was to try, what it found, and what follows."""

    search: Search
    found: Found
    study: Study


def plan_in_memory(  # noqa: PLR0913 - every option is a keyword
    table: Table,
    *,
    metric: str | None,
    budget: Budget,
    folds: int,
    seed: int,
    workers: int,
    repeats: int = 1,
    holdout: float | None = None,
    space: Space | SpaceRequest | None = None,
    proposals: str = PROPOSALS,
    racing: str = RACING,
    objectives: tuple[str, ...] = (),
    prefer: str = LOSS,
    target_loss: float | None = None,
    stop_when_settled: bool = False,
    memory: int | None = None,
    warm: Sequence[Config] = (),
) -> Search:
    """Decide what a study of this table will try.

    With a limit in trials or epochs the number of workers has no part in it, and seconds only where the default
    config would take too many of them, by a cost model that asks no clock.
    """
    if table.schema.target is None:
        raise DataError("a study needs a table with its target, got one without")
    task = table.schema.target.task
    known = metric_of(metric or default_metric(task), task=task)
    splits = make_splits(table, folds=folds, repeats=repeats, seed=seed, holdout=holdout)

    def planned(sized: Budget, cores: int) -> Search:
        return plan_search(
            table,
            splits,
            metric=known.name,
            budget=sized,
            workers=cores,
            seed=seed,
            selection="best",
            space=space,
            proposals=proposals,
            racing=racing,
            objectives=objectives,
            prefer=prefer,
            target_loss=target_loss,
            stop_when_settled=stop_when_settled,
            memory=memory,
            warm=warm,
        )

    if budget.trials is None and budget.epochs is None:
        return planned(budget, workers)
    search = planned(Budget(trials=budget.trials, epochs=budget.epochs), 1)
    if budget.seconds is not None and search.costs.config(search.space.default) > _DEFAULT_SHARE * budget.seconds:
        search = planned(budget, 1)
    return replace(search, budget=budget)


def plan_request(
    request: FitRequest,
    table: Table,
    *,
    workers: int,
    space: Space | SpaceRequest | None,
    first: Sequence[Config] = (),
) -> Search:
    """Decide what a study of this table will try, as a request says.

    Args:
        request: options and budget.
        table: the rows.
        workers: processes that train.
        space: where to look; None makes one.
        first: configs that are tried after the default, as far as they fit.
    """
    return plan_in_memory(
        table,
        metric=request.metric,
        budget=request.budget,
        folds=request.folds,
        repeats=request.repeats,
        holdout=request.holdout,
        seed=request.seed,
        workers=workers,
        space=space,
        proposals=request.proposals,
        racing=request.racing,
        objectives=request.objectives,
        prefer=request.prefer,
        target_loss=request.target_loss,
        stop_when_settled=request.stop_when_settled,
        memory=request.memory,
        warm=first,
    )


def solve(
    search: Search,
    *,
    workers: int,
    started: float,
    notes: Sequence[str] = (),
    nesting: Nesting | None = None,
    plan: Plan | None = None,
) -> Solved:
    """Try configs until the budget, which runs from ``started`` on the monotonic clock, is spent; and select.

    With ``nesting``, searches on parts of the rows come first, planned by ``plan``; the budget is then the nesting's.

    Raises:
        BudgetError: it is too small for any answer.
    """
    started += warm_engine(ignore)
    stop_at = _stop_at(search, started, budget=search.budget if nesting is None else nesting.budget)
    nested = None
    with Processes(count=workers) if workers > 1 else Alone() as starting:
        if nesting is not None and plan is not None:
            nested = measure_nested(
                search.problem.table,
                nesting,
                plan=plan,
                give=lambda problem, end: starting.give(problem, stop_at=end),
                stop_at=stop_at,
            )
        found = run_search(
            search,
            starting.give(search.problem, stop_at=stop_at),
            stop_at=stop_at,
            found=Found(),
            tell=lambda _: None,
        )
    study = conclude(search, found, seconds=time.monotonic() - started, stopped=found.stopped, notes=notes)
    study = with_target_note(study, search.target_loss)
    return Solved(search=search, found=found, study=replace(study, nested=nested))


def _stop_at(search: Search, started: float, *, budget: Budget) -> float | None:
    """Give the moment when training ends, so that selection and the model fit into the budget."""
    seconds = budget.seconds
    if seconds is None:
        return None
    reserve = 1.0 + 0.03 * min(seconds, 60.0) + search.problem.table.rows * 4e-5
    return started + seconds - min(reserve, 0.35 * seconds)


def useful_workers(wanted: int, budget: Budget) -> int:
    """Give the number of processes that are worth their start: as many as wanted, or 1 where time is short."""
    short = budget.seconds is not None and budget.seconds < _PROCESS_SECONDS
    return 1 if short else wanted
