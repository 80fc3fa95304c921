"""Modules: a user's own networks, made anew by a factory for each fit, and trained by evenfit."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evenfit.data.splits import Split
from evenfit.errors import DataError
from evenfit.experiments.checkpoints import checkpoint_epochs
from evenfit.experiments.fitting.chance import chance_of
from evenfit.experiments.fitting.failures import UNSAID, failed, line
from evenfit.experiments.fitting.fits import Curve, Fit, Fitted, Numbers, followed, never
from evenfit.experiments.fitting.pool import run
from evenfit.experiments.fitting.rows import Rows
from evenfit.fleet.module_checks import check_module
from evenfit.fleet.modules import Array, Factory, Lesson, Outputs, train_module
from evenfit.results.logits import log_softmax
from evenfit.results.row_values import base_loss
from evenfit.specs.training import Training


def fit_modules(
    rows: Rows,
    variants: Sequence[tuple[Factory, Training]],
    fits: Sequence[Fit],
    splits: Sequence[Split],
    *,
    checkpoints: int = 0,
    workers: int = 1,
    stop: Callable[[], bool] = never,
) -> Iterator[Fitted]:
    """Train modules of a user's own, each made anew by its factory, as `Learner` asks.

    A module is given its inputs as they are, not standardised: single precision (double where its own parameters
    are), any number of axes; whole numbers stay so where it takes them. It gives logits of classes (one will do for
    two classes), or a number, which is standardised in training. Torch's, numpy's and Python's global generators start
    from each fit's seed, and are put back.

    Raises:
        ConfigError: a factory does not make a new module at each call, or its modules return what is not wanted.
        DataError: inputs are no numbers.
    """
    inputs = inputs_of(rows.X)
    kinds = [check_module(factory, training, inputs, classes=_classes(rows)) for factory, training in variants]
    calls = [
        _FitModule(
            number=number,
            fit=fit,
            split=splits[fit.split],
            factory=variants[fit.variant][0],
            training=variants[fit.variant][1],
            kind=kinds[fit.variant],
            checkpoints=checkpoints,
        )
        for number, fit in enumerate(fits)
    ]
    if len(set(kinds)) == 1:
        inputs = inputs.astype(kinds[0], copy=False)
    return run(calls, _Material(inputs=inputs, rows=replace(rows, X=None)), workers=workers, stop=stop)


def inputs_of(X: Any) -> Array:
    """Give rows as an array of floats, or of int64 where it has whole numbers.

    Raises:
        DataError: there are columns that are no numbers.

    Example:
        >>> inputs_of(np.array([[True, False]])).dtype, inputs_of(np.array([[1, 2]])).dtype
        (dtype('float32'), dtype('int64'))
    """
    given = X if isinstance(X, np.ndarray) else np.asarray(X.to_numpy())
    if given.dtype.kind in "iu":
        return given.astype(np.int64)
    if given.dtype in (np.float32, np.float64):
        return given
    if given.dtype.kind not in "fbO":
        raise DataError(f"modules take numbers, got rows of {given.dtype}: encode them first")
    try:
        return given.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise DataError("modules take numbers, got columns of text or objects: encode them first") from error


@dataclass(frozen=True, eq=False, kw_only=True)
class _Material:
    """What all fits share."""

    inputs: Array
    rows: Rows  # without their inputs


@dataclass(frozen=True, eq=False, kw_only=True)
class _FitModule:
    """One fit, to be made here or in another process."""

    number: int  # its place among the fits
    fit: Fit
    split: Split
    factory: Factory
    training: Training
    kind: np.dtype[Any]  # of the inputs that the module takes
    checkpoints: int

    def __call__(self, material: _Material, stop: Callable[[], bool]) -> Fitted | None:
        """Train, and say what was predicted, or why nothing was; nothing where told to stop."""
        with warnings.catch_warnings(record=True) as warned, chance_of(self.fit.seed):
            warnings.simplefilter("default")  # once for each place
            try:
                found = self._fitted(material, stop)
            except Exception as error:  # noqa: BLE001 - whatever goes wrong in the user's model, the others go on
                found = failed(self.number, error)
        if found is None:
            return None
        said = [line(each.category, each.message) for each in warned if each.category not in UNSAID]
        return replace(found, notes=tuple(dict.fromkeys((*found.notes, *said))))

    def _fitted(self, material: _Material, stop: Callable[[], bool]) -> Fitted | None:
        rows, train, validate = material.rows, self.split.train, self.split.validate
        own = followed(self.split, seed=self.fit.split)
        judged = np.concatenate([validate, own])
        epochs = checkpoint_epochs(self.training.epochs, self.checkpoints) if self.checkpoints else []
        outputs = train_module(
            self.factory,
            self.training,
            Lesson(
                inputs=material.inputs[train].astype(self.kind, copy=False),
                target=rows.target[train],
                weights=None if rows.weights is None else rows.weights[train],
                classes=_classes(rows),
            ),
            judged=material.inputs[judged].astype(self.kind, copy=False),
            epochs=epochs,
            seed=self.fit.seed,
            stop=stop,
        )
        if not outputs:
            return None
        if not np.isfinite(outputs[-1].values).all():
            raise DataError(_diverged(material.inputs[train], outputs[-1].epoch))
        seen = [_predictions(each, rows) for each in outputs]
        ahead = len(validate)
        return Fitted(
            number=self.number,
            predictions=seen[-1][:ahead],
            training_loss=float(np.mean(base_loss(seen[-1][ahead:], rows.target[own]))),
            curve=_curve(outputs, seen, rows.target[judged], ahead=ahead) if self.checkpoints else None,
        )


def _classes(rows: Rows) -> int:
    """How many classes there are; 0 for a regression."""
    return 0 if rows.task == "regression" else rows.classes


def _predictions(outputs: Outputs, rows: Rows) -> Numbers:
    """Give log-probabilities, or numbers as they are."""
    return log_softmax(outputs.values) if _classes(rows) else outputs.values


def _curve(outputs: Sequence[Outputs], seen: Sequence[Numbers], target: Numbers, *, ahead: int) -> Curve:
    """Give the losses by epoch: validation of the first rows, training of the others."""
    losses = np.stack([base_loss(each, target) for each in seen])
    return Curve(
        epochs=np.array([each.epoch for each in outputs]),
        training=losses[:, ahead:].mean(axis=1),
        validation=losses[:, :ahead].mean(axis=1) if ahead else np.full(len(losses), np.nan),
    )


def _diverged(inputs: Array, epoch: int) -> str:
    """Say why a module came to no numbers."""
    if inputs.dtype.kind == "f" and not np.isfinite(inputs).all():
        return "inputs must be finite numbers, and some are missing or infinite: fill them in first"
    return f"training diverged in epoch {epoch}: outputs are no numbers; a lower learning_rate may help"
