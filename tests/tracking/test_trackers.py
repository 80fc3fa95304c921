"""Whatever the tracker: all is there, as it was, once, and what is missing is said in one line."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from tests.tracking.readers import READERS, tensorboard_sessions

from evenfit.errors import TrackingError
from evenfit.results.intervals import corrected_interval
from evenfit.results.selection import validation_rows
from evenfit.runs import request
from evenfit.runs.tracking import PROJECT, track
from evenfit.store import open_store
from evenfit.tracking import trackers
from evenfit.tracking.trackers import TRACKERS, Tracker, place_of

# What the trackers' own packages warn of, to one another.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PACKAGES = {"mlflow": "mlflow", "tensorboard": "tensorboard", "wandb": "wandb"}


def quiet(done, total):
    pass


@pytest.fixture(params=sorted(TRACKERS))
def tracker(request):
    pytest.importorskip(PACKAGES[request.param], reason=f"{request.param} is not installed: evenfit[{request.param}]")
    return request.param


@pytest.fixture
def uri(tracker, tmp_path):
    return f"sqlite:///{tmp_path}/out/tracked.sqlite" if tracker == "mlflow" else str(tmp_path / "out")


@pytest.fixture
def write(tracker, uri, runs):
    return lambda tell=quiet: track("bank", runs=str(runs), to=tracker, uri=uri, project=PROJECT, tell=tell).tracked


def names(study):
    trials = [f"bank/trial-{trial.number}" for trial in study.trials]
    return {"bank", *trials, *(f"{trial}/split-{split}" for trial in trials for split in range(5))}


def test_the_request_knows_the_trackers():
    assert set(request.TRACKERS) == set(TRACKERS)


def test_each_trial_is_there_with_its_mean_over_folds_and_the_corrected_interval(tracker, uri, write, study):
    write()
    seen = READERS[tracker](uri)
    for trial in study.trials:
        wanted = corrected_interval(
            trial.selection_loss[trial.best],
            training_rows=study.truth.training_rows,
            validation_rows=validation_rows(study.truth),
        )
        values = seen[f"bank/trial-{trial.number}"].values
        found = [values[name] for name in ("loss", "loss_low", "loss_high")]
        np.testing.assert_allclose(found, [wanted.mean, wanted.low, wanted.high], rtol=1e-5)
        assert values["auc"] == pytest.approx(1 - trial.loss, rel=1e-5)
        assert values["best_epoch"] == trial.epoch


def test_folds_are_children_of_their_trial_and_trials_of_the_run(tracker, uri, write, study):
    write()
    seen = READERS[tracker](uri)
    assert set(seen) == names(study)
    for name, entry in seen.items():
        assert entry.parent == (name.rpartition("/")[0] or None)
    for trial in study.trials:
        for split in range(5):
            values = seen[f"bank/trial-{trial.number}/split-{split}"].values
            assert values["loss"] == pytest.approx(trial.selection_loss[trial.best, split], rel=1e-5)


def test_curves_are_those_of_the_trial_by_epoch(tracker, uri, write, study):
    write()
    seen = READERS[tracker](uri)
    trial = study.trials[0]
    for name in ("training_loss", "validation_loss", "selection_loss"):
        losses = getattr(trial, name)
        for entry, wanted in (("bank/trial-0", losses.mean(1)), ("bank/trial-0/split-3", losses[:, 3])):
            steps, values = zip(*seen[entry].curves[name], strict=True)
            assert steps == tuple(trial.epochs)
            np.testing.assert_allclose(values, wanted, rtol=1e-5)


def test_configs_are_the_parameters_of_their_trials(tracker, uri, write, study):
    write()
    seen = READERS[tracker](uri)
    for trial in study.trials:
        found = seen[f"bank/trial-{trial.number}"].parameters
        for name, value in trial.config.to_json().items():
            texts = {str(value), str(float(value)) if isinstance(value, int | float) else ""}
            assert found[name] in texts, name


def test_the_run_has_its_estimate_its_note_and_its_files(tracker, uri, write, study):
    write()
    run = READERS[tracker](uri)["bank"]
    assert run.values["estimate"] == pytest.approx(study.estimate.mean, rel=1e-5)
    assert run.values["estimate_high"] == pytest.approx(study.estimate.high, rel=1e-5)
    assert run.note == "before the price rise"
    if tracker != "tensorboard":  # it has none
        assert {name.split("/")[0] for name in run.files} >= {"model", "report.html", "metrics.json"}


def test_the_run_has_its_nested_estimate_where_there_is_one(tracker, uri, write, runs, study):
    with open_store(runs) as store:
        run = store.run("bank")
        members = {"mean": 0.4, "low": 0.3, "high": 0.5, "level": 0.9}
        store.finish(run, dict(run.summary) | {"nested": {"members": members}}, "done", report="")
    write()
    values = READERS[tracker](uri)["bank"].values
    assert [values[name] for name in ("nested", "nested_low", "nested_high")] == pytest.approx([0.4, 0.3, 0.5])


def test_tracked_twice_nothing_is_doubled(tracker, uri, write, study):
    first = write()
    before = READERS[tracker](uri)
    second = write()
    assert (first.written, first.unchanged) == (len(names(study)), 0)
    assert (second.written, second.unchanged) == (0, len(names(study)))
    assert READERS[tracker](uri) == before


@pytest.mark.parametrize("moment", [1, 2, 9])
def test_a_writing_that_was_cut_short_goes_on_and_doubles_nothing(tracker, uri, write, study, moment):
    def stop(done, total):
        if done == moment:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(stop)
    assert write().unchanged == moment
    assert set(READERS[tracker](uri)) == names(study)


def test_a_new_note_replaces_the_old_and_leaves_the_trials_alone(tracker, uri, write, runs, study):
    write()
    with open_store(runs) as store:
        store.note(store.run("bank"), "after it")
    assert write().written == 1
    seen = READERS[tracker](uri)
    assert set(seen) == names(study)
    assert seen["bank"].note == "after it"
    assert seen["bank/trial-1"].parent == "bank"


def test_tags_and_notes_are_kept_whatever_their_letters(tracker, uri, write, runs):
    odd = ["%_", "a/b", "q'uo\"te", "ä=ö"]
    with open_store(runs) as store:
        run = store.run("bank")
        store.tag(run, odd, remove=["paper"])
        store.note(run, "zwei\nlines: <b>'\"&ö")
    write()
    seen = READERS[tracker](uri)["bank"]
    assert seen.tags == ", ".join(sorted(odd))
    assert seen.note == "zwei\nlines: <b>'\"&ö"


@pytest.mark.parametrize("project", ["", "..", "a/b", "/x", "a\nb"])
def test_a_project_that_is_no_name_is_refused(project, runs):
    with pytest.raises(TrackingError, match="project must be a name"):
        track("bank", runs=str(runs), to="tensorboard", uri=None, project=project, tell=quiet)


def test_two_runs_of_one_store_do_not_mix(tracker, uri, write, runs, study):
    write()
    with open_store(runs) as store:
        other = store.create_run({"folds": 5}, name="other", fingerprint="")
        store.add_trial(other, study.trials[2], state=None)
    done = track("other", runs=str(runs), to=tracker, uri=uri, project=PROJECT, tell=quiet).tracked
    assert done.written == 7
    seen = READERS[tracker](uri)
    assert set(seen) == names(study) | {"other", "other/trial-2", *(f"other/trial-2/split-{n}" for n in range(5))}
    assert write().written == 0


def test_a_diverged_trial_is_there_without_numbers_that_are_none(tracker, uri, write, runs):
    from dataclasses import replace

    with open_store(runs) as store:
        run = store.run("bank")
        trial = store.trials(run)[1]
        lost = {name: np.full_like(getattr(trial, name), math.nan) for name in ("selection_loss", "validation_loss")}
        store.add_trial(run, replace(trial, status="diverged", **lost), state=None)
    write()
    values = READERS[tracker](uri)["bank/trial-1"].values
    assert "loss" not in values
    assert "loss_low" not in values
    assert math.isfinite(values["best_training_loss"])


def test_hparams_has_a_row_for_each_trial_with_its_interval(runs, tmp_path, study):
    pytest.importorskip("tensorboard")
    track("bank", runs=str(runs), to="tensorboard", uri=str(tmp_path / "out"), project=PROJECT, tell=quiet)
    rows = tensorboard_sessions(tmp_path / "out")
    assert sorted(rows) == [f"bank/trial-{trial.number}" for trial in study.trials]
    for trial in study.trials:
        row = rows[f"bank/trial-{trial.number}"]
        assert float(row["dropout"]) == trial.config.dropout
        assert float(row["metric loss"]) == pytest.approx(trial.loss, rel=1e-5)
        assert float(row["metric loss_low"]) < trial.loss < float(row["metric loss_high"])


def test_wandb_is_offline_whatever_the_environment_says(runs, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_RUN_ID", "foreign")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    track("bank", runs=str(runs), to="wandb", uri=str(tmp_path / "out"), project=PROJECT, tell=quiet)
    assert "bank" in READERS["wandb"](tmp_path / "out")
    assert not list((tmp_path / "home").rglob("*artifact*"))


def test_another_process_finds_nothing_to_write(tracker, uri, write, runs):
    write()
    command = [sys.executable, "-m", "evenfit", "track", str(runs / "bank"), "--to", tracker, "--uri", uri, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["written"], found["unchanged"]) == (0, 25)


@pytest.mark.parametrize("name", sorted(TRACKERS))
def test_a_missing_package_gives_the_line_that_installs_it(name, monkeypatch):
    known = TRACKERS[name]
    gone = Tracker(home=known.home, needs=("no_such_package",), default=known.default, served=known.served)
    monkeypatch.setitem(trackers.TRACKERS, name, gone)
    with pytest.raises(TrackingError, match=rf"pip install 'evenfit\[{name}\]'"):
        place_of(name, None, runs="runs")


@pytest.mark.parametrize(
    ("name", "uri", "message"),
    [
        ("mlflow", "here", "sqlite:///FILE or to http://HOST:PORT; got 'here'"),
        ("mlflow", "http://127.0.0.1:9", "no server answers at http://127.0.0.1:9"),
        ("wandb", "https://api.wandb.ai", "wandb sync"),
        ("tensorboard", "gs://bucket", "is written to a folder; got 'gs://bucket'"),
        ("neptune", None, "can be tracked with wandb, mlflow, tensorboard; got 'neptune'"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_refused_at_once(name, uri, message, monkeypatch, tmp_path):
    monkeypatch.setattr(trackers, "find_spec", lambda module: True)
    with pytest.raises(TrackingError, match=message.replace("[", r"\[")):
        place_of(name, uri, runs=tmp_path)


def test_the_usual_place_is_no_runs_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(trackers, "find_spec", lambda module: True)
    for name in TRACKERS:
        assert str(tmp_path / "runs") + "-tracked" in place_of(name, None, runs=tmp_path / "runs")
