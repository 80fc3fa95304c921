"""Schedules begin and end where they say."""

import numpy as np
import pytest

from evenfit.fleet.schedules import SCHEDULES
from evenfit.regularize import schedules as shares
from evenfit.specs import config


@pytest.mark.parametrize(
    ("name", "begin", "middle", "end"),
    [("constant", 1, 1, 1), ("cosine", 1, 0.5, 0), ("coslog4", 0, None, 0), ("flat-cosine", 1, 1, 0)],
)
def test_a_schedule_has_its_end_points(name, begin, middle, end):
    share = SCHEDULES[name](np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(share[[0, 2]], [begin, end], atol=1e-12)
    assert middle is None or share[1] == pytest.approx(middle)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_a_schedule_is_a_share(name):
    share = SCHEDULES[name](np.linspace(0, 1, 1001))
    assert ((share >= -1e-12) & (share <= 1 + 1e-12)).all()
    assert np.abs(np.diff(share)).max() < 0.1  # no jumps


def test_coslog4_rises_and_falls_four_times():
    share = SCHEDULES["coslog4"](np.linspace(0, 1, 10_001))
    falls = np.diff(np.sign(np.diff(share))) < 0
    assert falls.sum() == 4


def test_every_schedule_of_a_config_exists():
    assert set(SCHEDULES) == set(config.SCHEDULES)
    assert set(shares.SCHEDULES) == set(config.STRENGTH_SCHEDULES)
