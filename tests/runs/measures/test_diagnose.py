"""Diagnoses of tables that were made to be ill in one known way."""

import json

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from evenfit.errors import BudgetError, ConfigError, DataError
from evenfit.runs.measures.diagnose import diagnose
from evenfit.specs.config import Config

SMALL = Config(width=32, epochs=24, numeric_embedding="none", batch_rows=32, learning_rate=1e-2)
LINEAR = Config(depth=0, numeric_embedding="none", epochs=30, learning_rate=0.02)
PLAIN = Config(width=16, depth=1, epochs=12, numeric_embedding="none", l2=0.1, learning_rate=5e-3)


def underfit(rng):
    X = rng.uniform(-2, 2, (300, 2))
    return LINEAR, X, np.cos(2 * X[:, 0]) + 0.5 * X[:, 1] ** 2 + 0.1 * rng.normal(size=300)


def overfit(rng):
    X = rng.normal(size=(200, 500))
    return SMALL, X, X[:, :3].sum(axis=1) + 0.5 * rng.normal(size=200)


def noise_limited(rng):
    X = rng.normal(size=(2000, 5))
    chance = 1 / (1 + np.exp(-0.7 * X[:, 0]))
    return PLAIN, X, np.where(rng.uniform(size=2000) < chance, "yes", "no")


def balanced(rng):
    X = rng.normal(size=(500, 4))
    return SMALL.with_values(epochs=32), X, X[:, 0] + X[:, 1] ** 2 + 0.3 * rng.normal(size=500)


@pytest.mark.parametrize(
    ("make", "verdict"),
    [(underfit, "underfit"), (noise_limited, "noise-limited"), (balanced, "balanced")],
)
def test_a_table_made_to_be_so_is_found_to_be_so(make, verdict):
    model, X, y = make(np.random.default_rng(0))
    found = diagnose(model, X, y, budget=60)
    assert found.verdict == verdict, found.regime.sentence
    assert found.placebos.found == 0
    assert len(found.remedies) >= 15
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.slow
def test_two_hundred_rows_of_five_hundred_columns_are_overfit():
    model, X, y = overfit(np.random.default_rng(0))
    found = diagnose(model, X, y, budget=120)
    assert found.verdict == "overfit", found.regime.sentence
    assert found.confirmations[0].confirmed


def test_rows_sorted_before_they_were_split_are_unrepresentative():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    X = X[np.argsort(X[:, 0])]
    y = X[:, 0] + X[:, 1] ** 2 + 0.3 * rng.normal(size=300)
    model = SMALL.with_values(epochs=8, width=8)
    found = diagnose(model, X[:240], y[:240], X_validation=X[240:], y_validation=y[240:], budget=60, repeats=2)
    assert found.verdict == "unrepresentative split"
    assert found.split_check is not None
    assert found.split_check.columns[0][0] in ("x0", "the target")


def test_an_acceptable_error_above_the_loss_is_balanced_and_one_below_both_losses_is_not():
    model, X, y = underfit(np.random.default_rng(1))
    assert diagnose(model, X, y, budget=60, repeats=2, error=5.0).verdict == "balanced"
    assert diagnose(model, X, y, budget=60, repeats=2, error=0.1).verdict == "underfit"


def test_thirty_rows_and_a_rare_class_get_an_answer():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    found = diagnose(PLAIN, X, ["b"] * 3 + ["a"] * 27, budget=60, repeats=2)
    assert found.regime.sentence


def test_what_cannot_be_diagnosed_is_refused_in_a_line():
    X, y = np.arange(20.0)[:, None], np.arange(20.0)
    with pytest.raises(BudgetError, match="a time such as 90s"):
        diagnose(PLAIN, X, y, budget="40 trials")
    with pytest.raises(ConfigError, match="folds"):
        diagnose(PLAIN, X, y, folds=1)
    with pytest.raises(DataError, match="together"):
        diagnose(PLAIN, X, y, X_validation=X)


def test_an_estimator_that_leaves_nothing_to_chance_has_no_copies():
    from sklearn.linear_model import LinearRegression

    _, X, y = balanced(np.random.default_rng(0))
    found = diagnose(LinearRegression(), X, y, budget=60, workers=1)
    assert found.verdict == "underfit"
    assert found.placebos.remedies == ()
    assert any("nothing to chance" in note for note in found.notes)


class Picky(DecisionTreeRegressor):
    """A tree that cannot be fitted without a certain row."""

    def fit(self, X, y):
        if not (X[:, 0] > 90).any():
            raise ValueError("the row is not there")
        return super().fit(X, y)


def test_splits_on_which_the_model_fails_are_left_out_and_said():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    X[7, 0] = 99.0  # every repeat has one fold of five that trains without it
    y = X[:, 1] + 0.3 * rng.normal(size=150)
    found = diagnose(Picky(max_depth=4, random_state=0), X, y, budget=30)
    assert any("failed on 5 of 25 splits" in note and "the row is not there" in note for note in found.notes)
    assert np.isfinite([found.losses.training.mean, found.losses.validation.mean]).all()
    assert found.remedies
    assert all(np.isfinite(one.effect.mean) for one in found.remedies)
    json.dumps(found.to_json(), allow_nan=False)


def test_a_model_that_fails_on_most_splits_is_not_diagnosed():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    X[[3, 7], 0] = 99.0
    with pytest.raises(DataError, match=r"failed on \d+ of \d+ splits, too many"):
        diagnose(Fussy(max_depth=4, random_state=0), X, X[:, 1], budget=30)


class Fussy(DecisionTreeRegressor):
    """A tree that cannot be fitted without two certain rows, which are in one fold of validation or in two."""

    def fit(self, X, y):
        if (X[:, 0] > 90).sum() < 2:
            raise ValueError("the rows are not there")
        return super().fit(X, y)
