"""The option --racing: every way can be asked for, and is the same for any number of workers."""

import json

import numpy as np
import pytest

import evenfit
from evenfit.cli.main import build_app
from evenfit.errors import ConfigError
from evenfit.runs.options import request_from, to_toml
from evenfit.runs.request import FitRequest
from evenfit.specs.config import Config
from evenfit.specs.racing import RACING, RACINGS
from evenfit.specs.space import Range, Space

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0] + 0.1 * X[:, 1]
SPACE = Space(
    default=Config(width=8, epochs=10, batch_rows=32, numeric_embedding="none", learning_rate=0.05),
    values={"learning_rate": Range(low=1e-5, high=0.1, log=True), "l2": Range(low=1e-3, high=1.0, log=True, zero=0.5)},
)


def test_there_is_one_default():
    assert FitRequest(table="a.csv", target="y").racing == RACING == evenfit.EvenfitRegressor().racing


@pytest.mark.parametrize("name", RACINGS)
def test_help_names_every_way(name, capsys):
    build_app()(["fit", "--help"], exit_on_error=False, result_action="return_value")
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("name", RACINGS)
def test_a_request_comes_back_with_its_racing(name):
    request = request_from({"table": "a.csv", "target": "y", "racing": name})
    assert request.racing == name
    assert FitRequest.from_json(json.loads(json.dumps(request.to_json()))) == request
    assert f'racing = "{name}"' in to_toml(request)


@pytest.mark.parametrize("wrong", ["halfing", "", "Halving", 3])
def test_other_names_are_refused(wrong):
    with pytest.raises(ConfigError, match="racing"):
        request_from({"table": "a.csv", "target": "y", "racing": wrong})


def test_a_request_of_before_there_was_racing_can_be_read():
    stored = FitRequest(table="a.csv", target="y").to_json()
    del stored["racing"]
    assert FitRequest.from_json(stored).racing == RACING


@pytest.mark.parametrize("name", RACINGS)
def test_a_study_ends_with_an_answer_however_it_is_raced(name):
    study = evenfit.tune("mlp", X, Y, budget="14 trials", space=SPACE, folds=5, racing=name)
    assert len(study.trials) == 14
    assert study.trials[0].status == "complete"
    assert np.isfinite([study.estimate.mean, study.estimate.low, study.estimate.high]).all()
    dropped = [trial for trial in study.trials if trial.status == "dropped"]
    assert bool(dropped) == (name != "none")
    for trial in dropped:
        assert np.isfinite(trial.loss)
        assert trial.loss > study.selected.selection_loss.mean
        if name == "forgiving":
            assert trial.seen.tolist() == [True, True, False, False, False]
            assert trial.epochs[-1] == trial.config.epochs
        else:
            assert trial.seen.all()
            assert trial.epochs[-1] < trial.config.epochs


def test_racing_is_of_a_study_that_is_kept_too(tmp_path):
    study = evenfit.tune("mlp", X, Y, budget="5 trials", space=SPACE, folds=2, racing="none", store=tmp_path)
    assert {trial.status for trial in study.trials} == {"complete"}
    assert 'racing = "none"' in (tmp_path / "memory" / "request.toml").read_text()


def test_an_estimator_lists_candidates_that_had_some_splits():
    model = evenfit.EvenfitRegressor(max_trials=14, time_limit=None, random_state=0, racing="forgiving").fit(X, Y)
    found = model.cv_results_
    partial = np.isnan(found["split4_test_score"])
    assert partial.any()
    assert set(found["status"][partial]) == {"dropped"}
    assert np.isfinite(found["mean_test_score"]).all()
    assert found["rank_test_score"][partial].min() > (~partial).sum()
    scores = np.stack([found[f"split{split}_test_score"] for split in range(5)])
    assert found["mean_test_score"] == pytest.approx(np.nanmean(scores, axis=0))
