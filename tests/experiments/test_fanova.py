"""fANOVA, held to functions whose variance is divided in closed form."""

import numpy as np
import pytest
from scipy.stats import qmc
from sklearn.ensemble import RandomForestRegressor

from evenfit.experiments.fanova import divide, measure_of, strongest

POINTS = qmc.Sobol(3, seed=0).random(512)


def parts_of(function, *, points=POINTS, trees=40):
    forest = RandomForestRegressor(trees, min_samples_leaf=2, max_features=1.0, random_state=0)
    return divide(forest.fit(points, function(points)), measure_of(points), seed=0)


def ishigami(points):
    x, y, z = np.pi * (2 * points.T - 1)
    return np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x)


def test_a_sum_has_no_interactions_and_shares_as_its_squared_slopes():
    parts = parts_of(lambda x: x[:, 0] + 2 * x[:, 1] - x[:, 2])
    np.testing.assert_allclose(parts.alone, [1 / 6, 4 / 6, 1 / 6], atol=0.05)
    assert parts.pairs.max() < 0.01


def test_a_centred_product_is_all_interaction():
    parts = parts_of(lambda x: (x[:, 0] - 0.5) * (x[:, 1] - 0.5))
    assert parts.alone.max() < 0.02
    assert parts.pairs[0, 1] == pytest.approx(1.0, abs=0.05)
    assert max(parts.pairs[0, 2], parts.pairs[1, 2]) < 0.01
    assert strongest([parts]) == (0, 1)


def test_the_function_of_ishigami_is_divided_as_in_closed_form():
    # Ishigami & Homma, 1990: 0.314, 0.442, 0 alone, 0.244 of the first and third together
    parts = parts_of(ishigami)
    np.testing.assert_allclose(parts.alone, [0.314, 0.442, 0.0], atol=0.06)
    assert parts.pairs[0, 2] == pytest.approx(0.244, abs=0.06)
    assert max(parts.pairs[0, 1], parts.pairs[1, 2]) < 0.04


def test_shares_of_three_arguments_without_a_threefold_part_make_the_whole():
    for function in (ishigami, lambda x: x[:, 0] * x[:, 1] + x[:, 2]):
        parts = parts_of(function)
        assert parts.alone.sum() + np.triu(parts.pairs).sum() == pytest.approx(1.0, abs=0.03)


def test_marginals_are_the_forest_s_own_averages():
    points = np.random.default_rng(1).integers(0, 4, size=(60, 2)).astype(float)
    forest = RandomForestRegressor(5, random_state=0).fit(points, points[:, 0] * points[:, 1])
    measure = measure_of(points)
    parts = divide(forest, measure, seed=0)
    first, second = (np.arange(4.0)[:, None] for _ in range(2))
    everything = np.array([[a, b] for a in first[:, 0] for b in second[:, 0]])
    told = forest.predict(everything).reshape(4, 4)
    chances = [measure.chances[measure.of(one)] for one in (0, 1)]
    np.testing.assert_allclose(parts.one[measure.of(0)], told @ chances[1])
    np.testing.assert_allclose(parts.two[measure.of(0), measure.of(1)], told)
    assert parts.mean == pytest.approx(float(chances[0] @ told @ chances[1]))


def test_an_argument_that_is_nearly_always_the_same_explains_little():
    points = POINTS.copy()
    points[:, 0] = np.where(points[:, 0] < 0.95, 0.0, 1.0)
    even = POINTS.copy()
    even[:, 0] = np.where(even[:, 0] < 0.5, 0.0, 1.0)
    rare, often = (parts_of(lambda x: x[:, 0] + x[:, 1], points=x).alone[0] for x in (points, even))
    # p (1 - p) beside the variance of what is even, 1 / 12
    assert rare == pytest.approx(0.0475 / (0.0475 + 1 / 12), abs=0.03)
    assert often == pytest.approx(0.25 / (0.25 + 1 / 12), abs=0.03)


def test_words_of_a_measure_are_a_distribution_of_each_argument():
    measure = measure_of(np.column_stack([POINTS[:, 0], np.zeros(512), np.round(POINTS[:, 2] * 3)]))
    sums = [measure.chances[measure.of(one)].sum() for one in range(3)]
    np.testing.assert_allclose(sums, 1.0)
    assert [measure.of(one).stop - measure.of(one).start for one in range(3)] == [12, 1, 4]


def test_a_constant_has_nothing_to_divide():
    parts = parts_of(lambda x: np.ones(len(x)))
    assert parts.variance == 0
    assert not parts.alone.any()
    assert not parts.pairs.any()
