"""What is found by sorting a column once is what numpy finds by sorting its rows anew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evenfit.data.distinct import find_distinct, order_statistics

COLUMNS = arrays.arrays(
    np.float64,
    st.integers(1, 30),
    elements=st.one_of(st.sampled_from([0.0, -0.0, 1.0, 2.5, np.nan]), st.floats(-1e6, 1e6)),
)


@given(column=COLUMNS)
def test_every_cell_finds_its_value_again(column):
    found = find_distinct(column)
    np.testing.assert_array_equal(found.values[found.place], column)
    known = found.values[:-1]
    assert np.isnan(found.values[-1])
    assert (np.diff(known) > 0).all()


@given(column=COLUMNS, data=st.data())
def test_quantiles_of_some_rows_are_those_of_numpy(column, data):
    rows = np.array(data.draw(st.lists(st.integers(0, len(column) - 1), min_size=1, unique=True)))
    levels = np.array([0.0, 0.25, 0.31, 0.5, 0.75, 1.0])
    found = order_statistics(find_distinct(column), rows, levels)
    known = column[rows][~np.isnan(column[rows])]
    if len(known):
        np.testing.assert_allclose(found, np.quantile(known, levels), rtol=1e-12, atol=1e-12)
    else:
        assert len(found) == 0


@pytest.mark.parametrize("column", [[], [np.nan], [np.nan, np.nan], [3.0], [3.0, 3.0]])
def test_columns_of_nothing_or_of_one_value_are_no_trouble(column):
    found = find_distinct(np.array(column))
    np.testing.assert_array_equal(found.values[found.place], column)
