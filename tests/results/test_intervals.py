import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evenfit.results.intervals import corrected_error, corrected_interval, correction

LOSSES = st.lists(st.floats(-100, 100), min_size=2, max_size=25)


@given(losses=LOSSES, training=st.integers(10, 1000), validation=st.integers(1, 500))
def test_the_variance_is_that_of_nadeau_and_bengio(losses, training, validation):
    count = len(losses)
    found = corrected_interval(
        np.array(losses),
        training_rows=np.full(count, training),
        validation_rows=np.full(count, validation),
        level=0.9,
    )
    error = math.sqrt((1 / count + validation / training) * np.var(losses, ddof=1))
    reach = error * stats.t.ppf(0.95, count - 1)
    assert found.mean == pytest.approx(np.mean(losses))
    assert found.high - found.mean == pytest.approx(reach, abs=1e-9)
    assert found.mean - found.low == pytest.approx(reach, abs=1e-9)


@given(losses=LOSSES, shift=st.floats(-10, 10))
def test_a_shift_moves_the_interval_and_no_more(losses, shift):
    rows = np.full(len(losses), 40)
    one = corrected_interval(np.array(losses), training_rows=rows, validation_rows=rows // 4)
    other = corrected_interval(np.array(losses) + shift, training_rows=rows, validation_rows=rows // 4)
    assert other.low == pytest.approx(one.low + shift, abs=1e-8)
    assert other.high == pytest.approx(one.high + shift, abs=1e-8)


def test_five_folds_have_an_error_half_as_large_again_as_the_naive_one():
    factor = correction(np.full(5, 80), np.full(5, 20))
    assert math.sqrt(factor * 5) == pytest.approx(1.5)


def test_many_errors_are_had_at_once():
    losses = np.random.default_rng(0).normal(size=(3, 4, 5))
    assert corrected_error(losses, factor=0.45).shape == (3, 4)
    assert corrected_error(losses[..., :1], factor=0.45).min() == math.inf


def test_one_split_says_nothing_of_its_spread():
    found = corrected_interval(np.array([1.0]), training_rows=np.array([8]), validation_rows=np.array([2]))
    assert (found.low, found.mean, found.high) == (-math.inf, 1.0, math.inf)


def test_a_diverged_split_leaves_no_interval():
    rows = np.array([8, 8])
    found = corrected_interval(np.array([1.0, np.inf]), training_rows=rows, validation_rows=rows // 4)
    assert math.isnan(found.mean)
    assert math.isnan(found.low)
