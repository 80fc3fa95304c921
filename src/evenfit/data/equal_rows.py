"""Equal rows: which rows of an array or a data frame hold the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.frames import to_polars

Integers = npt.NDArray[np.int64]


def equal_rows(X: Any) -> Integers:
    """Number rows by what they hold, so that equal rows have the same number: [N], from 0, in no order.

    Numbers that are missing are equal, and so are 0 and -0.

    Args:
        X: an array [N, ...], or a data frame.

    Example:
        >>> numbers = equal_rows(np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]))
        >>> bool(numbers[0] == numbers[2] != numbers[1])
        True
    """
    if isinstance(X, np.ndarray) and X.dtype.kind in "biuf":
        rows = X.reshape(len(X), -1)
        if rows.dtype.kind == "f":
            rows = np.where(np.isnan(rows), np.nan, rows + 0.0)
        hashes = np.fromiter((hash(row.tobytes()) for row in np.ascontiguousarray(rows)), np.int64, len(rows))
    else:
        hashes = to_polars(X).hash_rows(seed=0).to_numpy()
    return np.asarray(np.unique(hashes, return_inverse=True)[1], dtype=np.int64).ravel()
