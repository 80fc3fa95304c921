"""Failures of disks and databases, told in one line of what to do."""

from __future__ import annotations

import errno
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evenfit.errors import StoreError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def told_plainly(path: Path, *, run: Path | None = None) -> Iterator[None]:
    """Turn what a disk or SQLite raises into a StoreError that names the file and the way out.

    Args:
        path: the file that is being read or written.
        run: the folder of the run that is being executed, so that the message can say how to resume it.

    Raises:
        StoreError: the disk is full, or the file is locked, damaged, or cannot be read or written.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(_database_line(error, path, run)) from error
    except OSError as error:
        raise StoreError(_file_line(error, path, run)) from error


@contextmanager
def decoded(path: Path, what: str) -> Iterator[None]:
    """Turn what reading a row raises, where the row makes no sense, into a StoreError.

    Raises:
        StoreError: what was read is damaged, or was written by a newer evenfit.
    """
    try:
        yield
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path}: {what} cannot be read: damaged, or of a newer evenfit ({error})") from error


def _database_line(error: sqlite3.Error, path: Path, run: Path | None) -> str:
    """Say what a database's error means."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte: the kind, without its detail
    match code:
        case sqlite3.SQLITE_FULL:
            return _full(path, run)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"{path} is locked by another process; wait for it to end, or stop it{_resume(run)}"
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return f"{path} is damaged ({error}); restore it from a copy, or move it away to start a new store"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return f"{path} cannot be opened for writing ({error}); check its folder's permissions, or use --runs"
        case sqlite3.SQLITE_IOERR:
            return f"{path} cannot be read or written ({error}); check the disk{_resume(run)}"
    return f"{path}: the store failed ({error})"


def _file_line(error: OSError, path: Path, run: Path | None) -> str:
    """Say what an operating system's error means."""
    where = Path(error.filename) if isinstance(error.filename, str) else path
    if error.errno in _FULL:
        return _full(where, run)
    reason = error.strerror or str(error)
    if error.errno in _FORBIDDEN:
        return f"{where} cannot be written ({reason}); check its folder's permissions, or use --runs"
    return f"{where} cannot be read or written ({reason}); check the disk{_resume(run)}"


def _full(path: Path, run: Path | None) -> str:
    """Say that the disk is full and that nothing is lost."""
    return f"the disk that holds {path} is full; every finished trial is safe: free some space{_resume(run, 'then')}"


def _resume(run: Path | None, joined: str = "and") -> str:
    """Say how to go on with a run, where one is being executed."""
    return "" if run is None else f", {joined} go on with: evenfit resume {shlex.quote(str(run))}"
