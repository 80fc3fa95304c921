"""Checking: an exported file held to the model in Python, on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evenfit.deploy.exporting.exported import Check
from evenfit.deploy.model import Model

Array = npt.NDArray[Any]

PROBABILITIES, NUMBERS = 1e-5, 1e-4  # allowed: absolutely; relative to the number, or to the median one if that is more


def compare(
    model: Model, predict: Callable[[pl.DataFrame], Array], rows: Mapping[str, pl.DataFrame], *, precision: str
) -> Check:
    """Compare predictions on rows, and on one row alone.

    Args:
        model: what should be predicted.
        predict: what the file predicts for a frame, ``[rows, outputs]``.
        rows: frames, by what they are in words.
        precision: of the networks in the file.
    """
    frames = [*rows.values(), *(frame[:1] for frame in list(rows.values())[:1])]
    greatest = 0.0
    for frame in frames:
        wanted = model.outputs(frame)
        greatest = float(np.fmax(greatest, difference(wanted, predict(frame), relative=not model.classes)))
    return Check(
        rows=" and ".join(rows),
        what="probabilities" if model.classes else "numbers, relative to their size,",
        difference=greatest,
        allowed=PROBABILITIES if model.classes else NUMBERS,
        precision=precision,
    )


def difference(wanted: Array, found: Array, *, relative: bool) -> float:
    """Give the greatest difference; infinite where shapes differ or one is not a number.

    Relative differences are to the number wanted, or to the median size of all where it is smaller, so that a number
    near 0 among large ones does not count as infinitely wrong.

    Example:
        >>> difference(np.array([1.0, 200.0]), np.array([1.0, 202.0]), relative=True)
        0.01
    """
    if wanted.shape != found.shape:
        return float("inf")
    if not wanted.size:
        return 0.0
    wanted, found = np.asarray(wanted, np.float64), np.asarray(found, np.float64)
    off = np.abs(wanted - found)
    if relative:
        size = np.abs(wanted)
        off = off / np.maximum(np.maximum(size, np.median(size)), 1e-300)
    return float(np.where(np.isnan(off), np.inf, off).max())
