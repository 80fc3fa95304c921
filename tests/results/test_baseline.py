from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.results.baseline import constant_loss, constant_predictions
from evenfit.results.metrics import METRICS
from evenfit.results.row_values import base_loss

CASES = [(metric.name, task) for metric in METRICS.values() for task in metric.tasks]


@pytest.mark.parametrize(("metric", "task"), CASES)
@given(seed=st.integers(0, 2**20))
def test_no_other_constant_loses_less(make_search, metric, task, seed):
    truth, _ = make_search(task=task, metric=metric, trials=0, rows=50, seed=seed)
    rng = np.random.default_rng(seed)
    if task == "regression":
        other = np.full((50, 1), rng.normal(truth.target.mean(), truth.target.std()))
    else:
        truth = replace(truth, target=np.minimum(truth.target, rng.permutation(50) % truth.classes))
        other = np.tile(np.log(rng.dirichlet(np.ones(truth.classes))), (50, 1))
    judge = METRICS[metric]
    constant, random = (
        judge.loss(judge.values(each, truth.target), truth.target, None)[0]
        for each in (constant_predictions(truth), other)
    )
    assert constant <= random * (1 + 1e-5) + 1e-6 or np.isnan(random)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_constant_loss_is_that_of_the_constant_predictions(make_search, task):
    truth, _ = make_search(task=task, trials=0)
    expected = base_loss(constant_predictions(truth), truth.target).mean()
    assert constant_loss(truth) == pytest.approx(expected)


def test_only_validated_rows_are_looked_at(make_search):
    truth, _ = make_search(task="regression", trials=0)
    split_of = truth.split_of.copy()
    split_of[:, :20] = -1
    later = replace(truth, split_of=split_of)
    assert constant_predictions(later)[0, 0] == pytest.approx(truth.target[20:].mean())
    assert constant_loss(later) == pytest.approx(np.var(truth.target[20:]))


def test_a_class_that_is_never_validated_costs_much_but_not_everything(make_search):
    truth, _ = make_search(task="multiclass", trials=0)
    split_of = np.where(truth.target == 2, -1, truth.split_of)
    shares = np.exp(constant_predictions(replace(truth, split_of=split_of))[0])
    assert 0 < shares[2] < 0.02
    assert shares.sum() == pytest.approx(1)
