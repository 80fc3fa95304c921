"""Conclusion: from all that an examination measured to a diagnosis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.arrays import from_memory
from evenfit.data.schema import Table
from evenfit.errors import DataError
from evenfit.experiments.diagnosis import Outcome, by_repeat
from evenfit.experiments.telling_apart import columns_apart, tell_apart
from evenfit.results.baseline import constant_loss, validated
from evenfit.results.diagnosis.concluding import (
    combination_of,
    confirmations_of,
    curve_ends,
    data_slope,
    epoch_curve,
    loss_parts,
    own_losses,
    weigh_remedies,
)
from evenfit.results.diagnosis.diagnosis import Diagnosis, EpochCurve, SplitCheck
from evenfit.results.diagnosis.judging import judge
from evenfit.results.diagnosis.remedy import Confirmation, NotTested
from evenfit.results.diagnosis.signs import ENSEMBLE, Signs
from evenfit.results.diagnosis.split_check import check_split
from evenfit.results.metrics import Metric, in_units_of, metric_of
from evenfit.results.row_values import base_loss
from evenfit.results.study import Interval, Truth
from evenfit.runs.measures.examining.examination import fold_count, weighing_of
from evenfit.runs.measures.examining.examine import Examined
from evenfit.runs.measures.subject import CONFIG, Subject

Numbers = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]

_MOST_CELLS = 2e6  # of features by which rows are told apart


def conclude(
    subject: Subject, examined: Examined, *, error: float | None, seed: int, validation: Integers | None
) -> Diagnosis:
    """Say what all of it means.

    Args:
        subject: what was diagnosed.
        examined: what was measured.
        error: the acceptable error, in the headline score.
        seed: of the classifier that tells rows apart.
        validation: rows to judge by that were given apart.
    """
    truth, own = examined.truth, examined.own
    metric = metric_of(truth.metric, task=truth.task)
    classification = truth.task != "regression"
    name = "log loss" if classification else "squared error"
    weighing = weighing_of(examined.splits)
    losses, training, fresh = (
        np.stack([getattr(one, column) for one in own]) for column in ("losses", "training", "validation")
    )
    remedies, placebos = weigh_remedies(losses, examined.tested, weighing)
    together = next((one.losses for one in examined.tested if one.name == ENSEMBLE), None)
    predictions = by_repeat(own, examined.splits, len(truth.target))
    parts = loss_parts(
        predictions,
        truth.target,
        classification=classification,
        ensemble_gain=math.nan if together is None else float(losses.mean() - together.mean()),
    )
    slope = data_slope(losses, {share: one.losses for share, one in examined.fewer.items()}, weighing)
    curve, falling, turned = _curve(examined)
    shown = own_losses(losses, training, fresh, constant=constant_loss(truth), metric=metric, weighing=weighing)
    check = None if validation is None else _check(subject, examined, validation, seed=seed, loss=name)
    signs = Signs(
        loss=name,
        training=shown.training,
        validation=shown.validation,
        gap=shown.gap,
        constant=shown.constant,
        remedies=remedies,
        falling=falling,
        turned=turned,
        data=slope,
        parts=parts,
        split_check=check,
        error=None if error is None else loss_of(metric, error),
        training_headline=_training_headline(examined, metric, training=shown.training.mean),
        headline=shown.headline,
    )
    not_tested = [NotTested(name=one.name, words=one.words, reason=one.reason) for one in examined.not_applicable]
    not_tested += [NotTested(name=one.name, words=one.words, reason="no time was left") for one in examined.untested]
    combination = None
    if examined.combination is not None and examined.parts is not None:
        combination = combination_of(losses, examined.combination, examined.parts, examined.tested, weighing)
    confirmations: tuple[Confirmation, ...] = ()
    if examined.fresh is not None:
        words = {one.name: one.words for one in examined.tested}
        if examined.combination is not None:
            words["both"] = examined.combination.words
        confirmations = confirmations_of(
            examined.fresh.own, examined.fresh.changed, words, weighing_of(examined.fresh.splits)
        )
    table = subject.table
    return Diagnosis(
        task=truth.task,
        metric=metric.name,
        metric_label=metric.label,
        higher=metric.higher,
        model=_named(subject),
        config=subject.model.to_json() if subject.kind == CONFIG else {},
        rows=int(validated(truth).sum()),
        columns=len(table.schema.columns) if table is not None else int(np.prod(np.shape(subject.rows.X)[1:])),
        folds=fold_count(examined.splits),
        repeats=len(truth.split_of),
        seed=seed,
        error=error,
        regime=judge(signs),
        losses=shown,
        remedies=remedies,
        placebos=placebos,
        not_tested=tuple(not_tested),
        combination=combination,
        confirmations=confirmations,
        data=slope,
        curve=curve,
        parts=parts,
        split_check=check,
        fits=examined.fits,
        failures=examined.failures,
        notes=examined.notes,
    )


def loss_of(metric: Metric, score: float) -> float:
    """Give the loss of a score.

    Example:
        >>> loss_of(metric_of("rmse", task="regression"), 3.0), loss_of(metric_of("accuracy", task="binary"), 0.75)
        (9.0, 0.25)
    """
    if metric.name == "rmse":
        return score**2
    return 1 - score if metric.higher else score


def _training_headline(examined: Examined, metric: Metric, *, training: float) -> float | None:
    """The headline loss on training rows."""
    if metric.base:
        return float(in_units_of(metric, np.array([training]), examined.truth.target)[0])
    return examined.training_headline


def _curve(examined: Examined) -> tuple[EpochCurve | None, Interval | None, Interval | None]:
    """The curve over epochs, and how it ends, where the model learns by epochs."""
    own, splits = examined.own, examined.splits
    if not all(len(one.curves) == len(splits) for one in own):
        return None, None, None
    epochs = own[0].curves[0].epochs
    if len(epochs) < 2 or any(len(curve.epochs) != len(epochs) for one in own for curve in one.curves):
        return None, None, None
    training, fresh = (
        np.stack([[getattr(curve, name) for curve in one.curves] for one in own]).mean(axis=0).T
        for name in ("training", "validation")
    )
    weighing = weighing_of(splits)
    falling, turned = curve_ends(epochs, fresh, weighing)
    return epoch_curve(epochs, training, fresh, weighing), falling, turned


def _check(subject: Subject, examined: Examined, validation: Integers, *, seed: int, loss: str) -> SplitCheck | None:
    """Whether rows given to judge by are like the others."""
    train = np.unique(np.concatenate([split.train for split in examined.splits]))
    if not examined.judged or len(validation) < 2:
        return None
    features, names = _features(subject, np.concatenate([train, validation]))
    judging = np.arange(len(train) + len(validation)) >= len(train)
    ranking, kinds = tell_apart(features, judging, seed=seed)
    own = np.mean([_row_losses(one, examined.truth, (validation,)) for one in examined.judged], axis=0)
    rows = [split.validate for split in examined.splits]
    expected = np.mean([_row_losses(one, examined.truth, rows) for one in examined.own], axis=0)
    return check_split(
        ranking,
        kinds,
        columns=columns_apart(features, judging, names),
        own=own,
        expected=_by_row(expected, rows),
        loss=loss,
    )


def _row_losses(outcome: Outcome, truth: Truth, rows: Sequence[Integers]) -> Numbers:
    """Base losses of all rows that were judged, split after split."""
    return np.concatenate(
        [base_loss(own, truth.target[judged]) for own, judged in zip(outcome.predictions, rows, strict=True)]
    )


def _by_row(losses: Numbers, rows: Sequence[Integers]) -> Numbers:
    """The mean loss of each row over the splits that judge it."""
    numbers = np.concatenate(rows)
    counts, sums = np.bincount(numbers), np.bincount(numbers, losses)
    return np.asarray(sums[counts > 0] / counts[counts > 0])


def _features(subject: Subject, rows: Integers) -> tuple[Numbers, list[str]]:
    """What rows look like, the target among it, as numbers: [rows, columns]."""
    table = subject.table
    if table is None:
        X = subject.rows.X
        try:
            flat = X if hasattr(X, "columns") else np.asarray(X).reshape(len(subject.rows), -1)
            table = from_memory(flat, subject.rows.labels)
        except (DataError, ValueError):
            return np.asarray(subject.rows.target[rows], dtype=np.float64)[:, None], ["the target"]
    numeric, names = _table_features(table)
    most = max(1, int(_MOST_CELLS / len(rows)))
    if numeric.shape[1] > most:
        chosen = np.sort(np.random.default_rng(0).choice(numeric.shape[1], most, replace=False))
        numeric, names = numeric[:, chosen], [names[place] for place in chosen]
    target = np.asarray(subject.rows.target, dtype=np.float64)[:, None]
    return np.concatenate([numeric, target], axis=1)[rows], [*names, "the target"]


def _table_features(table: Table) -> tuple[Numbers, list[str]]:
    schema = table.schema
    names = [column.name if not part else f"{column.name} ({part})" for column, part in schema.numeric]
    names += [column.name for column in schema.categorical]
    return np.concatenate([table.numeric, table.codes.astype(np.float64)], axis=1), names


def _named(subject: Subject) -> str:
    """What was diagnosed, in a few words."""
    model: Any = subject.model
    if subject.kind == CONFIG:
        units = f"{model.depth} hidden layers of {model.width} units" if model.depth else "a linear model"
        return f"{units}, {subject.epoch or model.epochs} epochs"
    return str(getattr(model, "__name__", type(model).__name__))
