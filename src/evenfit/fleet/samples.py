"""Samples: the encoded rows that a fleet trains on, one table a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenfit.data.encodings import InputShape


@dataclass(frozen=True, kw_only=True)
class Samples:
    """What every split's networks see: S splits, N rows, F encoded columns, C columns of level codes.

    Rows are those of the whole table; which of them a split trains on is in ``training``.
    """

    shape: InputShape
    outputs: int  # classes, or 1 for regression
    classification: bool
    values: npt.NDArray[np.floating]  # [S, N, F]
    codes: npt.NDArray[np.int32]  # [S, N, C]; -1 is no known level
    target: npt.NDArray[np.floating]  # [S, N] class codes, or the encoded target
    row_weights: npt.NDArray[np.floating]  # [S, N] mean 1 over the split's training rows
    balanced_weights: npt.NDArray[np.floating]  # [S, N] the same times balanced class weights
    prior: npt.NDArray[np.float64]  # [S, outputs] the output's starting bias
    training: Sequence[npt.NDArray[np.int64]]  # row numbers of each split
    validation: Sequence[npt.NDArray[np.int64]]
