"""Store: every run of a folder in one SQLite file, and what is asked of it."""

from __future__ import annotations

import difflib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evenfit.errors import StoreError
from evenfit.results.trial import Trial
from evenfit.store import states
from evenfit.store.deletion import delete_run
from evenfit.store.failures import decoded, told_plainly
from evenfit.store.lock import is_locked, locked
from evenfit.store.run import (
    DONE,
    INTERRUPTED,
    RUNNING,
    STATUSES,
    Finish,
    Round,
    Run,
    automatic_name,
    checked_name,
    checked_tag,
)
from evenfit.store.schema import STEPS, check, upgrade, version
from evenfit.store.transaction import transaction
from evenfit.store.trial_rows import read_finishes, read_trials, write_trial

FILE_NAME = "evenfit.sqlite"
_RUN = """SELECT name, created, status, request, fingerprint, seconds_spent, summary, report,
    (SELECT count(*) FROM trials WHERE trials.run = runs.id), note,
    (SELECT json_group_array(name) FROM tags WHERE tags.run = runs.id) FROM runs"""
_SPEND = "UPDATE runs SET seconds_spent = max(seconds_spent, ?) WHERE id = ?"


def _now() -> datetime:
    """Read the clock, in UTC."""
    return datetime.now(tz=UTC)


def open_store(
    runs: Path, *, create: bool = True, busy_seconds: float = 15.0, now: Callable[[], datetime] = _now
) -> Store:
    """Open the store of a folder of runs; make both on demand, unless told not to.

    Args:
        runs: the folder that holds ``evenfit.sqlite`` and a folder for each run.
        create: make what is not there; without it a missing store is an error.
        busy_seconds: how long to wait for another process that is writing.
        now: the clock.

    Raises:
        StoreError: the store is missing, damaged, locked, newer than this evenfit, or cannot be written.

    Example:
        >>> import tempfile
        >>> with open_store(Path(tempfile.mkdtemp())) as store:
        ...     store.runs()
        ()
    """
    path = Path(runs) / FILE_NAME
    with told_plainly(path):
        if not create and not path.is_file():
            raise StoreError(f"there are no runs in {runs} yet; evenfit fit makes one, and --runs names another folder")
        if path.parent.exists() and not path.parent.is_dir():
            raise StoreError(f"{runs} is a file, but a folder for runs was wanted; name another with --runs")
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path, busy_seconds)
        try:
            _prepare(connection, path, busy_seconds)
        except BaseException:
            connection.close()
            raise
    return Store(connection, path, now)


