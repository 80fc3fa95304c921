"""Learning curve of a model of any kind: what it loses by training rows, and what more rows would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.errors import DataError
from evenfit.experiments.fitting.fits import Curve, never
from evenfit.experiments.learning_curve import learning_curve as fit_sizes
from evenfit.experiments.nested import LEAST_SIZES, Nested, nested
from evenfit.results.curves.epoch_curve import EpochCurve, epoch_curve
from evenfit.results.curves.learning_curve import LearningCurve
from evenfit.results.curves.learning_curve import learning_curve as curve_of_losses
from evenfit.results.metrics import METRICS, default_metric
from evenfit.runs.measures.judges import cores, find_metric, loss_name, row_counts, splits_of, told
from evenfit.runs.measures.subject import ESTIMATOR, Subject, make_subject
from evenfit.specs.training import Training

CHECKPOINTS = 24  # epochs at which losses are taken


def learning_curve(  # noqa: PLR0913 - every option is a keyword
    model: Any,
    X: Any,
    y: Any,
    *,
    sizes: Sequence[int | float] | None = None,
    folds: int = 5,
    repeats: int = 3,
    metric: str | None = None,
    task: str | None = None,
    groups: Any = None,
    sample_weight: Any = None,
    training: Training | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> LearningCurve:
    """Measure what a model loses by how many rows it trains on, and say what twice the rows would give.

    Each split's training rows are cut to several sizes, each of which contains the smaller ones; every model is judged
    on its split's validation rows. The number of epochs is the model's own, so steps grow with the rows. A law
    c + a n^-alpha is fitted where the curve behaves like one; where it does not, the curve says why.

    Args:
        model: a `Config`, or "mlp"; any scikit-learn estimator or pipeline; or what makes a new ``nn.Module``.
        X: an array [rows, columns] or any data frame.
        y: what to predict, a value for each row.
        sizes: training rows, or shares of a split's training rows as floats up to 1; None for nine sizes from a
            sixteenth of them to all.
        folds: of the cross-validation.
        repeats: how often to split anew.
        metric: whose loss the law is fitted to; None is log loss or RMSE, whose loss is the mean squared error.
        task: "classification" or "regression"; None finds it.
        groups: a value for each row; rows of one group stay in one fold, and join the training rows together.
        sample_weight: how much each row counts in training.
        training: how modules are trained.
        seed: of everything that is left to chance.
        workers: cores; None for all. The curve is the same for any number.

    Raises:
        ConfigError: an option is out of its range.
        DataError: the rows or the target cannot be used, or no model could be fitted.

    Example:
        >>> from sklearn.linear_model import LinearRegression
        >>> generator = np.random.default_rng(0)
        >>> X = generator.standard_normal((600, 12))
        >>> y = X.sum(axis=1) + generator.standard_normal(600)
        >>> found = learning_curve(LinearRegression(), X, y, workers=1)
        >>> found.rows[[0, -1]].tolist(), found.extrapolation.law is not None
        ([30.0, 480.0], True)
    """
    subject = make_subject(model, [(X, y)], task=task, groups=groups, sample_weight=sample_weight, training=training)
    return measure_learning_curve(
        subject, sizes=sizes, folds=folds, repeats=repeats, metric=metric, seed=seed, workers=workers
    )


def measure_learning_curve(
    subject: Subject,
    *,
    sizes: Sequence[int | float] | None = None,
    folds: int = 5,
    repeats: int = 3,
    metric: str | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,  # noqa: ARG005 - says nothing
    stop: Callable[[], bool] = never,
) -> LearningCurve:
    """Measure the learning curve of a subject, as `learning_curve` does.

    Args:
        subject: a model and its rows.
        progress: is told how many models are done, of how many.
        stop: whether to stop now; what is not done is then missing, and said to be.
    """
    known = find_metric(subject, metric)
    splits = splits_of(subject, folds=folds, repeats=repeats, seed=seed)
    rows, counts = subject.rows, row_counts(splits)
    time = None if subject.table is None else subject.table.time
    sets = nested(splits, target=rows.target, sizes=sizes, groups=subject.groups, time=time, seed=seed)
    shape = (len(splits), len(sets.sizes))
    training, losses = np.full(shape, np.nan), np.full(shape, np.nan)
    curves: dict[int, Curve] = {}
    said: list[str] = []
    failed: list[str] = []
    done = 0
    fitted = fit_sizes(
        subject.learner([subject.variant]),
        sets,
        rows=rows,
        metric=known,
        seed=seed,
        checkpoints=CHECKPOINTS,
        workers=cores(workers),
        stop=stop,
    )
    for one in fitted:
        training[one.split, one.size], losses[one.split, one.size] = one.judged.training, one.judged.loss
        if one.curve is not None and one.size == len(sets.sizes) - 1:
            curves[one.split] = one.curve
        said += one.notes
        failed += [one.failure] if one.failure else []
        done += 1
        progress(done, len(sets.splits))
    if not np.isfinite(losses).any():
        raise DataError(f"no model could be fitted at any size: {told(failed)[0] if failed else 'stopped too early'}")
    by_epoch = _by_epoch(subject, curves, counts, splits=len(splits))
    notes = _notes(subject, sets, failed=failed, said=said, done=done)
    if by_epoch is not None and by_epoch.turned_up:
        longer = f"validation is lowest at epoch {by_epoch.best_epoch} and then rises by {by_epoch.turn.mean:.2g}"
        notes = (f"{longer}: this is the curve of a model that trains too long", *notes)
    return curve_of_losses(
        sets.rows.mean(axis=1),
        training,
        losses,
        metric=known.name,
        loss=loss_name(known),
        base=known.base,
        **counts,
        epochs=by_epoch,
        notes=notes,
        seed=seed,
    )


def _by_epoch(
    subject: Subject, curves: dict[int, Curve], counts: dict[str, npt.NDArray[np.int64]], *, splits: int
) -> EpochCurve | None:
    """Losses by epoch at the largest size, of the splits that have them."""
    kept = [place for place in range(splits) if place in curves and np.isfinite(curves[place].validation).all()]
    if len(kept) < 2 or len({tuple(curves[place].epochs) for place in kept}) > 1:
        return None
    return epoch_curve(
        curves[kept[0]].epochs,
        np.array([curves[place].training for place in kept]),
        np.array([curves[place].validation for place in kept]),
        loss=loss_name(METRICS[default_metric(subject.rows.task)]),
        **{name: count[kept] for name, count in counts.items()},
    )


def _notes(subject: Subject, sets: Nested, *, failed: list[str], said: list[str], done: int) -> tuple[str, ...]:
    """What is to be said beside the curve."""
    notes = []
    if subject.kind != ESTIMATOR:
        notes.append("every size trains for the same number of epochs, so models of fewer rows take fewer steps")
    if len(sets.sizes) < LEAST_SIZES:
        notes.append(f"{len(sets.sizes)} sizes are too few for a law, which needs {LEAST_SIZES}")
    if subject.rows.task != "regression":
        alone = sum(len(np.unique(subject.rows.target[each.train])) < 2 for each in sets.splits)
        notes += [f"{alone} of {len(sets.splits)} training sets have rows of one class only"] if alone else []
        lacking = sum(len(np.unique(subject.rows.target[each.train])) < subject.rows.classes for each in sets.splits)
        if lacking > alone:
            notes.append(f"{lacking} of {len(sets.splits)} training sets lack some of the classes")
    if subject.groups is not None:
        spread = (sets.rows.max(axis=1) - sets.rows.min(axis=1)).max()
        notes += [f"whole groups join, so sizes of splits differ by up to {spread:,} rows"] if spread else []
    if done < len(sets.splits):
        notes.append(f"stopped after {done} of {len(sets.splits)} models")
    notes += [f"failed: {each}" for each in told(failed)]
    return (*notes, *told(said))
