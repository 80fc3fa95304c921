"""Tune and cross_validate as functions."""

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import evenfit
from evenfit.cli.main import build_app
from evenfit.errors import BudgetError, ConfigError, DataError, StoreError
from evenfit.runs.functions import cross_validate, tune
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Range, Space

SMALL = Config(width=16, depth=1, epochs=6, batch_rows=32, numeric_embedding="none")
SPACE = Space(default=SMALL, values={"depth": Choice(values=(1, 2)), "dropout": Choice(values=(0.0, 0.2))})


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    return generator.normal(size=(80, 3))


@pytest.fixture(scope="module")
def classes(rows):
    return np.where(rows[:, 0] + rows[:, 1] > 0, "up", "down")


def test_the_public_names_are_these_functions():
    assert evenfit.tune is tune
    assert evenfit.cross_validate is cross_validate


def test_a_budget_in_trials_is_spent_exactly(rows, classes):
    study = tune("mlp", rows, classes, space=SPACE, budget="5 trials", folds=3)
    assert [trial.number for trial in study.trials] == list(range(5))
    assert study.trials[0].config == SMALL
    assert {trial.config.width for trial in study.trials} == {16}
    assert len(study.truth.training_rows) == 3


@pytest.mark.parametrize("budget", [Budget(trials=2), "2 trials"])
def test_the_same_seed_gives_the_same_study(budget, rows, classes):
    studies = [tune("mlp", rows, classes, space=SPACE, budget=budget, folds=2, seed=seed) for seed in (3, 3, 4)]
    losses = [[trial.loss for trial in study.trials] for study in studies]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_two_workers_find_what_one_finds(rows, classes):
    here, there = (
        tune("mlp", rows, classes, space=SPACE, budget="6 trials", folds=2, workers=workers) for workers in (1, 2)
    )
    assert_allclose([trial.loss for trial in there.trials], [trial.loss for trial in here.trials], rtol=1e-6)
    assert there.selected.config == here.selected.config


def test_a_budget_in_seconds_ends(rows, classes):
    study = tune("mlp", rows, classes, space=SPACE, budget=3, folds=2)
    assert study.seconds < 6
    assert study.trials[0].status == "complete"


def test_rows_of_a_group_share_a_fold(rows, classes):
    groups = np.repeat(np.arange(20), 4)
    study = tune("mlp", rows, classes, space=SPACE, budget="1 trials", folds=4, groups=groups)
    folds = study.truth.split_of[0].reshape(20, 4)
    assert (folds == folds[:, :1]).all()


def test_weights_change_what_is_learnt(rows, classes):
    weights = np.where(classes == "up", 30.0, 1.0)
    plain = cross_validate(rows, classes, config=SMALL)
    weighted = cross_validate(rows, classes, config=SMALL, sample_weight=weights)
    assert weighted.predictions[..., 1].mean() > plain.predictions[..., 1].mean()


def test_cross_validation_says_what_the_first_trial_of_a_search_says(rows, classes):
    found = cross_validate(rows, classes, config=SMALL, folds=3)
    trial = tune("mlp", rows, classes, space=SPACE, budget="1 trials", folds=3).trials[0]
    assert_array_equal(found.losses, trial.selection_loss[trial.best])
    assert_array_equal(found.training_losses, trial.training_loss[trial.best])
    assert_array_equal(found.predictions, trial.predictions)
    assert found.interval.low < found.interval.mean == pytest.approx(found.losses.mean())
    assert found.gap.mean == pytest.approx((found.validation_losses - found.training_losses).mean())
    assert set(found.scores) == {"accuracy", "auc"}


def test_every_row_is_predicted_once_a_repeat_in_the_order_given(rows):
    y = 3 * rows[:, 0]
    found = cross_validate(rows, y, config=SMALL.with_values(epochs=40, learning_rate=0.02), folds=4, repeats=2)
    assert found.losses.shape == (8,)
    assert found.predictions.shape == (2, 80, 1)
    assert np.isfinite(found.predictions).all()
    assert np.corrcoef(found.predictions[0, :, 0], y)[0, 1] > 0.8
    assert found.metric == "rmse"


def test_a_whole_quantity_is_a_regression_where_that_is_asked_for(rows):
    y = np.arange(80) % 4
    assert cross_validate(rows, y, config=SMALL).metric == "log_loss"
    assert cross_validate(rows, y, config=SMALL, task="regression").metric == "rmse"


