"""The estimators: scikit-learn's own checks in full, and what they promise beyond them."""

import pickle
import re
import time
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import evenfit
from evenfit import Choice, Config, EvenfitClassifier, EvenfitRegressor, Space, SpaceRequest
from evenfit.errors import ConfigError, DataError

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.filterwarnings("ignore")  # the checks provoke them
@parametrize_with_checks([EvenfitClassifier(max_trials=2), EvenfitRegressor(max_trials=2)])
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


def make_columns(rows=90, *, seed=0):
    """Columns of several kinds, some cells missing, and a target that follows from them."""
    generator = np.random.default_rng(seed)
    size = generator.normal(size=rows)
    kind = generator.choice(["blue", "green", "red"], size=rows)
    known = generator.random(rows) < 0.5
    y = (size + (kind == "red") + 0.3 * generator.normal(size=rows) > 0.3).astype(int)
    size = np.where(generator.random(rows) < 0.1, np.nan, size)
    return {"size": size, "kind": kind, "known": known, "count": generator.integers(0, 4, rows)}, y


def polars_frame(columns):
    return pl.DataFrame(columns, nan_to_null=True)


FRAMES = {
    "pandas": pd.DataFrame,
    "polars": polars_frame,
    "pyarrow": lambda columns: polars_frame(columns).to_arrow(),
    "lazy": lambda columns: polars_frame(columns).lazy(),
    "mapping": dict,
    "objects": lambda columns: np.array(list(columns.values()), dtype=object).T,
}


def quick(**options):
    return EvenfitClassifier(**{"max_trials": 2, "folds": 3, "random_state": 0} | options)


@pytest.fixture(scope="module")
def columns():
    return make_columns()[0]


@pytest.fixture(scope="module")
def target():
    return make_columns()[1]


@pytest.fixture(scope="module")
def expected(columns, target):
    return quick().fit(pd.DataFrame(columns), target).predict_proba(pd.DataFrame(columns))


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_of_every_kind_give_the_same_probabilities(kind, columns, target, expected):
    frame = FRAMES[kind](columns)
    assert_array_equal(quick().fit(frame, target).predict_proba(frame), expected)


@pytest.mark.parametrize("sequence", [list, pd.Series, pl.Series, pa.array, lambda y: y[:, None].ravel()])
def test_targets_of_every_kind_give_the_same_probabilities(sequence, columns, target, expected):
    assert_array_equal(quick().fit(columns, sequence(target)).predict_proba(columns), expected)


def test_two_processes_give_what_one_gives(columns, target):
    here = quick(max_trials=6).fit(columns, target)
    there = quick(max_trials=6, n_jobs=2).fit(columns, target)
    assert_allclose(there.predict_proba(columns), here.predict_proba(columns), rtol=1e-6, atol=1e-7)
    assert there.best_config_ == here.best_config_
    assert there.estimate_.mean == pytest.approx(here.estimate_.mean, rel=1e-6)


def test_the_order_of_rows_does_not_matter(columns, target, expected):
    order = np.random.default_rng(1).permutation(len(target))
    shuffled = {name: cells[order] for name, cells in columns.items()}
    assert_array_equal(quick().fit(shuffled, target[order]).predict_proba(columns), expected)


def test_another_random_state_gives_another_model(columns, target, expected):
    assert not np.allclose(quick(random_state=1).fit(columns, target).predict_proba(columns), expected)


def test_a_generator_as_random_state_is_drawn_from(columns, target):
    model = quick(random_state=np.random.RandomState(5))
    first = model.fit(columns, target).predict_proba(columns)
    assert not np.allclose(model.fit(columns, target).predict_proba(columns), first)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array(["no", "yes"]), ["no", "yes"]),
        (np.array(["no", "yes"], dtype=object), ["no", "yes"]),
        (np.array(["01", "1"]), ["01", "1"]),
        (np.array(["NA", "?"]), ["?", "NA"]),
        (np.array([False, True]), [False, True]),
        (np.array([-7, 10**12]), [-7, 10**12]),
        (np.array([2.0, 5.0]), [2.0, 5.0]),
    ],
    ids=str,
)
def test_classes_are_the_labels_that_were_given(labels, classes, columns, target):
    model = quick(max_trials=1).fit(columns, labels[target])
    assert model.classes_.tolist() == classes
    assert model.classes_.dtype == labels.dtype
    predicted = model.predict(columns)
    assert predicted.dtype == labels.dtype
    assert set(predicted.tolist()) <= set(classes)
    assert model.score(columns, labels[target]) > 0.7
    assert set(model.model_.predict(pl.DataFrame(columns)).tolist()) <= set(classes)


