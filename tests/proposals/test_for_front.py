"""Proposals for a front: losses give way to ranks, and ways that look at none are what they were."""

import numpy as np
import pytest
from tests.proposals.trials import trial_of

from evenfit.proposals.for_front import ForFront, ranked
from evenfit.proposals.ways import WAYS, way_of
from evenfit.results.trial import DIVERGED, PLANNED
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Range, Space

SPACE = Space(
    default=Config(width=64, learning_rate=0.005),
    values={
        "width": Choice(values=(8, 16, 32, 64)),
        "learning_rate": Range(low=1e-4, high=1e-1, log=True),
        "dropout": Range(low=0.05, high=0.6, zero=0.2),
    },
)


def price(config):
    return float(config.width)


def history(count=24):
    draw = np.random.default_rng(0)
    configs = [
        SPACE.config({name: known.at(draw.random()) for name, known in SPACE.values.items()}) for _ in range(count)
    ]
    return [trial_of(number, one, 1 / one.width + one.learning_rate) for number, one in enumerate(configs)]


def test_a_small_network_of_the_front_ranks_before_a_better_one_that_is_beaten():
    known = [trial_of(0, Config(width=64), 1.0), trial_of(1, Config(width=64), 1.1), trial_of(2, Config(width=8), 5.0)]
    assert [trial.loss for trial in ranked(known, price)] == [0.0, 2.0, 1.0]


def test_what_has_no_loss_is_left_as_it_is():
    known = [trial_of(0, Config(), 1.0), trial_of(1, Config(), np.inf, DIVERGED), trial_of(2, Config(), 0.0, PLANNED)]
    assert ranked(known, price)[1:] == tuple(known[1:])


@pytest.mark.parametrize("name", ["random", "quasi-random", "grid"])
def test_ways_that_look_at_no_loss_are_what_they_were(name):
    way = way_of(name, space=SPACE, seed=0, classification=True)
    plain = way.draw(SPACE, history(), 6, shared=("width",), seed=3)
    assert ForFront(draw=way.draw, price=price)(SPACE, history(), 6, shared=("width",), seed=3) == plain


@pytest.mark.parametrize("name", WAYS)
def test_every_way_can_be_asked_for_a_front(name):
    draw = ForFront(draw=way_of(name, space=SPACE, seed=0, classification=True).draw, price=price)
    found = draw(SPACE, history(), 4, shared=("width",), seed=5)
    assert len({config.width for config in found}) == 1
    assert draw(SPACE, history(), 4, shared=("width",), seed=5) == found


def test_search_near_the_best_starts_from_small_networks_of_the_front_too():
    near = way_of("near", space=SPACE, seed=0, classification=True).draw
    small = [trial_of(number, Config(width=64), 0.1 + number / 1e6) for number in range(6)] + [
        trial_of(9, Config(width=8), 9)
    ]
    starts = [
        sum(draw(SPACE, small, 1, shared=("width",), seed=seed)[0].width == 8 for seed in range(60))
        for draw in (near, ForFront(draw=near, price=price))
    ]
    assert starts[1] > 2 * starts[0]
