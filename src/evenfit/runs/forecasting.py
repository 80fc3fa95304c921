"""Forecasting: how many trials a budget buys, or how long so many take, from how fast the default config was.

What configs cost is the cost model's, times the speed that was measured. The range is as wide as the predictions
were wrong on tables at hand: docs/measured.md.
"""

from __future__ import annotations

import json
from pathlib import Path

from evenfit.experiments.sizing import SHARED
from evenfit.proposals.draws import draw_random
from evenfit.results.forecast import Forecast, Range
from evenfit.runs.search import Search
from evenfit.specs.config import Config
from evenfit.specs.racing import racing_of

_DRAWN = 40  # batches of configs whose mean cost is taken
_NEAR = 0.5  # share of configs that cost what the default does: those near the best
_OFF = 1.6  # times more or less than expected: the range
_ABLATED = 4  # configs that are trained after the search, to say which regularisers mattered
_FILE = "forecast.json"


def forecast(
    search: Search, *, default_seconds: float, workers: int, before: float, after: float, train: float | None
) -> Forecast:
    """Say what a search will come to.

    Args:
        search: what it is about.
        default_seconds: measured, of the default config on one core.
        workers: processes that train.
        before: seconds from the start of the run to its first heat.
        after: seconds from its last heat to its end, but for what is trained then.
        train: seconds that may be trained in; None where no limit of the budget is in seconds.
    """
    default, costs, budget = search.space.default, search.costs, search.budget
    speed = default_seconds / max(costs.config(default), 1e-9)
    racing = racing_of(search.racing)
    share = sum(racing(heat).trained(racing(heat).entries(costs.entries)) for heat in (1, 2, 3)) / 3
    drawn = _drawn(search)
    one = speed * share * _mean([costs.config(config) for config in drawn], costs.config(default))
    epochs = costs.splits * share * _mean([float(config.epochs) for config in drawn], float(default.epochs))
    first = costs.splits * default.epochs
    limits = [float(budget.trials)] if budget.trials is not None else []
    if budget.epochs is not None:
        limits.append(1 + max(0.0, budget.epochs - first) / epochs)
    if train is not None:
        limits.append(1 + max(0.0, train * workers - default_seconds) / one)
    trials = max(1.0, min(limits))
    together = workers if train is not None else min(workers, 2)  # of a round, two heats run at once
    searched = default_seconds + (trials - 1) * one / together
    ablated = _ABLATED * default_seconds / workers
    seconds = before + searched + ablated + after
    spent = first + (trials - 1) * epochs
    timed = train is not None and trials >= limits[-1] - 1e-9
    if timed:
        seconds = budget.seconds or seconds
    return Forecast(
        default_seconds=default_seconds,
        speed=speed,
        trials=_range(trials, exact=budget.trials is not None and trials >= budget.trials, least=1),
        seconds=_range(seconds, exact=timed, least=0),
        epochs=_range(spent, exact=False, least=min(first, budget.epochs or first), most=budget.epochs),
    )


def end_seconds(rows: int) -> float:
    """Estimate the seconds from the last heat to the end: selection, model and report.

    Example:
        >>> end_seconds(1000)
        3.04
    """
    return 3.0 + rows * 4e-5


def keep_forecast(folder: Path, known: Forecast) -> None:
    """Write a forecast into a run's folder, so that a run that is resumed is held to it."""
    (folder / _FILE).write_text(json.dumps(known.to_json()) + "\n", encoding="utf-8")


def kept_forecast(folder: Path) -> Forecast | None:
    """Read the forecast of a run, if it has come to one."""
    try:
        return Forecast.from_json(json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _drawn(search: Search) -> list[Config]:
    """Draw configs as a search without any history would."""
    return [
        config for number in range(_DRAWN) for config in draw_random(search.space, (), 2, shared=SHARED, seed=number)
    ]


def _mean(values: list[float], default: float) -> float:
    return _NEAR * default + (1 - _NEAR) * sum(values) / len(values)


def _range(value: float, *, exact: bool, least: float, most: float | None = None) -> Range:
    if exact:
        return Range(low=value, high=value)
    high = value * _OFF if most is None else min(float(most), value * _OFF)
    return Range(low=max(float(least), min(value / _OFF, high)), high=max(high, float(least)))
