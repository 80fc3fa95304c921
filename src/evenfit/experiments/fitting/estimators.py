"""Estimators: any of scikit-learn's kind, cloned for each fit."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils.validation import has_fit_parameter

from evenfit.data.splits import Split
from evenfit.data.targets import Target
from evenfit.errors import ConfigError, DataError
from evenfit.experiments.fitting.fits import Fit, Fitted, Integers, Numbers, followed, never
from evenfit.experiments.fitting.pool import run
from evenfit.experiments.fitting.rows import Rows, take
from evenfit.fleet.chance import generator
from evenfit.results.row_values import base_loss

LEAST_PROBABILITY = 1e-15  # of a class; the logarithm of 0 is none
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
    numpy's global generator starts from it (and is put back): so a fit repeats whatever is fitted beside it. A class
    that a fit's training rows lack gets a probability of 0, which is taken for 1e-15. Curves are those of boosting,
    by its stages.

    Raises:
        ConfigError: a regressor is given classes, or a classifier a quantity.
    """
    for estimator in variants:
        _check_task(estimator, rows)
    codes = dict(zip(rows.labels.tolist(), rows.target.tolist(), strict=True)) if rows.task != "regression" else {}
    calls = [
        partial(
            fit_estimator,
            rows,
            variants[fit.variant],
            codes=codes,
            split=splits[fit.split],
            fit=fit,
            number=number,
            checkpoints=checkpoints,
        )
        for number, fit in enumerate(fits)
    ]
    return run(calls, workers=workers, stop=stop)


def fit_estimator(
    rows: Rows,
    estimator: Any,
    *,
    codes: Mapping[Any, int],
    split: Split,
    fit: Fit,
    number: int,
    checkpoints: int,
) -> Fitted:
    """Fit one clone of an estimator, and say what it predicts; where it fails, why.

    Args:
        rows: all rows.
        estimator: to be cloned.
        codes: places of labels in the target's classes; empty for a regression.
        split: rows to train on, and to judge by.
        fit: whose seed is taken.
        number: its place among the fits.
        checkpoints: stages at which losses are taken; 0 takes none.
    """
    with warnings.catch_warnings(record=True) as warned, chance_of(fit.seed):
        warnings.simplefilter("always")
        try:
            found = _fitted(rows, estimator, codes=codes, split=split, fit=fit, number=number, checkpoints=checkpoints)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in the user's model, the other fits go on
            found = Fitted(number=number, predictions=np.empty((0, 0)), failure=_first_line(error))
    said = [_warning_line(each) for each in warned]
    return replace(found, notes=tuple(dict.fromkeys((*found.notes, *said))))


def _fitted(
    rows: Rows,
    estimator: Any,
    *,
    codes: Mapping[Any, int],
    split: Split,
    fit: Fit,
    number: int,
    checkpoints: int,
) -> Fitted:
    notes: list[str] = []
    model = seeded(clone(estimator), fit.seed)
    labels = rows.labels if rows.task != "regression" or rows.labels.dtype.kind in "fiu" else rows.target
    weights, note = _weights(model, rows, split.train)
    notes += note
    model.fit(take(rows.X, split.train), labels[split.train], **weights)
    own = followed(split, seed=fit.split)
    judged = np.concatenate([split.validate, own])
    ahead = len(split.validate)
    X = take(rows.X, judged)
    if rows.task == "regression":
        predictions = _numbers(model.predict(X), rows=len(judged))
    else:
        predictions, note = _log_probabilities(model, X, codes=codes, classes=rows.classes, about=rows.about)
        notes += note
    curve = None
    return Fitted(
        number=number,
        predictions=predictions[:ahead],
        training_loss=float(np.mean(base_loss(predictions[ahead:], rows.target[own]))),
        curve=curve,
        notes=tuple(notes),
    )


def seeded(estimator: Any, seed: int) -> Any:
    """Set every ``random_state`` of an estimator and of its parts that is None or a number; give it back.

    Each is a function of the seed and of its name alone. Generators that the user has set are left as they are.

    Example:
        >>> from sklearn.linear_model import SGDRegressor
        >>> seeded(SGDRegressor(), 1).random_state == seeded(SGDRegressor(), 1).random_state
        True
    """
    known = {
        name: value
        for name, value in estimator.get_params(deep=True).items()
        if name.rpartition("__")[2] in _RANDOM_STATES
    }
    numbers = {
        name: int(generator(seed, crc32(name.encode())).integers(2**31 - 1))
        for name, value in known.items()
        if value is None or (isinstance(value, int | np.integer) and not isinstance(value, bool))
    }
    return estimator.set_params(**numbers) if numbers else estimator


