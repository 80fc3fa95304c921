"""What a config costs follows what it does, and what costs too much is not searched."""

import math

import pytest
from tests.experiments.fakes import COSTS

from evenfit.data.encodings import InputShape
from evenfit.experiments.sizing import make_space, step_seconds
from evenfit.specs.config import REGULARISERS, Config

SHAPE = InputShape(numeric=8, features=12, cardinalities=())
DEFAULT = Config(width=64, dropout=0.2)
# measured on one core, as a multiple of the plain step, at width 128 and batches of 64 rows
SLOWER = {"sam_radius": (1.8, 2.0), "r_drop": (1.8, 2.2), "weight_noise": (1.1, 1.5), "drop_connect": (1.05, 1.5)}


def space_of(default=DEFAULT, *, costs=COSTS.config, most=math.inf, classification=True):
    return make_space(default, costs=costs, most_seconds=most, shape=SHAPE, classification=classification)


@pytest.mark.parametrize("name", sorted(SLOWER))
def test_a_regulariser_that_takes_longer_costs_more(name):
    plain = Config(width=128, batch_rows=64, dropout=0.2)
    shape = InputShape(numeric=32, features=32, cardinalities=())
    ratio = step_seconds(plain.with_values(**{name: 0.1}), shape, 4) / step_seconds(plain, shape, 4)
    assert SLOWER[name][0] <= ratio <= SLOWER[name][1]


def test_two_passes_of_two_looks_are_four():
    plain = Config(width=128, batch_rows=256)
    both = plain.with_values(sam_radius=0.1, r_drop=1.0)
    assert step_seconds(both, SHAPE, 2) > 3 * step_seconds(plain, SHAPE, 2)


def test_all_regularisers_are_searched_where_they_can_be_afforded():
    names = set(space_of(costs=lambda _: 1.0).values)
    assert set(REGULARISERS) - names == {"elastic_net"}  # it is there by its parts
    assert {"dropout_kind", "dropout_schedule", "penalty_schedule"} <= names
    assert "label_smoothing" not in space_of(costs=lambda _: 1.0, classification=False).values


def test_what_is_too_slow_is_not_searched():
    slow = space_of().values
    assert "spectral_bound" not in slow  # the singular values of 64 x 64 cost more than the rest of a step
    assert "sam_radius" in slow
    scarce = space_of(most=1.2 * COSTS.config(DEFAULT)).values
    assert "sam_radius" not in scarce
    assert "r_drop" not in scarce
    assert "l1" in scarce


def test_rare_regularisers_are_rarely_there():
    values = space_of(costs=lambda _: 1.0).values
    usual = {"dropout", "l1", "l2", "input_dropout", "input_noise", "label_smoothing", "weight_averaging"}
    rare = [values[name] for name in REGULARISERS if name in values and name not in usual]
    assert len(rare) == 12
    assert sum(1 - known.zero for known in rare) < 1  # of all of them together, less than one in a config
