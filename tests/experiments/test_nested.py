from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.data.splits import make_splits
from evenfit.errors import ConfigError
from evenfit.experiments.nested import LEAST_SIZES, nested


@st.composite
def problems(draw):
    count = draw(st.integers(20, 400))
    seed = draw(st.integers(0, 2**32))
    generator = np.random.default_rng(seed)
    kind = draw(st.sampled_from(["classes", "quantity", "groups", "time"]))
    target = generator.integers(0, draw(st.integers(1, 4)) + 1, count) if kind == "classes" else generator.random(count)
    groups = generator.integers(0, draw(st.integers(6, 30)), count) if kind == "groups" else None
    if groups is not None:
        groups[:6] = np.arange(6)
    time = generator.random(count) if kind == "time" else None
    splits = make_splits(target, folds=3, seed=seed % 1000, groups=groups, time=time)
    return splits, {"target": target, "groups": groups, "time": time, "seed": seed}


@given(problems())
def test_each_size_contains_the_smaller_ones_of_its_split(problem):
    splits, about = problem
    found = nested(splits, sizes=None, **about)
    for place, split in enumerate(splits):
        sets = [set(each.train.tolist()) for each in found.splits[place :: len(splits)]]
        assert all(small <= large for small, large in pairwise(sets))
        assert sets[-1] <= set(split.train.tolist())
        assert all(np.array_equal(each.validate, split.validate) for each in found.splits[place :: len(splits)])


@given(problems())
def test_rows_are_as_many_as_the_size_says_unless_groups_are_whole(problem):
    splits, about = problem
    found = nested(splits, sizes=None, **about)
    assert len(found.sizes) >= min(LEAST_SIZES, found.sizes[-1] - found.sizes[0] + 1)
    if about["groups"] is None:
        assert (found.rows == found.sizes[:, None]).all()
        return
    for each in found.splits:
        inside = np.isin(about["groups"], about["groups"][each.train])
        inside[each.validate] = False
        assert inside.sum() == len(each.train)  # no group is cut


@given(problems())
def test_classes_are_as_even_in_a_size_as_whole_rows_allow(problem):
    splits, about = problem
    target = about["target"]
    if target.dtype != np.int64:
        return
    found = nested(splits, sizes=None, **about)
    for number, each in enumerate(found.splits):
        whole = splits[number % len(splits)].train
        share = np.bincount(target[whole], minlength=6) / len(whole)
        counts = np.bincount(target[each.train], minlength=6)
        assert np.abs(counts - share * len(each.train)).max() <= 3


def test_rows_in_time_join_from_the_latest():
    time = np.arange(60.0)
    splits = make_splits(np.random.default_rng(0).random(60), folds=2, seed=0, time=time)
    found = nested(splits, target=np.zeros(60), sizes=[5], time=time)
    assert found.splits[1].train.tolist() == list(range(35, 40))


@pytest.mark.parametrize("size", [0, 1, 81, 2.5, 0.0, -0.5, 1000, float("nan"), float("inf")])
def test_a_size_that_cannot_be_is_refused(size):
    splits = make_splits(np.random.default_rng(0).random(100), folds=5, seed=0)
    with pytest.raises(ConfigError, match="must be"):
        nested(splits, target=np.zeros(100), sizes=[10, size])


def test_shares_and_rows_may_be_asked_for():
    splits = make_splits(np.random.default_rng(0).random(100), folds=5, seed=0)
    assert nested(splits, target=np.zeros(100), sizes=[0.25, 40, 1.0]).sizes.tolist() == [20, 40, 80]
