import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.results.curves.law import LEAST_EXPONENT, MOST_EXPONENT, fit_law, fit_laws

ROWS = 50 * 2.0 ** np.arange(8)
WEIGHTS = np.ones(len(ROWS))


@given(
    floor=st.floats(0, 10),
    scale=st.floats(0.5, 1000),
    exponent=st.floats(0.1, 2),
)
def test_a_law_is_found_in_losses_that_follow_it(floor, scale, exponent):
    losses = floor + scale * ROWS**-exponent
    law = fit_law(ROWS, losses, weights=WEIGHTS)
    reach = losses[0] - losses[-1]
    assert [law.at(rows) for rows in ROWS] == pytest.approx(losses, abs=1e-3 * reach)
    assert law.at(2 * ROWS[-1]) == pytest.approx(floor + scale * (2 * ROWS[-1]) ** -exponent, abs=1e-2 * reach)


@given(st.lists(st.floats(0, 100), min_size=8, max_size=8))
def test_no_losses_lead_a_law_out_of_its_bounds(losses):
    law = fit_law(ROWS, np.array(losses), weights=WEIGHTS)
    assert law.floor >= 0
    assert law.scale >= 0
    assert LEAST_EXPONENT <= law.exponent <= MOST_EXPONENT


@given(st.lists(st.floats(0.1, 100), min_size=8, max_size=8), st.floats(0.01, 100))
def test_a_law_does_not_depend_on_the_unit_of_the_loss(losses, unit):
    law = fit_law(ROWS, np.array(losses), weights=WEIGHTS)
    scaled = fit_law(ROWS, unit * np.array(losses), weights=7 * WEIGHTS)
    assert unit * law.at(6400) == pytest.approx(scaled.at(6400), rel=1e-4)


def test_a_law_is_not_changed_by_curves_that_are_fitted_beside_it():
    curves = 0.1 + np.random.default_rng(0).random((300, 8)) + 5 * ROWS**-0.4
    laws = fit_laws(ROWS, curves, weights=WEIGHTS)
    alone = [fit_law(ROWS, curve, weights=WEIGHTS) for curve in curves]
    np.testing.assert_allclose(laws.floor, [law.floor for law in alone], atol=1e-9)
    np.testing.assert_allclose(laws.exponent, [law.exponent for law in alone], atol=1e-9)


def test_a_size_that_is_known_better_counts_more():
    losses = 0.2 + 3 * ROWS**-0.5
    losses[0] += 1
    even, trusted = fit_law(ROWS, losses, weights=WEIGHTS), fit_law(ROWS, losses, weights=np.r_[1e-6, WEIGHTS[1:]])
    assert abs(trusted.exponent - 0.5) < 0.01 < abs(even.exponent - 0.5)
