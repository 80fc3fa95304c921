"""Schema: the steps that make a store, appended and never changed; ``user_version`` counts them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from evenfit.errors import StoreError
from evenfit.store.transaction import transaction

APPLICATION = 0x6576656E  # "even": SQLite's mark of whose file it is

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE runs (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            created TEXT NOT NULL,
            status TEXT NOT NULL,
            request TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            seconds_spent REAL NOT NULL DEFAULT 0,
            summary TEXT
        )""",
        """CREATE TABLE rounds (
            run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            kind TEXT NOT NULL,
            configs TEXT NOT NULL,
            PRIMARY KEY (run, number)
        )""",
        """CREATE TABLE trials (
            id INTEGER PRIMARY KEY,
            run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            round INTEGER NOT NULL,
            config TEXT NOT NULL,
            status TEXT NOT NULL,
            best INTEGER NOT NULL,
            seconds REAL,
            stored TEXT NOT NULL,
            UNIQUE (run, number)
        )""",
        """CREATE TABLE arrays (
            trial INTEGER NOT NULL REFERENCES trials (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            dtype TEXT NOT NULL,
            shape TEXT NOT NULL,
            data BLOB NOT NULL,
            checksum INTEGER NOT NULL,
            PRIMARY KEY (trial, name)
        )""",
    ),
    (
        "ALTER TABLE runs ADD COLUMN report TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE trials ADD COLUMN loss REAL",
        "ALTER TABLE trials ADD COLUMN seconds_spent REAL",
    ),
    (
        "ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT ''",
        """CREATE TABLE tags (
            run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            PRIMARY KEY (run, name)
        )""",
    ),
)


def version(connection: sqlite3.Connection) -> int:
    """Count the steps that a store has taken."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Take the steps that a store still lacks, all or none, whoever else is opening it.

    Raises:
        StoreError: the store is newer than this evenfit, or the file belongs to another program.
    """
    check(connection, path)
    if version(connection) == len(STEPS):
        return
    with transaction(connection):
        taken = version(connection)  # again: another process may have been first
        for step in STEPS[taken:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {max(taken, len(STEPS))}")


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a store that this evenfit cannot read.

    Raises:
        StoreError: the store is newer than this evenfit, or the file belongs to another program.
    """
    found = version(connection)
    if found > len(STEPS):
        raise StoreError(
            f"{path} was written by a newer evenfit (store version {found}; this one knows {len(STEPS)}): "
            "upgrade evenfit, or choose another folder with --runs"
        )
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    # the tables first: another process may be making them, and marks the file as ours in the same transaction
    if tables and connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise StoreError(f"{path} is a database of another program; choose another folder with --runs")
