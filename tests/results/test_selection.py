from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.errors import ConfigError
from evenfit.results.selection import RULES, choose, complexity, select

EVERYONE = np.ones(3, dtype=bool)
SEEDS = st.integers(0, 2**20)


def chosen(losses, gaps, *, rule="one-se", finalists=EVERYONE, factor=0.45):
    return int(choose(np.array([losses]), np.array([gaps]), finalists, rule=rule, factor=factor)[0])


def test_best_takes_the_lowest_mean():
    losses = [[0.5, 0.5, 0.5], [0.4, 0.6, 0.4], [0.4, 0.6, 0.6]]
    assert chosen(losses, [0, 1, 0], rule="best") == 1


def test_one_se_takes_the_smallest_gap_among_those_near_the_best():
    best = [0.40, 0.60, 0.50]
    near = [0.43, 0.59, 0.51]
    assert chosen([best, near, [0.9, 0.9, 0.9]], [0.3, 0.1, 0.0]) == 1


def test_one_se_keeps_the_best_where_the_paired_difference_is_sure():
    best = [0.40, 0.60, 0.50]
    surely_worse = [0.45, 0.65, 0.55]  # within the best's own error, but worse on every split
    assert chosen([best, surely_worse, [0.9, 0.9, 0.9]], [0.3, 0.1, 0.0]) == 0


def test_one_se_keeps_the_best_where_another_is_only_noisy():
    best = [0.50, 0.50, 0.51]  # its own error is small
    noisy = [0.20, 1.00, 0.60]
    assert chosen([best, noisy, [0.9, 0.9, 0.9]], [0.3, 0.1, 0.0]) == 0


def test_equals_go_to_the_lower_number():
    losses = [[0.5, 0.6, 0.7]] * 3
    assert chosen(losses, [0.2, 0.1, 0.1]) == 1
    assert chosen(losses, [0.2, 0.1, 0.1], rule="best") == 0


def test_only_finalists_are_preferred_for_their_gap_but_any_may_be_the_best():
    best, near = [0.40, 0.60, 0.50], [0.43, 0.59, 0.51]
    losses = [best, near, [0.9, 0.9, 0.9]]
    assert chosen(losses, [0.3, 0.1, 0.0], finalists=np.array([True, False, True])) == 0
    assert chosen(losses, [0.3, 0.4, 0.0], finalists=np.array([False, True, True])) == 0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_never_chosen(rule, hole):
    losses = [[hole, 0.1, 0.1], [0.5, 0.6, 0.7], [0.5, 0.6, hole]]
    assert chosen(losses, [-9, 0.1, -9], rule=rule) == 1


@pytest.mark.parametrize("rule", RULES)
@given(seed=SEEDS, splits=st.integers(1, 6))
def test_many_resamplings_choose_what_each_alone_would(rule, seed, splits):
    rng = np.random.default_rng(seed)
    losses, gaps = rng.normal(size=(7, 5, splits)), rng.normal(size=(7, 5))
    together = choose(losses, gaps, np.ones(5, bool), rule=rule, factor=0.4)
    alone = [choose(losses[[i]], gaps[[i]], np.ones(5, bool), rule=rule, factor=0.4)[0] for i in range(7)]
    assert together.tolist() == alone


@given(seed=SEEDS, factor=st.sampled_from([0.01, 100.0]))
def test_the_one_se_choice_does_not_depend_on_the_unit_of_the_loss(seed, factor):
    rng = np.random.default_rng(seed)
    losses, gaps = rng.normal(size=(1, 5, 4)), rng.normal(size=(1, 5))
    one = choose(losses, gaps, np.ones(5, bool), rule="one-se", factor=0.4)
    assert one == choose(losses * factor, gaps * factor, np.ones(5, bool), rule="one-se", factor=0.4)


def test_an_unknown_rule_is_refused():
    with pytest.raises(ConfigError, match="selection must be one of one-se, best, small, knee; got 'worst'"):
        chosen([[1.0]] * 3, [0, 0, 0], rule="worst")


def test_only_complete_trials_win(make_search):
    truth, trials = make_search(trials=3)
    best = select(truth, trials, rule="best")
    trials[best] = replace(trials[best], status="dropped")
    assert select(truth, trials, rule="best") != best
    everyone = [replace(trial, status="dropped") for trial in trials]
    assert select(truth, everyone, rule="best") == best


@pytest.mark.parametrize("rule", RULES)
def test_a_diverged_trial_never_wins(make_search, rule):
    truth, trials = make_search(trials=3)
    best = select(truth, trials, rule=rule)
    broken = np.full_like(trials[best].selection_loss, np.nan)
    trials[best] = replace(trials[best], selection_loss=broken)
    assert select(truth, trials, rule=rule) != best
    everyone = [replace(trial, selection_loss=broken) for trial in trials]
    with pytest.raises(ValueError, match="finite loss"):
        select(truth, everyone, rule=rule)


def test_gaps_are_made_in_the_units_of_the_metric(make_search):
    truth, trials = make_search(task="regression", metric="rmse")
    of_rmse = complexity(trials[0], truth)
    of_r2 = complexity(trials[0], replace(truth, metric="r2"))
    assert of_rmse == pytest.approx(trials[0].training_loss.mean(axis=1))
    assert of_r2 == pytest.approx(of_rmse / np.var(truth.target))
