"""Validation curve of a model of any kind: what it loses by one of its hyperparameters."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from evenfit.errors import ConfigError
from evenfit.experiments.fitting.fits import never
from evenfit.experiments.validation_curve import validation_curve as fit_values
from evenfit.results.curves.validation_curve import ValidationCurve
from evenfit.results.curves.validation_curve import validation_curve as curve_of_losses
from evenfit.runs.measures.judges import cores, find_metric, loss_name, row_counts, splits_of, told
from evenfit.runs.measures.subject import CONFIG, ESTIMATOR, Subject, make_subject
from evenfit.specs.training import Training


def validation_curve(  # noqa: PLR0913 - every option is a keyword
    model: Any,
    X: Any,
    y: Any,
    *,
    name: str,
    values: Sequence[Any],
    folds: int = 5,
    repeats: int = 3,
    metric: str | None = None,
    task: str | None = None,
    groups: Any = None,
    sample_weight: Any = None,
    training: Training | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> ValidationCurve:
    """Measure what a model loses by one of its hyperparameters, all else equal.

    Fresh models are fitted for every value, on the same splits from the same seeds: differences are paired. It is the
    last epoch's weights that are judged.

    Args:
        model: a `Config`, or "mlp"; any scikit-learn estimator or pipeline; or what makes a new ``nn.Module``.
        X: an array [rows, columns] or any data frame.
        y: what to predict, a value for each row.
        name: of a value of the config; of a parameter as ``set_params`` takes it, such as ``ridge__alpha``; of a value
            of `Training`, for modules.
        values: at least two, in the order of the curve.
        folds: of the cross-validation.
        repeats: how often to split anew.
        metric: whose loss is judged; None is log loss or RMSE, whose loss is the mean squared error.
        task: "classification" or "regression"; None finds it.
        groups: a value for each row; rows of one group stay in one fold.
        sample_weight: how much each row counts in training.
        training: how modules are trained.
        seed: of everything that is left to chance.
        workers: cores; None for all. The curve is the same for any number.

    Raises:
        ConfigError: there is no such hyperparameter, a value is out of its range, or an option is.
        DataError: the rows or the target cannot be used, or no model could be fitted.

    Example:
        >>> from sklearn.linear_model import Ridge
        >>> generator = np.random.default_rng(0)
        >>> X = generator.standard_normal((60, 40))
        >>> y = X[:, 0] + generator.standard_normal(60)
        >>> found = validation_curve(Ridge(), X, y, name="alpha", values=[0.01, 100.0], workers=1)
        >>> found.values[found.best]
        100.0
    """
    subject = make_subject(model, [(X, y)], task=task, groups=groups, sample_weight=sample_weight, training=training)
    return measure_validation_curve(
        subject, name=name, values=values, folds=folds, repeats=repeats, metric=metric, seed=seed, workers=workers
    )


def measure_validation_curve(
    subject: Subject,
    *,
    name: str,
    values: Sequence[Any],
    folds: int = 5,
    repeats: int = 3,
    metric: str | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,  # noqa: ARG005 - says nothing
    stop: Callable[[], bool] = never,
) -> ValidationCurve:
    """Measure the validation curve of a subject, as `validation_curve` does.

    Args:
        subject: a model and its rows.
        name: of the hyperparameter.
        values: of it.
        progress: is told how many models are done, of how many.
        stop: whether to stop now; what is not done is then missing, and said to be.
    """
    known = find_metric(subject, metric)
    variants = variants_of(subject, name=name, values=values)
    splits = splits_of(subject, folds=folds, repeats=repeats, seed=seed)
    shape = (len(splits), len(variants))
    training, losses = np.full(shape, np.nan), np.full(shape, np.nan)
    said: list[str] = []
    failed: list[str] = []
    done = 0
    fitted = fit_values(
        subject.learner(variants),
        splits,
        values=len(variants),
        rows=subject.rows,
        metric=known,
        seed=seed,
        workers=cores(workers),
        stop=stop,
    )
    for one in fitted:
        training[one.split, one.value], losses[one.split, one.value] = one.judged.training, one.judged.loss
        said += one.notes
        failed += [f"{name} = {values[one.value]}: {one.failure}"] if one.failure else []
        done += 1
        progress(done, losses.size)
    stopped = [f"stopped after {done} of {losses.size} models"] if done < losses.size else []
    return curve_of_losses(
        name,
        tuple(values),
        training,
        losses,
        metric=known.name,
        loss=loss_name(known),
        **row_counts(splits),
        notes=(*stopped, *(f"failed: {each}" for each in told(failed)), *told(said)),
    )


def variants_of(subject: Subject, *, name: str, values: Sequence[Any]) -> list[Any]:
    """Give the subject's model with each value of one hyperparameter.

    Raises:
        ConfigError: there is no such hyperparameter, or there are fewer than two values.
    """
    values = list(values)
    if len({repr(value) for value in values}) < max(2, len(values)):
        raise ConfigError(f"values of {name} must be at least two, all different; got {values}")
    if subject.kind == ESTIMATOR:
        from sklearn.base import clone

        _check_name(name, sorted(subject.model.get_params()), of="the estimator")
        return [clone(subject.model).set_params(**{name: value}) for value in values]
    if subject.kind == CONFIG:
        _check_name(name, [field.name for field in fields(subject.model)], of="a config")
        return [subject.model.with_values(**{name: value}) for value in values]
    training = subject.training or Training()
    _check_name(name, [field.name for field in fields(training)], of="the training of a module")
    return [(subject.model, training.with_values(**{name: value})) for value in values]


def _check_name(name: str, known: Sequence[str], *, of: str) -> None:
    """Refuse a name that the model does not have, and suggest one that it has."""
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=3) or list(known)
    raise ConfigError(f"{of} has no hyperparameter named {name!r}; did you mean one of {', '.join(near)}?")
