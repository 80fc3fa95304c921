"""Probes: what the default config is found to cost, by a clock that moves when it is asked."""

from itertools import count

import numpy as np
import polars as pl
import pytest

from evenfit.data.splits import make_splits
from evenfit.data.table import understand
from evenfit.experiments.checkpoints import checkpoint_epochs
from evenfit.experiments.probe import CHECKPOINTS, probe
from evenfit.experiments.problem import Problem
from evenfit.specs.config import Config

CONFIG = Config(width=8, depth=1, epochs=40, batch_rows=16, numeric_embedding="none")


@pytest.fixture(scope="module")
def problem():
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 90))
    frame = pl.DataFrame({"a": a, "b": b, "y": np.where(a + generator.normal(size=90) > 0, "up", "down")})
    table = understand(frame, target="y")
    return Problem(table=table, splits=make_splits(table, folds=3, seed=0), metric="log_loss", seed=0)


def probed(problem, config, *, seconds, step=1.0):
    """A probe by a clock that moves by so much a look at it."""
    ticks = count()
    return probe(problem, config, seconds=seconds, clock=lambda: step * next(ticks))


@pytest.mark.parametrize("seconds", [0.0, 5.0, 30.0, 1e6])
def test_a_clock_of_half_the_speed_finds_twice_the_seconds(problem, seconds):
    one, two = probed(problem, CONFIG, seconds=seconds), probed(problem, CONFIG, seconds=2 * seconds, step=2.0)
    assert two.default_seconds == pytest.approx(2 * one.default_seconds)
    assert two.preparing_seconds == pytest.approx(2 * one.preparing_seconds)
    assert two.probe_seconds == pytest.approx(2 * one.probe_seconds)


def test_twice_the_epochs_are_found_to_take_about_twice_as_long(problem):
    one = probed(problem, CONFIG, seconds=10.0)
    two = probed(problem, CONFIG.with_values(epochs=80), seconds=10.0)
    judgings = [len(checkpoint_epochs(epochs, CHECKPOINTS)) for epochs in (40, 80)]  # of one look each
    looks = 2  # an epoch: before its steps, and whether time is over
    assert one.default_seconds - judgings[0] == pytest.approx(looks * 40)
    assert two.default_seconds - judgings[1] == pytest.approx(looks * 80)


def test_the_first_steps_which_load_the_engine_are_not_counted(problem):
    ticks = count()
    slow = probe(problem, CONFIG, seconds=10.0, clock=lambda: (tick := next(ticks)) + 500 * (tick > 2))
    assert slow.default_seconds == pytest.approx(probed(problem, CONFIG, seconds=10.0).default_seconds)
    assert slow.probe_seconds > 500


def test_a_probe_stops_when_its_seconds_are_over(problem):
    short, long = probed(problem, CONFIG, seconds=3.0), probed(problem, CONFIG, seconds=40.0)
    assert short.probe_seconds < long.probe_seconds < 60
    assert short.probe_seconds < 3 + 10


def test_a_probe_ends_where_the_config_does(problem):
    few = CONFIG.with_values(epochs=2)
    known = probed(problem, few, seconds=1e9)
    assert known.probe_seconds < 40
    assert known.default_seconds > 0


def test_how_long_a_probe_takes_changes_little_of_what_it_finds(problem):
    found = [probed(problem, CONFIG, seconds=seconds).default_seconds for seconds in (10.0, 20.0, 40.0, 80.0)]
    assert max(found) < 1.3 * min(found)
