"""Processes that are killed, and processes that meet."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.store.trials import assert_same_arrays, assert_same_trials, state_of, trial_of

from evenfit.errors import StoreError
from evenfit.store import open_store

WRITER = Path(__file__).with_name("writer.py")


def _start(runs, name, count):
    return subprocess.Popen(
        [sys.executable, str(WRITER), str(runs), name, str(count)], stdout=subprocess.PIPE, text=True
    )


def _start_and_wait(runs, name, count=10**9):
    process = _start(runs, name, count)
    assert process.stdout.readline() == "ready\n"
    return process


def _kill(process):
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    return [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]


def test_thirty_kills_at_random_moments_lose_no_finished_trial(tmp_path):
    chance = np.random.default_rng(0)
    finished = set()
    for _ in range(30):
        process = _start_and_wait(tmp_path, "killed")
        finished.update(int(process.stdout.readline()) for _ in range(chance.integers(4)))
        time.sleep(chance.uniform(0, 0.03))
        finished.update(_kill(process))
        with open_store(tmp_path) as store:
            run = store.run("killed")
            assert run.status == "interrupted"
            found = {trial.number: trial for trial in store.trials(run)}
            assert finished <= found.keys()
            assert found.keys() <= {round.number for round in store.rounds(run)}
            for number in sorted(found)[-3:]:  # the last ones were under way
                assert_same_trials(found[number], trial_of(number))
                assert_same_arrays(store.state(run, number)["weights"], state_of(number)["weights"])
    assert len(finished) > 30
    with open_store(tmp_path) as store:
        for trial in store.trials(run):
            assert_same_trials(trial, trial_of(trial.number))
            assert_same_arrays(store.state(run, trial.number)["weights"], state_of(trial.number)["weights"])
        with store.lock(run):
            assert not list((run.folder / "trials").glob("*.unfinished"))


def test_two_processes_that_write_to_one_store_lose_nothing(tmp_path):
    processes = [_start(tmp_path / "runs", name, 20) for name in ("one", "two")]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    with open_store(tmp_path / "runs") as store:
        for name in ("one", "two"):
            assert [trial.number for trial in store.trials(store.run(name))] == list(range(20))
            assert store.run(name).status == "done"


def test_a_run_that_is_executed_cannot_be_executed_by_another_process(tmp_path):
    process = _start_and_wait(tmp_path, "busy")
    with open_store(tmp_path) as store:
        run = store.run("busy")
        assert run.status == "running"
        with pytest.raises(StoreError, match=f"busy is being executed by process {process.pid}"), store.lock(run):
            pass
        _kill(process)
        assert store.run("busy").status == "interrupted"
        with store.lock(run):
            assert store.run("busy").status == "running"
    with open_store(tmp_path) as store:
        assert store.run("busy").status == "interrupted"


def test_a_worker_that_outlives_its_parent_does_not_keep_the_lock(tmp_path):
    parent = f"""
import os, sys, time
from pathlib import Path
from evenfit.store import open_store
store = open_store(Path({str(tmp_path)!r}))
run = store.create_run({{}}, name="orphaned", fingerprint="")
with store.lock(run):
    worker = os.fork()
    if worker == 0:
        os.close(1)
        time.sleep(60)
        os._exit(0)
    print(worker, flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    worker = int(process.stdout.readline())
    try:
        with open_store(tmp_path) as store:
            assert store.run("orphaned").status == "running"
            _kill(process)
            assert Path(f"/proc/{worker}").exists() or sys.platform != "linux"
            with store.lock(store.run("orphaned")):
                pass
    finally:
        os.kill(worker, signal.SIGKILL)
