"""Forecasts: what a search is said to come to, before it has begun."""

import json
import time

import numpy as np
import pytest
from tests.proposals.trials import trial_of

from evenfit.data.arrays import from_memory
from evenfit.proposals.ways import WAYS
from evenfit.results.forecast import Forecast
from evenfit.runs.forecasting import forecast, has_learnt, keep_forecast, kept_forecast
from evenfit.runs.memory import plan_in_memory
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.racing import RACINGS
from evenfit.specs.space import Choice, Range, Space

X = np.random.default_rng(0).normal(size=(80, 3))
TABLE = from_memory(X, np.where(X[:, 0] > 0, "up", "down"), task=None, groups=None, sample_weight=None)
SPACE = Space(
    default=Config(width=16, epochs=8, batch_rows=32, numeric_embedding="none"),
    values={"learning_rate": Range(low=1e-4, high=1e-1, log=True), "width": Choice(values=(8, 16, 32))},
)


def search_of(budget, **options):
    return plan_in_memory(
        TABLE, metric=None, budget=Budget.parse(budget), folds=5, seed=0, workers=2, **{"space": SPACE} | options
    )


def foretold(budget, *, default_seconds=0.2, before=1.0, after=2.0, **options):
    search = search_of(budget, **options)
    seconds = search.budget.seconds
    train = None if seconds is None else max(0.1, seconds - before - after)
    return forecast(search, default_seconds=default_seconds, workers=2, before=before, after=after, train=train)


def inside(value, known):
    return known.low <= value <= known.high


@pytest.mark.parametrize("proposals", WAYS)
def test_every_way_of_proposing_can_be_foretold(proposals):
    known = foretold("15 trials", proposals=proposals)
    assert known.trials.low == known.trials.high == 15
    assert 5 * 8 < known.epochs.low < known.epochs.high <= 1.1 * 15 * 5 * 8


@pytest.mark.parametrize("racing", RACINGS)
def test_every_race_can_be_foretold(racing):
    known = foretold("20s", racing=racing, space=None)
    assert 1 <= known.trials.low < known.trials.high
    assert 12 <= known.seconds.low < known.seconds.high == 20


def test_trials_that_are_the_budget_are_foretold_exactly_and_their_seconds_are_not():
    known = foretold("25 trials")
    assert (known.trials.low, known.trials.high) == (25, 25)
    assert 1 + 0.2 < known.seconds.low < known.seconds.high


def test_epochs_that_are_the_budget_are_not_exceeded():
    known = foretold("1000 epochs")
    assert 800 <= known.epochs.low <= known.epochs.high <= 1000


@pytest.mark.parametrize("budget", ["20s, 8 trials", "20s, 400 epochs", "2s, 500 trials"])
def test_no_more_seconds_are_foretold_than_the_budget_has(budget):
    known = foretold(budget)
    assert 0 < known.seconds.low <= known.seconds.high <= Budget.parse(budget).seconds


def test_a_space_that_is_exhausted_is_foretold_as_such():
    space = Space(default=SPACE.default, values={"width": Choice(values=(8, 16, 32))})
    assert foretold("100 trials", proposals="grid", space=space).trials.high <= 4


def test_a_slow_machine_takes_longer_and_tries_no_more():
    slow, fast = (foretold("25 trials", default_seconds=seconds) for seconds in (2.0, 0.2))
    assert slow.seconds.low > fast.seconds.low
    assert slow.seconds.high > fast.seconds.high
    assert slow.speed == pytest.approx(10 * fast.speed)
    slow, fast = (foretold("20s", default_seconds=seconds) for seconds in (2.0, 0.2))
    assert slow.trials.low < fast.trials.low
    assert slow.trials.high < fast.trials.high


@pytest.mark.parametrize("budget", ["20 trials", "10s"])
def test_where_a_machine_may_slow_down_a_forecast_is_wider(budget):
    search = search_of(budget)
    train = None if search.budget.seconds is None else 7.0
    told = {"default_seconds": 0.5, "workers": 2, "before": 1.0, "after": 2.0, "train": train}
    narrow, wide = (forecast(search, **told, speeds=speeds) for speeds in ((1.0, 1.0), (0.25, 4.0)))
    assert wide.trials.low <= narrow.trials.low
    assert wide.trials.high >= narrow.trials.high
    if train is None:
        assert wide.seconds.low < narrow.seconds.low <= narrow.seconds.high < wide.seconds.high


def test_long_training_is_foretold_where_the_default_has_learnt_nothing():
    search = search_of("15 trials", space=None)
    told = {"default_seconds": 0.5, "workers": 2, "before": 1.0, "after": 2.0, "train": None}
    known, unlearnt = (forecast(search, **told, learnt=learnt) for learnt in (True, False))
    assert unlearnt.epochs.high > known.epochs.high


@pytest.mark.parametrize(("times", "learnt"), [(0.5, True), (0.99, False), (1.5, False)])
def test_a_default_has_learnt_where_it_is_better_than_the_same_for_every_row(times, learnt):
    search = search_of("1 trials")
    share = (TABLE.target == 1).mean()
    constant = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    found = trial_of(0, SPACE.default, constant * times)
    assert has_learnt(search, found) == learnt


def test_a_forecast_is_a_function_of_what_it_is_told():
    assert foretold("5s") == foretold("5s")
    assert foretold("5s") != foretold("5s", default_seconds=0.3)


def test_a_forecast_asks_no_clock(monkeypatch):
    search = search_of("20s")
    monkeypatch.setattr(time, "monotonic", lambda: pytest.fail("it asked the clock"))
    monkeypatch.setattr(time, "perf_counter", lambda: pytest.fail("it asked the clock"))
    known = forecast(search, default_seconds=0.2, workers=2, before=1.0, after=2.0, train=17.0)
    assert inside(20, known.seconds)


def test_a_forecast_that_was_kept_comes_back(tmp_path):
    known = foretold("20s")
    assert kept_forecast(tmp_path) is None
    keep_forecast(tmp_path, known)
    assert kept_forecast(tmp_path) == known
    assert Forecast.from_json(json.loads(json.dumps(known.to_json()))) == known
