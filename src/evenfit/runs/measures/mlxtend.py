"""bias_variance_decomp: mlxtend's call with mlxtend's meaning, so that its users can switch by an import."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.splits import Split
from evenfit.errors import ConfigError, DataError
from evenfit.experiments.fitting.fits import Fit, never
from evenfit.fleet.chance import member_seed
from evenfit.runs.cores import core_count
from evenfit.runs.measures.subject import make_subject

LOSSES = ("0-1_loss", "mse")

Array = npt.NDArray[Any]


def bias_variance_decomp(
    estimator: Any,
    X_train: Any,
    y_train: Any,
    X_test: Any,
    y_test: Any,
    loss: str = "0-1_loss",
    num_rounds: int = 200,
    random_seed: int | None = None,
    **fit_params: Any,
) -> tuple[float, float, float]:
    """Give the mean loss, bias and variance over rounds of a bootstrap, as mlxtend 0.25 does, from the same draws.

    The bias of "mse" is squared; "0-1_loss" is Domingos' without the sign of its variance, so that bias and variance do
    not add up to the loss. Neither has the bias of few rounds removed, and there is no interval: `bias_variance` has
    both. Estimators are cloned for each round, so that one which starts warm does not learn from earlier rounds, as it
    does in mlxtend, and the estimator that was given stays as it was.

    Args:
        estimator: anything with ``fit`` and ``predict``; a `Config` or a factory of ``nn.Module`` too, whose rounds are
            fitted in fleets.
        X_train: rows to draw from: an array or a data frame.
        y_train: their target.
        X_test: rows to judge by.
        y_test: their target.
        loss: "0-1_loss", of classes, or "mse".
        num_rounds: how often rows are drawn.
        random_seed: of the draws; None draws anew each time.
        fit_params: passed to ``fit``.

    Returns:
        The mean over rows and rounds of the loss; the mean over rows of the bias; and of the variance.

    Raises:
        ConfigError: the loss does not exist, or ``num_rounds`` is below 1.
        DataError: lengths differ.

    Example:
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> rng = np.random.default_rng(0)
        >>> X, y = rng.normal(size=(60, 2)), rng.normal(size=60)
        >>> loss, bias, variance = bias_variance_decomp(
        ...     DecisionTreeRegressor(random_state=1), X[:40], y[:40], X[40:], y[40:], loss="mse", random_seed=1
        ... )
        >>> round(loss - bias - variance, 12)
        0.0
    """
    if loss not in LOSSES:
        raise ConfigError(f"loss must be one of {', '.join(LOSSES)}; got {loss!r}")
    if num_rounds < 1:
        raise ConfigError(f"num_rounds must be at least 1, got {num_rounds}")
    X, y, X_judged, y_judged = (_array(each) for each in (X_train, y_train, X_test, y_test))
    if len(X) != len(y) or len(X_judged) != len(y_judged):
        raise DataError(
            f"there must be a target for each row; got {len(X)} and {len(y)}, {len(X_judged)} and {len(y_judged)}"
        )
    rng = np.random.RandomState(random_seed)
    if hasattr(estimator, "fit") and hasattr(estimator, "predict") and not isinstance(estimator, type):
        predictions = _refitted(
            estimator, (X, y, X_judged), loss=loss, rounds=num_rounds, rng=rng, fit_params=fit_params
        )
    elif fit_params:
        raise ConfigError(f"only estimators take arguments of fit; got {', '.join(fit_params)}")
    else:
        predictions = _in_fleets(estimator, (X, y, X_judged, y_judged), loss=loss, rounds=num_rounds, rng=rng)
    return _zero_one(predictions, y_judged) if loss == "0-1_loss" else _squared(predictions, y_judged)


def _zero_one(predictions: Array, target: Array) -> tuple[float, float, float]:
    """Loss, bias and variance around the prediction that most rounds give, the lowest of equals: [R, N] and [N]."""
    names, codes = np.unique(np.concatenate([predictions.ravel(), target]), return_inverse=True)
    predictions, target = codes[: predictions.size].reshape(predictions.shape), codes[predictions.size :]
    counts = np.stack([(predictions == code).sum(axis=0) for code in range(len(names))])
    main = np.argmax(counts, axis=0)
    loss = np.mean([(each != target).mean() for each in predictions])
    return float(loss), float(np.mean(main != target)), float((predictions != main).mean(axis=0).mean())


def _squared(predictions: Array, target: Array) -> tuple[float, float, float]:
    """Loss, squared bias and variance around the mean prediction: [R, N] and [N]."""
    main = predictions.mean(axis=0)
    loss = np.mean([((each - target) ** 2).mean() for each in predictions])
    return float(loss), float(np.mean((main - target) ** 2)), float(np.mean((predictions - main) ** 2))


def _refitted(
    estimator: Any, rows: tuple[Array, Array, Array], *, loss: str, rounds: int, rng: Any, fit_params: dict[str, Any]
) -> Array:
    """Fit a clone to each round's rows, one after the other, since all may draw from one generator: [R, N]."""
    X, y, judged = rows
    predictions = []
    for _ in range(rounds):
        drawn = rng.choice(np.arange(len(X)), size=len(X), replace=True)
        model = _fresh(estimator)
        fitted = model.fit(X[drawn], y[drawn], **fit_params)
        answers = (model if fitted is None or not hasattr(fitted, "predict") else fitted).predict(judged)
        predictions.append(np.asarray(answers).reshape(-1))
    found = np.stack(predictions)
    if loss == "mse":
        return found.astype(np.float64)
    return found if found.dtype.kind in "OSU" else found.astype(np.int64)


