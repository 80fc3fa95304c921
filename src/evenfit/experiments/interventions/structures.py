"""Structures: what can be put around a scikit-learn estimator, where no parameter does it.

To add one, write a line in `STRUCTURES`; `tests/experiments/interventions/test_estimators.py` then holds it to the laws
that all share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from evenfit.experiments.interventions.intervention import EITHER, LESS_BIAS, LESS_VARIANCE
from evenfit.experiments.interventions.owners import EstimatorSetting, scales

MOST_COLUMNS = 30  # of which all products are made
_BY_SCALE = ("MLP", "SVC", "SVR", "NuSV", "LinearSV", "KNeighbors", "RadiusNeighbors", "SGD", "KernelRidge")
_BY_SCALE_TOO = ("LogisticRegression", "Ridge", "Lasso", "ElasticNet", "GaussianProcess", "Perceptron")
_BY_TARGET = ("MLPRegressor", "SVR", "NuSVR", "LinearSVR", "SGDRegressor")


@dataclass(frozen=True)
class Structure:
    """One change."""

    name: str
    direction: str
    words: str
    change: Callable[[Any, EstimatorSetting], Any]  # the changed estimator, or None where there is none
    cost: Callable[[EstimatorSetting], float] = lambda setting: 1.0  # noqa: ARG005 - most cost nothing


def _standardised(estimator: Any, setting: EstimatorSetting) -> Any:
    """Put columns on one scale, before a model to which that matters."""
    matters = type(_last(estimator)).__name__.startswith(_BY_SCALE + _BY_SCALE_TOO)
    if not (matters and setting.numeric) or scales(estimator):
        return None
    return _before_last(estimator, "standardised", StandardScaler())


def _target_standardised(estimator: Any, setting: EstimatorSetting) -> Any:
    """Put the target on one scale, for a model that steps alike whatever the target's scale."""
    if setting.classification or type(_last(estimator)).__name__ not in _BY_TARGET:
        return None
    return TransformedTargetRegressor(regressor=clone(estimator), transformer=StandardScaler())


def _squares(estimator: Any, setting: EstimatorSetting) -> Any:
    """Give a linear model the squares and the products of columns."""
    last = _last(estimator)
    linear = type(last).__module__.startswith("sklearn.linear_model") or type(last).__name__.startswith("LinearSV")
    has = any(isinstance(part, PolynomialFeatures) for part in estimator.get_params(deep=True).values())
    if not linear or has or not setting.numeric or not 1 <= setting.columns <= MOST_COLUMNS:
        return None
    products = PolynomialFeatures(2, include_bias=False)
    return _before_last(estimator, "squares", make_pipeline(StandardScaler(), products, StandardScaler()))


def _penalised(estimator: Any, setting: EstimatorSetting) -> Any:
    """Give least squares a penalty: a tenth of a standardised column's own weight."""
    last = _last(estimator)
    if type(last).__name__ != "LinearRegression" or last.positive:
        return None
    ridge = Ridge(alpha=0.1 * setting.rows, fit_intercept=last.fit_intercept)
    changed = _with_last(estimator, ridge)
    return (
        changed if scales(estimator) or not setting.numeric else _before_last(changed, "standardised", StandardScaler())
    )


def _products_cost(setting: EstimatorSetting) -> float:
    return 1.0 + 0.5 * setting.columns


def _last(estimator: Any) -> Any:
    """Give the model that ends a pipeline, or the estimator itself."""
    return _last(estimator.steps[-1][1]) if isinstance(estimator, Pipeline) else estimator


def _before_last(estimator: Any, name: str, step: Any) -> Any:
    """Put a step before the model."""
    copied = clone(estimator)
    if not isinstance(copied, Pipeline):
        return Pipeline([(name, step), ("model", copied)])
    copied.steps.insert(len(copied.steps) - 1, (name, step))
    return copied


def _with_last(estimator: Any, model: Any) -> Any:
    """Put another model in the place of the one that is there."""
    if not isinstance(estimator, Pipeline):
        return model
    copied = clone(estimator)
    copied.steps[-1] = (copied.steps[-1][0], model)
    return copied


STRUCTURES = (
    Structure("standardised", EITHER, "columns on one scale", _standardised),
    Structure("standardised_target", EITHER, "the target on one scale", _target_standardised),
    Structure("squares", LESS_BIAS, "squares and products of columns", _squares, _products_cost),
    Structure("more_l2", LESS_VARIANCE, "an L2 penalty", _penalised),
)
