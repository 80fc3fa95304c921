"""Each command: what it asks of the runs below it, and what it prints."""

import json
import sys
from pathlib import Path

import pytest

from evenfit.cli.fit import gate
from evenfit.errors import TrackingError
from evenfit.runs.request import FitRequest
from evenfit.specs.budget import Budget


def test_fit_hands_over_every_option(command, fake_runs):
    code, out, _ = command(
        *("fit", "a.csv", "--target", "y", "--budget", "40 trials", "--test", "t.csv", "--task", "classification"),
        *("--categorical", "a,b", "--categorical", "c", "--drop", "d", "--group", "g", "--time", "t", "--weight", "w"),
        *("--metric", "auc", "--folds", "4", "--repeats", "2", "--seed", "3", "--selection", "best", "--class-weights"),
        *("--workers", "2", "--runs", "r", "--name", "n", "--delimiter", "tab", "--encoding", "latin-1"),
        *("--require", "0.7", "--track", "tensorboard", "--proposals", "random", "--racing", "none"),
    )
    assert (code, out) == (0, "selected 0.4\n")
    [_, (_, request), _] = fake_runs.calls
    assert request.to_json() == FitRequest(table="a.csv", target="y").to_json() | {
        "budget": Budget(trials=40).to_json(),
        "test": "t.csv",
        "task": "classification",
        "categorical": ["a", "b", "c"],
        "drop": ["d"],
        "group": "g",
        "time": "t",
        "weight": "w",
        "metric": "auc",
        "folds": 4,
        "repeats": 2,
        "seed": 3,
        "selection": "best",
        "class_weights": True,
        "workers": 2,
        "runs": "r",
        "name": "n",
        "delimiter": "\t",
        "encoding": "latin-1",
        "track": ["tensorboard"],
        "require": 0.7,
        "proposals": "random",
        "racing": "none",
    }


def test_flags_come_before_the_config_file(command, fake_runs, tmp_path):
    config = tmp_path / "fit.toml"
    config.write_text('table = "a.csv"\ntarget = "y"\nfolds = 3\nclass-weights = true\ndrop = ["a, b"]\n')
    assert command("fit", "--config", str(config), "--folds", "4")[0] == 0
    [(_, request)] = fake_runs.calls
    assert (request.table, request.folds, request.class_weights, request.drop) == ("a.csv", 4, True, ("a, b",))


def test_plan_says_what_would_run_and_fits_nothing(command, fake_runs):
    code, out, _ = command("fit", "a.csv", "--target", "y", "--plan")
    assert (code, out) == (0, "selected 0.4\n")
    assert [call[0] for call in fake_runs.calls] == ["plan"]


@pytest.mark.parametrize(("bound", "code"), [("0.5", 0), ("0.49", 1)])
@pytest.mark.parametrize("start", [("fit", "a.csv", "--target", "y"), ("resume", "a")], ids=["fit", "resume"])
def test_the_gate_compares_the_upper_bound_and_still_prints_the_answer(start, bound, code, command, fake_runs):
    found, out, err = command(*start, "--require", bound)
    assert (found, out) == (code, "selected 0.4\n")
    assert ("is above the required" in err) == bool(code)


