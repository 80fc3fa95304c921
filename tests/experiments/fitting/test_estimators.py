"""Estimators fitted many times: each is what it would be alone, and one that fails takes none with it."""

import random
import warnings
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from tests.experiments.fitting.models import Counts, DrawsFrom, FailsWhereRowsLack, Gives, Remembers, Warns

from evenfit.data.splits import Split, make_splits
from evenfit.errors import ConfigError
from evenfit.experiments.fitting import pool
from evenfit.experiments.fitting.estimators import fit_estimators, seeded
from evenfit.experiments.fitting.fits import Fit
from evenfit.experiments.fitting.repeats import note_on_repeats
from evenfit.runs.measures.subject import make_subject


def rows(*, count=90, classes=True, seed=0, weights=None):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(count, 3))
    signal = X[:, 0] + 0.5 * X[:, 1] ** 2 + 0.3 * generator.normal(size=count)
    y = np.where(signal > 0.4, "yes", "no") if classes else 100 * signal
    return make_subject(Counts() if classes else Ridge(), [(X, y)], sample_weight=weights).rows


def fitted(known, variants, fits, splits, **options):
    return {one.number: one for one in fit_estimators(known, variants, fits, splits, **options)}


def halves(count=90, *, judged=30):
    return Split(train=np.arange(count - judged), validate=np.arange(count - judged, count), repeat=0, fold=0)


REGRESSORS = [
    RandomForestRegressor(n_estimators=5),
    make_pipeline(StandardScaler(), SGDRegressor()),
    BaggingRegressor(DecisionTreeRegressor(), n_estimators=3),
    DrawsFrom("numpy"),
    DrawsFrom("python"),
]


def test_the_same_seed_gives_the_same_predictions_and_another_seed_others():
    known = rows(classes=False)
    fits = [Fit(variant=v, split=0, seed=seed) for v in range(len(REGRESSORS)) for seed in (3, 3, 4)]
    found = fitted(known, REGRESSORS, fits, [halves()])
    for variant, estimator in enumerate(REGRESSORS):
        first, again, other = (found[3 * variant + n].predictions for n in range(3))
        np.testing.assert_array_equal(first, again, err_msg=str(estimator))
        assert np.abs(first - other).max() > 0, estimator


def test_a_seed_replaces_a_number_that_the_user_gave_but_not_a_generator():
    own = np.random.RandomState(0)
    assert seeded(SGDRegressor(random_state=0), 1).random_state == seeded(SGDRegressor(random_state=5), 1).random_state
    assert seeded(SGDRegressor(random_state=own), 1).random_state is own
    nested = seeded(BaggingRegressor(SGDRegressor()), 1)
    assert len({nested.random_state, nested.estimator.random_state}) == 2


@settings(max_examples=8, deadline=None)
@given(st.permutations(list(range(6))), st.integers(1, 6))
def test_an_estimator_is_not_changed_by_those_fitted_beside_it(order, count):
    known = rows(classes=False)
    splits = make_splits(known.target, folds=2, seed=3)
    fits = [Fit(variant=number % len(REGRESSORS), split=number % 2, seed=number) for number in range(6)]
    alone = fitted(known, REGRESSORS, fits, splits)
    beside = fitted(known, REGRESSORS, [fits[number] for number in order[:count]], splits)
    for place, number in enumerate(order[:count]):
        np.testing.assert_array_equal(beside[place].predictions, alone[number].predictions)


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same(monkeypatch):
    monkeypatch.setattr(pool, "WORTH_PROCESSES", 0.0)
    known = rows(classes=False)
    splits = make_splits(known.target, folds=3, seed=1)
    variants = [*REGRESSORS, HistGradientBoostingRegressor(max_iter=5), GradientBoostingRegressor(n_estimators=5)]
    fits = [Fit(variant=v, split=s, seed=7 * s) for v in range(len(variants)) for s in range(3)]
    one, two = (fitted(known, variants, fits, splits, workers=workers, checkpoints=3) for workers in (1, 2))
    assert one.keys() == two.keys() == set(range(len(fits)))
    for number, found in one.items():
        np.testing.assert_array_equal(found.predictions, two[number].predictions)
        assert found.training_loss == two[number].training_loss
        if found.curve is not None:
            np.testing.assert_array_equal(found.curve.validation, two[number].curve.validation)