def test_missing_cells_and_categories_that_training_lacked_are_predicted(columns, target):
    model = quick(max_trials=1).fit(columns, target)
    new = {"size": [np.nan, 1e300], "kind": ["violet", None], "known": [True, None], "count": [2, 9]}
    probabilities = model.predict_proba(pd.DataFrame(new))
    assert probabilities.dtype == np.float64
    assert_allclose(probabilities.sum(axis=1), 1)
    assert np.isfinite(probabilities).all()


def test_a_column_that_now_holds_words_is_refused_by_its_name(columns, target):
    model = quick(max_trials=1).fit(columns, target)
    with pytest.raises(ValueError, match="size"):
        model.predict(columns | {"size": columns["kind"]})


def test_numbers_of_few_values_stay_numbers(target):
    X = np.random.default_rng(0).integers(0, 3, size=(len(target), 4))
    schema = quick(max_trials=1).fit(X, target).model_.schema
    assert {column.kind for column in schema.columns} == {"numeric"}


def test_weights_change_the_fit(columns, target, expected):
    heavy = np.where(target == 1, 20.0, 1.0)
    model = quick().fit(columns, target, sample_weight=heavy)
    assert model.predict_proba(columns)[:, 1].mean() > expected[:, 1].mean() + 0.02


def test_equal_weights_are_no_weights(columns, target, expected):
    assert_allclose(
        quick().fit(columns, target, sample_weight=np.full(len(target), 3.0)).predict_proba(columns), expected
    )


def test_rows_without_weight_are_as_if_they_were_not_there(columns, target):
    kept = np.arange(len(target)) % 3 > 0
    model = quick(max_trials=1).fit(columns, target, sample_weight=kept.astype(float))
    alone = quick(max_trials=1).fit({name: cells[kept] for name, cells in columns.items()}, target[kept])
    assert_array_equal(model.predict_proba(columns), alone.predict_proba(columns))
    assert set(model.rows_) == set(np.flatnonzero(kept))


def test_the_rows_of_the_study_are_found_among_those_given(columns, target):
    model = quick(max_trials=1).fit(columns, target)
    assert_array_equal(model.study_.truth.target, target[model.rows_])
    assert sorted(model.rows_) == list(range(len(target)))


def test_no_network_is_judged_by_a_row_whose_copy_it_has_learnt():
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(30, 3)), generator.integers(0, 2, 30)
    model = quick(max_trials=1).fit(np.tile(X, (3, 1)), np.tile(y, 3))
    assert len(model.study_.truth.target) == 30


def test_rows_that_chance_makes_alike_remain(target):
    X = np.random.default_rng(0).integers(0, 2, size=(len(target), 2))
    assert len(quick(max_trials=1).fit(X, target).study_.truth.target) == len(target)


@pytest.mark.parametrize("cell", [0, 1.5, np.nan, "blue", True, None])
def test_columns_that_never_vary_are_fitted_as_the_mean(cell, target):
    X = pd.DataFrame({"one": [cell] * len(target), "two": [cell] * len(target)})
    probabilities = quick(max_trials=1).fit(X, target).predict_proba(X)
    assert np.ptp(probabilities[:, 1]) == pytest.approx(0)
    assert probabilities[0, 1] == pytest.approx(target.mean(), abs=0.1)


def test_a_target_that_never_varies_is_learnt_by_the_regressor():
    X = np.random.default_rng(0).normal(size=(20, 2))
    assert_allclose(EvenfitRegressor(max_trials=1).fit(X, np.full(20, 7.0)).predict(X), 7, atol=1e-6)


def test_fewer_rows_than_folds_lower_the_folds():
    X, y = np.random.default_rng(0).normal(size=(4, 2)), np.array([0, 1, 0, 1])
    model = EvenfitClassifier(max_trials=1)
    with pytest.warns(UserWarning, match="folds are 4 instead of 5"):
        model.fit(X, y)
    assert len(model.study_.truth.training_rows) == 4
    assert any("folds are 4" in note for note in model.study_.notes)


