"""Whatever holds a table becomes the same polars frame."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from evenfit.data.frames import to_polars
from evenfit.errors import DataError


@pytest.mark.parametrize(
    "X",
    [
        np.array([[1.0, 2.0], [3.0, 4.0]], dtype=dtype)
        for dtype in (np.float64, np.float32, np.float16, np.int64, np.int8, np.uint32, object)
    ]
    + [[[1, 2], [3, 4]], ((1.0, 2.0), (3.0, 4.0)), np.asfortranarray([[1, 2], [3, 4]])],
)
def test_arrays_and_lists_become_numbered_columns(X):
    frame = to_polars(X)
    assert frame.to_dict(as_series=False) == {"x0": [1, 3], "x1": [2, 4]}
    assert all(dtype.is_numeric() for dtype in frame.dtypes)


COLUMNS = {"number": [1.5, None], "count": [1, 2], "word": ["x", None], "flag": [True, False]}


@pytest.mark.parametrize(
    "X",
    [
        pl.DataFrame(COLUMNS),
        pl.LazyFrame(COLUMNS),
        pd.DataFrame(COLUMNS),
        pd.DataFrame(COLUMNS).convert_dtypes(),
        pd.DataFrame(COLUMNS).astype(object),
        pd.DataFrame(COLUMNS).astype({"word": "category"}),
        pa.table(COLUMNS),
        COLUMNS,
    ],
)
def test_every_frame_becomes_the_same(X):
    frame = to_polars(X)
    assert frame.columns == list(COLUMNS)
    assert frame["number"].fill_nan(None).to_list() == [1.5, None]
    assert frame["count"].to_list() == [1, 2]
    assert frame["word"].to_list() == ["x", None]
    assert frame["flag"].to_list() == [True, False]


def test_pandas_own_types_are_read():
    frame = to_polars(
        pd.DataFrame(
            {
                3: pd.array([1, None], dtype="Int64"),
                "flag": pd.array([True, None], dtype="boolean"),
                "moment": pd.to_datetime(["2024-01-01", None]),
                "zoned": pd.to_datetime(["2024-01-01 12:00", "2024-07-01 12:00"]).tz_localize("Europe/Paris"),
                "day": [datetime.date(2024, 1, 1), None],
                "long": pd.to_timedelta([1, 2], unit="h"),
            }
        )
    )
    assert frame["3"].fill_nan(None).to_list() == [1, None]
    assert frame["flag"].to_list() == [True, None]
    assert frame["moment"].to_list() == pl.Series(["2024-01-01", None]).str.to_datetime().to_list()
    assert [moment.hour for moment in frame["zoned"]] == [11, 10]  # UTC
    assert frame["day"].to_list() == ["2024-01-01", None]
    assert frame["long"].to_list() == [3600, 7200]


def test_objects_become_numbers_where_all_are_and_text_elsewhere():
    cells = [[1, 1.5, Decimal("2.5"), "a", True], [None, float("nan"), 3, 2, None]]
    frame = to_polars(np.array(cells, dtype=object))
    assert frame.to_dict(as_series=False) == {
        "x0": [1, None],
        "x1": [1.5, None],
        "x2": [2.5, 3.0],
        "x3": ["a", "2"],
        "x4": [True, None],
    }


def test_columns_may_be_named():
    assert to_polars(np.eye(2), columns=["a", "b"]).columns == ["a", "b"]
    with pytest.raises(DataError, match="a name for each of 2 columns; got 1"):
        to_polars(np.eye(2), columns=["a"])
    with pytest.raises(DataError, match="each column once; 'a' comes more than once"):
        to_polars(np.eye(2), columns=["a", "a"])


def test_a_frame_given_is_not_changed():
    frame = pl.DataFrame({"a": [1]})
    to_polars(frame, columns=["b"])
    assert frame.columns == ["a"]
    given = pd.DataFrame({3: [1]})
    to_polars(given)
    assert list(given.columns) == [3]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (sparse.eye(3).tocsr(), "a table must be dense; got the sparse csr"),
        (sparse.csr_array(np.eye(2)), "a table must be dense; got the sparse csr_array"),
        (np.zeros(3), "Expected 2D array, got 1D array instead"),
        (np.zeros((2, 2, 2)), "Expected 2D array, got 3D array instead"),
        ("abc", "Expected 2D array, got 0D array instead"),
        ([[1], [1, 2]], "rows of one length"),
        (np.zeros((2, 2), complex), "Complex data not supported"),
        (np.array([[{"a": 1}]], dtype=object), "must hold numbers, words or dates"),
        (np.zeros(2, dtype=[("a", "f8")]), "got a structured array"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "each column once; 'a' comes more than once"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(X, message):
    with pytest.raises(DataError, match=message) as caught:
        to_polars(X)
    assert "\n" not in str(caught.value)
