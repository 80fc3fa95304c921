"""Ranking: which regularisers mattered, at the end of a search."""

from __future__ import annotations

import time
from collections.abc import Callable

from evenfit.experiments.ablation import ablate, finished
from evenfit.experiments.workers import Workers
from evenfit.results.ablation import effects
from evenfit.results.leaning import FEWEST, leaning
from evenfit.results.ranking import Ranking
from evenfit.results.selection import select
from evenfit.results.trial import Trial
from evenfit.runs.search import Found, Search, prices_of


def rank_regularisers(
    search: Search,
    found: Found,
    *,
    workers: Workers,
    stop_at: float | None,
    apart: float,
    say: Callable[[str], None],
) -> Ranking:
    """Say which regularisers mattered: by an ablation where there is time for it, else by the search.

    Args:
        search: what was searched.
        found: its trials.
        workers: all of them idle.
        stop_at: moment of the monotonic clock after which no step begins; None asks no clock.
        apart: seconds that were kept for an ablation; 0 makes none.
        say: is told what is being done.
    """
    trials = [found.trials[number] for number in sorted(found.trials)]
    truth = search.problem.truth
    prices = prices_of(search, found)
    priced = None if prices is None else prices.values
    selected = trials[select(truth, trials, rule=search.rule, prices=priced)]
    used = tuple(
        name
        for name in selected.config.regularisers()
        if name != "label_smoothing" or search.problem.task != "regression"
    )
    if stop_at is None:  # no clock has a part in it: all, unless the search itself was no longer
        count = len(used) if len(trials) >= FEWEST else 0
    else:
        count = _affordable(selected, len(used), seconds=(stop_at - time.monotonic()) * workers.count) if apart else 0
    names = used[:count]
    if names:
        say("measuring what each regulariser does")
        events = list(ablate(selected.config, names, workers=workers, stop_at=stop_at))
        known = finished(events, selected.config, names)
        if known is not None:
            measured = effects(truth, *known)
            told = {effect.name for effect in measured}
            left = tuple(name for name in used if name not in told)
            return Ranking(effects=measured, leaning=leaning(trials), unmeasured=left)
    return Ranking(leaning=leaning(trials), unmeasured=used)


def _affordable(selected: Trial, count: int, *, seconds: float) -> int:
    """Say how many of its regularisers the selected config can be trained without in so many core-seconds."""
    if not selected.seconds > 0:
        return 0
    return max(0, min(count, int(0.8 * seconds / selected.seconds) - 1))