def test_global_generators_are_left_as_they_were():
    np.random.seed(1)  # noqa: NPY002 - the one that is to be left alone
    random.seed(1)
    expected = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002 - as above
    fitted(rows(classes=False), REGRESSORS, [Fit(variant=v, split=0, seed=v) for v in range(5)], [halves()])
    np.testing.assert_array_equal(np.random.get_state()[1], expected[0])  # noqa: NPY002 - as above
    assert random.getstate() == expected[1]


def test_the_estimator_given_is_not_fitted_itself():
    model = LogisticRegression()
    fitted(rows(), [model], [Fit(variant=0, split=0, seed=0)], [halves()])
    assert not hasattr(model, "classes_")


def test_an_estimator_that_fails_is_told_with_its_reason_and_the_others_go_on():
    known = rows(classes=False)
    low = np.flatnonzero(known.X[:, 0] < 0)
    splits = [halves(), Split(train=low, validate=np.arange(5), repeat=0, fold=1)]
    fits = [Fit(variant=0, split=split, seed=0) for split in (1, 0, 1)]
    found = fitted(known, [FailsWhereRowsLack()], fits, splits)
    assert [found[n].failure for n in range(3)] == [
        "ValueError: no row is above 0.0",
        "",
        "ValueError: no row is above 0.0",
    ]
    assert found[0].predictions.size == 0
    assert np.isfinite(found[1].predictions).all()


@pytest.mark.parametrize(
    ("what", "reason"),
    [("columns", "must give [90] numbers, got [90, 2]"), ("missing", "finite"), ("few", "got [1]")],
)
def test_predictions_of_another_shape_or_of_no_number_are_failures(what, reason):
    found = fitted(rows(classes=False), [Gives(what)], [Fit(variant=0, split=0, seed=0)], [halves()])[0]
    assert found.failure.startswith("DataError: ")
    assert reason in found.failure


def test_warnings_become_notes_once_each_and_are_not_shown():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fitted(rows(classes=False), [Warns()], [Fit(variant=0, split=0, seed=0)] * 2, [halves()])
    assert found[0].notes == found[1].notes == ("UserWarning: columns are odd",)


def test_a_bootstrap_is_a_fit_to_the_repeated_rows():
    known = rows(classes=False)
    drawn = np.sort(np.random.default_rng(4).choice(60, 60))
    bootstrap = Split(train=drawn, validate=np.arange(60, 90), repeat=0, fold=0)
    found = fitted(known, [Ridge()], [Fit(variant=0, split=0, seed=1)], [bootstrap])[0]
    expected = Ridge().fit(known.X[drawn], known.labels[drawn]).predict(known.X[60:])
    np.testing.assert_array_equal(found.predictions[:, 0], expected)
    assert found.training_loss == pytest.approx(
        np.mean((Ridge().fit(known.X[drawn], known.labels[drawn]).predict(known.X[drawn]) - known.target[drawn]) ** 2)
    )


@pytest.mark.parametrize("model", [Ridge(), make_pipeline(StandardScaler(), Ridge()), RandomForestRegressor(5)])
def test_a_row_of_weight_zero_is_no_row(model):
    weights = np.ones(90)
    weights[:20] = 0
    known = rows(classes=False, weights=weights)
    plain = rows(classes=False)
    fits = [Fit(variant=0, split=0, seed=1)]
    with_weights = fitted(known, [model], fits, [halves()])[0]
    everything = fitted(plain, [model], fits, [halves()])[0]
    assert with_weights.notes == ()
    assert np.abs(with_weights.predictions - everything.predictions).max() > 0
    if isinstance(model, Ridge):
        without = Split(train=np.arange(20, 60), validate=np.arange(60, 90), repeat=0, fold=0)
        np.testing.assert_allclose(with_weights.predictions, fitted(plain, [model], fits, [without])[0].predictions)


