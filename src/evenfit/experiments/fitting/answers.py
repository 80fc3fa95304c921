"""Answers: what a fitted estimator predicts, as log-probabilities of all classes or as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from evenfit.data.targets import Target
from evenfit.errors import DataError
from evenfit.experiments.checkpoints import checkpoint_epochs
from evenfit.experiments.fitting.fits import Curve, Numbers
from evenfit.experiments.fitting.rows import Rows
from evenfit.results.row_values import base_loss

LEAST_PROBABILITY = 1e-15  # of a class: 0 has no logarithm

Codes = Mapping[Any, int]  # of what the user calls a class, its place in the target's classes; empty for a regression


def codes_of(rows: Rows) -> Codes:
    """Give the class code of every label.

    Example:
        >>> about = Target(name="y", task="binary", classes=("no", "yes"))
        >>> labels = np.array(["yes", "no", "yes"])
        >>> codes_of(Rows(X=np.zeros((3, 1)), labels=labels, target=np.array([1, 0, 1]), about=about))
        {'yes': 1, 'no': 0}
    """
    if rows.task == "regression":
        return {}
    return dict(zip(rows.labels.tolist(), rows.target.tolist(), strict=True))


class Answers:
    """What a fitted estimator says of rows.

    Args:
        model: fitted.
        codes: of the labels.
        about: the target.
    """

    def __init__(self, model: Any, *, codes: Codes, about: Target) -> None:
        self._model, self._codes, self._about = model, codes, about
        self._name = type(model).__name__
        self._classification = about.task != "regression"
        self._certain = self._classification and not hasattr(model, "predict_proba")

    def predict(self, X: Any) -> Numbers:
        """Give log-probabilities of all classes [rows, K], or numbers [rows, 1].

        Raises:
            DataError: what the estimator gives has another shape, or is no numbers.
        """
        if not self._classification:
            return self._numbers(self._model.predict(X), rows=len(X))
        if self._certain:
            return self._named(self._model.predict(X))
        return self._logarithms(self._model.predict_proba(X), rows=len(X))

    def curve(self, X: Any, target: Numbers, *, ahead: int, checkpoints: int) -> Curve | None:
        """Give the losses by stage of a boosted model: validation of the first rows, training of the others.

        Args:
            X: rows to judge by, and behind them rows that were trained on.
            target: of them.
            ahead: how many are to judge by.
            checkpoints: stages to look at; 0 is none.
        """
        if not checkpoints:
            return None
        losses = [base_loss(stage, target) for stage in self._stages(X)]
        if not losses:
            return None
        stages = checkpoint_epochs(len(losses), checkpoints)
        seen = np.stack([losses[stage - 1] for stage in stages])
        validation = seen[:, :ahead].mean(axis=1) if ahead else np.full(len(seen), np.nan)
        return Curve(epochs=np.array(stages), training=seen[:, ahead:].mean(axis=1), validation=validation)

    def notes(self) -> list[str]:
        """Say what a reader of the losses must know."""
        notes = []
        if self._certain:
            notes.append(
                f"{self._name} names classes without probabilities: each is taken as certain, so look at the 0-1 loss, "
                "not at the log loss"
            )
        known = getattr(self._model, "classes_", None)
        if self._classification and known is not None:
            found = {self._code(label) for label in np.asarray(known).tolist()}
            lacking = [str(name) for code, name in enumerate(self._about.classes) if code not in found]
            if lacking:
                notes.append(
                    f"training rows lacked {'classes' if len(lacking) > 1 else 'class'} {', '.join(lacking)}: "
                    f"probability 0, taken as {LEAST_PROBABILITY:g}"
                )
        return notes

    def _stages(self, X: Any) -> Iterator[Numbers]:
        """Yield what each stage of boosting predicts; nothing of other models."""
        model = self._model
        name = "staged_predict_proba" if self._classification else "staged_predict"
        steps = getattr(model, "steps", None)
        if steps and hasattr(steps[-1][1], name):
            X, model = (model[:-1].transform(X) if len(steps) > 1 else X), steps[-1][1]
        if not hasattr(model, name):
            return
        for stage in getattr(model, name)(X):
            rows = len(stage)
            yield self._logarithms(stage, rows=rows) if self._classification else self._numbers(stage, rows=rows)

    def _logarithms(self, given: Any, *, rows: int) -> Numbers:
        probabilities = np.asarray(given, dtype=np.float64)
        if probabilities.ndim == 1:  # of the second class
            probabilities = np.stack([1 - probabilities, probabilities], axis=1)
        places = self._places()
        if probabilities.shape != (rows, len(places)):
            raise DataError(
                f"predict_proba of {self._name} must give [{rows}, {len(places)}] probabilities, "
                f"got {list(probabilities.shape)}"
            )
        totals = probabilities.sum(axis=1, keepdims=True)
        if not (np.isfinite(probabilities).all() and (probabilities >= 0).all() and (totals > 0).all()):
            raise DataError(f"probabilities of {self._name} must be numbers of at least 0, not all 0 in a row")
        every = np.zeros((rows, len(self._about.classes)))
        every[:, places] = probabilities / totals
        return _logarithms(every)

    def _named(self, given: Any) -> Numbers:
        answers = np.asarray(given).reshape(-1).tolist()
        every = np.zeros((len(answers), len(self._about.classes)))
        every[np.arange(len(answers)), [self._code(answer) for answer in answers]] = 1.0
        return _logarithms(every)

    def _places(self) -> list[int]:
        """Give the class code of each column of probabilities."""
        known = getattr(self._model, "classes_", None)
        if known is None:
            return list(range(len(self._about.classes)))
        return [self._code(label) for label in np.asarray(known).tolist()]

    def _code(self, label: Any) -> int:
        if label not in self._codes:
            raise DataError(f"{self._name} must answer with classes of the target, got {label!r}")
        return self._codes[label]

    def _numbers(self, given: Any, *, rows: int) -> Numbers:
        numbers = np.asarray(given, dtype=np.float64)
        if numbers.shape not in ((rows,), (rows, 1)):
            raise DataError(f"predict of {self._name} must give [{rows}] numbers, got {list(numbers.shape)}")
        if not np.isfinite(numbers).all():
            raise DataError(f"predictions of {self._name} must be finite numbers; some are not")
        return numbers.reshape(rows, 1)


def _logarithms(probabilities: Numbers) -> Numbers:
    return np.log(np.clip(probabilities, LEAST_PROBABILITY, 1.0))
