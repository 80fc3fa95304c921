"""What can be tried on an estimator: every change can be fitted, is one change, and is told in words."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, is_classifier
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeRegressor

from evenfit.experiments.interventions.estimators import combined_estimator, estimator_interventions
from evenfit.experiments.interventions.intervention import EITHER, LESS_BIAS, LESS_VARIANCE
from evenfit.experiments.interventions.owners import EstimatorSetting, setting_of
from evenfit.experiments.interventions.parameters import PARAMETERS
from evenfit.runs.measures.subject import make_subject

X = np.random.default_rng(0).normal(size=(80, 4))
Y = X[:, 0] ** 2 + 0.1 * X[:, 1]

# Each with the least number of changes that there must be.
ESTIMATORS = [
    (LinearRegression(), 2),
    (Ridge(), 4),
    (LogisticRegression(), 4),
    (ElasticNet(), 5),
    (SGDClassifier(), 5),
    (SGDRegressor(), 8),
    (MLPClassifier(max_iter=20), 10),
    (MLPRegressor(max_iter=20, hidden_layer_sizes=(20, 10)), 12),
    (SVC(), 4),
    (SVR(kernel="linear"), 3),
    (LinearSVC(), 4),
    (KernelRidge(kernel="rbf"), 4),
    (GaussianProcessRegressor(), 2),
    (KNeighborsClassifier(), 3),
    (GaussianNB(), 1),
    (LinearDiscriminantAnalysis(), 1),
    (QuadraticDiscriminantAnalysis(), 1),
    (DecisionTreeRegressor(), 3),
    (DecisionTreeRegressor(max_depth=4, min_samples_leaf=0.1, ccp_alpha=0.1, max_features=2), 6),
    (RandomForestClassifier(n_estimators=5), 6),
    (ExtraTreesClassifier(n_estimators=5), 5),
    (GradientBoostingRegressor(n_estimators=5), 9),
    (HistGradientBoostingClassifier(max_iter=5), 10),
    (BaggingRegressor(Ridge(), n_estimators=3), 4),
    (make_pipeline(PCA(2), PolynomialFeatures(2), StandardScaler(), Ridge()), 6),
    (StackingRegressor([("a", Ridge()), ("b", SVR())], cv=2), 6),
    (GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2), 0),
]


def setting(*, classification):
    return EstimatorSetting(rows=64, columns=4, classification=classification, target_variance=1.0)


def found_of(model):
    return estimator_interventions(model, setting(classification=is_classifier(model)))


def one(model, name):
    return next(each for each in found_of(model)[0] if each.name == name)


@pytest.mark.parametrize(("model", "least"), ESTIMATORS)
def test_every_change_is_named_once_differs_from_the_model_and_can_be_fitted(model, least):
    found, left = found_of(model)
    names = [each.name for each in (*found, *left)]
    assert len(found) >= least
    assert len(set(names)) == len(names)
    target = (Y > 0.5) if is_classifier(model) else Y
    for each in found:
        assert each.direction in (LESS_BIAS, LESS_VARIANCE, EITHER)
        assert each.cost > 0
        assert all(old != new for old, new in each.changes.values())
        assert repr(each.variant) != repr(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # short training does not converge
            assert np.isfinite(each.variant.fit(X, target).predict(X).astype(float)).all(), each.words


@pytest.mark.parametrize(("model", "least"), ESTIMATORS)
def test_the_model_given_stays_as_it_is(model, least):
    before = repr(model.get_params())
    found, _ = found_of(model)
    for each in found[:2]:
        combined_estimator(model, (each,), setting(classification=is_classifier(model)))
    assert repr(model.get_params()) == before


@pytest.mark.parametrize(
    ("model", "name", "values"),
    [
        (Ridge(alpha=0.3), "more_alpha", {"alpha": 3.0}),
        (Ridge(alpha=0.3), "less_alpha", {"alpha": 0.03}),
        (LogisticRegression(C=2.0), "less_C", {"C": 0.2}),
        (DecisionTreeRegressor(), "shallower_trees", {"max_depth": 4}),
        (DecisionTreeRegressor(max_depth=6), "deeper_trees", {"max_depth": 12}),
        (RandomForestClassifier(), "more_min_samples_leaf", {"min_samples_leaf": 5}),
        (RandomForestClassifier(max_features="sqrt"), "less_max_features", {"max_features": 0.25}),
        (RandomForestClassifier(max_features=2), "more_max_features", {"max_features": 1.0}),
        (MLPClassifier(hidden_layer_sizes=(30, 20)), "wider", {"hidden_layer_sizes": (60, 40)}),
        (MLPClassifier(hidden_layer_sizes=30), "deeper", {"hidden_layer_sizes": (30, 30)}),
        (MLPClassifier(batch_size="auto"), "smaller_batches", {"batch_size": 16}),
        (SVC(gamma="scale"), "more_gamma", {"gamma": 1.25}),
        (HistGradientBoostingClassifier(), "more_trees", {"max_iter": 300}),
        (LinearDiscriminantAnalysis(), "shrinkage", {"shrinkage": "auto", "solver": "lsqr"}),
        (make_pipeline(StandardScaler(), Ridge()), "more_alpha", {"ridge__alpha": 10.0}),
    ],
)
def test_a_change_is_of_the_size_that_the_table_says(model, name, values):
    changed = one(model, name).variant.get_params()
    assert {key: changed[key] for key in values} == values


def test_the_same_name_means_what_it_means_for_the_model():
    assert one(RandomForestClassifier(), "more_trees").direction == LESS_VARIANCE
    assert one(GradientBoostingRegressor(), "more_trees").direction == LESS_BIAS
    quantile = [each.name for each in found_of(GradientBoostingRegressor(loss="quantile"))[0]]
    assert "more_alpha" not in quantile
    assert "more_l1_ratio" not in [each.name for each in found_of(SGDClassifier())[0]]
    assert one(SGDClassifier(penalty="elasticnet"), "more_l1_ratio").changes["l1_ratio"] == (0.15, 0.83)


def test_opposite_changes_move_opposite_ways():
    pairs = [(f"more_{name}", f"less_{name}") for name in ("alpha", "C", "gamma", "min_samples_leaf", "subsample")]
    pairs += [("wider", "narrower"), ("longer", "shorter"), ("deeper_trees", "shallower_trees")]
    directions = {(line.name, line.parameter): line.direction for line in PARAMETERS}
    for more, less in pairs:
        for (name, parameter), direction in directions.items():
            if name == more and (less, parameter) in directions and parameter != "gamma":
                assert {direction, directions[less, parameter]} == {LESS_BIAS, LESS_VARIANCE}


def test_what_a_search_chooses_is_left_to_it():
    searched = GridSearchCV(make_pipeline(StandardScaler(), SVR()), {"svr__C": [1, 10]}, cv=2)
    names = [each.name for each in found_of(searched)[0]]
    assert "more_gamma" in names
    assert "more_C" not in names


def test_parts_that_have_the_same_parameter_are_told_apart():
    stacked = StackingRegressor([("a", Ridge()), ("b", Ridge())])
    found = {each.name: each for each in found_of(stacked)[0]}
    assert found["more_alpha_of_b"].changes == {"b__alpha": (1.0, 10.0)}
    assert found["more_alpha_of_b"].words == "a stronger penalty (alpha 1 to 10 of b)"


def test_what_is_not_tried_is_named_with_its_reason():
    left = {each.name: each.reason for each in found_of(RandomForestClassifier())[1]}
    assert left["less_min_samples_leaf"] == "min_samples_leaf is 1 already"
    assert "mixup" in {each.name for each in found_of(MLPClassifier())[1]}


def test_columns_are_put_on_one_scale_only_where_that_matters_and_is_not_done():
    def offered(model):
        return "standardised" in {each.name for each in found_of(model)[0]}

    assert offered(SVC())
    assert not offered(make_pipeline(StandardScaler(), SVC()))
    assert not offered(RandomForestClassifier())


def test_the_scale_of_a_kernel_is_that_of_the_columns_that_reach_it():
    known = EstimatorSetting(rows=64, columns=4, classification=False, input_variance=100.0)
    for model, gamma in ((SVR(), 0.0125), (make_pipeline(StandardScaler(), SVR()), 1.25)):
        found, _ = estimator_interventions(model, known)
        assert [new for each in found if each.name == "more_gamma" for _, new in each.changes.values()] == [gamma]


def test_squares_help_a_line_on_a_curve():
    changed = one(LinearRegression(), "squares").variant
    assert changed.fit(X, Y).score(X, Y) > 0.99
    assert LinearRegression().fit(X, Y).score(X, Y) < 0.5


def test_two_changes_make_one_unless_they_change_the_same():
    model, known = MLPRegressor(), setting(classification=False)
    both = combined_estimator(model, (one(model, "wider"), one(model, "standardised_target")), known)
    assert both.variant.regressor.hidden_layer_sizes == (200,)
    assert both.name == "wider+standardised_target"
    assert combined_estimator(model, (one(model, "wider"), one(model, "narrower")), known) is None
    piped = make_pipeline(StandardScaler(), SVR())
    all_of_it = combined_estimator(piped, (one(piped, "more_C"), one(piped, "less_gamma")), known)
    assert (all_of_it.variant["svr"].C, all_of_it.variant["svr"].gamma) == (10.0, 0.05)


def test_a_setting_is_what_the_rows_are():
    known = setting_of(make_subject(Ridge(), [(10 * X, 3 * Y)]).rows, train=60)
    assert (known.rows, known.columns, known.classification, known.numeric) == (60, 4, False, True)
    assert known.target_variance == pytest.approx(9 * Y.var())
    assert known.input_variance == pytest.approx(100 * X.var())


class XGBRegressor(RegressorMixin, BaseEstimator):
    """What xgboost's looks like: parameters that are None stand for its own defaults."""

    def __init__(self, *, n_estimators=None, learning_rate=None, max_depth=None, min_child_weight=None):
        self.n_estimators, self.learning_rate, self.max_depth = n_estimators, learning_rate, max_depth
        self.min_child_weight = min_child_weight


def test_nones_of_xgboost_are_the_values_that_they_stand_for():
    assert one(XGBRegressor(), "deeper_trees").variant.max_depth == 12
    assert one(XGBRegressor(), "more_trees").variant.n_estimators == 300
    assert one(XGBRegressor(), "more_trees").direction == LESS_BIAS