def test_an_estimator_that_takes_no_weights_says_so():
    known = rows(weights=np.linspace(0.5, 1.5, 90))
    found = fitted(known, [KNeighborsClassifier()], [Fit(variant=0, split=0, seed=0)], [halves()])[0]
    assert found.notes == ("KNeighborsClassifier takes no sample_weight: every row counts the same",)


def test_columns_of_probabilities_go_to_the_classes_that_the_fit_has_seen():
    generator = np.random.default_rng(0)
    y = np.array(["b", "c", "a"])[generator.integers(3, size=60)]
    y[:40][y[:40] == "b"] = "c"
    known = make_subject(Counts(), [(generator.normal(size=(60, 2)), y)]).rows
    split = Split(train=np.arange(40), validate=np.arange(40, 60), repeat=0, fold=0)
    found = fitted(known, [Counts()], [Fit(variant=0, split=0, seed=0)], [split])[0]
    share = np.mean(y[:40] == "a")
    np.testing.assert_allclose(np.exp(found.predictions[0]), [share, 1e-15, 1 - share])
    assert found.notes == ("training rows lacked class b: probability 0, taken as 1e-15",)


def test_classes_may_be_numbers_booleans_or_words():
    X = np.random.default_rng(0).normal(size=(60, 2))
    for y in (X[:, 0] > 0, (X[:, 0] > 0) * 2.0 + 1, np.where(X[:, 0] > 0, 7, -1), np.where(X[:, 0] > 0, "x", "y")):
        known = make_subject(LogisticRegression(), [(X, y)]).rows
        found = fitted(known, [LogisticRegression()], [Fit(variant=0, split=0, seed=0)], [halves(60, judged=20)])[0]
        assert found.failure == ""
        expected = LogisticRegression().fit(X[:40], y[:40]).predict_proba(X[40:])
        ordered = np.exp(found.predictions)[
            :, np.argsort([known.about.classes.index(c) for c in np.unique(y).tolist()])
        ]
        np.testing.assert_allclose(ordered, expected)


def test_an_estimator_without_probabilities_is_taken_at_its_word():
    found = fitted(rows(), [LinearSVC()], [Fit(variant=0, split=0, seed=0)], [halves()])[0]
    assert set(np.round(np.exp(found.predictions), 9).ravel()) == {0.0, 1.0}
    assert "without probabilities" in found.notes[0]


@pytest.mark.parametrize(
    "model",
    [
        GradientBoostingClassifier(n_estimators=8),
        AdaBoostClassifier(n_estimators=8),
        HistGradientBoostingClassifier(max_iter=8),
        make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=8)),
        GradientBoostingRegressor(n_estimators=8),
        HistGradientBoostingRegressor(max_iter=8),
    ],
)
def test_a_boosted_models_curve_ends_at_its_losses(model):
    known = rows(classes="Classifier" in str(model))
    found = fitted(known, [model], [Fit(variant=0, split=0, seed=0)], [halves()], checkpoints=4)[0]
    assert found.curve.epochs.tolist() == [1, 4, 6, 8]
    assert found.curve.training[-1] == pytest.approx(found.training_loss)
    assert found.curve.training[0] > found.curve.training[-1]
    judged = known.target[60:]
    own = (
        -found.predictions[np.arange(30), judged]
        if known.task != "regression"
        else (found.predictions[:, 0] - judged) ** 2
    )
    assert found.curve.validation[-1] == pytest.approx(np.mean(own))


