"""Forecasting: how many trials a budget buys, or how long so many take, from how fast the default config was.

The search is rehearsed, by its own rules: what configs cost is the cost model's, times the speed that was measured.
Which losses it will find is not known, so it is rehearsed several times, for tables that want small networks and for
those that want large ones. How wide the range is, and how often it held: docs/measured.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from evenfit.experiments.rehearsal import Imagined, rehearse
from evenfit.experiments.tuning import Limits, Terms
from evenfit.proposals.draws import draw_random
from evenfit.proposals.key_first import KeyFirst
from evenfit.proposals.near import draw_near
from evenfit.proposals.plain import UNLEARNT, PlainFirst, base_loss
from evenfit.proposals.portfolio import draw_portfolio
from evenfit.proposals.protocol import Propose
from evenfit.proposals.warm import WarmFirst
from evenfit.proposals.ways import way_of
from evenfit.results.baseline import constant_loss
from evenfit.results.forecast import Forecast, Range
from evenfit.results.trial import Trial
from evenfit.runs.search import WEIGHED, Search, plain_epochs
from evenfit.specs.config import Config
from evenfit.specs.racing import racing_of
from evenfit.specs.space import Space

_LEANINGS = (0.0, -0.15, -0.3, -0.5, -0.75)  # how losses go with size: from many configs to few
RUNNING = (0.5, 2.0)  # times the seconds measured in a fit, where programs and imports start beside it
ALONE = (0.6, 2.5)  # the same, measured in one process where several will train
_HEAT_SECONDS = 0.2  # to propose a heat, and to encode the table for it
_EPOCHS_OFF = 1.1  # times more or fewer than rehearsed
_SPENT = 0.6  # of a budget in seconds, at least: what does not fit into the rest is not begun
_ABLATED = 4  # configs that are trained after the search, to say which regularisers mattered
_FILE = "forecast.json"


def forecast(
    search: Search,
    *,
    default_seconds: float,
    workers: int,
    before: float,
    after: float,
    train: float | None,
    speeds: tuple[float, float] = RUNNING,
    learnt: bool = True,
) -> Forecast:
    """Say what a search will come to.

    Args:
        search: what it is about.
        default_seconds: measured, of the default config on one core.
        workers: processes that train.
        before: seconds from the start of the run to its first heat.
        after: seconds from its last heat to its end, but for what is trained then.
        train: seconds that may be trained in; None where no limit of the budget is in seconds.
        speeds: the least and the most times that the seconds of what follows may be those that were measured.
        learnt: whether the default config has learnt anything, as far as is known.
    """
    budget = search.budget
    speed = default_seconds / max(search.costs.config(search.space.default), 1e-9)
    times = _between(*speeds, count=len(_LEANINGS))
    cases = [
        Imagined(speed=speed * slower, heat_seconds=_HEAT_SECONDS * slower, leaning=leaning, seed=place)
        for place, (leaning, slower) in enumerate(zip(_LEANINGS, times, strict=True))
    ]
    terms = _terms(search, train=train, learnt=learnt)
    found = [rehearse(terms, imagined, workers=workers) for imagined in cases]
    end = _ABLATED * default_seconds / workers + after
    seconds = [before + known.seconds + slower * end for known, slower in zip(found, times, strict=True)]
    epochs = [known.epochs * times for known in found for times in (1 / _EPOCHS_OFF, _EPOCHS_OFF)]
    if budget.epochs is not None:
        epochs = [min(trained, float(budget.epochs)) for trained in epochs]
    if budget.seconds is not None:
        seconds = [min(spent, budget.seconds) for spent in seconds]
        if budget.units == ("seconds",):
            seconds += [_SPENT * budget.seconds, budget.seconds]
    return Forecast(
        default_seconds=default_seconds,
        speed=speed,
        trials=_range([known.trials for known in found]),
        seconds=_range(seconds),
        epochs=_range(epochs),
    )


def _terms(search: Search, *, train: float | None, learnt: bool) -> Terms:
    """Give the terms of a search, with a way of proposing that is quick."""
    budget, classification = search.budget, search.problem.task != "regression"
    way = way_of(search.proposals, space=search.space, seed=search.problem.seed, classification=classification)
    draw = _quick(search.proposals, way.draw, kind="classification" if classification else "regression")
    if way.plain and not learnt:
        draw = PlainFirst(constant=-math.inf, epochs=plain_epochs(search), draw=draw, then=_near_or_random)
    return Terms(
        space=search.space,
        propose=WarmFirst(configs=search.warm, then=draw) if search.warm else draw,
        limits=Limits(
            trials=budget.trials,
            epochs=budget.epochs,
            stop_at=train,
            seconds=budget.seconds,
            rounds=search.rounds,
        ),
        costs=search.costs,
        seed=search.problem.seed,
        racing=racing_of(search.racing),
        weighed=WEIGHED if way.weighed else 1,
        room=search.room,
    )


def _between(low: float, high: float, *, count: int) -> list[float]:
    """So many numbers from low to high, each as many times the one before."""
    return [low * (high / low) ** (place / (count - 1)) for place in range(count)]


def _quick(name: str, draw: Propose, *, kind: str) -> Propose:
    """Give a way of proposing without what takes it long: what learns from losses is near the best, or at random."""
    if name == "portfolio":
        return partial(draw_portfolio, kind=kind, then=_near_or_random)
    if name == "mixed":
        return KeyFirst(draw=_near_or_random)
    return _near_or_random if name in ("tpe", "gp") else draw


def _near_or_random(
    space: Space, history: Sequence[Trial], count: int, *, shared: Collection[str], seed: int
) -> tuple[Config, ...]:
    draw = draw_near if seed % 2 else draw_random
    return draw(space, history, count, shared=shared, seed=seed // 2)


def default_seconds(search: Search, default: Trial, *, step_seconds: float) -> float:
    """Give the core-seconds of the default config: by its steps after its first epoch, which loads the engine.

    Args:
        search: what it is of.
        default: its trial, which the time may have ended early.
        step_seconds: measured, of one step after the first epoch; 0 where none was.
    """
    rows, config = search.costs.rows, default.config
    if step_seconds > 0:
        return step_seconds * config.epochs * (rows // min(config.batch_rows, rows)) * search.costs.splits
    return default.seconds * config.epochs / max(1, int(default.epochs[-1]))


def end_seconds(rows: int) -> float:
    """Estimate the seconds from the last heat to the end: selection, model and report.

    Example:
        >>> end_seconds(1000)
        3.04
    """
    return 3.0 + rows * 4e-5


def has_learnt(search: Search, default: Trial) -> bool:
    """Say whether the default config is better than the same prediction for every row, as the search will ask."""
    return base_loss(default) <= UNLEARNT * constant_loss(search.problem.truth)


def keep_forecast(folder: Path, known: Forecast) -> None:
    """Write a forecast into a run's folder, so that a run that is resumed is held to it."""
    (folder / _FILE).write_text(json.dumps(known.to_json()) + "\n", encoding="utf-8")


def kept_forecast(folder: Path) -> Forecast | None:
    """Read the forecast of a run, if it has come to one."""
    try:
        return Forecast.from_json(json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _range(values: Sequence[float]) -> Range:
    return Range(low=min(values), high=max(values))
