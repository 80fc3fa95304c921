"""Peaks over a sweep: named where they are, and seldom where they are not."""

import numpy as np
import pytest

from evenfit.results.decomposition.shape import DOUBLE_DESCENT, NONE, PEAK, find_shape


def found(curve, *, replicates=20, rows=100, spread=0.1, seed=0, tails=False):
    """The shape of a curve that replicates and rows follow with noise of their own."""
    rng = np.random.default_rng(seed)
    own = rng.standard_t(2, size=(len(curve), replicates)) if tails else rng.normal(size=(len(curve), replicates))
    return find_shape(
        "loss",
        [level * np.exp(spread * noise) for level, noise in zip(curve, own, strict=True)],
        [level * np.exp(spread * rng.normal(size=rows)) for level in curve],
    )


def test_double_descent_is_a_fall_a_peak_and_a_fall():
    shape = found([3.0, 1.0, 1.5, 4.0, 1.2, 0.4])
    assert (shape.kind, shape.valley, shape.peak, shape.after) == (DOUBLE_DESCENT, 1, 3, 5)
    assert shape.chance < 0.001


def test_a_peak_without_a_fall_before_it_is_a_peak():
    shape = found([1.0, 2.0, 3.0, 1.5])
    assert (shape.kind, shape.valley, shape.peak, shape.after) == (PEAK, 0, 2, 3)


def test_the_peak_is_the_highest_value_even_where_it_hardly_has_a_mean():
    shape = found([2.0, 1.0, 8.0, 30.0, 8.0, 0.5], spread=0.7, tails=True)
    assert shape.peak == 3


@pytest.mark.parametrize("curve", [[4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 1.0, 2.0], [1.0, 1.0, 1.0]])
def test_curves_without_a_peak_have_none(curve):
    shape = found(curve)
    assert shape.kind == NONE
    assert shape.peak is None


def test_two_values_have_no_shape():
    assert found([1.0, 2.0]).chance == 1.0


@pytest.mark.statistical
@pytest.mark.parametrize("replicates", [5, 20])
def test_noise_alone_is_seldom_called_a_peak(replicates):
    # At most 5% of flat curves of 8 values; 400 of them, so that more than 32 have a chance below 1%.
    kinds = [found([1.0] * 8, replicates=replicates, spread=0.3, seed=seed).kind for seed in range(400)]
    assert sum(kind != NONE for kind in kinds) <= 32


def test_parts_below_zero_are_compared_by_difference():
    rng = np.random.default_rng(0)
    levels = [-1.0, 1.0, -1.0]
    shape = find_shape(
        "bias_squared",
        [level + 0.1 * rng.normal(size=9) for level in levels],
        [level + 0.1 * rng.normal(size=50) for level in levels],
    )
    assert (shape.kind, shape.peak) == (PEAK, 1)
