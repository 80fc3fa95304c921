"""Trials that were dropped before they had seen all splits: what they are worth in an estimate."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.results.baseline import constant_predictions
from evenfit.results.bbc import out_of_bag
from evenfit.results.metrics import METRICS
from evenfit.results.selection import select
from evenfit.results.study import Truth
from evenfit.results.summary import summarise
from evenfit.results.trial import COMPLETE, DROPPED, Trial
from evenfit.specs.config import Config


def resample(truth, trials, *, rule="best", resamples=200):
    baseline = METRICS[truth.metric].values(constant_predictions(truth), truth.target)
    searched = (len(trials),)
    return out_of_bag(truth, trials, rule=rule, baseline=baseline, searched=searched, resamples=resamples, seed=0)


def first_splits(trial, truth, count):
    """The trial as it would be, had it been dropped after so many splits."""
    unseen = np.arange(trial.validation_loss.shape[1]) >= count
    values = trial.row_values.copy()
    for repeat, split_of in enumerate(truth.split_of):
        values[:, repeat, np.isin(split_of, np.flatnonzero(unseen))] = np.nan
    losses = {name: getattr(trial, name).copy() for name in ("training_loss", "validation_loss", "selection_loss")}
    for each in losses.values():
        each[:, unseen] = np.nan
    best = int(losses["selection_loss"][:, ~unseen].mean(axis=1).argmin())
    return replace(trial, status=DROPPED, row_values=values, best=best, **losses)


def test_a_trial_knows_the_splits_that_it_was_tried_on(make_search):
    truth, trials = make_search()
    assert trials[0].seen.tolist() == [True] * 4
    some = first_splits(trials[1], truth, 3)
    assert some.seen.tolist() == [True, True, True, False]
    assert some.loss == pytest.approx(some.selection_loss[some.best][:3].mean())
    assert replace(some, status="diverged").seen.all(), "where losses are no numbers is not where it was not tried"


@given(seed=st.integers(0, 2**20), count=st.integers(1, 3), metric=st.sampled_from(["rmse", "mae"]))
def test_what_differs_by_a_constant_is_known_from_any_of_its_splits(make_search, seed, count, metric):
    truth, trials = make_search(task="regression", metric=metric, seed=seed, rows=40, epochs=1)
    spread = float(trials[0].row_values.astype(np.float64).std())
    wide = [replace(trial, row_values=trial.row_values.astype(np.float32)) for trial in trials]
    alike = replace(wide[0], number=4, row_values=wide[0].row_values - np.float32(0.3 * spread), status=DROPPED)
    whole = resample(truth, [*wide, alike], resamples=30)
    some = resample(truth, [*wide, first_splits(alike, truth, count)], resamples=30)
    known = np.isfinite(some.selected[0])  # not where a resample has drawn all rows of the splits that it has
    assert known.mean() > 0.6
    assert (whole.winners == some.winners).all()
    assert some.selected[0, known] == pytest.approx(whole.selected[0, known], rel=1e-3)
    assert some.whole == pytest.approx(whole.whole, rel=1e-3)


def test_a_trial_of_some_splits_is_judged_by_its_rows_and_the_default_s(make_search):
    truth, trials = make_search(trials=2, epochs=1, rows=80)
    low = replace(
        trials[1], row_values=trials[1].row_values * np.float16(0.5), selection_loss=trials[1].selection_loss / 2
    )
    some = first_splits(low, truth, 2)
    found = resample(truth, [trials[0], some], resamples=50)
    assert (found.winners == 1).all()
    mine, default = (trial.row_values[0, 0, :, 0].astype(np.float64) for trial in (some, trials[0]))
    rng = np.random.default_rng([0, 0xBBC])
    for number, drawn in enumerate(rng.integers(0, 80, size=(50, 80))):
        left_out = np.setdiff1d(np.arange(80), drawn)
        folds = [left_out[truth.split_of[0, left_out] == fold] for fold in range(4)]
        ahead = np.mean([mine[rows].mean() - default[rows].mean() for rows in folds[:2]])
        beyond = [default[rows].mean() + ahead for rows in folds[2:]]
        expected = np.mean([*(mine[rows].mean() for rows in folds[:2]), *beyond])
        assert found.selected[0, number] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("rule", ["best", "one-se"])
@pytest.mark.parametrize("metric", ["log_loss", "auc", "accuracy"])
def test_a_trial_of_some_splits_is_a_candidate_and_is_never_selected(make_search, metric, rule):
    truth, trials = make_search(metric=metric, trials=5, rows=200)
    best = select(truth, trials, rule="best")
    trials[best] = first_splits(trials[best], truth, 2)
    study = summarise(truth, trials, selection=rule, seed=0, seconds=0.0, stopped="budget", resamples=200)
    assert study.selected.trial != best
    assert np.isfinite([study.estimate.mean, study.estimate.low, study.estimate.high]).all()
    assert np.isfinite(study.comparison.difference.mean) or study.comparison.same
    if rule == "best" and best != 0:
        assert best in resample(truth, trials).winners


def test_a_trial_of_no_use_changes_nothing(make_search):
    truth, trials = make_search(trials=4, rows=200)
    bad = replace(
        trials[1],
        number=4,
        row_values=trials[1].row_values + np.float16(9),
        selection_loss=trials[1].selection_loss + 9,
    )
    without = resample(truth, trials)
    with_it = resample(truth, [*trials, first_splits(bad, truth, 2)])
    assert (without.selected == with_it.selected).all()


# a search whose truth is known


ROWS, SPLITS, CONFIGS, HEAT, FIRST = 300, 5, 33, 8, 2


def made_up(number, losses, split_of):
    """A trial of one epoch whose rows lose so much."""
    means = np.array([[losses[split_of == split].mean() for split in range(SPLITS)]])
    return Trial(
        number=number,
        round=0,
        config=Config(),
        status=COMPLETE,
        epochs=np.array([1]),
        training_loss=means,
        validation_loss=means,
        selection_loss=means,
        row_values=losses[None, None, :, None].astype(np.float32),
        best=0,
        predictions=np.empty((0, 0, 0)),
        seconds=0.0,
    )


def errors(seed, *, own, spread):
    """How far the estimate lies above the truth without and with forgiving folds, and how many trials these drop."""
    rng = np.random.default_rng(seed)
    split_of = np.arange(ROWS) % SPLITS
    truth = Truth(
        task="regression",
        metric="rmse",
        target=rng.normal(size=ROWS),
        classes=1,
        split_of=split_of[None],
        training_rows=np.full(SPLITS, ROWS - ROWS // SPLITS),
    )
    true = 3 + np.append(0, spread * rng.normal(size=CONFIGS - 1))
    shared = rng.normal(size=ROWS)
    whole = [made_up(n, mean + shared + own * rng.normal(size=ROWS), split_of) for n, mean in enumerate(true)]
    raced = [whole[0]]
    for begin in range(1, CONFIGS, HEAT):
        incumbent = min((trial for trial in raced if trial.status == COMPLETE), key=lambda trial: trial.loss)
        bar = incumbent.selection_loss.max()
        raced += [
            first_splits(trial, truth, FIRST) if trial.selection_loss[0, :FIRST].mean() > bar else trial
            for trial in whole[begin : begin + HEAT]
        ]

    def error(trials):
        found = resample(truth, trials, resamples=150)
        winner = trials[select(truth, trials, rule="best")]
        return winner.loss + float(np.nanmean(found.selected[-1] - found.whole[-1])) - true[winner.number]

    return error(whole), error(raced), sum(trial.status == DROPPED for trial in raced)


@pytest.mark.statistical
@pytest.mark.parametrize(("own", "spread"), [(1.0, 0.0), (1.0, 0.1), (0.3, 0.2)])
def test_dropping_on_some_folds_does_not_flatter_the_estimate(own, spread):
    """By the mean of 60 searches; differences between the two are paired, and known to about 0.003."""
    found = np.array([errors(seed, own=own, spread=spread) for seed in range(60)])
    whole, raced, dropped = found.mean(axis=0)
    error = np.sqrt(1 + own**2) / np.sqrt(ROWS)  # of a mean loss
    assert dropped > 2
    assert raced > whole - 0.03 * error, "dropping hides what selecting has gained by chance"
    assert raced < whole + 0.4 * error
    assert raced > -2.5 * found[:, 1].std() / np.sqrt(len(found)) - 0.15 * error
