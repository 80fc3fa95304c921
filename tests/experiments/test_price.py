"""Prices: one for all configs of a heat, higher for larger networks."""

from dataclasses import fields, replace

import numpy as np
import pytest
from tests.proposals.trials import trial_of

from evenfit.data.encodings import InputShape
from evenfit.experiments.as_raced import as_raced
from evenfit.experiments.heat import Entry, Heat
from evenfit.experiments.price import measured_latency, price_of
from evenfit.experiments.sizing import SHARED
from evenfit.fleet.layout import layout
from evenfit.specs.config import Config
from evenfit.specs.racing import forgiving

SHAPE = InputShape(numeric=3, features=5, cardinalities=(4, 7))
OTHERS = {
    "learning_rate": 0.1,
    "dropout": 0.4,
    "l1": 0.1,
    "l2": 0.1,
    "label_smoothing": 0.1,
    "mixup": 0.2,
    "max_norm": 1.0,
}


def price(objective, config):
    return price_of(objective, config, shape=SHAPE, outputs=2, splits=5)


@pytest.mark.parametrize("objective", ["size", "latency"])
def test_all_configs_of_a_heat_have_one_price(objective):
    assert not set(OTHERS) & set(SHARED)
    for name, value in OTHERS.items():
        assert price(objective, Config(**{name: value})) == price(objective, Config())


@pytest.mark.parametrize("objective", ["size", "latency"])
@pytest.mark.parametrize("larger", [{"width": 256}, {"depth": 3}, {"numeric_embedding": "pbld"}])
def test_larger_networks_have_higher_prices(objective, larger):
    base = Config(width=64, depth=2, numeric_embedding="none")
    assert price(objective, base.with_values(**larger)) > price(objective, base)


def test_a_size_is_the_number_of_parameters():
    assert price("size", Config()) == layout(Config(), SHAPE, 2).parameters


def test_a_latency_is_measured_by_the_clock_and_of_all_splits():
    ticks = iter(np.arange(0, 1e6, 1e-3))
    clock = lambda: float(next(ticks))  # noqa: E731
    found = measured_latency(Config(width=8), shape=SHAPE, outputs=2, splits=5, clock=clock)
    assert found == pytest.approx(5 * 1000, rel=0.01)  # a call of a clock that ticks in milliseconds
    assert 0 < measured_latency(Config(width=8), shape=SHAPE, outputs=2, splits=5) < 1e6


def test_a_small_config_is_not_dropped_for_being_worse_than_a_large_one():
    small, large = Config(width=8), Config(width=256)
    heat = Heat(round=1, entries=(Entry(number=3, config=small), Entry(number=4, config=small)))
    history = [trial_of(0, large, 0.1), trial_of(1, small, 0.7), trial_of(2, small.with_values(l1=0.1), 0.9)]
    width = lambda config: float(config.width)  # noqa: E731
    assert as_raced(forgiving, heat, history).bar == 0.1
    assert as_raced(forgiving, heat, history, price=width).bar == 0.7
    dear = replace(heat, entries=tuple(replace(entry, config=large) for entry in heat.entries))
    assert as_raced(forgiving, dear, history, price=width).bar == 0.1
    assert as_raced(forgiving, heat, history[:1], price=width).bar == np.inf


def test_the_shared_values_are_values_of_a_config():
    assert set(SHARED) <= {known.name for known in fields(Config)}
