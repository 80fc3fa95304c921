from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.results.ensemble import ROUNDS, mix
from evenfit.results.row_values import base_loss

SEEDS = st.integers(0, 2**20)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@given(seed=SEEDS)
def test_weights_are_counts_of_rounds_that_sum_to_one(make_search, task, seed):
    truth, trials = make_search(task=task, seed=seed, rows=60)
    found = mix(truth, trials, selected=0, seed=0)
    assert sum(found.weights) == pytest.approx(1)
    assert min(found.weights) > 0
    assert all(abs(weight * ROUNDS - round(weight * ROUNDS)) < 1e-9 for weight in found.weights)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_trials_that_err_independently_are_better_together(make_search, task):
    truth, trials = make_search(task=task, rows=600, trials=8, noise=1.0)
    found = mix(truth, trials, selected=0, seed=0)
    assert found.used
    assert found.loss < 0.9 * found.single_loss


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@given(seed=SEEDS)
def test_the_weights_are_those_of_the_plain_greedy_search(make_search, task, seed):
    truth, trials = make_search(task=task, seed=seed, rows=40, noise=0.6)
    outputs = np.stack([trial.predictions[0] for trial in trials]).astype(np.float64)
    outputs = outputs if task == "regression" else np.exp(outputs)
    bag: list[int] = []
    for _ in range(ROUNDS):
        losses = []
        for candidate in range(len(trials)):
            mixed = outputs[[*bag, candidate]].mean(axis=0)
            mixed = mixed if task == "regression" else np.log(mixed)
            losses.append(base_loss(mixed, truth.target).mean())
        bag.append(int(np.argmin(losses)))
    found = mix(truth, trials, selected=0, seed=0)
    expected = {number: bag.count(number) / ROUNDS for number in set(bag)}
    assert dict(zip(found.trials, found.weights, strict=True)) == pytest.approx(expected)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_copies_of_one_trial_win_nothing(make_search, renumbered, task):
    truth, trials = make_search(task=task)
    found = mix(truth, [renumbered(trials[0], number) for number in range(4)], selected=0, seed=0)
    assert found.loss == pytest.approx(found.single_loss)
    assert not found.used


@pytest.mark.parametrize("status", ["dropped", "diverged"])
def test_only_complete_trials_are_mixed(make_search, status):
    truth, trials = make_search(trials=4)
    trials[2] = replace(trials[2], status=status)
    assert 2 not in mix(truth, trials, selected=0, seed=0).trials
    alone = [trials[0], *(replace(trial, status=status) for trial in trials[1:])]
    found = mix(truth, alone, selected=0, seed=0)
    assert (found.trials, found.weights, found.used) == ((0,), (1.0,), False)


def test_a_trial_is_judged_on_rows_that_did_not_choose_its_weight(make_search, make_trial):
    truth, _ = make_search(trials=0, rows=200, folds=4)
    # Trials that are perfect on one fold each, and worse than the first on the others.
    made = [np.full((1, 1, 200, 2), np.log(0.4))]
    made += [np.where((truth.split_of == fold)[None, ..., None], np.log(0.999), np.log(0.3)) for fold in range(4)]
    made = [np.broadcast_to(each, (1, 1, 200, 2)) for each in made]
    found = mix(truth, [make_trial(truth, each, number=i) for i, each in enumerate(made)], selected=0, seed=0)
    assert len(found.trials) > 1
    assert not found.used


def test_the_metric_decides_whether_the_mixture_is_used(make_search):
    truth, trials = make_search(metric="auc", rows=600, trials=8)
    found = mix(truth, trials, selected=0, seed=0)
    assert found.used
    assert found.single_loss == pytest.approx(trials[0].loss)
