"""Record: what one config of a heat has shown so far, epoch by epoch, and the trial that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.target_encodings import RESIDUALS, thin
from evenfit.experiments.heat import Entry, Finished
from evenfit.experiments.problem import Prepared, Problem
from evenfit.fleet.layout import layout
from evenfit.results.logits import log_softmax
from evenfit.results.metrics import METRICS, scores, split_losses
from evenfit.results.row_values import base_loss
from evenfit.results.trial import COMPLETE, Trial

Array = npt.NDArray[Any]


class Record:
    """What one config has shown so far, on all splits or on the first of them."""

    def __init__(
        self,
        entry: Entry,
        problem: Problem,
        prepared: Prepared,
        *,
        keeping: bool = False,
        before: Record | None = None,
    ) -> None:
        truth, samples = problem.truth, prepared.samples
        parameters = layout(entry.config, samples.shape, samples.outputs).parameters
        self.entry, self.problem, self.prepared = entry, problem, prepared
        self.before = before  # what it has shown on the first splits, where these came before
        self.kept: dict[int, tuple[dict[int, Array], dict[int, Array]]] | None = {} if keeping else None  # by epoch
        self.seen: list[int] = []  # splits
        self.metric = METRICS[problem.metric]
        repeats, rows = truth.split_of.shape
        self.shape = (repeats, rows, truth.classes)
        self.epochs: list[int] = []
        self.training: list[Array] = []
        self.validation: list[Array] = []
        self.selection: list[Array] = []
        self.values: list[Array] = []
        self.best = 0
        self.best_loss = float("inf")
        # Numbers may lie far from zero and close together: years in seconds.
        self.precision = np.float64 if truth.task == "regression" else np.float32
        self.predictions = np.full(self.shape, np.nan, dtype=self.precision)
        self.weights = np.zeros((len(problem.splits), parameters), dtype=np.float32)
        self.residuals = np.zeros((len(problem.splits), RESIDUALS), dtype=np.float32)
        self.seconds: float = 0.0 if before is None else before.seconds
        self.clean: list[Array] = []  # a classifier's outputs on followed training rows at its best epoch

    def validate(self, epoch: int, outputs: Mapping[int, Array], weights: Mapping[int, Array]) -> None:
        """Judge the config's networks by their outputs on validation and followed training rows, split by split.

        What was kept of the first splits at that epoch is joined to it.
        """
        if self.kept is not None:
            self.kept[epoch] = dict(outputs), {number: row.copy() for number, row in weights.items()}
        if self.before is not None and self.before.kept is not None:
            known_outputs, known_weights = self.before.kept[epoch]
            outputs, weights = {**known_outputs, **outputs}, {**known_weights, **weights}
        self.seen = seen = sorted(outputs)
        problem, truth, prepared = self.problem, self.problem.truth, self.prepared
        predictions = np.full(self.shape, np.nan)
        training, validation = np.full((2, len(problem.splits)), np.nan)
        residuals = np.zeros((len(problem.splits), RESIDUALS))
        for number in seen:
            split = problem.splits[number]
            judged, followed = outputs[number][: len(split.validate)], outputs[number][len(split.validate) :]
            rows = prepared.followed[number]
            if truth.task == "regression":
                encoding = prepared.encodings[number]
                spread = np.asarray(encoding.target(truth.target[rows]) - followed[:, 0], dtype=np.float64)
                spread = np.nan_to_num(spread, nan=0.0, posinf=0.0, neginf=0.0)
                residuals[number] = thin(spread)
                known = encoding.restore(judged, residuals[number])
                clean = encoding.restore(followed, residuals[number])
            else:
                known, clean = log_softmax(judged), log_softmax(followed)
            predictions[split.repeat, split.validate] = known
            training[number] = float(np.mean(base_loss(clean, truth.target[rows])))
            validation[number] = float(np.mean(base_loss(known, truth.target[split.validate])))
        values = self.metric.values(predictions, truth.target)
        selection = split_losses(self.metric, values, truth.target, truth.split_of)
        self.epochs.append(epoch)
        self.training.append(training)
        self.validation.append(validation)
        self.selection.append(selection)
        self.values.append(np.asarray(values, dtype=np.float16))
        loss = float(np.mean(selection[seen]))
        if loss < self.best_loss and np.isfinite(validation[seen]).all():
            self.best, self.best_loss = len(self.epochs) - 1, loss
            self.predictions = predictions.astype(self.precision)
            self.residuals[:] = residuals
            for number in seen:
                self.weights[number] = weights[number]
            if truth.task != "regression":
                self.clean = [outputs[number][len(problem.splits[number].validate) :].copy() for number in seen]

    def _training_scores(self) -> Array:
        """Judge clean predictions on followed training rows: mean accuracy and AUC over splits."""
        truth = self.problem.truth
        found = [
            list(scores(truth.task, log_softmax(clean), truth.target[rows]).values())
            for clean, rows in zip(self.clean, self.prepared.followed[: len(self.clean)], strict=True)
        ]
        return np.array(found).mean(axis=0) if found else np.empty(0)

    @property
    def diverged(self) -> bool:
        """Whether the newest losses are no longer numbers."""
        newest = np.stack([self.selection[-1], self.validation[-1]])
        return not bool(np.isfinite(newest[:, self.seen]).all())

    def finish(self, status: str, round_number: int) -> Finished:
        """Make the trial of what was seen."""
        complete = status == COMPLETE
        trial = Trial(
            number=self.entry.number,
            round=round_number,
            config=self.entry.config,
            status=status,
            epochs=np.array(self.epochs, dtype=np.int64),
            training_loss=np.array(self.training),
            validation_loss=np.array(self.validation),
            selection_loss=np.array(self.selection),
            row_values=np.stack(self.values),
            best=self.best,
            predictions=self.predictions if complete else np.empty((0, 0, 0), dtype=self.precision),
            seconds=self.seconds,
            training_scores=self._training_scores() if complete else np.empty(0),
        )
        return Finished(trial=trial, state={"weights": self.weights, "residuals": self.residuals} if complete else None)
