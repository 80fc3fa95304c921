"""Rows that judge are told from those that train where they differ, and only there."""

import numpy as np
import pytest

from evenfit.experiments.telling_apart import tell_apart
from evenfit.results.diagnosis.split_check import check_split


def check(rng, *, shift=0.0, harder=1.0, rows=400, judging=100):
    X = rng.normal(size=(rows, 5))
    kind = np.arange(rows) < judging
    X[kind, 0] += shift
    ranking, kinds = tell_apart(X, kind, seed=0)
    own, expected = harder * rng.exponential(size=judging), rng.exponential(size=rows - judging)
    return check_split(ranking, kinds, columns=[("x0", 0.7)], own=own, expected=expected, loss="log loss")


@pytest.mark.statistical
def test_rows_drawn_at_random_are_hardly_ever_called_unlike():
    """30 draws, each wrong with 2% at most: 4 or more with a probability of 0.3%."""
    assert sum(check(np.random.default_rng(seed)).unlike for seed in range(30)) < 4


def test_rows_with_one_column_shifted_are_unlike_and_the_column_is_named():
    found = check(np.random.default_rng(0), shift=2.0)
    assert found.unlike
    assert found.told_apart.low > 0.6
    assert "x0" in found.sentence


def test_rows_that_lose_twice_as_much_are_unlike_though_nothing_tells_them_apart():
    found = check(np.random.default_rng(1), harder=2.0)
    assert found.unlike
    assert "harder" in found.sentence


def test_few_rows_are_said_to_be_too_few():
    assert "too few" in check(np.random.default_rng(2), judging=12).sentence
