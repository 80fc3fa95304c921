"""Estimators: any of scikit-learn's kind, cloned for each fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils.validation import has_fit_parameter

from evenfit.data.splits import Split
from evenfit.errors import ConfigError
from evenfit.experiments.fitting.answers import Answers, Codes, codes_of
from evenfit.experiments.fitting.chance import chance_of
from evenfit.experiments.fitting.failures import UNSAID, failed, line
from evenfit.experiments.fitting.fits import Fit, Fitted, Integers, Numbers, followed, never
from evenfit.experiments.fitting.pool import run
from evenfit.experiments.fitting.rows import Rows, take
from evenfit.fleet.chance import generator
from evenfit.results.row_values import base_loss

_RANDOM_STATES = ("random_state", "random_seed")


def fit_estimators(
    rows: Rows,
    variants: Sequence[Any],
    fits: Sequence[Fit],
    splits: Sequence[Split],
    *,
    checkpoints: int = 0,
    workers: int = 1,
    stop: Callable[[], bool] = never,
) -> Iterator[Fitted]:
    """Fit scikit-learn estimators, each a clone, as `Learner` asks.

    Every ``random_state`` in an estimator, its steps' too, that is None or a number is set from the fit's seed, and
    the global generators of numpy and Python start from it (and are put back): so a fit repeats, whatever is fitted
    beside it. A class that a fit's training rows lack has probability 0, taken as 1e-15. Curves are those of boosting,
    by its stages.

    Raises:
        ConfigError: a regressor is given classes, or a classifier a quantity.
    """
    for estimator in variants:
        _check_task(estimator, rows)
    calls = [
        _FitEstimator(
            number=number,
            fit=fit,
            split=splits[fit.split],
            estimator=variants[fit.variant],
            checkpoints=checkpoints,
        )
        for number, fit in enumerate(fits)
    ]
    return run(calls, _Material(rows=rows, codes=codes_of(rows)), workers=workers, stop=stop)


def seeded(estimator: Any, seed: int) -> Any:
    """Set every ``random_state`` of an estimator and of its parts that is None or a number; give it back.

    Each is a function of the seed and of its name alone. Generators that the user has set are left as they are.

    Example:
        >>> from sklearn.linear_model import SGDRegressor
        >>> seeded(SGDRegressor(), 1).random_state == seeded(SGDRegressor(random_state=0), 1).random_state
        True
    """
    numbers = {
        name: int(generator(seed, crc32(name.encode())).integers(2**31 - 1))
        for name, value in estimator.get_params(deep=True).items()
        if name.rpartition("__")[2] in _RANDOM_STATES
        and (value is None or (isinstance(value, int | np.integer) and not isinstance(value, bool)))
    }
    return estimator.set_params(**numbers) if numbers else estimator


@dataclass(frozen=True, eq=False, kw_only=True)
class _Material:
    """What all fits share."""

    rows: Rows
    codes: Codes


@dataclass(frozen=True, eq=False, kw_only=True)
class _FitEstimator:
    """One fit, to be made here or in another process."""

    number: int  # its place among the fits
    fit: Fit
    split: Split
    estimator: Any
    checkpoints: int

    def __call__(self, material: _Material, stop: Callable[[], bool]) -> Fitted:  # noqa: ARG002 - a fit cannot be asked
        """Fit, and say what was predicted, or why nothing was."""
        with warnings.catch_warnings(record=True) as warned, chance_of(self.fit.seed):
            warnings.simplefilter("default")  # once for each place
            try:
                found = self._fitted(material)
            except Exception as error:  # noqa: BLE001 - whatever goes wrong in the user's model, the others go on
                found = failed(self.number, error)
        said = [line(each.category, each.message) for each in warned if each.category not in UNSAID]
        return replace(found, notes=tuple(dict.fromkeys((*found.notes, *said))))

    def _fitted(self, material: _Material) -> Fitted:
        rows, train, validate = material.rows, self.split.train, self.split.validate
        model = seeded(clone(self.estimator), self.fit.seed)
        weights, notes = _weights(model, rows, train)
        model.fit(take(rows.X, train), _labels(rows)[train], **weights)
        own = followed(self.split, seed=self.fit.split)
        judged, ahead = np.concatenate([validate, own]), len(validate)
        answers = Answers(model, codes=material.codes, about=rows.about)
        X = take(rows.X, judged)
        predictions = answers.predict(X)
        curve = answers.curve(X, rows.target[judged], ahead=ahead, checkpoints=self.checkpoints)
        return Fitted(
            number=self.number,
            predictions=predictions[:ahead],
            training_loss=float(np.mean(base_loss(predictions[ahead:], rows.target[own]))),
            curve=curve,
            notes=(*notes, *answers.notes()),
        )


def _check_task(estimator: Any, rows: Rows) -> None:
    """Refuse an estimator that cannot have the task."""
    name = type(estimator).__name__
    try:
        classifies, regresses = is_classifier(estimator), is_regressor(estimator)
    except AttributeError:  # of an older kind, which does not say
        return
    if rows.task == "regression" and classifies:
        raise ConfigError(
            f"{name} is a classifier, and the target is a quantity: give a regressor, or task='classification'"
        )
    if rows.task != "regression" and regresses:
        raise ConfigError(f"{name} is a regressor, and the target has classes: give a classifier, or task='regression'")


def _labels(rows: Rows) -> Any:
    """The target as an estimator is given it: as the user calls classes, and numbers as numbers."""
    return rows.target if rows.task == "regression" and rows.labels.dtype.kind not in "fiu" else rows.labels


def _weights(model: Any, rows: Rows, train: Integers) -> tuple[dict[str, Numbers], tuple[str, ...]]:
    """Give the argument of ``fit`` that carries row weights, or say that there is none."""
    if rows.weights is None:
        return {}, ()
    name = _weight_argument(model)
    if name is None:
        return {}, (f"{type(model).__name__} takes no sample_weight: every row counts the same",)
    return {name: rows.weights[train]}, ()


def _weight_argument(model: Any) -> str | None:
    """Give the name under which an estimator's ``fit`` takes weights: a pipeline's last step has it as its own."""
    steps = getattr(model, "steps", None)
    if steps:
        last, step = steps[-1]
        inner = None if isinstance(step, str) or step is None else _weight_argument(step)
        return None if inner is None else f"{last}__{inner}"
    return "sample_weight" if has_fit_parameter(model, "sample_weight") else None
