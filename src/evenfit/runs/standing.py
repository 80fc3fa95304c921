"""Standing: how far a search is, from what it has found and what trains."""

from __future__ import annotations

from evenfit.results.metrics import metric_of
from evenfit.results.trial import COMPLETE
from evenfit.runs.progress import Progress
from evenfit.runs.search import Found, Search
from evenfit.runs.tally import Tally


def standing(search: Search, found: Found, tally: Tally, *, seconds: float | None, spent: float, note: str) -> Progress:
    """Say how far a search is: what it has spent, what is left of each limit, and the best loss so far.

    Args:
        search: what is tried.
        found: the trials that are done.
        tally: what trains, and what was trained.
        seconds: of the whole run, the searches nested in it included; None where its budget has none.
        spent: seconds of them that are over.
        note: what is being done, when it is not the search.
    """
    budget, problem = search.budget, search.problem
    metric = metric_of(problem.metric, task=problem.task)
    best = min((trial.loss for trial in found.trials.values() if trial.status == COMPLETE), default=None)
    done = len(found.trials)
    return Progress(
        seconds_spent=spent,
        seconds_left=None if seconds is None else max(0.0, seconds - spent),
        trials_done=done,
        trials_running=sum(tally.running.values()),
        trials_left=None if budget.trials is None else max(0, budget.trials - done),
        epochs_done=tally.epochs,
        epochs_left=None if budget.epochs is None else max(0, budget.epochs - tally.epochs),
        best_loss=None if best is None else metric.score(best) if metric.name == "rmse" else best,
        fleets=len(tally.running),
        note=note,
    )
