"""Studies in memory: what a limit makes of the number of workers."""

import numpy as np
import pytest

from evenfit.data.arrays import from_memory
from evenfit.runs.memory import plan_in_memory
from evenfit.specs.budget import Budget

X = np.random.default_rng(0).normal(size=(3000, 3))
TABLE = from_memory(X, X[:, 0] > 0, task=None, groups=None, sample_weight=None)


def planned(budget, *, workers):
    return plan_in_memory(TABLE, metric=None, budget=Budget.parse(budget), folds=5, seed=0, workers=workers)


@pytest.mark.parametrize("budget", ["2s, 40 trials", "2s, 3000 epochs", "40 trials", "3000 epochs"])
def test_where_trials_or_epochs_are_limited_the_workers_have_no_part_in_what_is_searched(budget):
    one, many = planned(budget, workers=1), planned(budget, workers=8)
    assert one.space == many.space
    assert one.budget == many.budget == Budget.parse(budget)


def test_where_seconds_alone_are_limited_more_workers_afford_more():
    one, many = planned("2s", workers=1), planned("2s", workers=8)
    assert one.costs.config(one.space.default) < many.costs.config(many.space.default)
