"""The call of mlxtend 0.25.0: numbers that it gave, from the same seeds."""

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, SGDRegressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from evenfit.errors import ConfigError, DataError
from evenfit.runs.measures.mlxtend import bias_variance_decomp
from evenfit.specs.config import Config

RNG = np.random.default_rng(11)
X = RNG.normal(size=(90, 3))
NUMBER = X[:, 0] ** 2 + X[:, 1] + 0.3 * RNG.normal(size=90)
LABEL = np.digitize(NUMBER, [0, 1.5])

CASES = (  # model, target, loss, seed, rounds, what mlxtend 0.25.0 gave
    (DecisionTreeClassifier(random_state=1), LABEL, "0-1_loss", 123, 50, (0.378, 0.3, 0.252)),
    (KNeighborsClassifier(5), LABEL, "0-1_loss", 7, 30, (0.5211111111111111, 0.5, 0.21666666666666667)),
    (
        DecisionTreeRegressor(random_state=1),
        NUMBER,
        "mse",
        123,
        50,
        (1.4412887301785309, 0.9052098002538141, 0.5360789299247171),
    ),
    (LinearRegression(), NUMBER, "mse", 5, 30, (1.4280017553037667, 1.2718191208290073, 0.15618263447475975)),
)


def call(function, model, y, **options):
    return function(model, X[:60], y[:60], X[60:], y[60:], **options)


@pytest.mark.parametrize(("model", "y", "loss", "seed", "rounds", "expected"), CASES)
def test_numbers_are_those_of_mlxtend(model, y, loss, seed, rounds, expected):
    found = call(bias_variance_decomp, model, y, loss=loss, num_rounds=rounds, random_seed=seed)
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("model", "y", "loss", "seed", "rounds", "expected"), CASES)
def test_numbers_are_those_of_the_mlxtend_that_is_installed(model, y, loss, seed, rounds, expected):
    peer = pytest.importorskip("mlxtend.evaluate").bias_variance_decomp
    options = {"loss": loss, "num_rounds": rounds, "random_seed": seed}
    assert call(bias_variance_decomp, model, y, **options) == pytest.approx(call(peer, model, y, **options), abs=1e-12)


def test_arguments_are_those_of_mlxtend_in_its_order():
    parameters = inspect.signature(bias_variance_decomp).parameters.values()
    names = "estimator X_train y_train X_test y_test loss num_rounds random_seed fit_params"
    assert [each.name for each in parameters] == names.split()
    assert [each.default for each in parameters][5:8] == ["0-1_loss", 200, None]


def test_data_frames_are_taken_as_arrays_are():
    frame, series = pd.DataFrame(X, index=range(100, 190)), pd.Series(NUMBER, index=range(100, 190))
    model, options = DecisionTreeRegressor(random_state=1), {"loss": "mse", "num_rounds": 50, "random_seed": 123}
    found = bias_variance_decomp(model, frame[:60], series[:60], frame[60:], series[60:], **options)
    assert found == pytest.approx(CASES[2][5], abs=1e-12)


def test_generators_go_on_from_round_to_round_as_they_do_in_mlxtend():
    def measured(state):
        forest = RandomForestClassifier(n_estimators=3, random_state=state)
        return call(bias_variance_decomp, forest, LABEL, num_rounds=20, random_seed=1)

    assert measured(np.random.RandomState(3)) == measured(np.random.RandomState(3)) != measured(3)


def test_an_estimator_that_starts_warm_does_not_learn_from_earlier_rounds():
    warm = SGDRegressor(warm_start=True, random_state=0)
    cold = SGDRegressor(random_state=0)
    options = {"loss": "mse", "num_rounds": 10, "random_seed": 1}
    assert call(bias_variance_decomp, warm, NUMBER, **options) == call(bias_variance_decomp, cold, NUMBER, **options)
    assert not hasattr(warm, "coef_")


def test_anything_with_fit_and_predict_will_do():
    class Mean:
        def fit(self, X, y):
            self.mean = y.mean()
            return self

        def predict(self, X):
            return np.full(len(X), self.mean)

    loss, bias, variance = call(bias_variance_decomp, Mean(), NUMBER, loss="mse", num_rounds=20, random_seed=1)
    assert loss == pytest.approx(bias + variance, abs=1e-12)
    assert 0 < variance < bias


def test_arguments_of_fit_are_passed_on():
    options = {"loss": "mse", "num_rounds": 5, "random_seed": 1}
    weights = np.r_[np.ones(30), np.zeros(30)]
    plain = call(bias_variance_decomp, LinearRegression(), NUMBER, **options)
    weighted = call(bias_variance_decomp, LinearRegression(), NUMBER, **options, sample_weight=weights)
    assert plain != weighted


def test_layers_of_a_keras_model_start_anew_in_each_round():
    class Dense:
        def __init__(self):
            self.weights = [np.ones((3, 1)), np.ones(1)]
            self.kernel_initializer = self.bias_initializer = np.zeros

        def get_weights(self):
            return self.weights

        def set_weights(self, weights):
            self.weights = weights

    class Sequential:
        def __init__(self):
            self.layers = [Dense()]

        def fit(self, X, y):
            assert not self.layers[0].weights[0].any()
            self.layers[0].weights = [np.linalg.lstsq(X, y, rcond=None)[0][:, None], np.zeros(1)]

        def predict(self, X):
            return X @ self.layers[0].weights[0]

    found = call(bias_variance_decomp, Sequential(), NUMBER, loss="mse", num_rounds=5, random_seed=1)
    same = call(
        bias_variance_decomp, LinearRegression(fit_intercept=False), NUMBER, loss="mse", num_rounds=5, random_seed=1
    )
    assert found == pytest.approx(same, abs=1e-12)


def test_classes_may_be_words():
    words = np.array(["low", "middle", "top"])[LABEL]
    found = call(bias_variance_decomp, DecisionTreeClassifier(random_state=1), words, num_rounds=50, random_seed=123)
    assert found == pytest.approx(CASES[0][5], abs=1e-12)


@pytest.mark.parametrize(("y", "loss"), [(NUMBER, "mse"), (LABEL, "0-1_loss"), (LABEL + 5, "0-1_loss")])
def test_a_config_is_fitted_in_fleets(y, loss):
    config = Config(width=8, depth=1, epochs=4, batch_rows=32)
    options = {"loss": loss, "num_rounds": 6, "random_seed": 1}
    found = call(bias_variance_decomp, config, y, **options)
    assert found == call(bias_variance_decomp, config, y, **options)
    assert all(0 < each < 5 for each in found)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"loss": "log"}, ConfigError, "loss must be one of 0-1_loss, mse; got 'log'"),
        ({"num_rounds": 0}, ConfigError, "num_rounds must be at least 1, got 0"),
    ],
)
def test_what_mlxtend_does_not_have_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        call(bias_variance_decomp, LinearRegression(), NUMBER, **options)


def test_lengths_that_differ_are_refused():
    with pytest.raises(DataError, match="a target for each row; got 60 and 59"):
        bias_variance_decomp(LinearRegression(), X[:60], NUMBER[:59], X[60:], NUMBER[60:], loss="mse")


def test_arguments_of_fit_are_for_estimators_alone():
    with pytest.raises(ConfigError, match="only estimators take arguments of fit"):
        call(bias_variance_decomp, Config(width=8), NUMBER, loss="mse", sample_weight=None)
