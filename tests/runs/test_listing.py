"""Runs are listed and shown from the store alone."""

import subprocess
import sys

import pytest
from tests.store.trials import trial_of

from evenfit.errors import StoreError
from evenfit.runs.listing import list_runs, show
from evenfit.store import open_store

REQUEST = {"table": "bank.csv", "target": "subscribed", "budget": {"seconds": 60.0, "trials": None}, "metric": None}
SUMMARY = {"estimate": {"mean": 0.25, "low": 0.24, "high": 0.26, "metric": "log_loss"}, "verdict": {"name": "balanced"}}


@pytest.fixture
def runs(tmp_path):
    with open_store(tmp_path / "runs") as store:
        done = store.create_run(REQUEST, name=None, fingerprint="")
        store.add_trial(done, trial_of(0), state=None, seconds_spent=3.25)
        store.finish(done, SUMMARY, "done", report="the report\n")
        killed = store.create_run(REQUEST, name=None, fingerprint="")
        for number in range(3):
            store.add_trial(killed, trial_of(number), state=None, seconds_spent=2.0 * number)
        store.create_run({"budget": {"seconds": None, "trials": 40}}, name="empty", fingerprint="")
    return tmp_path / "runs"


def test_runs_are_listed_the_latest_last(runs):
    rows = list_runs(str(runs))
    assert [row["run"] for row in rows] == ["bank", "bank-2", "empty"]
    assert [row["status"] for row in rows] == ["done", "interrupted", "interrupted"]
    assert [row["estimate"] for row in rows] == [0.25, None, None]
    assert [row["trials"] for row in rows] == [1, 3, 0]
    assert rows[0]["metric"] == "log_loss"


def test_a_folder_without_runs_lists_none_and_stays_empty(tmp_path):
    assert list_runs(str(tmp_path / "runs")) == []
    assert not (tmp_path / "runs").exists()


def test_a_finished_run_is_shown_as_it_was_printed(runs):
    shown = show("bank", str(runs))
    assert shown.text() == "the report\n"
    assert shown.json() == SUMMARY


def test_an_interrupted_run_shows_how_far_it_came_and_how_to_go_on(runs):
    shown = show("bank-2", str(runs))
    losses = [trial_of(number).loss for number in range(3)]
    known = shown.json()
    assert (known["default_loss"], known["best_loss"]) == (losses[0], min(losses))
    assert known["best_trial"] == losses.index(min(losses))
    assert (known["budget"], known["seconds_spent"], known["trials"]) == ("60s", 4.0, 3)
    assert f"evenfit resume {runs / 'bank-2'}" in shown.text()
    assert "subscribed" in shown.text()


def test_a_run_without_trials_is_shown(runs):
    shown = show("empty", str(runs))
    assert shown.json()["budget"] == "40 trials"
    assert "best loss      -" in shown.text()


def test_a_run_that_is_executed_is_shown_as_running(runs):
    with open_store(runs) as store, store.lock(store.run("bank-2")):
        shown = show("bank-2", str(runs))
    assert shown.json()["status"] == "running"
    assert "It is running now" in shown.text()


def test_an_unknown_run_brings_the_nearest(runs):
    with pytest.raises(StoreError, match="did you mean bank"):
        show("bnak", str(runs))


def test_listing_imports_neither_torch_nor_polars():
    code = (
        "import sys, evenfit.runs.listing; sys.exit(any(name in sys.modules for name in ('torch', 'polars', 'optuna')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