def test_a_class_of_one_row_is_a_class():
    X, y = np.random.default_rng(0).normal(size=(20, 2)), np.array([2] + [0, 1] * 9 + [0])
    assert quick(max_trials=1).fit(X, y).predict_proba(X).shape == (20, 3)


def test_cv_results_are_those_of_the_study(columns, target):
    model = quick(max_trials=4).fit(columns, target)
    results, best = model.cv_results_, model.best_index_
    assert {len(values) for values in results.values()} == {4}
    assert results["params"][best] == model.best_config_.to_json()
    folds = np.stack([results[f"split{split}_test_score"] for split in range(3)])
    assert_allclose(results["mean_test_score"], folds.mean(axis=0))
    assert_allclose(results["std_test_score"], folds.std(axis=0))
    complete = results["status"] == "complete"
    first = int(np.argmin(results["rank_test_score"]))
    assert results["rank_test_score"][first] == 1
    assert complete[first]
    assert results["mean_test_score"][first] == results["mean_test_score"][complete].max()
    assert results["mean_train_score"][0] == pytest.approx(-model.study_.trials[0].training_loss[-1].mean(), rel=0.5)
    assert -results["mean_test_score"][best] == pytest.approx(model.study_.selected.selection_loss.mean)
    assert (results["epochs"] > 0).all()


@pytest.mark.parametrize(("metric", "higher"), [("auc", True), ("accuracy", True), ("log_loss", False)])
def test_scores_are_higher_when_better(metric, higher, columns, target):
    model = quick(max_trials=2, metric=metric).fit(columns, target)
    assert model.estimate_.metric == metric
    scores = model.cv_results_["mean_test_score"]
    assert ((scores > 0) == higher).all()
    assert model.cv_results_["rank_test_score"][np.argmax(scores)] == 1


def test_a_regressors_scores_are_in_the_targets_units():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(60, 2))
    y = 1000 + 50 * X[:, 0] + 10 * generator.normal(size=60)
    model = EvenfitRegressor(max_trials=2, random_state=0).fit(X, y)
    assert -60 < model.cv_results_["mean_test_score"].max() < -5
    assert model.score(X, y) > 0.5
    assert model.predict(X).dtype == np.float64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_limit": None, "max_trials": None}, "time_limit or max_trials or max_epochs"),
        ({"time_limit": 0}, "time_limit must be"),
        ({"time_limit": float("nan")}, "time_limit must be"),
        ({"max_trials": 0}, "max_trials must be"),
        ({"max_trials": 1.5}, "max_trials must be"),
        ({"folds": 1}, "folds must be"),
        ({"folds": True}, "folds must be"),
        ({"n_jobs": 0}, "n_jobs must be"),
        ({"metric": "rmse"}, "metric for binary must be one of"),
        ({"metric": "accurcy"}, "metric for binary must be one of"),
        ({"max_epochs": 0}, "max_epochs must be"),
        ({"max_epochs": True}, "max_epochs must be"),
        ({"space": "wide"}, "space must be a Space, a SpaceRequest or a dict of distributions"),
        ({"space": {"width": [1, 2]}}, "width must have a distribution such as"),
        ({"objectives": "size"}, "objectives must be several words"),
        ({"objectives": ("loss", "weight")}, "objectives"),
        ({"prefer": "small"}, "prefer"),
        ({"nested": 1}, "nested must be at least 2"),
        ({"nested": 2.0}, "nested must be a whole number"),
        ({"target_loss": "low"}, "target_loss must be a number"),
        ({"target_loss": -1.0}, "target-loss must be a finite loss"),
        ({"proposals": "guess"}, "proposals must be one of"),
        ({"racing": "slow"}, "racing must be one of"),
        ({"try_first": 3}, "try_first must be a study, configs"),
        ({"try_first": ["wide"]}, "try_first must be a study, configs"),
    ],
)
def test_a_parameter_out_of_its_range_is_named(options, message, columns, target):
    with pytest.raises(ConfigError, match=message):
        quick(**options).fit(columns, target)


SPACE = SpaceRequest(values={"width": Choice(values=(8, 16)), "epochs": Choice(values=(4, 6))})
ALL = {
    "max_epochs": 500,
    "space": SPACE,
    "objectives": ("loss", "size"),
    "prefer": "small",
    "nested": 2,
    "target_loss": 0.01,
    "stop_when_settled": True,
    "try_first": (Config(width=8, epochs=4, dropout=0.25),),
}


