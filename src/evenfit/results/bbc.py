"""BBC-CV: the loss of a selected config on fresh rows, corrected for having been selected.

Tsamardinos, Greasidou & Borboudakis, "Bootstrapping the out-of-sample predictions for efficient
and accurate cross-validation", Machine Learning, 2018. No network is trained again: rows of the
out-of-fold losses are resampled; each resampling repeats the whole selection on the rows that it
drew, the choice of every config's epoch included, and scores its winner on the rows that it left
out. What those winners lose there beyond their loss on all rows is the optimism of selecting;
added to the winner's own cross-validation mean it gives the estimate of the loss on fresh rows of
the winner's fold members, one by one.

The paper's own estimate, the mean of the scores out of bag, also charges the winner for the worse
choices of resamplings, which see 63% of the rows. On 1,100 searches of `benchmarks/promises.py` it
lay 0.2 to 0.9 standard errors too high, this one 0 to 0.3, the plain mean 0.2 to 0.8 too low.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenfit.results.blocks import Blocks, block_losses, unit_of_rows
from evenfit.results.metrics import metric_of, unit
from evenfit.results.selection import choose, complexity, split_factor
from evenfit.results.study import Interval, Truth
from evenfit.results.trial import COMPLETE, DIVERGED, Trial

Numbers = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]

SHRINK = 0.92
"""Out-of-bag percentiles of a mean loss are too wide by up to 1.3.

