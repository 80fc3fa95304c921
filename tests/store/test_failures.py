"""What disks, files and other processes do to a store is said in one line, and loses nothing."""

import errno
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from tests.store.trials import assert_same_trials, state_of, trial_of

from evenfit.errors import StoreError
from evenfit.store import open_store


@pytest.fixture
def runs(tmp_path):
    """A folder of one run with three trials, closed."""
    with open_store(tmp_path / "runs") as store:
        run = store.create_run({"table": "bank.csv"}, name="monday", fingerprint="f")
        store.add_round(run, 0, [{"width": 8}], "random")
        for number in range(3):
            store.add_trial(run, trial_of(number), state=state_of(number), seconds_spent=1.0)
        store.finish(run, {"loss": 0.5}, "done")
    return tmp_path / "runs"


def _assert_one_line(caught):
    assert len(str(caught.value).splitlines()) == 1


def test_a_locked_store_is_waited_for_and_then_said(runs):
    other = sqlite3.connect(runs / "evenfit.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_store(runs, busy_seconds=0.1) as store:
        run = store.run("monday")  # reading goes on
        with pytest.raises(StoreError, match=r"is locked by another process.*evenfit resume .*monday") as caught:
            store.add_trial(run, trial_of(3), state=None)
        other.execute("COMMIT")
        store.add_trial(run, trial_of(3), state=None)
        assert store.run("monday").trials == 4
    other.close()
    _assert_one_line(caught)


def test_a_database_that_outgrows_the_disk_loses_nothing(runs):
    with open_store(runs) as store:
        run = store.run("monday")
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(StoreError, match=r"is full; every finished trial is safe.*resume .*monday") as caught:
            store.add_trial(run, trial_of(3, rows=10_000), state=None)
        assert [trial.number for trial in store.trials(run)] == [0, 1, 2]
        store._connection.execute("PRAGMA max_page_count = 1000000")
        store.add_trial(run, trial_of(3, rows=10_000), state=None)
    _assert_one_line(caught)
    with open_store(runs) as store:
        for trial in store.trials(run)[:3]:
            assert_same_trials(trial, trial_of(trial.number))


def test_a_run_that_does_not_fit_the_disk_leaves_no_folder(runs):
    with open_store(runs) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="is full"):
            store.create_run({"note": "x" * 100_000}, name="tuesday", fingerprint="")
        assert [run.name for run in store.runs()] == ["monday"]
    assert not (runs / "tuesday").exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_state_that_does_not_fit_the_disk_loses_nothing(runs, monkeypatch, code):
    def full(descriptor):
        raise OSError(code, os.strerror(code))

    with open_store(runs) as store:
        run = store.run("monday")
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match=r"is full; every finished trial is safe.*resume .*monday") as caught:
            store.add_trial(run, trial_of(1, seed=5), state=state_of(1, seed=5))
        monkeypatch.undo()
        assert_same_trials(store.trials(run)[1], trial_of(1))
        assert store.state(run, 1)["weights"].tobytes() == state_of(1)["weights"].tobytes()
    assert {path.name for path in (run.folder / "trials").iterdir()} == {f"{number}.safetensors" for number in range(3)}
    _assert_one_line(caught)


def test_a_folder_that_cannot_be_written_is_read_all_the_same(runs, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with open_store(runs, create=False) as store:
        (run,) = store.runs()
        assert run.summary == {"loss": 0.5}
        assert len(store.trials(run)) == 3
        with pytest.raises(StoreError, match="cannot be opened for writing") as caught:
            store.spend(run, 9.0)
    _assert_one_line(caught)
    assert not list(runs.glob("evenfit.sqlite-*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match=r"cannot be written \(Permission denied\)"):
        open_store(tmp_path / "runs")
    tmp_path.chmod(0o700)


def test_a_file_in_the_place_of_the_folder_of_runs_is_said(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(StoreError, match="runs is a file, but a folder for runs was wanted"):
        open_store(tmp_path / "runs")


def test_a_folder_in_the_place_of_the_store_is_said(tmp_path):
    (tmp_path / "evenfit.sqlite").mkdir()
    with pytest.raises(StoreError, match=r"evenfit\.sqlite cannot be opened") as caught:
        open_store(tmp_path)
    _assert_one_line(caught)


def test_a_store_that_is_no_database_is_said_and_left_alone(tmp_path):
    path = tmp_path / "evenfit.sqlite"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match=r"evenfit\.sqlite is damaged") as caught:
        open_store(tmp_path)
    _assert_one_line(caught)
    assert path.read_bytes() == b"not a database" * 1000


def _read_all(runs):
    with open_store(runs) as store:
        for run in store.runs():
            store.rounds(run)
            yield from store.trials(run)


@pytest.mark.parametrize("seed", range(24))
def test_a_damaged_store_is_said_or_gives_equal_arrays(runs, seed):
    path = runs / "evenfit.sqlite"
    chance = np.random.default_rng(seed)
    data = bytearray(path.read_bytes())
    if seed % 6 == 0:
        del data[chance.integers(1, len(data)) :]
    else:
        start = chance.integers(0, len(data) - 64)
        data[start : start + 64] = chance.bytes(64)
    path.write_bytes(data)
    found, said = [], f"{path} one line"
    try:
        found = list(_read_all(runs))
    except StoreError as error:
        said = str(error)
    assert str(path) in said
    assert len(said.splitlines()) == 1
    for trial in found:
        for name in ("training_loss", "row_values", "predictions"):
            assert getattr(trial, name).tobytes() == getattr(trial_of(trial.number), name).tobytes()


@pytest.mark.parametrize("kept", [0, 4, 9, 100, -1])
def test_a_state_that_is_cut_short_is_said(runs, kept):
    path = runs / "monday" / "trials" / "1.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with open_store(runs) as store, pytest.raises(StoreError, match=r"trials/1\.safetensors is damaged") as caught:
        store.state(store.run("monday"), 1)
    _assert_one_line(caught)


def test_a_state_with_a_changed_byte_is_said(runs):
    path = runs / "monday" / "trials" / "1.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with open_store(runs) as store, pytest.raises(StoreError, match=r"trials/1\.safetensors is damaged.*checksum"):
        store.state(store.run("monday"), 1)


def test_a_run_whose_folder_is_gone_is_said(runs):
    (runs / "monday").rename(runs / "elsewhere")
    with open_store(runs) as store:
        run = store.run("monday")
        with pytest.raises(StoreError, match="monday is missing: the run's folder was moved"), store.lock(run):
            pass


def test_trials_in_the_place_of_a_folder_are_said(runs):
    for path in (runs / "monday" / "trials").iterdir():
        path.unlink()
    (runs / "monday" / "trials").rmdir()
    Path(runs / "monday" / "trials").write_text("")
    with open_store(runs) as store, pytest.raises(StoreError, match="monday/trials") as caught:
        store.add_trial(store.run("monday"), trial_of(3), state=state_of(3))
    _assert_one_line(caught)


def test_an_interrupted_write_leaves_the_trial_of_before(runs, monkeypatch):
    def interrupted(*given):
        raise KeyboardInterrupt

    with open_store(runs) as store:
        run = store.run("monday")
        monkeypatch.setattr("evenfit.store.trial_rows._packed", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.add_trial(run, trial_of(1, seed=5), state=None)
        monkeypatch.undo()
        assert_same_trials(store.trials(run)[1], trial_of(1))
        store.add_trial(run, trial_of(1, seed=5), state=None)
        assert_same_trials(store.trials(run)[1], trial_of(1, seed=5))
