"""Variances of cells in two ways."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfit.results.decomposition.layout import Layout


def laid_out(cells, known=None, *, chunks=1):
    layout = Layout(len(cells))
    known = np.ones(cells.shape, bool) if known is None else known
    for part in np.array_split(np.arange(cells.shape[1]), chunks):
        layout.add(np.where(known, cells, 0.0)[:, part], known[:, part])
    return layout


def some_cells(seed, *, replicates=7, rows=40, shift=0.0):
    rng = np.random.default_rng(seed)
    effects = rng.normal(size=(replicates, 1)) + 2 * rng.normal(size=(1, rows))
    return effects + 0.5 * rng.normal(size=(replicates, rows)) + shift


@given(seed=st.integers(0, 10**6), shift=st.sampled_from([0.0, 1e6]))
@settings(max_examples=20, deadline=None)
def test_with_all_cells_there_the_variance_is_that_of_the_two_way_jackknife(seed, shift):
    cells = some_cells(seed, shift=shift)
    (replicates, rows), mean = cells.shape, cells.mean()
    of_replicates, of_rows = cells.mean(axis=1) - mean, cells.mean(axis=0) - mean
    rest = cells - mean - of_replicates[:, None] - of_rows
    squares = (
        rows * (of_replicates**2).sum() / (replicates - 1),
        replicates * (of_rows**2).sum() / (rows - 1),
        (rest**2).sum() / ((replicates - 1) * (rows - 1)),
    )
    spread = laid_out(cells).spread()
    expected = (squares[0] + squares[1] - squares[2]) / cells.size
    assert spread.variance == pytest.approx(expected, rel=1e-6)
    assert spread.rest == pytest.approx(squares[2] / cells.size, rel=1e-6)
    assert spread.mean == pytest.approx(mean, abs=1e-9)


@pytest.mark.parametrize("chunks", [2, 5, 40])
def test_rows_may_come_some_at_a_time(chunks):
    cells = some_cells(1)
    known = np.random.default_rng(2).random(cells.shape) < 0.6
    known[:2] = True
    whole, parts = laid_out(cells, known), laid_out(cells, known, chunks=chunks)
    assert parts.spread().variance == pytest.approx(whole.spread().variance, rel=1e-9)
    np.testing.assert_allclose(parts.rows(), whole.rows(), atol=1e-12)
    np.testing.assert_allclose(parts.replicates(), whole.replicates(), atol=1e-12)


def test_means_of_replicates_and_of_rows_have_the_mean_of_all():
    cells = some_cells(3)
    known = np.random.default_rng(4).random(cells.shape) < 0.5
    known[:2] = True
    layout = laid_out(cells, known)
    mean = np.mean([cells[known[:, row], row].mean() for row in range(cells.shape[1])])
    assert layout.rows().mean() == pytest.approx(mean, abs=1e-12)
    assert layout.replicates().mean() == pytest.approx(mean, abs=1e-12)
    assert layout.spread().mean == pytest.approx(mean, abs=1e-12)


@pytest.mark.statistical
@pytest.mark.parametrize("share", [1.0, 0.37])
def test_the_variance_is_that_of_the_mean_over_many_draws(share):
    # With cells missing as out of bag, too. The mean of 1,500 estimates is within 8%: error rate below 1%.
    rng = np.random.default_rng(6)
    means, variances = [], []
    for _ in range(1500):
        cells = some_cells(int(rng.integers(10**9)), replicates=12, rows=30)
        known = rng.random(cells.shape) < share
        known[:2] = True
        spread = laid_out(cells, known).spread()
        means.append(spread.mean)
        variances.append(spread.replicates + spread.rows + spread.rest)
    assert np.mean(variances) == pytest.approx(np.var(means), rel=0.08)
