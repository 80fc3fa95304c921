"""Stores of every version, and of none, are opened or refused in one line."""

import sqlite3
import zlib

import numpy as np
import pytest

from evenfit.errors import StoreError
from evenfit.store import open_store
from evenfit.store.schema import APPLICATION, STEPS
from evenfit.store.trial_rows import ARRAYS

ONE = np.float16(1).tobytes()

# What each version's evenfit wrote, by the statements of its time; appended with each step.
_FIRST = (
    "INSERT INTO runs (name, created, status, request, fingerprint, seconds_spent, summary)"
    " VALUES ('old', '2026-01-01T00:00:00+00:00', 'done', '{\"seed\": 3}', 'f', 5.0, '{\"loss\": 0.5}')",
    "INSERT INTO rounds VALUES (1, 0, 'default', '[{\"width\": 8}]')",
    "INSERT INTO trials (run, number, round, config, status, best, seconds, stored)"
    " VALUES (1, 0, 0, '{\"width\": 8}', 'complete', 0, 1.5, '2026-01-01T00:00:00+00:00')",
    *(
        f"INSERT INTO arrays VALUES (1, '{name}', '<f2', '[1, 1]', x'003c', {zlib.crc32(ONE)})"  # noqa: S608
        for name in ARRAYS
    ),
)
_TAGGED = (*_FIRST, "UPDATE runs SET note = 'words'", "INSERT INTO tags VALUES (1, 'paper')")
WRITTEN = ((), _FIRST, _FIRST, _TAGGED)


def _store_of(version, path):
    connection = sqlite3.connect(path)
    for step in STEPS[:version]:
        for statement in step:
            connection.execute(statement)
    for statement in WRITTEN[version]:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version}")
    if version:
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.commit()
    connection.close()


def test_each_version_has_an_example():
    assert len(WRITTEN) == len(STEPS) + 1


@pytest.mark.parametrize("version", range(len(WRITTEN)))
def test_a_store_of_any_older_version_is_brought_up_to_date(tmp_path, version):
    _store_of(version, tmp_path / "evenfit.sqlite")
    with open_store(tmp_path) as store:
        if version:
            (run,) = store.runs()
            assert (run.name, run.seed, run.summary, run.seconds_spent) == ("old", 3, {"loss": 0.5}, 5.0)
            assert (run.note, run.tags) == (("words", ("paper",)) if version >= 3 else ("", ()))
            assert store.rounds(run)[0].configs == ({"width": 8},)
            (trial,) = store.trials(run)
            assert (trial.config.width, trial.loss, trial.seconds) == (8, 1.0, 1.5)
            assert store.finishes(run)[0].trial == 0
        store.create_run({}, name="new", fingerprint="")
    with sqlite3.connect(tmp_path / "evenfit.sqlite") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
    connection.close()


def test_a_newer_store_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "evenfit.sqlite"
    _store_of(len(STEPS), path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="was written by a newer evenfit"):
        open_store(tmp_path)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "evenfit.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (id INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="a database of another program"):
        open_store(tmp_path)
    assert path.read_bytes() == before
