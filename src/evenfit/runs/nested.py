"""Nested cross-validation of a run: whole searches on parts of its rows, kept in its folder as they are done."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evenfit.data.schema import Table, take_rows
from evenfit.data.splits import Split, make_splits
from evenfit.errors import BudgetError, ConfigError, DataError
from evenfit.experiments.problem import Problem
from evenfit.experiments.workers import Workers
from evenfit.results.baseline import constant_predictions
from evenfit.results.metrics import metric_of
from evenfit.results.nested_estimate import NestedEstimate, OuterFold, nested_estimate
from evenfit.results.study import Interval, Study
from evenfit.results.summary import CLAIM_LEVEL
from evenfit.runs.search import Found, Search, conclude, run_search
from evenfit.specs.budget import Budget

_FOLDER = "nested"
_SEED = 0x0E57  # added to the seed of the outer folds, so that they are not those of the search
_SELECTING = 1.5  # seconds of a share that are kept for selection and for judging

Plan = Callable[[Table, Budget], Search]  # what a search of these rows, with this budget, will try
Give = Callable[[Problem, float | None], Workers]
Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Nesting:
    """How many outer folds, of which seed, under which budget in all."""

    folds: int
    seed: int
    budget: Budget


def share_of(budget: Budget, folds: int | None) -> Budget:
    """Give what one search of a nested run may spend: equal shares for every outer fold and for the run's own search.

    Raises:
        BudgetError: a share would be less than one trial.

    Example:
        >>> share_of(Budget(trials=60), 5).trials, share_of(Budget(seconds=60.0), 5).seconds
        (10, 10.0)
    """
    if folds is None:
        return budget
    trials = None if budget.trials is None else budget.trials // (folds + 1)
    if trials == 0:
        raise BudgetError(
            f"{budget.trials} trials are too few for {folds + 1} searches, {folds} of them nested; "
            f"give it at least {folds + 1}, or leave nested out"
        )
    seconds = None if budget.seconds is None else budget.seconds / (folds + 1)
    epochs = None if budget.epochs is None else budget.epochs // (folds + 1)
    if epochs == 0:
        raise BudgetError(f"{budget.epochs} epochs are too few for {folds + 1} searches, {folds} of them nested")
    return replace(budget, seconds=seconds, trials=trials, epochs=epochs)


def outer_splits(table: Table, nesting: Nesting) -> tuple[Split, ...]:
    """Split the rows for the outer folds, by class and by group as the search's own.

    Raises:
        ConfigError: the rows have an order in time, or are too few for so many folds.
    """
    if table.time is not None:
        raise ConfigError("nested cannot be had with time: the folds of rows in time follow one another already")
    if table.groups is not None and (groups := np.unique(table.groups).size) < nesting.folds:
        raise ConfigError(f"nested must be at most the number of groups, {groups}; got {nesting.folds}")
    if table.rows < nesting.folds:
        raise ConfigError(f"nested must be at most the number of rows, {table.rows}; got {nesting.folds}")
    return make_splits(table, folds=nesting.folds, seed=nesting.seed + _SEED)


def measure_nested(
    table: Table,
    nesting: Nesting,
    *,
    plan: Plan,
    give: Give,
    stop_at: float | None,
    folder: Path | None = None,
    tell: Tell = lambda _: None,
    done: Callable[[OuterFold], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> NestedEstimate:
    """Search on the rows of all outer folds but one, judge what that selects by the one left out, and so on.

    Args:
        table: all rows.
        nesting: how.
        plan: decides what is searched, anew for every outer fold.
        give: hands a problem to the workers there are.
        stop_at: when the whole budget is spent, by the clock: the searches and one more share what is left equally.
        folder: of the run; searches that are done are kept there, and read from there.
        tell: is told what is under way.
        done: is told of each fold that was not known before.
        clock: gives seconds.

    Raises:
        BudgetError: a share of the budget is too small for an answer.
        DataError: the rows of some folds cannot be learnt from.
    """
    splits = outer_splits(table, nesting)
    known = {} if folder is None else _stored(folder)
    for number, split in enumerate(splits):
        if number in known:
            continue
        tell(f"nested search {number + 1} of {nesting.folds}")
        began = clock()
        left = None if stop_at is None else (stop_at - began) / (nesting.folds - len(known) + 1)
        end = None if left is None else began + left - min(_SELECTING, 0.3 * left)
        try:
            found = _outer_fold(table, number, split, nesting=nesting, plan=plan, give=give, end=end, clock=clock)
        except BudgetError as error:
            raise BudgetError(
                f"the budget is too small for {nesting.folds} nested searches and the run's own, which share it "
                f"equally: {error}"
            ) from error
        known[number] = found
        if folder is not None:
            _store(folder, found)
        done(found)
    folds = [known[number] for number in range(nesting.folds)]
    return nested_estimate(folds, level=folds[0].estimate.level, claim_level=CLAIM_LEVEL)


def _outer_fold(
    table: Table,
    number: int,
    split: Split,
    *,
    nesting: Nesting,
    plan: Plan,
    give: Give,
    end: float | None,
    clock: Callable[[], float],
) -> OuterFold:
    from evenfit.runs.deployment import make_model  # here: with them comes torch, which workers alone need at first
    from evenfit.runs.scoring import score_rows

    began = clock()
    search = plan(take_rows(table, split.train), share_of(nesting.budget, nesting.folds))
    search = replace(search, searches=nesting.folds + 1)
    found = run_search(search, give(search.problem, end), stop_at=end, found=Found(), tell=lambda _: None)
    study = conclude(search, found, seconds=clock() - began, stopped=found.stopped)
    judged = take_rows(table, split.validate)
    fresh = score_rows(make_model(search, found, study), judged, source="the outer fold")
    if fresh.members_loss is None or not math.isfinite(fresh.members_loss):
        raise DataError(
            f"the {metric_of(study.truth.metric, task=study.truth.task).label} of outer fold {number + 1} "
            "cannot be had: its rows may lack a class; use fewer nested folds"
        )
    estimate = study.estimate
    return OuterFold(
        fold=number,
        training_rows=len(split.train),
        rows=len(split.validate),
        trials=len(study.trials),
        config=study.selected.config,
        same=study.comparison.same,
        members_loss=fresh.members_loss,
        deployed_loss=fresh.loss.mean,
        default_loss=_default_loss(search, found, study, judged),
        constant_loss=_constant_loss(study, judged),
        plain=estimate.plain,
        estimate=Interval(mean=estimate.mean, low=estimate.low, high=estimate.high, level=estimate.level),
        seconds=clock() - began,
    )


def _default_loss(search: Search, found: Found, study: Study, judged: Table) -> float:
    """Give the loss of the default's networks, one by one; NaN where it could not be completed."""
    from evenfit.deploy.part import predictions
    from evenfit.runs.deployment import fold_members

    if 0 not in found.states:
        return math.nan
    if judged.target is None:
        raise DataError("a fold is judged by its target, and has none")
    part, truth = fold_members(search, found, 0), study.truth
    metric = metric_of(truth.metric, task=truth.task)
    losses = [
        float(metric.loss(metric.values(one, judged.target), judged.target, None)[0])
        for one in predictions(part, judged, classes=truth.classes)
    ]
    return float(np.mean(losses))


def _constant_loss(study: Study, judged: Table) -> float:
    """Give the loss of predicting for every row what is best for all rows that the search had."""
    if judged.target is None:
        raise DataError("a fold is judged by its target, and has none")
    metric = metric_of(study.truth.metric, task=study.truth.task)
    same = np.tile(constant_predictions(study.truth)[:1], (judged.rows, 1))
    return float(metric.loss(metric.values(same, judged.target), judged.target, None)[0])


def _store(folder: Path, fold: OuterFold) -> None:
    """Keep a fold whole or not at all."""
    home = folder / _FOLDER
    home.mkdir(parents=True, exist_ok=True)
    waiting = home / f".fold-{fold.fold}.json"
    waiting.write_text(json.dumps(fold.to_json()) + "\n", encoding="utf-8")
    waiting.replace(home / f"fold-{fold.fold}.json")


def _stored(folder: Path) -> dict[int, OuterFold]:
    """Read the folds that are kept."""
    files: Sequence[Path] = sorted((folder / _FOLDER).glob("fold-*.json"))
    folds = [OuterFold.from_json(json.loads(file.read_text(encoding="utf-8"))) for file in files]
    return {fold.fold: fold for fold in folds}
