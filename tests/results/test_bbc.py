from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.results import bbc
from evenfit.results.baseline import constant_predictions
from evenfit.results.bbc import out_of_bag, shrunk_interval
from evenfit.results.blocks import block_losses, unit_of_rows
from evenfit.results.metrics import METRICS
from evenfit.results.selection import RULES, select

SEEDS = st.integers(0, 2**20)


def resample(truth, trials, *, rule="best", resamples=300, seed=0, searched=()):
    baseline = METRICS[truth.metric].values(constant_predictions(truth), truth.target)
    return out_of_bag(
        truth,
        trials,
        rule=rule,
        baseline=baseline,
        searched=searched or (len(trials),),
        resamples=resamples,
        seed=seed,
    )


@pytest.mark.parametrize("metric", ["log_loss", "accuracy"])
def test_one_column_gives_the_plain_out_of_bag_bootstrap(make_search, metric):
    truth, trials = make_search(metric=metric, trials=1, epochs=1, rows=60)
    found = resample(truth, trials, resamples=40)
    values = trials[0].row_values[0, 0, :, 0].astype(np.float64)
    rng = np.random.default_rng([0, 0xBBC])
    expected = []
    for drawn in rng.integers(0, 60, size=(40, 60)):
        left_out = np.setdiff1d(np.arange(60), drawn)
        folds = truth.split_of[0, left_out]
        expected.append(np.mean([values[left_out[folds == fold]].mean() for fold in np.unique(folds)]))
    assert found.selected[0] == pytest.approx(expected, rel=1e-5)
    assert found.default == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("factor", [1e-12, 1e20, 1e29])
@pytest.mark.parametrize(("metric", "power"), [("rmse", 2), ("mae", 1), ("r2", 0)])
def test_losses_grow_with_the_target_however_large_it_is(make_search, metric, power, factor):
    truth, trials = make_search(task="regression", metric=metric)
    grown = [
        replace(
            trial,
            training_loss=trial.training_loss * factor**2,
            validation_loss=trial.validation_loss * factor**2,
            selection_loss=trial.selection_loss * factor**power,
            predictions=trial.predictions * factor,
        )
        for trial in trials
    ]
    plain, found = (
        resample(truth, trials, rule="one-se"),
        resample(replace(truth, target=truth.target * factor), grown, rule="one-se"),
    )
    for name in ("selected", "whole", "default", "baseline"):
        assert getattr(found, name) == pytest.approx(getattr(plain, name) * factor**power, rel=1e-5), name
    assert found.winners.tolist() == plain.winners.tolist()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("task", "metric"), [("binary", "log_loss"), ("regression", "rmse"), ("multiclass", "accuracy")]
)
def test_the_rule_in_bag_is_the_rule_of_the_search(make_search, make_trial, monkeypatch, rule, task, metric):
    truth, trials = make_search(task=task, metric=metric, trials=6)
    # Every row drawn once: the in-bag rule then sees just what the search saw.
    monkeypatch.setattr(bbc.Blocks, "draw", lambda self, resamples, rng: np.ones((resamples, self.count), np.float32))
    found = resample(truth, trials, rule=rule, resamples=2)
    assert found.winners.tolist() == [select(truth, trials, rule=rule)] * 2


@given(seed=SEEDS, repeats=st.integers(1, 3))
def test_a_mean_over_all_units_is_the_loss_of_each_split(make_search, seed, repeats):
    truth, trials = make_search(seed=seed, repeats=repeats, rows=50)
    units, count = unit_of_rows(truth, largest=1000, rng=np.random.default_rng(0))
    blocks = block_losses(METRICS["log_loss"], [trial.row_values for trial in trials], truth, units, count=count)
    means = blocks.split_means(np.ones((1, count), np.float32))[0]
    assert means == pytest.approx(np.concatenate([trial.selection_loss for trial in trials]), rel=2e-3)


def test_blocks_of_rows_spread_means_as_rows_do(make_search, monkeypatch):
    truth, trials = make_search(rows=6000, trials=3, epochs=2)
    by_rows = resample(truth, trials, resamples=1000)
    monkeypatch.setattr(bbc, "MOST_UNITS", 1024)
    by_blocks = resample(truth, trials, resamples=1000)
    assert by_blocks.selected.mean() == pytest.approx(by_rows.selected.mean(), rel=3e-3)
    assert by_blocks.selected.std() == pytest.approx(by_rows.selected.std(), rel=0.15)


@given(seed=SEEDS, largest=st.sampled_from([7, 20, 1000]))
def test_groups_are_never_torn(make_search, seed, largest):
    truth, _ = make_search(seed=seed, rows=60)
    groups = np.random.default_rng(seed).integers(0, 12, size=60)
    truth = replace(truth, groups=groups, split_of=(groups % 4)[None])
    units, count = unit_of_rows(truth, largest=largest, rng=np.random.default_rng(seed))
    assert count <= largest
    assert set(units.tolist()) == set(range(count))
    for group in np.unique(groups):
        assert len(np.unique(units[groups == group])) == 1


def test_rows_of_one_group_make_the_interval_wider(make_search):
    truth, trials = make_search(rows=400, trials=1, epochs=1)
    loss = trials[0].row_values[0, 0, :, 0]
    # Groups of rows that are alike: the rows in order of their loss.
    groups = np.empty(400, dtype=np.int64)
    groups[np.argsort(loss)] = np.arange(400) // 10
    alike = resample(replace(truth, groups=groups), trials, resamples=500)
    apart = resample(truth, trials, resamples=500)
    assert alike.selected.std() > 1.5 * apart.selected.std()


