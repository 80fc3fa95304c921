"""Rows that hold the same have the same number."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from evenfit.data.equal_rows import equal_rows

ROWS = np.array([[1.0, np.nan], [0.0, 2.0], [1.0, np.nan], [-0.0, 2.0], [1.0, 2.0]])


@pytest.mark.parametrize(
    "given",
    [
        ROWS,
        ROWS.astype(np.float32),
        pd.DataFrame(ROWS, columns=["a", "b"]),
        pl.DataFrame({"a": ["x", "y", "x", "y", "x"], "b": [1, 2, 1, 2, 3]}),
        np.array([["x", 1], ["y", 2], ["x", 1], ["y", 2], ["x", 2]], dtype=object),
        np.stack([np.full((2, 2), value) for value in (1, 2, 1, 2, 3)]),
    ],
)
def test_equal_rows_have_one_number_and_others_another(given):
    numbers = equal_rows(given)
    assert numbers[0] == numbers[2]
    assert numbers[1] == numbers[3]
    assert len(set(numbers.tolist())) == 3