def _fresh(estimator: Any) -> Any:
    """An estimator that has learnt nothing; generators are shared with the one given, so that rounds differ."""
    if type(estimator).__name__ in ("Sequential", "Functional") and hasattr(estimator, "layers"):
        _reset_layers(estimator)
        return estimator
    if not hasattr(estimator, "get_params"):
        return deepcopy(estimator)
    from sklearn.base import clone

    copy = clone(estimator)
    given = {name: value for name, value in estimator.get_params().items() if isinstance(value, np.random.RandomState)}
    return copy.set_params(**given) if given else copy


def _reset_layers(model: Any) -> None:
    """Start the weights of a Keras model anew, as mlxtend does."""
    for layer in model.layers:
        if hasattr(layer, "kernel_initializer") and hasattr(layer, "bias_initializer"):
            weights, biases = layer.get_weights()
            layer.set_weights(
                [layer.kernel_initializer(shape=weights.shape), layer.bias_initializer(shape=biases.shape)]
            )


def _in_fleets(model: Any, rows: tuple[Array, Array, Array, Array], *, loss: str, rounds: int, rng: Any) -> Array:
    """Fit networks to all rounds' rows at once: [R, N]."""
    X, y, X_judged, y_judged = rows
    task = "classification" if loss == "0-1_loss" else "regression"
    subject = make_subject(model, [(X, y), (X_judged, y_judged)], task=task)
    judged = np.arange(len(X), len(X) + len(X_judged))
    splits = [
        Split(
            train=rng.choice(np.arange(len(X)), size=len(X), replace=True).astype(np.int64),
            validate=judged,
            repeat=0,
            fold=each,
        )
        for each in range(rounds)
    ]
    start = int(rng.randint(2**31 - 1))
    fits = [Fit(variant=0, split=each, seed=member_seed(start, each, 0)) for each in range(rounds)]
    answers: list[Array] = [np.empty(0)] * rounds
    learner = subject.learner([subject.variant])
    for fitted in learner(fits, splits, checkpoints=0, workers=core_count(), stop=never):
        if fitted.failure:
            raise DataError(f"a network could not be fitted: {fitted.failure}")
        answers[fitted.number] = fitted.predictions
    found = np.stack(answers)
    if loss == "mse":
        return found[..., 0]
    classes = np.array(subject.rows.about.classes)
    return np.asarray(classes[np.argmax(found, axis=2)])


def _array(values: Any) -> Array:
    """An array as it is, of a data frame or a series its values."""
    return values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