def test_every_option_survives_clone_and_set_params():
    model = clone(EvenfitClassifier(**ALL))
    assert {name: model.get_params()[name] for name in ALL} == ALL
    assert clone(EvenfitRegressor().set_params(**ALL)).get_params() == EvenfitRegressor(**ALL).get_params()
    assert repr(model).startswith("EvenfitClassifier(")


def test_a_space_that_is_asked_for_is_the_one_that_is_searched(columns, target):
    model = quick(max_trials=6, space=SPACE).fit(columns, target)
    assert {trial.config.width for trial in model.study_.trials} <= {8, 16}
    assert {trial.config.epochs for trial in model.study_.trials} <= {4, 6}
    own = Space(default=Config(width=8, epochs=4), values={"width": Choice(values=(8, 12))})
    model = quick(max_trials=3, space=own).fit(columns, target)
    assert model.study_.trials[0].config == own.default


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_epochs_end_a_search_and_its_trials_do_not_hang_on_the_processes(n_jobs, columns, target):
    models = [
        quick(max_trials=None, max_epochs=200, space=SPACE, n_jobs=jobs).fit(columns, target) for jobs in (None, n_jobs)
    ]
    trained = [sum(int(t.epochs[-1]) * int(t.seen.sum()) for t in model.study_.trials) for model in models]
    assert trained[0] == trained[1] <= 200
    assert models[0].study_.stopped == models[1].study_.stopped == "epochs"
    assert [t.config for t in models[0].study_.trials] == [t.config for t in models[1].study_.trials]


def test_nested_searches_are_measured_beside_the_estimate(columns, target):
    model = quick(max_trials=6, nested=2, space=SPACE).fit(columns, target)
    assert [fold.trials for fold in model.study_.nested.folds] == [2, 2]
    assert len(model.study_.trials) == 2
    assert quick(space=SPACE).fit(columns, target).study_.nested is None


def test_two_objectives_give_a_front_and_the_small_network_of_it(columns, target):
    sized = quick(max_trials=8, space=SPACE, objectives=["loss", "size"], prefer="small").fit(columns, target)
    assert sized.study_.front is not None
    assert sized.study_.selection == "small"
    assert quick(space=SPACE).fit(columns, target).study_.front is None


def test_a_target_ends_a_search(columns, target):
    model = quick(max_trials=60, space=SPACE, target_loss=0.69).fit(columns, target)
    assert model.study_.stopped == "target"
    assert len(model.study_.trials) < 60
    assert any("the target 0.69 was reached" in note for note in model.study_.notes)


def test_configs_that_are_to_be_tried_first_follow_the_default(columns, target):
    wanted = Config(width=8, epochs=4, dropout=0.25)
    model = quick(max_trials=3, space=SPACE, try_first=wanted).fit(columns, target)
    assert (model.study_.trials[1].config.width, model.study_.trials[1].config.dropout) == (8, 0.25)
    assert not any("another study" in note for note in model.study_.notes)
    again = quick(max_trials=3, space=SPACE, try_first=model.study_, random_state=1).fit(columns, target)
    assert again.study_.trials[1].config == min(model.study_.trials, key=lambda trial: trial.loss).config or (
        again.study_.trials[0].config == min(model.study_.trials, key=lambda trial: trial.loss).config
    )
    assert any("of another study" in note for note in again.study_.notes)


@pytest.mark.parametrize("gap", [None, float("nan"), pd.NA, pd.NaT])
def test_rows_without_a_target_are_counted_and_to_be_left_out(gap, columns, target):
    words = np.where(target > 0, "up", "down").astype(object)
    words[[3, 5]] = gap
    with pytest.raises(DataError, match="y contains NaN: 2 of 90 rows have no value to learn from; leave them out"):
        quick().fit(columns, words)


def test_a_dict_of_distributions_is_a_space(columns, target):
    model = quick(max_trials=4, space={"width": Choice(values=(8, 16))})
    assert clone(model).get_params()["space"] == {"width": Choice(values=(8, 16))}
    assert {trial.config.width for trial in model.fit(columns, target).study_.trials} <= {8, 16}


def test_one_class_alone_is_refused(columns, target):
    with pytest.raises(DataError, match="one class alone, 'a'"):
        quick().fit(columns, np.full(len(target), "a"))


