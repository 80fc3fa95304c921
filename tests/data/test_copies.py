"""Tables without copies of rows."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from evenfit.data.copies import without_copies
from evenfit.data.table import understand


def make_table(order, *, weights=None):
    """Rows of ten measurements, in an order that may repeat them."""
    generator = np.random.default_rng(0)
    size, price = generator.normal(size=(2, 10))
    kind = np.array(list("ababababcc"))
    columns = {"size": size[order], "price": price[order], "kind": kind[order], "y": np.arange(10.0)[order]}
    if weights is not None:
        columns["weight"] = weights
    return understand(
        pl.DataFrame(columns), target="y", task="regression", weight=None if weights is None else "weight"
    )


@given(st.permutations(range(10)))
def test_the_order_of_rows_is_forgotten(order):
    order = np.array(order)
    table, rows = without_copies(make_table(order))
    known, _ = without_copies(make_table(np.arange(10)))
    assert_array_equal(table.numeric, known.numeric)
    assert_array_equal(table.target, known.target)
    assert_array_equal(table.target, order[rows])


@given(st.lists(st.integers(1, 4), min_size=10, max_size=10))
def test_a_repeated_row_is_a_row_of_that_weight(counts):
    repeated, _ = without_copies(make_table(np.repeat(np.arange(10), counts)))
    weighted, _ = without_copies(make_table(np.arange(10), weights=np.array(counts, dtype=float)))
    assert repeated.rows == 10
    assert_array_equal(repeated.target, weighted.target)
    if len(set(counts)) > 1:
        assert_array_equal(repeated.weights, weighted.weights)
    else:
        assert repeated.weights is None


def test_rows_of_levels_remain_as_often_as_they_come():
    generator = np.random.default_rng(0)
    columns = {"a": generator.integers(0, 9, 300) / 7, "b": generator.integers(0, 9, 300) / 3}
    table = understand(pl.DataFrame(columns | {"y": generator.integers(0, 2, 300)}), target="y")
    assert without_copies(table)[0].rows == 300


def test_missing_cells_are_alike():
    size = np.append(np.random.default_rng(0).normal(size=9), np.nan)
    columns = {"size": np.tile(size, 2), "price": np.tile(size * 2, 2), "y": np.tile(np.arange(10.0), 2)}
    table = understand(pl.DataFrame(columns, nan_to_null=True), target="y", task="regression")
    assert without_copies(table)[0].rows == 10
