"""Planning: from a request and its table to the search that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evenfit.data.splits import make_splits
from evenfit.results.metrics import default_metric, metric_of
from evenfit.runs.nested import share_of
from evenfit.runs.request import FitRequest
from evenfit.runs.search import Search, plan_search
from evenfit.runs.source import Source
from evenfit.specs.config import Config
from evenfit.specs.space import Space


def plan_job(
    request: FitRequest,
    source: Source,
    *,
    workers: int,
    space: Space | None = None,
    warm: Sequence[Config] = (),
) -> Search:
    """Decide what a request's search will try: anew, or in the space of a run that is resumed.

    The configs of ``warm``, of another run, come first. Where searches are nested, this one has its share of the
    budget.
    """
    table = source.table
    task = table.schema.target.task if table.schema.target else ""
    metric = metric_of(request.metric or default_metric(task), task=task)
    splits = make_splits(
        table, folds=request.folds, repeats=request.repeats, seed=request.seed, holdout=request.holdout
    )
    search = plan_search(
        table,
        splits,
        metric=metric.name,
        budget=share_of(request.budget, request.nested),
        workers=workers,
        seed=request.seed,
        selection=request.selection,
        balanced_classes=request.class_weights,
        space=request.space if space is None else space,
        proposals=request.proposals,
        racing=request.racing,
        objectives=request.objectives,
        prefer=request.prefer,
        target_loss=request.target_loss,
        memory=request.memory,
        stop_when_settled=request.stop_when_settled,
        rounds=not request.budget.timed,
        warm=warm,
    )
    return replace(search, searches=1 + (request.nested or 0))