def test_what_cannot_be_learnt_from_is_named(target):
    X = pd.DataFrame({"name": [f"customer {number}" for number in range(len(target))]})
    with pytest.raises(DataError, match="name"):
        quick().fit(X, target)


def test_frames_without_rows_or_columns_are_refused_in_scikit_learns_words(target):
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        quick().fit(pl.DataFrame({"a": []}), [])
    with pytest.raises(ValueError, match=r"0 feature\(s\)"):
        quick().fit(pd.DataFrame(index=range(len(target))), target)


def test_a_frame_that_names_a_column_twice_is_refused(target):
    with pytest.raises(DataError, match="once"):
        quick().fit(pd.DataFrame(np.ones((len(target), 2)), columns=["a", "a"]), target)


def test_a_frame_whose_columns_changed_places_is_refused(columns, target):
    frame = pl.DataFrame(columns)
    model = quick(max_trials=1).fit(frame, target)
    with pytest.raises(ValueError, match="same order"):
        model.predict(frame.select(reversed(frame.columns)))


def test_a_column_may_be_called_target(columns, target):
    frame = pl.DataFrame(columns).with_columns(target=pl.lit(1.5), sample_weight=pl.Series(target))
    model = quick(max_trials=1).fit(frame, target, sample_weight=np.arange(1, len(target) + 1))
    assert model.score(frame, target) > 0.9


def test_the_model_is_kept_without_pickle(columns, target, expected, tmp_path):
    model = quick().fit(columns, np.array(["no", "yes"])[target])
    model.model_.save(tmp_path)
    loaded = evenfit.load_model(tmp_path)
    assert_allclose(loaded.predict_proba(pl.DataFrame(columns)), expected, atol=1e-6)
    assert loaded.classes == ("no", "yes")


def test_a_pickled_and_a_cloned_estimator_predict_the_same(columns, target, expected):
    model = quick().fit(columns, target)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(columns), expected)  # noqa: S301 - its own
    assert_array_equal(clone(model).fit(columns, target).predict_proba(columns), expected)


def test_it_works_within_a_pipeline_and_cross_validation():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int)
    pipeline = make_pipeline(StandardScaler(), quick(max_trials=1))
    assert cross_val_score(pipeline, X, y, cv=2).mean() > 0.75


def test_the_html_shows_the_verdict_beside_scikit_learns_diagram(columns, target):
    model = quick()
    assert "evenfit" not in model._repr_html_().split("<body>")[-1].split("class=")[0]
    shown = model.fit(columns, target)._repr_html_()
    assert "sk-top-container" in shown
    assert escape(model.study_.verdict.sentence) in shown
    assert f"{model.estimate_.mean:.4g}" in shown
    assert len(shown) < 200_000


@pytest.mark.usefixtures("expected")  # kernels that were changed are compiled before the time counts
@pytest.mark.slow  # like all promises about seconds: a busy machine would break it
@pytest.mark.parametrize(("n_jobs", "seconds"), [(None, 6), (2, 6), (2, 30)], ids=str)
def test_the_time_limit_is_kept(n_jobs, seconds):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(2000, 10))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    began = time.monotonic()
    model = EvenfitClassifier(time_limit=seconds, n_jobs=n_jobs, random_state=0).fit(X, y)
    assert time.monotonic() - began < seconds + 3
    assert len(model.study_.trials) > 1


@pytest.mark.usefixtures("expected")
def test_a_time_limit_ends_a_search_by_trials():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(2000, 10))
    model = EvenfitRegressor(time_limit=4, max_trials=10_000, random_state=0).fit(X, X[:, 0] * X[:, 1])
    assert len(model.study_.trials) < 10_000


def test_a_limit_of_time_that_is_not_reached_does_not_matter(columns, target, expected):
    assert_array_equal(quick(time_limit=None).fit(columns, target).predict_proba(columns), expected)


def test_the_readmes_python_runs(columns, target):
    [block] = re.findall(
        r"```python\n(from evenfit import .*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    known = {"X": pd.DataFrame(columns), "y": target, "X_new": pd.DataFrame(columns)}
    assert "time_limit=60" in block
    exec(block.replace("time_limit=60", "time_limit=3"), known)  # noqa: S102 - the README's own
    assert known["model"].estimate_.low < known["model"].estimate_.high
