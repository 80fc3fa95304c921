"""Models that behave as users' do: they fail, warn, draw from anywhere, and keep what they saw."""

import random
import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin


class FailsWhereRowsLack(RegressorMixin, BaseEstimator):
    """Fails where none of its rows has a first column above a bound."""

    def __init__(self, bound=0.0):
        self.bound = bound

    def fit(self, X, y):
        if not (np.asarray(X)[:, 0] > self.bound).any():
            raise ValueError(f"no row is above {self.bound}\nand a second line")
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class DrawsFrom(RegressorMixin, BaseEstimator):
    """Predicts a number that it draws from one of the generators there are."""

    def __init__(self, source="numpy"):
        self.source = source

    def fit(self, X, y):
        self.drawn_ = {
            "numpy": np.random.normal,
            "python": random.random,
            "own": lambda: np.random.default_rng().normal(),
        }[self.source]()
        return self

    def predict(self, X):
        return np.full(len(X), self.drawn_)


class Warns(RegressorMixin, BaseEstimator):
    """Warns twice of one thing and once of another."""

    def fit(self, X, y):
        for _ in range(2):
            warnings.warn("columns are odd\nand so on", UserWarning, stacklevel=1)
        warnings.warn("this goes away soon", DeprecationWarning, stacklevel=1)
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class Counts(ClassifierMixin, BaseEstimator):
    """Gives each class the weight of its rows as probability; takes weights where asked to."""

    def fit(self, X, y, sample_weight=None):
        weights = np.ones(len(y)) if sample_weight is None else sample_weight
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.shares_ = np.bincount(codes, weights=weights) / weights.sum()
        return self

    def predict_proba(self, X):
        return np.tile(self.shares_, (len(X), 1))

    def predict(self, X):
        return np.repeat(self.classes_[np.argmax(self.shares_)], len(X))


class Gives(RegressorMixin, BaseEstimator):
    """Predicts something of a shape, or of a value, that is not wanted."""

    def __init__(self, what="columns"):
        self.what = what

    def fit(self, X, y):
        return self

    def predict(self, X):
        return {"columns": np.zeros((len(X), 2)), "missing": np.full(len(X), np.nan), "few": np.zeros(1)}[self.what]


class Remembers(BaseEstimator):
    """An estimator that says nothing of its kind, and keeps the rows that it saw."""

    seen: list = []  # noqa: RUF012 - shared on purpose

    def fit(self, X, y):
        Remembers.seen.append((X, y))
        return self

    def predict(self, X):
        return np.zeros(len(X))
