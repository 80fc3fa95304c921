"""A sweep's folder, read without running any of it."""

import json

import pytest

from evenfit.cli.main import main
from evenfit.errors import SweepError
from evenfit.runs.listing import list_runs
from evenfit.sweeps.journal import TRIALS, Journal
from evenfit.sweeps.stored import read_sweep, sweeps_in
from evenfit.sweeps.trial import FAILED, FINISHED, Run, Trial

SWEEP = {
    "method": "random",
    "program": "a.py",
    "metric": {"name": "accuracy", "goal": "maximize"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}, "o": {"parameters": {"k": {"values": ["a", "b"]}}}},
}
ABOUT = {"sweep": SWEEP, "seed": 0, "folds": 0, "seeds": 0, "engine": ""}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Three trials: one that failed, one better than the other, and a fourth that was cut short."""
    monkeypatch.chdir(tmp_path)
    journal = Journal(tmp_path / "sweeps" / "s", ABOUT)
    runs = (
        Run(status=FAILED, seconds=1.0),
        Run(status=FINISHED, history=(0.5, 0.25), seconds=2.0),
        Run(status=FINISHED, history=(0.5,), seconds=3.5),
    )
    for number, run in enumerate(runs):
        trial = Trial(number=number, chosen={("x",): number / 4, ("o", "k"): "a"}, runs={(0, 0): run})
        journal.proposed(trial)
        journal.ended(trial, (0, 0))
        journal.closed(trial)
    journal.proposed(Trial(number=3, chosen={("x",): 0.75, ("o", "k"): "b"}))
    journal.close()
    return tmp_path / "sweeps" / "s"


def test_a_sweep_is_listed_with_its_best_value_and_before_the_runs(home, capsys):
    [row] = list_runs("runs")
    assert (row["run"], row["kind"], row["status"]) == ("sweeps/s", "sweep", "interrupted")
    assert (row["metric"], row["estimate"], row["trials"], row["seconds"]) == ("accuracy", 0.5, 4, 6.5)
    assert list_runs("runs", tags=["paper"]) == []
    assert main(["runs"]) == 0
    assert "sweeps/s  sweep  interrupted" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["sweeps/s", "s"])
def test_a_sweep_is_shown_with_its_best_trials_the_best_first(home, capsys, name):
    assert main(["show", name]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["s: a sweep by random, interrupted", "2 finished, 1 failed, 1 running; 6.5 s of runs"]
    assert [line.split() for line in lines[5:8]] == [
        ["trial", "accuracy", "o.k", "x"],
        ["2", "0.5", "a", "0.5"],
        ["1", "0.25", "a", "0.25"],
    ]
    assert main(["show", name, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["best"]["trial"], found["goal"], len(found["trials"])) == (2, "maximize", 4)


def test_a_sweep_that_has_its_folder_open_is_running(home):
    journal = Journal(home, ABOUT)
    assert read_sweep(home).status == "running"
    journal.close()
    assert read_sweep(home).status == "interrupted"


def test_a_last_line_that_a_kill_cut_short_is_passed_over_and_dropped(home):
    whole = (home / TRIALS).read_bytes()
    (home / TRIALS).write_bytes(whole + b'{"event": "ended", "tri')
    assert [trial.number for trial in read_sweep(home).trials] == [0, 1, 2, 3]
    journal = Journal(home, ABOUT)
    journal.closed(journal.trials(1)[3])
    journal.close()
    added = (home / TRIALS).read_bytes().removeprefix(whole)
    assert json.loads(added) == {"event": "closed", "trial": 3}


def test_a_folder_that_cannot_be_read_is_said_and_not_listed(home):
    (home / "sweep.json").write_text("{}")
    assert sweeps_in(home.parent) == []
    with pytest.raises(SweepError, match="cannot be read as a sweep"):
        read_sweep(home)