A bootstrap leaves out 0.368 of the rows, so that their mean varies around the mean of all rows by
sqrt(1 / 0.368 - 1) = 1.31 times the standard error of the latter: 0.76 would be right for rows that
are independent. They are not, for folds share training rows (Bates, Hastie & Tibshirani,
"Cross-validation: what does it estimate and how well does it do it?", JASA, 2023): with 0.76, 90%
intervals held the truth in 80 to 94% of the searches of `benchmarks/promises.py`, with 0.92 in 90 to 96%.
"""

MOST_UNITS = 8192  # that a bootstrap draws; the spread of m blocks is known to sqrt(2 / m), here 1.6%
FEWEST_UNITS = 1024
MOST_PRODUCTS = 2e10  # multiply-adds of one summary: about half a second
MOST_SHARES = 8e6  # rows x columns of a metric that must be linearised: about a second
MOST_NUMBERS = 2e7  # held at once


@dataclass(frozen=True, kw_only=True)
class OutOfBag:
    """Losses on left-out rows, in each of B resamplings; P searches, each over the first few trials."""

    searched: tuple[int, ...]  # [P] trials of each search, rising; the last is all of them
    selected: Numbers  # [P, B] of the search's winner
    whole: Numbers  # [P, B] the same winner's loss on all rows
    default: Numbers  # [B] of the default config at its own epoch
    baseline: Numbers  # [B] of the prediction that looks at no column
    winners: Integers  # [B] place in the list of trials of the last search's winner


def out_of_bag(
    truth: Truth,
    trials: Sequence[Trial],
    *,
    rule: str,
    baseline: Numbers,
    searched: Sequence[int],
    resamples: int,
    seed: int,
    prices: Sequence[float] | None = None,
) -> OutOfBag:
    """Repeat the selection in every resampling and score its winner on the rows left out.

    The first trial is the default config. Diverged trials are no columns; a dropped trial keeps
    the epochs it reached, and wins where it is the lowest of a resampling: it stands for what
    the race would have kept. Where it was not tried on all splits, it is taken to differ from the default on the
    others as on those that it was tried on, in-bag and out. `baseline` is the metric's values [N, C] of the constant
    prediction. Rules that look at prices are given those of the trials, which no rows change. The work is bounded by
    blocks of rows first, then by leaving out epochs.
    """
    rng = np.random.default_rng([seed, 0xBBC])
    metric = metric_of(truth.metric, task=truth.task)
    kept = _kept_epochs(truth, trials, resamples=resamples, additive=metric.additive)
    columns = 1 + sum(map(len, kept))
    largest = int(np.clip(MOST_PRODUCTS / (resamples * columns * len(truth.split_of)), FEWEST_UNITS, MOST_UNITS))
    units, count = unit_of_rows(truth, largest=largest, rng=rng)
    values = [trial.row_values[epochs] for trial, epochs in zip(trials, kept, strict=True)]
    constant = np.broadcast_to(baseline, (1, len(truth.split_of), *baseline.shape))
    tried = np.stack([*(trial.seen for trial in trials), np.ones_like(trials[0].seen)])
    blocks = block_losses(metric, [*values, constant], truth, units, count=count, seen=tried)
    one = unit(metric, truth.target)  # what blocks are counted in
    fitted = np.concatenate([complexity(trial, truth)[epochs] for trial, epochs in zip(trials, kept, strict=True)])
    search = _Search(
        starts=np.concatenate([[0], np.cumsum([len(epochs) for epochs in kept])]),
        fitted=fitted / one,
        finalists=np.array([trial.status == COMPLETE for trial in trials]),
        gapped=metric.base,
        rule=rule,
        prices=np.zeros(len(trials)) if prices is None else np.asarray(prices, dtype=np.float64),
        factor=split_factor(truth),
        searched=tuple(searched),
        reference=int(np.searchsorted(kept[0], trials[0].best)) if len(kept[0]) else columns - 1,
    )
    chunk = max(1, int(MOST_NUMBERS / (columns * max(1, len(blocks.splits)))))
    parts = [
        _score(blocks, search, blocks.draw(min(chunk, resamples - done), rng)) for done in range(0, resamples, chunk)
    ]
    columns_won, selected, default, constant_loss, winners = (
        np.concatenate(part, axis=-1) for part in zip(*parts, strict=True)
    )
    everyone = np.ones((1, count), dtype=np.float32)
    on_all_rows = blocks.split_means(everyone, reference=search.reference)[0].mean(axis=1, dtype=np.float64)
    return OutOfBag(
        searched=search.searched,
        selected=selected * one,
        whole=on_all_rows[columns_won] * one,
        default=default * one,
        baseline=constant_loss * one,
        winners=winners,
    )


def shrunk_interval(losses: Numbers, *, level: float) -> Interval:
    """Give the mean of out-of-bag losses with its interval: percentiles drawn in by `SHRINK`.

    Where there are few groups, some resamplings draw all of them and leave no row to be scored by; they are passed
    over. Where that, or a loss that is no number, befell more than half, nothing is known.

    Example:
        >>> shrunk_interval(np.array([1.0, 2.0, 3.0]), level=0.9).mean
        2.0
    """
    known = np.asarray(losses, dtype=np.float64)
    known = known[~np.isnan(known)]
    if 2 * len(known) <= len(losses):
        return Interval(mean=math.nan, low=math.nan, high=math.nan, level=level)
    mean = float(known.mean())
    low, high = (float(each) for each in np.quantile(known, [(1 - level) / 2, (1 + level) / 2]))
    return Interval(mean=mean, low=mean + SHRINK * (low - mean), high=mean + SHRINK * (high - mean), level=level)


@dataclass(frozen=True, kw_only=True)
class _Search:
    """What a resampling needs to repeat a selection: M columns, those of a trial together."""

    starts: Integers  # [T + 1] each trial's first column
    fitted: Numbers  # [M] in units of the metric
    finalists: npt.NDArray[np.bool_]  # [T]
    gapped: bool
    rule: str
    prices: npt.NDArray[np.float64]  # [T]
    factor: float
    searched: tuple[int, ...]
    reference: int  # the default's column at its epoch: what trials that have not seen all splits are compared with


def _score(blocks: Blocks, search: _Search, weights: Numbers) -> tuple[Integers, Numbers, Numbers, Numbers, Integers]:
    """Select in-bag, score out-of-bag: winners' columns [P, B], losses [P, B], default's and baseline's [B]."""
    row = np.arange(len(weights))
    left_out = (weights == 0).astype(np.float32)
    in_bag = blocks.split_means(weights, reference=search.reference)  # [B, M, S]
    in_bag[:, ~blocks.finite] = np.inf
    means = in_bag.mean(axis=2)
    epochs = np.stack(
        [
            start + means[:, start:end].argmin(axis=1) if end > start else np.full(len(row), -1)
            for start, end in zip(search.starts[:-1], search.starts[1:], strict=True)
        ],
        axis=1,
    )  # [B, T] each trial's best column
    losses = in_bag[row[:, None], epochs]
    gaps = (means[row[:, None], epochs] if search.gapped else 0) - search.fitted[epochs]
    losses[:, search.starts[:-1] == search.starts[1:]] = np.inf
    columns, selected, winner = [], [], np.zeros(len(row), dtype=np.int64)
    for first in search.searched:
        winner = choose(
            losses[:, :first],
            gaps[:, :first],
            search.finalists[:first],
            rule=search.rule,
            factor=search.factor,
            prices=search.prices[:first],
        )
        columns.append(epochs[row, winner])
        selected.append(blocks.means_of(columns[-1], left_out, reference=search.reference))
    default = blocks.means_of(epochs[:, 0], left_out)
    if not np.isfinite(losses[:, 0]).all():
        default = np.full(len(row), np.nan)
    constant = blocks.means_of(np.full(len(row), search.starts[-1]), left_out)
    return np.stack(columns), np.stack(selected), default, constant, winner


def _kept_epochs(truth: Truth, trials: Sequence[Trial], *, resamples: int, additive: bool) -> list[Integers]:
    """Give the epochs of each trial that become columns: all, or evenly few and its best."""
    rows = int(truth.split_of.size)
    fewest = min(rows, FEWEST_UNITS * len(truth.split_of))
    most = MOST_PRODUCTS / (resamples * fewest) if additive else MOST_SHARES / rows
    running = [0 if trial.status == DIVERGED else len(trial.epochs) for trial in trials]
    each = max(1, int(most / max(1, sum(count > 0 for count in running))))
    kept = []
    for trial, epochs in zip(trials, running, strict=True):
        even = np.linspace(0, epochs - 1, min(epochs, each)).round()
        kept.append(np.unique(np.append(even, trial.best if epochs else [])).astype(np.int64))
    return kept