@contextmanager
def chance_of(seed: int) -> Iterator[None]:
    """Start the global generators of Python and numpy from a seed, and put them back afterwards."""
    before, of_python = np.random.get_state(), random.getstate()  # noqa: NPY002 - what the user's model may draw from
    np.random.seed(seed % 2**32)  # noqa: NPY002 - as above
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002 - as above
        random.setstate(of_python)


def _check_task(estimator: Any, rows: Rows) -> None:
    """Refuse an estimator that cannot have the task."""
    name = type(estimator).__name__
    if rows.task == "regression" and is_classifier(estimator):
        raise ConfigError(
            f"{name} is a classifier, and the target is a quantity: give a regressor, or task='classification'"
        )
    if rows.task != "regression" and is_regressor(estimator):
        raise ConfigError(f"{name} is a regressor, and the target has classes: give a classifier, or task='regression'")


def _weights(model: Any, rows: Rows, train: Integers) -> tuple[dict[str, Numbers], list[str]]:
    """Give the argument of ``fit`` that carries row weights, or say that there is none."""
    if rows.weights is None:
        return {}, []
    name = _weight_argument(model)
    if name is None:
        return {}, [f"{type(model).__name__} takes no sample_weight: every row counts the same"]
    return {name: rows.weights[train]}, []


def _weight_argument(model: Any) -> str | None:
    """Give the name under which an estimator's ``fit`` takes weights: a pipeline's last step has it as its own."""
    steps = getattr(model, "steps", None)
    if steps:
        last, step = steps[-1]
        inner = None if isinstance(step, str) or step is None else _weight_argument(step)
        return None if inner is None else f"{last}__{inner}"
    return "sample_weight" if has_fit_parameter(model, "sample_weight") else None


def _log_probabilities(
    model: Any, X: Any, *, codes: Mapping[Any, int], classes: int, about: Target
) -> tuple[Numbers, list[str]]:
    """Give log-probabilities of all classes [rows, K], 1e-15 for what cannot be, and what is to be said of them."""
    notes = []
    name = type(model).__name__
    if hasattr(model, "predict_proba"):
        given = np.asarray(model.predict_proba(X), dtype=np.float64)
        if given.ndim == 1:
            given = np.stack([1 - given, given], axis=1)
        places = _places(model, codes, columns=given.shape[1])
        if given.ndim != 2 or given.shape != (len(X), len(places)):
            raise DataError(f"predict_proba must give [{len(X)}, {len(places)}], got the shape {list(given.shape)}")
        if not np.isfinite(given).all() or (given < 0).any() or (given.sum(axis=1) <= 0).any():
            raise DataError(f"{name}'s probabilities are no numbers of at least 0")
        probabilities = np.zeros((len(X), classes))
        probabilities[:, places] = given / given.sum(axis=1, keepdims=True)
    else:
        answers = np.asarray(model.predict(X)).tolist()
        places = sorted(set(codes.values()))
        probabilities = np.zeros((len(X), classes))
        probabilities[np.arange(len(X)), [codes[answer] for answer in answers]] = 1.0
        notes.append(
            f"{name} names a class without its probability: taken as certain, so its log loss says little; look at the "
            "0-1 loss"
        )
        places = _places(model, codes, columns=None)
    lacking = [str(about.classes[code]) for code in range(classes) if code not in places]
    if lacking:
        notes.append(f"training rows lacked {', '.join(lacking)}: probability 0, taken as {LEAST_PROBABILITY:g}")
    return np.log(np.clip(probabilities, LEAST_PROBABILITY, 1.0)), notes


def _places(model: Any, codes: Mapping[Any, int], *, columns: int | None) -> list[int]:
    """Give the class code of each column of probabilities; all of them where the estimator does not say."""
    known = getattr(model, "classes_", None)
    if known is None:
        every = sorted(set(codes.values()))
        if columns is not None and columns != len(every):
            raise DataError(
                f"{type(model).__name__} has no classes_, and its probabilities {columns} columns for {len(every)} classes"
            )
        return every
    return [codes[label] for label in np.asarray(known).tolist()]


def _numbers(given: Any, *, rows: int) -> Numbers:
    """Give predictions of a quantity, [rows, 1]."""
    found = np.asarray(given, dtype=np.float64)
    if found.shape not in ((rows,), (rows, 1)):
        raise DataError(f"predict must give one number a row, [{rows}]; got the shape {list(found.shape)}")
    if not np.isfinite(found).all():
        raise DataError("predictions are no finite numbers")
    return found.reshape(rows, 1)


def _first_line(error: BaseException) -> str:
    """Say what went wrong, in a line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].strip()}" if lines else type(error).__name__


def _warning_line(warned: warnings.WarningMessage) -> str:
    """Say what an estimator has warned of, in a line."""
    lines = str(warned.message).strip().splitlines()
    return f"{warned.category.__name__}: {lines[0].strip()}" if lines else warned.category.__name__
