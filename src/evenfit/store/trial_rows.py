"""Trials as rows: what goes in comes out equal, bit for bit."""

from __future__ import annotations

import json
import math
import sqlite3
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.results.trial import Trial
from evenfit.specs.config import Config
from evenfit.store.run import Finish

ARRAYS = (
    "epochs",
    "training_loss",
    "validation_loss",
    "selection_loss",
    "row_values",
    "predictions",
    "training_scores",
)


def write_trial(connection: sqlite3.Connection, run: int, trial: Trial, *, stored: str, spent: float | None) -> None:
    """Write a trial in place of any with its number, inside a transaction of the caller's."""
    connection.execute("DELETE FROM trials WHERE run = ? AND number = ?", (run, trial.number))
    key = connection.execute(
        "INSERT INTO trials (run, number, round, config, status, best, seconds, stored, loss, seconds_spent)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run,
            int(trial.number),
            int(trial.round),
            json.dumps(trial.config.to_json()),
            trial.status,
            int(trial.best),
            float(trial.seconds),  # NaN becomes NULL: SQLite has none
            stored,
            _loss(trial),
            spent,
        ),
    ).lastrowid
    # Raw bytes: zlib takes 15% off half-precision losses, at 40 MB a second of the user's budget.
    connection.executemany(
        "INSERT INTO arrays (trial, name, dtype, shape, data, checksum) VALUES (?, ?, ?, ?, ?, ?)",
        ((key, name, *_packed(getattr(trial, name))) for name in ARRAYS),
    )


def read_trials(connection: sqlite3.Connection, run: int) -> Iterator[Trial]:
    """Yield a run's trials in the order of their numbers.

    Raises:
        ValueError, TypeError, KeyError: a row was changed behind the store's back.
    """
    rows = connection.execute(
        "SELECT id, number, round, config, status, best, seconds FROM trials WHERE run = ? ORDER BY number", (run,)
    ).fetchall()
    for key, number, round_number, config, status, best, seconds in rows:
        found = connection.execute("SELECT name, dtype, shape, data, checksum FROM arrays WHERE trial = ?", (key,))
        arrays: dict[str, Any] = {name: _unpacked(*packed) for name, *packed in found}
        yield Trial(
            number=number,
            round=round_number,
            config=Config.from_json(json.loads(config)),
            status=status,
            best=best,
            seconds=_or_nan(seconds),
            **arrays,
        )


def read_finishes(connection: sqlite3.Connection, run: int) -> Iterator[Finish]:
    """Yield when each trial was stored, in that order."""
    rows = connection.execute(
        "SELECT number, status, loss, seconds_spent FROM trials WHERE run = ? ORDER BY id", (run,)
    ).fetchall()
    for number, status, loss, seconds in rows:
        yield Finish(trial=number, status=status, loss=_or_nan(loss), seconds=_or_nan(seconds))


def _loss(trial: Trial) -> float | None:
    """Give a trial's loss, if it has any."""
    if not (0 <= trial.best < len(trial.selection_loss) and trial.selection_loss[trial.best].size):
        return None
    with np.errstate(all="ignore"):  # a diverged trial's loss may be infinite
        return trial.loss


def _or_nan(value: float | None) -> float:
    """Give a number back, and NaN for the NULL that SQLite makes of it."""
    return math.nan if value is None else float(value)


def _packed(array: npt.NDArray[Any]) -> tuple[str, str, bytes, int]:
    """Give an array's type, shape and bytes, and the checksum of the bytes."""
    values = np.asarray(array)
    data = values.tobytes()
    return values.dtype.str, json.dumps(values.shape), data, zlib.crc32(data)


def _unpacked(dtype: str, shape: str, data: bytes, checksum: int) -> npt.NDArray[Any]:
    """Make an array of its type, shape and bytes; writable, as torch wants it."""
    if zlib.crc32(data) != checksum:
        raise ValueError("a checksum differs")
    return np.frombuffer(bytearray(data), dtype=np.dtype(dtype)).reshape(json.loads(shape))
