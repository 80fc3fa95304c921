"""Selection: which of the configs tried is the one to keep.

``best`` takes the lowest mean loss. ``one-se`` looks among the configs within one corrected
standard error of the best, on the paired difference *and* on the best's own mean (a paired error
alone favours noisy configs), and takes the one with the smallest clean gap: after Breiman et al.,
"Classification and regression trees", 1984, with the variance of Nadeau & Bengio, 2003.

The rules work on many resamplings at once, so that the bootstrap of `bbc` repeats them exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evenfit.errors import ConfigError
from evenfit.results.intervals import corrected_error, correction
from evenfit.results.metrics import in_units_of, metric_of
from evenfit.results.study import Truth
from evenfit.results.trial import COMPLETE, Trial

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

RULES = ("one-se", "best")


def choose(losses: Numbers, gaps: Numbers, finalists: Flags, *, rule: str, factor: float) -> Integers:
    """Choose a config in each of B resamplings: losses [B, T, S], gaps [B, T] -> [B].

    Configs with a loss that is not finite are never chosen. The lowest loss is looked for among
    all T; the one-se rule then prefers finalists [T], configs that ran to their end. Equals go
    to the lower number. With one split there is no error to go by, and the best is taken.

    Raises:
        ConfigError: there is no such rule.

    Example:
        >>> losses = np.array([[[0.5, 0.7], [0.5, 0.6], [0.9, 0.9]]])
        >>> choose(losses, np.array([[0.1, 0.3, 0.0]]), np.ones(3, dtype=bool), rule="one-se", factor=0.75)
        array([0])
    """
    if rule not in RULES:
        raise ConfigError(f"selection must be one of {', '.join(RULES)}; got {rule!r}")
    means = losses.mean(axis=2)
    means = np.where(np.isfinite(means), means, np.inf)
    best: Integers = means.argmin(axis=1)
    if rule == "best" or losses.shape[2] < 2:
        return best
    row = np.arange(len(best))
    of_best = losses[row, best]
    # inf - inf is NaN, which is within no error.
    with np.errstate(invalid="ignore"):
        differences = losses - of_best[:, None]
        excess = means - means[row, best][:, None]
        paired = corrected_error(differences, factor=factor)
        own = corrected_error(of_best, factor=factor)
        near = (excess <= paired) & (excess <= own[:, None]) & np.isfinite(means) & finalists
    near[row, best] = True
    chosen: Integers = np.where(near, np.nan_to_num(gaps, nan=np.inf), np.inf).argmin(axis=1)
    return chosen


def complexity(trial: Trial, truth: Truth) -> Array:
    """Give, for each validated epoch, what the loss is compared with to make the gap: [E].

    For a base metric it is the clean training loss, and the gap is the loss less this. For
    others, whose loss is not what training lowers, configs are ordered by the training loss
    alone: the least fitted one first. (The validation part of a base gap cannot be resampled
    from another metric's rows, and taken from all rows it would tell the bootstrap what it must
    not know.) That order is the gap's at equal validation loss.
    """
    training = trial.training_loss[:, trial.seen].mean(axis=1)
    metric = metric_of(truth.metric, task=truth.task)
    return in_units_of(metric, training, truth.target) if metric.base else np.asarray(training, dtype=np.float64)


def select(truth: Truth, trials: Sequence[Trial], *, rule: str) -> int:
    """Choose the trial to keep, each at its one epoch, and give its place in the list.

    Only complete trials can win, for only they have networks to hand over; where none is, all
    that have a finite loss are looked at. A race that keeps the lowest loss drops no winner.

    Raises:
        ConfigError: there is no such rule.
        ValueError: no trial has a finite loss.
    """
    finite = np.array([bool(np.isfinite(trial.selection_loss[trial.best]).all()) for trial in trials])
    complete = np.array([trial.status == COMPLETE for trial in trials])
    chosen = [int(i) for i in np.flatnonzero(finite & complete if (finite & complete).any() else finite)]
    if not chosen:
        raise ValueError(f"a config with a finite loss is needed to select; got none among {len(trials)}")
    losses = np.stack([trials[i].selection_loss[trials[i].best] for i in chosen]).astype(np.float64)
    metric = metric_of(truth.metric, task=truth.task)
    fitted = np.array([complexity(trials[i], truth)[trials[i].best] for i in chosen])
    gaps = (losses.mean(axis=1) if metric.base else 0) - fitted
    factor = split_factor(truth)
    winner = choose(losses[None], gaps[None], np.ones(len(chosen), bool), rule=rule, factor=factor)
    return chosen[int(winner[0])]


def validation_rows(truth: Truth) -> npt.NDArray[np.int64]:
    """Count the rows that validate each split: [S]."""
    return np.bincount(truth.split_of[truth.split_of >= 0], minlength=len(truth.training_rows))


def split_factor(truth: Truth) -> float:
    """Give the factor of the corrected variance for these splits."""
    return correction(truth.training_rows, validation_rows(truth))