class Store:
    """A connection to a folder's runs. Whatever a method has returned from is on disk.

    Each method raises StoreError where the disk or the file fails it.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now
        self.path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def create_run(self, request: Mapping[str, Any], *, name: str | None, fingerprint: str) -> Run:
        """Make a run's row and its folder, both or neither.

        Args:
            request: what was asked for, ready for JSON; its ``seed`` is the run's, its ``table`` a part of its name.
            name: what to call it; None names it after the table.
            fingerprint: of the data.

        Raises:
            StoreError: the name is taken or cannot be a folder's.
        """
        wanted = automatic_name(request) if name is None else checked_name(name)
        with told_plainly(self.path), transaction(self._connection):
            chosen = wanted
            count = 1
            while not self._take_name(chosen):
                if name is not None:
                    raise StoreError(
                        f"a run named {name} is there already in {self.path.parent}; choose another --name"
                    )
                count += 1
                chosen = f"{wanted}-{count}"
            try:
                self._connection.execute(
                    "INSERT INTO runs (name, created, status, request, fingerprint) VALUES (?, ?, ?, ?, ?)",
                    (chosen, self._now().isoformat(timespec="seconds"), RUNNING, json.dumps(request), fingerprint),
                )
            except BaseException:
                (self.path.parent / chosen).rmdir()  # it is empty, or it would not have been taken
                raise
        return self.run(chosen)

    def run(self, name: str | Path) -> Run:
        """Find a run by its name, or by a path to its folder.

        Raises:
            StoreError: there is none of that name; the message has the nearest ones.
        """
        wanted = Path(os.path.normpath(name)).name
        with told_plainly(self.path):
            row = self._connection.execute(f"{_RUN} WHERE name = ?", (wanted,)).fetchone()
            if row is None:
                names = [known for (known,) in self._connection.execute("SELECT name FROM runs ORDER BY id DESC")]
                near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5) or names[:3]
                hint = f"; did you mean {' or '.join(near)}?" if near else ", which has none yet"
                raise StoreError(f"there is no run named {wanted} in {self.path.parent}{hint}")
        return self._as_run(row)

    def runs(self) -> tuple[Run, ...]:
        """Give all runs, the newest first."""
        with told_plainly(self.path):
            return tuple(map(self._as_run, self._connection.execute(f"{_RUN} ORDER BY id DESC").fetchall()))

    @contextmanager
    def lock(self, run: Run) -> Iterator[None]:
        """Execute a run: hold its lock and call it running until the block ends.

        A run that is called running while nobody holds its lock was killed, and reads as interrupted.

        Raises:
            StoreError: another process is executing it, or its folder is gone.
        """
        with locked(run.folder):
            with told_plainly(run.folder):
                states.sweep_unfinished(run.folder)
            self._set(run, "status = ?", RUNNING)
            yield

    def add_round(self, run: Run, number: int, configs: Sequence[Mapping[str, Any]], kind: str) -> None:
        """Write the proposals of a round before they are trained, in place of any with its number."""
        with told_plainly(self.path, run=run.folder), transaction(self._connection):
            self._connection.execute(
                "INSERT OR REPLACE INTO rounds (run, number, kind, configs) VALUES (?, ?, ?, ?)",
                (self._key(run), number, kind, json.dumps([dict(config) for config in configs])),
            )

    def rounds(self, run: Run) -> tuple[Round, ...]:
        """Give the rounds of a run in the order of their numbers."""
        with told_plainly(self.path):
            rows = self._connection.execute(
                "SELECT number, kind, configs FROM rounds WHERE run = ? ORDER BY number", (self._key(run),)
            ).fetchall()
        with decoded(self.path, f"a round of {run.name}"):
            return tuple(
                Round(number=number, kind=kind, configs=tuple(json.loads(configs))) for number, kind, configs in rows
            )

    def add_trial(
        self, run: Run, trial: Trial, *, state: states.Arrays | None, seconds_spent: float | None = None
    ) -> None:
        """Write a trial in place of any with its number; once this returns, no crash can lose it.

        Args:
            run: the run that it belongs to.
            trial: what happened.
            state: the weights of its members, if they are to be kept.
            seconds_spent: what the run has spent so far, written with it.
        """
        with told_plainly(states.state_path(run.folder, trial.number), run=run.folder):
            if state is not None:
                states.write_state(states.state_path(run.folder, trial.number), state)
        with told_plainly(self.path, run=run.folder), transaction(self._connection):
            key = self._key(run)
            write_trial(
                self._connection, key, trial, stored=self._now().isoformat(timespec="milliseconds"), spent=seconds_spent
            )
            if seconds_spent is not None:
                self._connection.execute(_SPEND, (seconds_spent, key))

    def trials(self, run: Run) -> tuple[Trial, ...]:
        """Give the trials of a run in the order of their numbers, equal to what was added."""
        with told_plainly(self.path), decoded(self.path, f"a trial of {run.name}"):
            return tuple(read_trials(self._connection, self._key(run)))

    def finishes(self, run: Run) -> tuple[Finish, ...]:
        """Give when each trial was stored and its loss, in that order, without reading its arrays."""
        with told_plainly(self.path), decoded(self.path, f"a trial of {run.name}"):
            return tuple(read_finishes(self._connection, self._key(run)))

    def state(self, run: Run, number: int) -> dict[str, Any]:
        """Read the weights of a trial's members.

        Raises:
            StoreError: the file is missing, cut short or changed.
        """
        path = states.state_path(run.folder, number)
        with told_plainly(path):
            return states.read_state(path)

    def prune_states(self, run: Run, keep: Collection[int]) -> None:
        """Delete the weights of all trials but some."""
        with told_plainly(run.folder):
            states.prune(run.folder, keep)

    def spend(self, run: Run, seconds: float) -> None:
        """Write how many seconds a run has spent so far, in all; it never falls."""
        with told_plainly(self.path, run=run.folder), transaction(self._connection):
            self._connection.execute(_SPEND, (seconds, self._key(run)))

    def finish(self, run: Run, summary: Mapping[str, Any] | None, status: str = DONE, *, report: str = "") -> None:
        """Write how a run ended, and what came of it: for programs, and as text for people."""
        if status not in STATUSES:
            raise StoreError(f"a run's status must be one of {', '.join(STATUSES)}; got {status!r}")
        stored = None if summary is None else json.dumps(summary)
        self._set(run, "status = ?, summary = ?, report = ?", status, stored, report)

    def extend(self, run: Run, request: Mapping[str, Any], *, without: Round | None = None) -> Run:
        """Ask more of a run than before, and call it interrupted, so that it can go on; all of it, or nothing.

        Args:
            run: the run, which nobody executes.
            request: what is asked for now.
            without: a round that is to be raced anew: it, those after it and their trials are forgotten.
        """
        with told_plainly(self.path, run=run.folder), transaction(self._connection):
            key = self._key(run)
            self._connection.execute(
                "UPDATE runs SET request = ?, status = ? WHERE id = ?", (json.dumps(request), INTERRUPTED, key)
            )
            if without is not None:
                self._connection.execute("DELETE FROM rounds WHERE run = ? AND number >= ?", (key, without.number))
                self._connection.execute("DELETE FROM trials WHERE run = ? AND round >= ?", (key, without.number))
        return self.run(run.name)

    def has_state(self, run: Run, number: int) -> bool:
        """Whether the weights of a trial's members are kept."""
        return states.state_path(run.folder, number).is_file()

    def tag(self, run: Run, add: Collection[str], *, remove: Collection[str] = ()) -> None:
        """Give a run tags and take others away; what it has or lacks already is no mistake."""
        rows = [(checked_tag(tag),) for tag in add]
        with told_plainly(self.path), transaction(self._connection):
            key = self._key(run)
            self._connection.executemany("DELETE FROM tags WHERE run = ? AND name = ?", [(key, tag) for tag in remove])
            self._connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(key, *row) for row in rows])

    def note(self, run: Run, text: str) -> None:
        """Write the user's own words on a run, in place of those before."""
        self._set(run, "note = ?", text)

    def delete(self, run: Run) -> None:
        """Delete a run, its trials and its folder, with everything in it.

        Raises:
            StoreError: a process is executing it, or its folder cannot be deleted.
        """
        delete_run(self._connection, self.path, run)

    def compact(self) -> None:
        """Give what deleted runs took back to the disk."""
        with told_plainly(self.path):
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _set(self, run: Run, assignments: str, *values: Any) -> None:
        """Change a run's row; the assignments are this class's own."""
        with told_plainly(self.path, run=run.folder), transaction(self._connection):
            self._connection.execute(f"UPDATE runs SET {assignments} WHERE id = ?", (*values, self._key(run)))  # noqa: S608

    def _key(self, run: Run) -> int:
        """Give the number of a run's row."""
        row = self._connection.execute("SELECT id FROM runs WHERE name = ?", (run.name,)).fetchone()
        if row is None:
            raise StoreError(f"the run {run.name} is no longer in {self.path}")
        return int(row[0])

    def _take_name(self, name: str) -> bool:
        """Make the folder of a new run, unless the name is taken."""
        if self._connection.execute("SELECT 1 FROM runs WHERE name = ?", (name,)).fetchone():
            return False
        folder = self.path.parent / name
        try:
            folder.mkdir()
        except FileExistsError:
            return folder.is_dir() and not any(folder.iterdir())  # a crash may have left it empty
        states.sync_folder(folder.parent)
        return True

    def _as_run(self, row: tuple[Any, ...]) -> Run:
        """Make a run of its row."""
        name, created, status, request, fingerprint, seconds_spent, summary, report, trials, note, tags = row
        folder = self.path.parent / str(name)
        with decoded(self.path, f"the run {name}"):
            return Run(
                name=name,
                folder=folder,
                created=created,
                status=INTERRUPTED if status == RUNNING and not is_locked(folder) else status,
                request=json.loads(request),
                fingerprint=fingerprint,
                seconds_spent=float(seconds_spent),
                summary=None if summary is None else json.loads(summary),
                report=report,
                trials=trials,
                note=note,
                tags=tuple(sorted(json.loads(tags))),
            )


def _connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open the file; to read only, where its folder cannot be written."""
    if os.access(path.parent, os.W_OK):
        return sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
    pending = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if pending.is_file() and pending.stat().st_size else "immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", timeout=busy_seconds, isolation_level=None, uri=True)


def _prepare(connection: sqlite3.Connection, path: Path, busy_seconds: float) -> None:
    """Bring the file up to date and set what each connection must."""
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # a commit survives a power cut
    if not os.access(path.parent, os.W_OK):
        check(connection, path)
        if version(connection) < len(STEPS):
            raise StoreError(f"{path} is of an older evenfit, and its folder cannot be written to bring it up to date")
        return
    check(connection, path)
    _write_ahead(connection, busy_seconds)
    upgrade(connection, path)


def _write_ahead(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Let readers and a writer work at once; SQLite itself does not wait where two processes ask for it together."""
    until = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(0.02)
        else:
            return
