"""Products of tiles are the products of numpy, whatever the shape leaves over."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfit.fleet.kernels.products import product, transpose

SIDE = st.integers(1, 45)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@settings(max_examples=60)
@given(rows=SIDE, columns=SIDE, inner=SIDE, turned=st.booleans(), seed=st.integers(0, 999))
def test_a_product_is_the_product(kind, rows, columns, inner, turned, seed):
    random = np.random.default_rng(seed)
    a, b = random.standard_normal((rows, inner)).astype(kind), random.standard_normal((inner, columns)).astype(kind)
    out = np.full(rows * columns + 3, 7.0, dtype=kind)
    if turned:
        product(np.ascontiguousarray(a.T).ravel(), 1, rows, b.ravel(), out, rows, columns, inner)
    else:
        product(a.ravel(), inner, 1, b.ravel(), out, rows, columns, inner)
    exact = a.astype(float) @ b.astype(float)
    digits = 1e-5 if kind is np.float32 else 1e-13
    np.testing.assert_allclose(out[:-3].reshape(rows, columns), exact, rtol=0, atol=digits * inner)
    assert (out[-3:] == 7).all()  # nothing is written behind the result


@given(rows=SIDE, columns=SIDE)
def test_a_transposed_matrix_is_transposed(rows, columns):
    matrix = np.arange(rows * columns, dtype=np.float64)
    out = np.empty_like(matrix)
    transpose(matrix, rows, columns, out)
    np.testing.assert_array_equal(out.reshape(columns, rows), matrix.reshape(rows, columns).T)


def test_kept_code_is_out_of_date_when_any_file_that_it_is_made_of_changes():
    from evenfit.fleet.kernels import compilation, steps

    for function in (steps.train, steps.predict, product):
        assert function._cache._cache_file._source_stamp == compilation._SOURCES
