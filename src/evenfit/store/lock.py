"""Lock: one process at a time executes a run; a crash leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evenfit.errors import StoreError
from evenfit.store.failures import told_plainly

_PATIENCE = 0.5  # seconds: whoever only looks whether a run is locked holds it for an instant
_held: set[int] = set()


def _close_in_child() -> None:
    """Keep a worker that outlives its parent from holding the parent's locks."""
    for descriptor in _held:
        os.close(descriptor)  # the lock is the parent's until the parent's own copy is closed
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's lock; the operating system lets go of it however the process ends.

    Raises:
        StoreError: another process holds it (the message has its process number), or the folder is gone.
    """
    with told_plainly(_path(folder)):
        if not folder.is_dir():
            raise StoreError(f"{folder} is missing: the run's folder was moved or deleted")
        descriptor = os.open(_path(folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    _held.add(descriptor)
    try:
        _take(descriptor, folder)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        if descriptor in _held:  # a forked child has closed it already
            _held.remove(descriptor)
            os.close(descriptor)


def is_locked(folder: Path) -> bool:
    """Say whether a process is executing the run right now."""
    try:
        descriptor = os.open(_path(folder), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _take(descriptor: int, folder: Path) -> None:
    """Lock an open file, or say who has."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise StoreError(
                f"the run {folder.name} is being executed by process {holder}; wait for it to end, or stop it"
            ) from None
        return


def _path(folder: Path) -> Path:
    """Say which file of a run's folder is locked."""
    return folder / ".lock"