def test_nothing_is_written_without_a_store(rows, classes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tune("mlp", rows, classes, space=SPACE, budget="1 trials", folds=2)
    cross_validate(rows, classes, config=SMALL, folds=2)
    assert list(tmp_path.iterdir()) == []


def test_with_a_store_the_run_is_kept_shown_and_loaded(rows, classes, tmp_path, capsys):
    plain = tune("mlp", rows, classes, space=SPACE, budget="2 trials", folds=2)
    study = tune("mlp", rows, classes, space=SPACE, budget="2 trials", folds=2, store=tmp_path)
    assert study.estimate == plain.estimate
    [folder] = [path for path in tmp_path.iterdir() if path.is_dir()]
    model = evenfit.load_model(folder)
    assert set(model.predict(pl.DataFrame(rows, schema=["x0", "x1", "x2"]))) <= {"up", "down"}
    code = build_app()(["show", str(folder)], exit_on_error=False, result_action="return_value")
    assert code == 0
    assert "default" in capsys.readouterr().out
    assert (folder / "report.html").is_file()


def test_a_cross_validation_is_kept_too(rows, classes, tmp_path):
    found = cross_validate(rows, classes, config=SMALL, folds=2, store=tmp_path)
    assert_array_equal(found.losses, cross_validate(rows, classes, config=SMALL, folds=2).losses)
    [folder] = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert evenfit.load_model(folder).task == "binary"


@pytest.mark.parametrize("stored", [False, True])
def test_a_target_ends_a_search_and_is_noted(stored, rows, classes, tmp_path):
    options = {"store": tmp_path} if stored else {}
    study = tune("mlp", rows, classes, space=SPACE, budget="30 trials", folds=3, target_loss=10.0, **options)
    assert study.stopped == "target"
    assert len(study.trials) == 1
    assert any("the target 10 was reached" in note for note in study.notes)


def test_a_target_for_rmse_is_an_rmse(rows):
    y = 100 * rows[:, 0]
    plain = tune("mlp", rows, y, space=SPACE, budget="1 trials", folds=3)
    rmse = float(np.sqrt(plain.trials[0].loss))
    for target, stopped in ((rmse * 1.001, "target"), (rmse * 0.2, "trials")):
        assert tune("mlp", rows, y, space=SPACE, budget="3 trials", folds=3, target_loss=target).stopped == stopped


def test_a_search_that_has_settled_ends(rows, classes, monkeypatch):
    asked = []
    monkeypatch.setattr("evenfit.runs.search.settled", lambda *words, **more: asked.append(1) or len(asked) > 2)
    wide = Space(default=SMALL, values={"dropout": Range(low=0.0, high=0.5), "l2": Range(low=0.0, high=1.0)})
    study = tune("mlp", rows, classes, space=wide, budget="60 trials", folds=3, stop_when_settled=True)
    assert study.stopped == "settled"
    assert len(study.trials) < 60


WIDER = Space(default=SMALL, values={"width": Choice(values=(8, 16, 32)), "dropout": Range(low=0.0, high=0.5)})


def test_configs_of_a_study_are_tried_after_the_default(rows, classes):
    first = tune("mlp", rows, classes, space=WIDER, budget="6 trials", folds=3)
    ranked = sorted((t for t in first.trials if t.status == "complete"), key=lambda trial: trial.loss)
    wanted = [trial.config for trial in ranked if trial.config != SMALL]
    more = tune("mlp", rows, classes, space=WIDER, budget="9 trials", folds=3, seed=1, try_first=first)
    tried = [trial.config for trial in more.trials]
    assert tried[:2] == [SMALL, wanted[0]]
    assert any("best configs of another study" in note for note in more.notes)


def test_configs_are_tried_as_they_are_given(rows, classes):
    wanted = [SMALL.with_values(width=8, dropout=0.125), SMALL.with_values(width=32, dropout=0.25)]
    for given in (wanted, tuple(wanted)):
        study = tune("mlp", rows, classes, space=WIDER, budget="20 trials", folds=3, try_first=given)
        tried = [trial.config for trial in study.trials]
        assert tried[1] == wanted[0]
        assert wanted[1] in tried
        assert not any("flatters" in note for note in study.notes)
    assert (
        tune("mlp", rows, classes, space=WIDER, budget="2 trials", folds=3, try_first=wanted[1]).trials[1].config
        == (wanted[1])
    )


@pytest.mark.parametrize("by", ["name", "folder"])
def test_configs_of_a_stored_run_are_tried_after_the_default(by, rows, classes, tmp_path):
    first = tune("mlp", rows, classes, space=WIDER, budget="5 trials", folds=3, store=tmp_path)
    [folder] = [path for path in tmp_path.iterdir() if path.is_dir()]
    named = {"name": folder.name, "folder": folder}[by]
    more = tune("mlp", rows, classes, space=WIDER, budget="3 trials", folds=3, store=tmp_path, seed=2, try_first=named)
    best = min((t for t in first.trials if t.status == "complete" and t.number), key=lambda trial: trial.loss)
    assert more.trials[1].config == best.config
    assert any("chosen on the same rows" in note for note in more.notes)


def test_nested_searches_do_not_begin_with_configs_that_have_seen_their_rows(rows, classes):
    wanted = SMALL.with_values(width=8, dropout=0.123)
    study = tune("mlp", rows, classes, space=WIDER, budget="6 trials", folds=2, nested=2, try_first=wanted)
    assert study.trials[1].config == wanted
    assert all(fold.config != wanted for fold in study.nested.folds)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (3, ConfigError, "try_first must be a study, configs, or the name or folder of a run; got int"),
        ([{"width": 3}], ConfigError, "try_first must be .*; got dict"),
        ("nothing", StoreError, "nothing"),
        ("", ConfigError, "from-run must name a run"),
    ],
)
def test_what_cannot_be_tried_first_is_named(given, error, message, rows, classes, tmp_path):
    tune("mlp", rows, classes, space=SPACE, budget="1 trials", folds=2, store=tmp_path)
    with pytest.raises(error, match=message):
        tune("mlp", rows, classes, space=SPACE, budget="1 trials", folds=2, store=tmp_path, try_first=given)