def test_a_gate_is_not_passed_by_an_estimate_that_is_not_known(capsys):
    assert gate(float("nan"), require=0.5) == 1
    assert "is not known, and so not below the required 0.5\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("fit", "a.csv", "--target", "y"),
        ("resume", "a"),
        ("predict", "a", "n.csv"),
        ("score", "a", "n.csv"),
        ("show", "a"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_json_is_one_object_without_infinities(arguments, command, fake_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("runs/a").mkdir(parents=True)
    code, out, err = command(*arguments, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"selected": 0.4, "low": None}


def test_resume_passes_on_by_how_much_a_run_is_extended(command, fake_runs):
    command("resume", "a", "--extend", "+2000 epochs")
    assert fake_runs.calls[-1] == ("resume", "a", "runs", Budget(epochs=2000))
    code, _, err = command("resume", "a", "--extend", "0 trials")
    assert code == 2
    assert "at least 1; got 0 trials" in err


def test_resume_takes_a_name_or_a_path(command, fake_runs):
    command("resume", "a")
    command("resume", "else/where/a/")
    assert fake_runs.calls == [("resume", "a", "runs"), ("resume", "a", "else/where")]


def test_predict_and_score_find_the_run_by_name_or_path(command, fake_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("runs/a").mkdir(parents=True)
    assert command("predict", "a", "new.csv", "--out", "p.csv")[0] == 0
    assert command("score", "runs/a", "new.csv", "--delimiter", "tab", "--encoding", "cp1250")[0] == 0
    assert fake_runs.calls == [
        ("predict", Path("runs/a"), Path("new.csv"), Path("p.csv"), None, None),
        ("score", Path("runs/a"), Path("new.csv"), "\t", "cp1250"),
    ]


def test_a_run_that_is_not_there_is_answered_with_one_of_a_near_name(command, fake_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("runs/bank-1").mkdir(parents=True)
    assert (
        command("score", "bnak-1", "new.csv")[2]
        == "evenfit: there is no run 'bnak-1' in runs; did you mean 'bank-1'?\n"
    )


def test_trackers_are_looked_for_before_a_search_and_written_to_behind_it(command, fake_runs):
    code, out, err = command(
        *("fit", "a.csv", "--target", "y", "--track", "wandb", "--track", "mlflow=http://127.0.0.1:5", "--runs", "r")
    )
    assert (code, out, err) == (0, "selected 0.4\n", "selected 0.4selected 0.4")
    assert [call[0] for call in fake_runs.calls] == ["check_targets", "fit", "track", "track"]
    assert fake_runs.calls[2:] == [
        ("track", "a", "r", "wandb", None, "evenfit"),
        ("track", "a", "r", "mlflow", "http://127.0.0.1:5", "evenfit"),
    ]


def test_a_run_that_is_resumed_is_tracked_as_it_was_asked(command, fake_runs):
    fake_runs.asked = ("tensorboard",)
    assert command("resume", "r/a")[0] == 0
    assert fake_runs.calls[1:] == [("track", "a", "r", "tensorboard", None, "evenfit")]


def test_a_tracker_that_is_not_there_is_said_before_the_search(command, fake_runs):
    fake_runs.refusal = TrackingError("mlflow needs mlflow")
    assert command("fit", "a.csv", "--target", "y", "--track", "mlflow")[0] == 2
    assert [call[0] for call in fake_runs.calls] == ["check_targets"]


def test_a_tracker_that_refuses_takes_no_answer_away(command, fake_runs):
    fake_runs.tracker_error = TrackingError("the disk is full")
    code, out, err = command("fit", "a.csv", "--target", "y", "--track", "mlflow=sqlite:///x", "--runs", "r s")
    assert (code, out) == (2, "selected 0.4\n")
    assert err.endswith("to track it: evenfit track 'r s/a' --to mlflow --uri sqlite:///x\n")


def test_a_stop_while_a_tracker_writes_says_that_the_run_is_kept(command, fake_runs):
    fake_runs.tracker_error = KeyboardInterrupt()
    code, out, err = command("fit", "a.csv", "--target", "y", "--track", "wandb", "--runs", "r")
    assert (code, out) == (130, "selected 0.4\n")
    assert "the run itself is done and kept; to track it: evenfit track r/a --to wandb\n" in err


def test_track_hands_over_where_to_and_what(command, fake_runs):
    assert command("track", "r/a", "--to", "mlflow", "--uri", "sqlite:///x", "--project", "p")[0] == 0
    assert command("track", "a", "--to", "tensorboard")[0] == 0
    assert fake_runs.calls == [
        ("track", "a", "r", "mlflow", "sqlite:///x", "p"),
        ("track", "a", "runs", "tensorboard", None, "evenfit"),
    ]


@pytest.mark.parametrize("file", ["numbers.json", "trials.jsonl"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("track", "x/a", "--to", "mlflow"),
        ("show", "x/a"),
        ("tag", "x/a"),
        ("resume", "x/a"),
        ("compare-runs", "b", "x/a"),
    ],
)
def test_what_is_no_run_of_fit_is_said_to_be_what_it_is(file, arguments, command, fake_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x/a").mkdir(parents=True)
    Path("x/a", file).touch()
    code, _, err = command(*arguments)
    assert code == 2
    assert err.startswith(f"evenfit: x/a is a {'measurement' if file == 'numbers.json' else 'sweep'}")
    assert fake_runs.calls == []


def test_an_unknown_tracker_is_refused(command, fake_runs):
    code, _, err = command("fit", "a.csv", "--target", "y", "--track", "neptune")
    assert (code, err) == (2, "evenfit: track must be one of wandb, mlflow, tensorboard; got 'neptune'\n")
    assert command("track", "a", "--to", "neptune")[0] == 2


def test_runs_are_a_table(command, fake_runs):
    code, out, _ = command("runs")
    assert code == 0
    assert out == "name       loss\na          0.41\nlong name     -\n"


def test_runs_are_a_json_list(command, fake_runs):
    assert json.loads(command("runs", "--json")[1])[0] == {"name": "a", "loss": 0.41}


def test_tags_and_notes_are_shown_where_there_are_any_and_long_notes_in_short(command, fake_runs, monkeypatch):
    rows = [{"run": "a", "tags": ["x", "y"], "note": "word " * 40}, {"run": "b", "tags": [], "note": ""}]
    listing = sys.modules["evenfit.runs.listing"]
    monkeypatch.setattr(listing, "list_runs", lambda runs, *, tags: rows)
    head, first, _ = command("runs")[1].splitlines()
    assert head.split() == ["run", "tags", "note"]
    assert first.startswith("a    x, y  word word")
    assert len(first) < 90
    monkeypatch.setattr(listing, "list_runs", lambda runs, *, tags: rows[1:])
    assert command("runs")[1] == "run\nb\n"


def test_runs_are_looked_for_by_tags(command, fake_runs):
    command("runs", "--tag", "x", "--tag", "y")
    assert fake_runs.calls == [("list_runs", "runs", ["x", "y"])]
