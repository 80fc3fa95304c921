"""Extending: more of its budget for a run that has ended, or was stopped."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

from evenfit.errors import BudgetError, StoreError
from evenfit.experiments.heat import Heat
from evenfit.experiments.rounds import is_cut
from evenfit.runs.kept import Kept
from evenfit.runs.search import Search
from evenfit.runs.stored import part
from evenfit.specs.budget import UNITS, Budget, budget_text
from evenfit.specs.racing import racing_of
from evenfit.store import Round, Run, Store


def extended(kept: Kept, run: Run, more: Budget) -> Kept:
    """Give what a run is asked for when it may spend so much more.

    A target that was reached, and a search that was settled, no longer end it: who extends wants more.

    Raises:
        StoreError: the run failed.
        BudgetError: it has no such unit, or another one ended it.
    """
    if run.status == "failed":
        raise StoreError(f"run {run.name!r} failed, so there is nothing to extend; fit anew")
    if kept.request.nested is not None:
        raise StoreError(
            f"run {run.name!r} is nested: its outer searches had the smaller budget, so it cannot be extended; fit anew"
        )
    budget = kept.request.budget.extended(more)
    stopped = (run.summary or {}).get("stopped")
    if run.status == "done" and stopped in UNITS and stopped not in more.units:
        value = budget_text(Budget(**{stopped: getattr(kept.request.budget, stopped)}))
        raise BudgetError(
            f"run {run.name!r} was ended by its limit of {value}; extend it by {stopped}, got {budget_text(more)}"
        )
    before: dict[str, Any] = {"budget": budget_text(kept.request.budget), "by": budget_text(more), "trials": run.trials}
    before |= {"seconds": round(run.seconds_spent, 1), "stopped": stopped}
    before["estimate"] = dict(part(run.summary, "estimate")) or None
    before["selected"] = part(run.summary, "selected").get("trial")
    request = replace(kept.request, budget=budget, target_loss=None, stop_when_settled=False)
    return replace(kept, request=request, extended=(*kept.extended, before))


def keep_extension(store: Store, run: Run, kept: Kept, search: Search) -> Run:
    """Write what a run is asked for now; a heat that the smaller budget cut, and what came after it, is raced anew.

    So the trials are those that the larger budget had given at once. Where seconds are limited, all trials stay.

    Raises:
        StoreError: the run is under way.
    """
    stored = store.rounds(run) if search.rounds else ()
    cut = next((one for one in stored if _was_cut(one, search)), None)
    with store.lock(run):
        return store.extend(run, kept.to_json(), without=cut)


def _was_cut(stored: Round, search: Search) -> bool:
    """Whether a limit has left a heat less than was proposed; of earlier versions it is known by its size."""
    if all("cut" in entry for entry in stored.configs):
        return any(entry["cut"] for entry in stored.configs)
    heat = Heat(round=stored.number, entries=tuple(stored.configs))  # type: ignore[arg-type]
    return is_cut(heat, racing=racing_of(search.racing), most=search.costs.entries)


def check_open(run: Run) -> None:
    """A run can be resumed unless it has ended.

    Raises:
        StoreError: it has.
    """
    if run.status == "done":
        folder = shlex.quote(str(run.folder))
        raise StoreError(f"run {run.name!r} is done; see it with: evenfit show {folder}; for more: --extend 5m")
    if run.status == "failed":
        raise StoreError(
            f"run {run.name!r} failed: its budget was too small, or its table cannot be learnt from; fit anew"
        )
