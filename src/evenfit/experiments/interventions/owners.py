"""Owners: the parts of a scikit-learn estimator that have parameters of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evenfit.experiments.fitting.rows import Rows

_SCALERS = ("Scaler", "Normalizer", "PowerTransformer", "QuantileTransformer")
_XGBOOST = {  # what its None stands for
    "n_estimators": 100,
    "learning_rate": 0.3,
    "max_depth": 6,
    "min_child_weight": 1.0,
    "gamma": 0.0,
    "reg_lambda": 1.0,
    "reg_alpha": 0.0,
    "subsample": 1.0,
    "colsample_bytree": 1.0,
}
_SEARCHES = ("param_grid", "param_distributions")


@dataclass(frozen=True, kw_only=True)
class EstimatorSetting:
    """What an estimator is to learn from, as far as changes of it depend on that."""

    rows: int  # that a split trains on
    columns: int
    classification: bool
    numeric: bool = True  # whether all columns are numbers
    target_variance: float = 1.0  # 1 for classes
    input_variance: float = 1.0  # of all numbers of all columns taken together; 1 where there are others


@dataclass(frozen=True, eq=False, kw_only=True)
class Owner:
    """An estimator, or a part of one."""

    path: str  # names of parts down to this one, each with "__" behind it; empty for the whole
    kind: str  # the name of its class
    values: Mapping[str, Any]  # its own parameters; without those that a search chooses
    scaled: bool  # whether columns are standardised before they come here
    setting: EstimatorSetting

    def has(self, *names: str) -> bool:
        """Whether it has all of these parameters."""
        return all(name in self.values for name in names)

    @property
    def boosts(self) -> bool:
        """Whether it adds members one after the other, each with a share: the learning rate."""
        adds = self.has("n_estimators") or self.kind.startswith("HistGradientBoosting")
        return adds and isinstance(self.values.get("learning_rate"), int | float)

    @property
    def grows(self) -> bool:
        """Whether it is a tree, or made of trees."""
        return any(self.has(name) for name in ("min_samples_leaf", "min_child_samples", "min_child_weight"))

    @property
    def learns_by_epochs(self) -> bool:
        """Whether it goes over the rows again and again with small steps."""
        return self.has("hidden_layer_sizes") or self.has("eta0", "max_iter")


def setting_of(rows: Rows, *, train: int) -> EstimatorSetting:
    """Say what an estimator is to learn from.

    Args:
        rows: all rows.
        train: how many of them a split trains on.

    Example:
        >>> from evenfit.data.targets import Target
        >>> y = np.array([1.0, 3.0])
        >>> rows = Rows(X=np.eye(2), labels=y, target=y, about=Target(name="y", task="regression"))
        >>> setting_of(rows, train=2).target_variance
        1.0
    """
    X = rows.X
    classification = rows.task != "regression"
    numbers = _numbers(X)
    return EstimatorSetting(
        rows=train,
        columns=int(np.prod(X.shape[1:])),
        classification=classification,
        numeric=numbers is not None,
        target_variance=1.0 if classification else float(np.var(rows.target)) or 1.0,
        input_variance=1.0 if numbers is None else float(np.nanvar(numbers)) or 1.0,
    )


def owners_of(estimator: Any, setting: EstimatorSetting) -> list[Owner]:
    """List an estimator and its parts, the whole first.

    Example:
        >>> from sklearn.linear_model import Ridge
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> setting = EstimatorSetting(rows=80, columns=3, classification=False)
        >>> model = make_pipeline(StandardScaler(), Ridge())
        >>> [(owner.path, owner.kind, owner.scaled) for owner in owners_of(model, setting)][1:]
        [('standardscaler__', 'StandardScaler', False), ('ridge__', 'Ridge', True)]
    """
    found: list[Owner] = []
    _walk(estimator, "", setting, scaled=False, chosen=frozenset(), found=found)
    return found


def scales(estimator: Any) -> bool:
    """Whether an estimator, or a step of it, puts columns on one scale."""
    parts = [estimator, *(part for part in estimator.get_params(deep=True).values() if hasattr(part, "get_params"))]
    return any(type(part).__name__.endswith(_SCALERS) for part in parts if not isinstance(part, type))


def _walk(
    part: Any, path: str, setting: EstimatorSetting, *, scaled: bool, chosen: frozenset[str], found: list[Owner]
) -> None:
    every, kind = part.get_params(deep=True), type(part).__name__
    unsaid = _XGBOOST if kind.startswith("XGB") else {}
    values = {
        name: unsaid.get(name) if value is None else value
        for name, value in part.get_params(deep=False).items()
        if path + name not in chosen
    }
    for grid in (every.get(name) for name in _SEARCHES):
        for one in grid if isinstance(grid, list | tuple) else [grid or {}]:
            chosen |= {f"{path}estimator__{name}" for name in one}
    found.append(Owner(path=path, kind=kind, values=values, scaled=scaled, setting=setting))
    inner = {name: value for name, value in every.items() if "__" not in name and hasattr(value, "get_params")}
    for name, value in inner.items():
        if isinstance(value, type):
            continue
        _walk(value, f"{path}{name}__", setting, scaled=scaled, chosen=chosen, found=found)
        scaled = scaled or (hasattr(part, "steps") and scales(value))


def _numbers(X: Any) -> Any:
    """Give rows as an array of numbers; None where some are none."""
    given = X if isinstance(X, np.ndarray) else X.to_numpy()
    return given if given.dtype.kind in "fiub" else None