@pytest.mark.parametrize("metric", ["log_loss", "auc"])
def test_rows_that_are_never_validated_change_nothing(make_search, make_trial, metric):
    truth, trials = make_search(metric=metric, rows=200, trials=2)
    never = np.arange(200) < 40
    split_of = np.where(never, -1, truth.split_of)
    predictions = trials[0].predictions[None].repeat(2, axis=0)
    predictions[:, :, never] = np.nan
    later = replace(truth, split_of=split_of)
    found = resample(later, [make_trial(later, predictions, number=0)])
    assert np.isfinite(found.selected).all()
    kept = replace(truth, target=truth.target[~never], split_of=truth.split_of[:, ~never])
    expected = resample(kept, [make_trial(kept, predictions[:, :, ~never], number=0)])
    assert found.selected == pytest.approx(expected.selected, rel=1e-4)


@pytest.mark.parametrize("rule", RULES)
def test_a_diverged_trial_changes_nothing(make_search, rule):
    truth, trials = make_search(trials=3)
    broken = replace(
        trials[1],
        number=3,
        status="diverged",
        row_values=np.full_like(trials[1].row_values, np.nan),
        selection_loss=np.full_like(trials[1].selection_loss, np.nan),
        training_loss=np.full_like(trials[1].training_loss, np.nan),
    )
    with_it = resample(truth, [*trials, broken], rule=rule)
    assert with_it.selected[-1] == pytest.approx(resample(truth, trials, rule=rule).selected[-1], rel=1e-5)
    _, good = make_search(trials=1, noise=0.1)
    early = replace(good[0], number=3, status="diverged")  # its first epochs were finite, and good
    with_early = resample(truth, [*trials, early], rule=rule)
    assert 3 not in with_early.winners
    unnoticed = resample(truth, [*trials, replace(broken, status="complete")], rule=rule)
    assert unnoticed.selected[-1] == pytest.approx(with_it.selected[-1], rel=1e-5)


def test_a_dropped_trial_wins_where_it_is_lowest_in_bag(make_search):
    truth, trials = make_search(trials=6)
    best = select(truth, trials, rule="best")
    trials[best] = replace(trials[best], status="dropped")
    assert best in resample(truth, trials).winners


def test_more_columns_cost_more_optimism(make_search):
    truth, trials = make_search(trials=40, epochs=1, rows=200, noise=1.5, seed=1)
    found = resample(truth, trials, searched=(1, 5, 40), resamples=500)
    optimism = (found.selected - found.whole).mean(axis=1)
    assert optimism[0] == pytest.approx(0, abs=2e-3)
    assert optimism[0] < optimism[1] < optimism[2]


def test_chunks_and_thinning_keep_the_estimate(make_search, monkeypatch):
    truth, trials = make_search(trials=10, epochs=8, rows=300)
    whole = resample(truth, trials, resamples=400)
    monkeypatch.setattr(bbc, "MOST_NUMBERS", 50_000)
    chunked = resample(truth, trials, resamples=400)
    assert chunked.selected == pytest.approx(whole.selected, rel=1e-5)
    monkeypatch.setattr(bbc, "MOST_PRODUCTS", 400 * 300 * 40)
    thinned = resample(truth, trials, resamples=400)
    assert thinned.selected.mean() == pytest.approx(whole.selected.mean(), rel=0.03)


def test_a_fold_without_rows_in_or_out_of_bag_moves_no_mean(make_search):
    truth, trials = make_search(rows=12, folds=6, trials=2)
    found = resample(truth, trials, resamples=300)
    assert np.isfinite(found.selected).all()
    assert np.isfinite(found.default).all()


def test_blocks_of_sorted_rows_are_as_good_as_any(make_search, make_trial, monkeypatch):
    truth, trials = make_search(rows=3000, trials=1, epochs=1)
    order = np.argsort(trials[0].row_values[0, 0, :, 0])
    truth = replace(truth, target=truth.target[order], split_of=truth.split_of[:, order])
    made = [make_trial(truth, trials[0].predictions[None][:, :, order], number=0)]
    by_rows = resample(truth, made)
    monkeypatch.setattr(bbc, "MOST_UNITS", 300)
    monkeypatch.setattr(bbc, "FEWEST_UNITS", 300)
    assert resample(truth, made).selected.std() < 1.3 * by_rows.selected.std()


def test_the_same_seed_gives_the_same_resamplings(make_search):
    truth, trials = make_search()
    one, again, other = (resample(truth, trials, seed=seed).selected for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_the_interval_is_drawn_in_around_the_mean():
    losses = np.linspace(0, 1, 1001)
    found = shrunk_interval(losses, level=0.9)
    assert found.mean == pytest.approx(0.5)
    assert found.low == pytest.approx(0.5 - 0.92 * 0.45)
    assert found.high == pytest.approx(0.5 + 0.92 * 0.45)


def test_the_loss_on_all_rows_is_that_of_the_winner(make_search):
    truth, trials = make_search(epochs=1)
    found = resample(truth, trials)
    losses = np.array([trial.loss for trial in trials])
    assert found.whole[-1] == pytest.approx(losses[found.winners], rel=1e-3)


def test_few_groups_are_enough_for_an_estimate(make_search):
    truth, trials = make_search(rows=60)
    truth = replace(truth, groups=np.arange(60) % 4, split_of=(np.arange(60) % 4)[None])
    found = resample(truth, trials, resamples=400)
    drawn = np.isnan(found.selected[0])
    assert 0.04 < drawn.mean() < 0.16, "of 256 ways to draw four groups, 24 leave none out"
    known = shrunk_interval(found.selected[0], level=0.9)
    assert known.mean == pytest.approx(np.nanmean(found.selected[0]))
    assert known.low < known.mean < known.high


def test_an_estimate_of_mostly_nothing_is_not_known():
    assert np.isnan(shrunk_interval(np.array([1.0, np.nan, np.nan, 2.0]), level=0.9).mean)