def test_a_study_of_another_task_cannot_be_begun_with(rows, classes):
    study = tune("mlp", rows, rows[:, 0], space=SPACE, budget="1 trials", folds=2)
    with pytest.raises(ConfigError, match="the study is of regression, but this table's target is for classification"):
        tune("mlp", rows, classes, space=SPACE, budget="1 trials", folds=2, try_first=study)


def test_what_is_printed_of_results_fits_a_screen(rows, classes):
    study = tune("mlp", rows, classes, space=SPACE, budget="5 trials", folds=3)
    said = repr(study)
    assert len(said) < 250
    assert said.startswith("Study(5 trials, selected ")
    assert f"{study.estimate.mean:.4g}" in said
    assert "ended by trials" in said
    assert len(repr(study.truth)) < 100
    numbers = tune("mlp", rows, 100 * rows[:, 0], space=SPACE, budget="1 trials", folds=3)
    assert f"RMSE {np.sqrt(numbers.estimate.mean):.4g} (" in repr(numbers)
    right = tune("mlp", rows, classes, space=SPACE, budget="1 trials", folds=3, metric="accuracy")
    assert f"accuracy {1 - right.estimate.mean:.4g} (" in repr(right)
    assert len(repr(study.trials[0]).partition("config=")[0]) < 100
    assert "0." not in repr(cross_validate(rows, classes, config=SMALL)).partition("predictions=")[2]


def test_a_dict_of_distributions_is_a_space(rows, classes):
    study = tune("mlp", rows, classes, budget="4 trials", folds=3, space={"width": Choice(values=(8, 16))})
    assert {trial.config.width for trial in study.trials} <= {8, 16}


def test_another_model_is_refused_by_saying_what_exists(rows, classes):
    with pytest.raises(ConfigError, match="model must be one of mlp; got 'transformer'"):
        tune("transformer", rows, classes, budget="1 trials")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"budget": "0s"}, BudgetError, "above 0"),
        ({"budget": "soon"}, BudgetError, "soon"),
        ({"folds": 1}, ConfigError, "folds must be at least 2"),
        ({"objectives": "size"}, ConfigError, "objectives must be several words, such as .*; got 'size'"),
        ({"space": 3}, ConfigError, "space must be a Space, a SpaceRequest or a dict of distributions, .*; got int"),
        ({"space": {"width": (8, 16)}}, ConfigError, "width must have a distribution"),
        ({"folds": 81}, ConfigError, "folds must be between 2 and the number of rows, 80; got 81"),
        ({"metric": "mse"}, ConfigError, "metric must be one of"),
        ({"metric": "rmse"}, ConfigError, "rmse"),
        ({"task": "clustering"}, ConfigError, "task must be"),
        ({"seed": -1}, ConfigError, "seed must be at least 0"),
        ({"workers": 0}, ConfigError, "workers must be at least 1"),
        ({"groups": [1, 2]}, DataError, "a group for each of 80 rows; got 2"),
        ({"sample_weight": np.full(80, -1.0)}, DataError, "weights must be numbers from 0 to 1e"),
    ],
)
def test_what_cannot_be_done_is_said(options, error, message, rows, classes):
    with pytest.raises(error, match=message):
        tune("mlp", rows, classes, **{"budget": "1 trials"} | options)


def test_a_config_that_diverges_is_named(rows):
    wild = SMALL.with_values(learning_rate=1e30, optimiser="sgd")
    with pytest.raises(ConfigError, match="learning_rate"):
        cross_validate(rows, rows[:, 0], config=wild)


def test_a_target_of_another_length_is_refused(rows, classes):
    with pytest.raises(DataError, match="a target for each of 80 rows; got 79"):
        tune("mlp", rows, classes[1:], budget="1 trials")