def test_a_model_that_does_not_learn_by_stages_has_no_curve():
    found = fitted(rows(), [LogisticRegression()], [Fit(variant=0, split=0, seed=0)], [halves()], checkpoints=4)[0]
    assert found.curve is None


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_data_frames_reach_the_estimator_as_they_are(kind):
    frame = {"size": np.linspace(0, 1, 40), "colour": np.array(["red", "blue"] * 20)}
    X = pd.DataFrame(frame) if kind == "pandas" else pl.DataFrame(frame)
    Remembers.seen.clear()
    known = make_subject(Remembers(), [(X, np.linspace(0, 5, 40))], task="regression").rows
    fitted(known, [Remembers()], [Fit(variant=0, split=0, seed=0)], [halves(40, judged=10)])
    assert type(Remembers.seen[0][0]) is type(X)
    assert list(Remembers.seen[0][0].columns) == ["size", "colour"]
    assert len(Remembers.seen[0][0]) == 30


ODD_CLASSIFIERS = [
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
    StackingClassifier([("tree", DecisionTreeClassifier()), ("linear", LogisticRegression())], cv=2),
    SGDClassifier(loss="hinge"),
    RandomForestClassifier(n_estimators=3, n_jobs=2),
]


@pytest.mark.parametrize("model", ODD_CLASSIFIERS)
def test_searches_stacks_and_parallel_estimators_can_be_fitted(model):
    found = fitted(rows(), [model], [Fit(variant=0, split=0, seed=0)] * 2, [halves()])
    assert found[0].failure == ""
    np.testing.assert_array_equal(found[0].predictions, found[1].predictions)


def test_a_pipeline_of_columns_of_a_data_frame_can_be_fitted():
    generator = np.random.default_rng(0)
    X = pd.DataFrame({"size": generator.normal(size=60), "colour": pd.Categorical(["red", "blue", "green"] * 20)})
    columns = ColumnTransformer([("numbers", StandardScaler(), ["size"]), ("words", OneHotEncoder(), ["colour"])])
    boosted = HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=2, categorical_features="from_dtype")
    variants = [make_pipeline(columns, Ridge()), boosted]
    y = X["size"].to_numpy() + (X["colour"] == "red").to_numpy()
    known = make_subject(variants[0], [(X, y)]).rows
    found = fitted(known, variants, [Fit(variant=v, split=0, seed=0) for v in range(2)], [halves(60, judged=20)])
    assert [found[n].failure for n in range(2)] == ["", ""]
    assert found[0].training_loss < 0.1


def test_a_transformed_target_is_judged_in_its_own_units():
    known = rows(classes=False)
    plain, transformed = (
        LinearRegression(),
        TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler()),
    )
    found = fitted(known, [plain, transformed], [Fit(variant=v, split=0, seed=0) for v in range(2)], [halves()])
    np.testing.assert_allclose(found[0].predictions, found[1].predictions)


def test_a_task_that_an_estimator_cannot_have_is_refused():
    known = rows()
    with pytest.raises(ConfigError, match="Ridge is a regressor, and the target has classes"):
        fit_estimators(known, [Ridge()], [Fit(variant=0, split=0, seed=0)], [halves()])
    with pytest.raises(ConfigError, match="LogisticRegression is a classifier, and the target is a quantity"):
        fit_estimators(rows(classes=False), [LogisticRegression()], [Fit(variant=0, split=0, seed=0)], [halves()])


def test_nothing_is_told_of_what_was_stopped():
    assert fitted(rows(), [Counts()], [Fit(variant=0, split=0, seed=0)], [halves()], stop=lambda: True) == {}


def test_a_split_may_judge_no_rows():
    split = Split(train=np.arange(60), validate=np.arange(0), repeat=0, fold=0)
    found = fitted(rows(), [Counts()], [Fit(variant=0, split=0, seed=0)], [split])[0]
    assert found.predictions.shape == (0, 2)
    assert found.training_loss > 0


def test_an_estimator_that_does_not_repeat_is_noticed():
    known = rows(classes=False)
    for source, repeats in (("own", False), ("numpy", True)):
        learner = partial(fit_estimators, known, [DrawsFrom(source)])
        note = note_on_repeats(learner, halves(), seed=1, name="DrawsFrom")
        assert (note == "") is repeats
    assert "does not repeat" in note_on_repeats(
        partial(fit_estimators, known, [DrawsFrom("own")]), halves(), seed=1, name="it"
    )
