"""Deletion of a run: its row, and its folder with everything in it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import nullcontext
from pathlib import Path

from evenfit.errors import StoreError
from evenfit.store.failures import told_plainly
from evenfit.store.lock import locked
from evenfit.store.run import Run
from evenfit.store.transaction import transaction

_DOOMED = ".deleted-"  # in front of the name of a folder whose run is being deleted; no run's name has a dot there


def delete_run(connection: sqlite3.Connection, path: Path, run: Run) -> None:
    """Delete a run, unless a process is executing it.

    The folder is put aside first: killed at any moment, what is left is a row without a folder, which the next
    deletion finishes, or a folder that no run has, which the next deletion of any run sweeps away.

    Raises:
        StoreError: a process is executing it, or its folder is a link or cannot be deleted.
    """
    home, folder = path.parent, run.folder
    if folder.is_symlink():
        raise StoreError(f"{folder} is a link to another folder; delete the link, and what it leads to, by hand")
    doomed = home / f"{_DOOMED}{run.name}"
    with locked(folder) if folder.is_dir() else nullcontext(), told_plainly(folder):
        if doomed.is_dir():
            shutil.rmtree(doomed)
        if folder.is_dir():
            folder.rename(doomed)
        with told_plainly(path), transaction(connection):
            connection.execute("DELETE FROM runs WHERE name = ? AND created = ?", (run.name, run.created))
    with told_plainly(home):
        for left in home.glob(f"{_DOOMED}*"):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
