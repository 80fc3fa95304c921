"""Selection: which of the configs tried is the one to keep.

``best`` takes the lowest mean loss. ``one-se`` looks among the configs within one corrected
standard error of the best, on the paired difference *and* on the best's own mean (a paired error
alone favours noisy configs), and takes the one with the smallest clean gap: after Breiman et al.,
"Classification and regression trees", 1984, with the variance of Nadeau & Bengio, 2003. ``small`` takes the cheapest
of those, by size or latency, and ``knee`` the config at which the front of loss against price bends most.

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
from evenfit.specs.objectives import KNEE, SMALL

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

_BENT = 1e-9  # share of the line's distance from the corner: below, a front has no knee

RULES = ("one-se", "best", SMALL, KNEE)

Prices = Sequence[float] | npt.NDArray[np.float64]


def choose(
    losses: Numbers, gaps: Numbers, finalists: Flags, *, rule: str, factor: float, prices: Prices | None = None
) -> Integers:
    """Choose a config in each of B resamplings: losses [B, T, S], gaps [B, T] -> [B].

    Configs with a loss that is not finite are never chosen. The lowest loss is looked for among
    all T; the one-se rule then prefers finalists [T], configs that ran to their end. Equals go
    to the lower number. With one split there is no error to go by, and the best is taken. The rules ``small`` and
    ``knee`` ask for the configs' prices [T], and look at finalists alone.

    Raises:
        ConfigError: there is no such rule.

    Example:
        >>> losses = np.array([[[0.5, 0.7], [0.5, 0.6], [0.9, 0.9]]])
        >>> choose(losses, np.array([[0.1, 0.3, 0.0]]), np.ones(3, dtype=bool), rule="one-se", factor=0.75)
        array([0])
    """
    if rule not in RULES:
        raise ConfigError(f"selection must be one of {', '.join(RULES)}; got {rule!r}")
    known = np.zeros(losses.shape[1]) if prices is None else np.asarray(prices, dtype=np.float64)
    means = losses.mean(axis=2)
    means = np.where(np.isfinite(means), means, np.inf)
    best: Integers = means.argmin(axis=1)
    if rule == KNEE:
        return knees(np.where(finalists, means, np.inf), known, otherwise=best)
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
    if rule == SMALL:
        of_near = np.where(near, known, np.inf)
        cheapest = near & (of_near == of_near.min(axis=1, keepdims=True))
        least: Integers = np.where(cheapest, means, np.inf).argmin(axis=1)
        return least
    chosen: Integers = np.where(near, np.nan_to_num(gaps, nan=np.inf), np.inf).argmin(axis=1)
    return chosen


def knees(means: Numbers, prices: Array, *, otherwise: Integers) -> Integers:
    """Find the knee of each front: means [B, T] and prices [T] -> [B].

    The point that lies farthest below the line between the ends of the front, with losses and the logarithms of
    prices stretched between both: Das, "On characterizing the knee of the Pareto curve based on normal-boundary
    intersection", Structural Optimization, 1999. Where a front has no point between its ends, its lowest loss is taken;
    where nothing is finite, ``otherwise``.

    Example:
        >>> knees(np.array([[1.0, 1.1, 3.0]]), np.array([100.0, 10.0, 1.0]), otherwise=np.array([0]))
        array([1])
    """
    logs = np.log(np.maximum(prices, 1e-300))
    order = np.lexsort((np.arange(len(prices)), logs))
    sorted_means, sorted_logs = means[:, order], logs[order]
    # of equal prices the lowest loss alone can be on a front
    starts = np.flatnonzero(np.append(True, np.diff(sorted_logs) > 0))
    group = np.cumsum(np.append(True, np.diff(sorted_logs) > 0)) - 1
    lowest = np.minimum.reduceat(sorted_means, starts, axis=1)
    before = np.minimum.accumulate(np.pad(lowest, ((0, 0), (1, 0)), constant_values=np.inf), axis=1)[:, :-1]
    front = (sorted_means == lowest[:, group]) & (sorted_means < before[:, group])
    ends = np.where(front, sorted_means, -np.inf).max(axis=1), np.where(front, sorted_means, np.inf).min(axis=1)
    high = np.where(front, sorted_logs, -np.inf).max(axis=1)
    low = np.where(front, sorted_logs, np.inf).min(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        down = (sorted_means - ends[1][:, None]) / (ends[0] - ends[1])[:, None]
        across = (sorted_logs - low[:, None]) / (high - low)[:, None]
        below = np.where(front, 1 - down - across, -np.inf)
    below = np.where(np.isnan(below), -np.inf, below)
    place = below.argmax(axis=1)
    row = np.arange(len(means))
    lowest_loss = np.where(front, sorted_means, np.inf).argmin(axis=1)
    found: Integers = order[np.where(below[row, place] > _BENT, place, lowest_loss)]
    return np.where(front.any(axis=1), found, otherwise)


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


def select(truth: Truth, trials: Sequence[Trial], *, rule: str, prices: Prices | None = None) -> int:
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
    own = None if prices is None else np.asarray(prices, dtype=np.float64)[chosen]
    winner = choose(losses[None], gaps[None], np.ones(len(chosen), bool), rule=rule, factor=factor, prices=own)
    return chosen[int(winner[0])]


def validation_rows(truth: Truth) -> npt.NDArray[np.int64]:
    """Count the rows that validate each split: [S]."""
    return np.bincount(truth.split_of[truth.split_of >= 0], minlength=len(truth.training_rows))


def split_factor(truth: Truth) -> float:
    """Give the factor of the corrected variance for these splits."""
    return correction(truth.training_rows, validation_rows(truth))
