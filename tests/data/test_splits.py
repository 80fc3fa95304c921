"""Laws of splits: who trains, who is judged, and that nobody is both."""

from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evenfit.data.splits import describe_splits, make_splits
from evenfit.data.table import understand
from evenfit.errors import ConfigError

COUNTS = st.integers(2, 60)
SEEDS = st.integers(0, 2**32)


@st.composite
def codes(draw: st.DrawFn, count: int) -> np.ndarray:
    return np.array(draw(st.lists(st.integers(0, 5), min_size=count, max_size=count)))


@given(data=st.data(), count=COUNTS, seed=SEEDS, repeats=st.integers(1, 3), floats=st.booleans())
def test_every_row_is_validated_exactly_once_a_repeat(data, count, seed, repeats, floats):
    folds = data.draw(st.integers(2, count))
    target = data.draw(codes(count))
    splits = make_splits(target.astype(float) if floats else target, folds=folds, repeats=repeats, seed=seed)
    assert [(split.repeat, split.fold) for split in splits] == [(r, f) for r in range(repeats) for f in range(folds)]
    for repeat in range(repeats):
        judged = np.concatenate([split.validate for split in splits if split.repeat == repeat])
        assert np.array_equal(np.sort(judged), np.arange(count))
    for split in splits:
        assert np.array_equal(np.sort(np.concatenate([split.train, split.validate])), np.arange(count))
        assert split.train.dtype == split.validate.dtype == np.int64
        assert len(split.train)
        assert len(split.validate)


@given(data=st.data(), count=COUNTS, seed=SEEDS)
def test_folds_and_the_classes_in_them_differ_by_at_most_one_row(data, count, seed):
    folds = data.draw(st.integers(2, count))
    target = data.draw(codes(count))
    splits = make_splits(target, folds=folds, seed=seed)
    in_folds = np.array([np.bincount(target[split.validate], minlength=6) for split in splits])
    assert np.ptp(in_folds, axis=0).max() <= 1
    assert np.ptp(in_folds.sum(1)) <= 1


@given(data=st.data(), count=st.integers(4, 60), seed=SEEDS)
def test_a_quantity_is_spread_over_folds_by_rank(data, count, seed):
    folds = data.draw(st.integers(2, count // 2))
    target = np.random.default_rng(seed).permutation(count).astype(float)
    splits = make_splits(target, folds=folds, seed=seed)
    for split in splits:  # one of every full block of neighbours in rank
        blocks = np.sort(target[split.validate]) // folds
        assert np.array_equal(np.unique(blocks)[: count // folds], np.arange(count // folds))
    assert np.ptp([len(split.validate) for split in splits]) <= 1


@given(data=st.data(), count=COUNTS, seed=SEEDS, floats=st.booleans())
def test_no_group_is_on_both_sides(data, count, seed, floats):
    groups = np.array(data.draw(st.lists(st.integers(0, 20), min_size=count, max_size=count)))
    distinct = len(np.unique(groups))
    assume(distinct >= 2)
    folds = data.draw(st.integers(2, distinct))
    target = data.draw(codes(count))
    splits = make_splits(target.astype(float) if floats else target, folds=folds, seed=seed, groups=groups)
    judged = np.concatenate([split.validate for split in splits])
    assert np.array_equal(np.sort(judged), np.arange(count))
    for split in splits:
        assert not set(groups[split.train]) & set(groups[split.validate])
        assert len(split.validate)


def test_groups_are_spread_so_that_folds_have_like_sizes_and_classes():
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 200, 4000)
    target = (generator.random(200) < 0.3).astype(int)[groups]
    splits = make_splits(target, folds=5, seed=0, groups=groups)
    sizes = np.array([len(split.validate) for split in splits])
    shares = np.array([target[split.validate].mean() for split in splits])
    assert np.ptp(sizes) < 80
    assert np.ptp(shares) < 0.03


@given(data=st.data(), count=st.integers(3, 60))
def test_in_time_training_rows_are_strictly_earlier_and_each_later_row_is_validated_once(data, count):
    time = np.array(data.draw(st.lists(st.integers(0, 20), min_size=count, max_size=count)), float)
    distinct = len(np.unique(time))
    assume(distinct >= 3)
    folds = data.draw(st.integers(2, distinct - 1))
    splits = make_splits(np.zeros(count), folds=folds, seed=0, time=time)
    assert len(splits) == folds
    for split in splits:
        assert time[split.train].max() < time[split.validate].min()
    judged = np.concatenate([split.validate for split in splits])
    assert len(np.unique(judged)) == len(judged)
    assert set(judged) == set(np.flatnonzero(time > time[splits[0].train].max()))


def test_repeats_of_groups_of_different_sizes_differ():
    groups = np.repeat(np.arange(12), np.arange(1, 13))
    splits = make_splits(np.zeros(len(groups)), folds=3, repeats=8, seed=0, groups=groups)
    assert len({tuple(split.validate) for split in splits}) > 12


def test_blocks_in_time_are_of_like_sizes():
    splits = make_splits(np.zeros(600), folds=5, seed=0, time=np.random.default_rng(0).permutation(600))
    assert [len(split.validate) for split in splits] == [100] * 5
    assert [len(split.train) for split in splits] == [100, 200, 300, 400, 500]


def test_rows_of_one_time_are_never_parted_even_where_it_is_infinite():
    time = np.array([-np.inf] * 5 + [1.0, 2.0, 3.0] + [np.inf] * 5)
    for split in make_splits(np.zeros(13), folds=3, seed=0, time=time):
        assert time[split.train].max() < time[split.validate].min()


def test_a_seed_gives_the_same_splits_and_another_gives_others():
    def judged(seed, repeats=1):
        splits = make_splits(np.arange(50) % 3, folds=5, repeats=repeats, seed=seed)
        return [split.validate.tolist() for split in splits]

    assert judged(1) == judged(1)
    assert judged(1) != judged(2)
    assert judged(1, repeats=2)[:5] == judged(1)
    assert judged(1, repeats=2)[5:] != judged(1)


def test_classes_of_one_row_are_validated_without_a_warning():
    splits = make_splits(np.array([0] * 20 + [1]), folds=5, seed=0)
    assert sum(20 in split.validate for split in splits) == 1


def test_a_table_brings_its_own_groups_and_time():
    frame = pl.DataFrame({"x": [1.5, 2.5, 3.0] * 10, "g": ["a", "b", "c"] * 10, "t": range(30), "y": ["n", "y"] * 15})
    grouped = understand(frame, target="y", group="g")
    for split in make_splits(grouped, folds=3, seed=0):
        assert len(np.unique(grouped.groups[split.validate])) == 1
    splits = make_splits(understand(frame, target="y", time="t"), folds=2, seed=0)
    assert [split.validate.tolist() for split in splits] == [list(range(10, 20)), list(range(20, 30))]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"folds": 5}, "folds must be between 2 and the number of rows, 3; got 5"),
        ({"folds": 1}, "folds must be between 2 and the number of rows, 3; got 1"),
        ({"folds": 2, "repeats": 0}, "repeats must be at least 1, got 0"),
        ({"folds": 3, "groups": np.array([1, 1, 2])}, "folds must be at most the number of groups, 2; got 3"),
        ({"folds": 2, "time": np.array([1, 1, 2])}, "2 folds in time need at least 3 different times; got 2"),
        ({"folds": 2, "time": np.arange(3), "repeats": 2}, "repeats must be 1 where rows are ordered in time, got 2"),
        ({"folds": 2, "time": np.arange(3), "groups": np.arange(3)}, "splits must be by group or by time, got both"),
    ],
)
def test_splits_that_cannot_be_are_refused_in_one_line(values, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        make_splits(np.zeros(3), seed=0, **values)


def test_splits_are_described_in_a_line():
    assert (
        describe_splits(make_splits(np.zeros(11), folds=2, repeats=3, seed=0)) == "2 folds, 3 repeats, 5 to 6 rows each"
    )


@given(
    st.lists(st.integers(0, 3), min_size=20, max_size=200),
    st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 0.75]),
    st.integers(1, 3),
    st.integers(0, 9),
)
def test_a_holdout_is_its_share_of_all_rows_and_of_every_class(target, share, repeats, seed):
    target = np.array(target)
    splits = make_splits(target, folds=5, repeats=repeats, seed=seed, holdout=share)
    assert [split.repeat for split in splits] == list(range(repeats))
    parts = Fraction(share).limit_denominator(20).denominator
    for split in splits:
        assert sorted([*split.train, *split.validate]) == list(range(len(target)))
        assert abs(len(split.validate) - share * len(target)) <= parts
        for code in np.unique(target):
            held, of = (target[split.validate] == code).sum(), (target == code).sum()
            assert abs(held - share * of) <= parts


def test_a_holdout_in_time_is_the_latest_rows():
    (split,) = make_splits(np.zeros(40), folds=5, seed=0, holdout=0.25, time=np.repeat(np.arange(20), 2)[::-1].copy())
    assert split.validate.tolist() == list(range(10))


def test_a_holdout_keeps_groups_whole():
    groups = np.repeat(np.arange(30), 4)
    for split in make_splits(np.zeros(120), folds=5, seed=0, repeats=3, holdout=0.2, groups=groups):
        assert not set(groups[split.train]) & set(groups[split.validate])
        assert len(split.validate) == pytest.approx(24, abs=8)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.2, float("nan")])
def test_a_holdout_is_a_share(share):
    with pytest.raises(ConfigError, match="holdout must be a share of the rows between 0 and 1"):
        make_splits(np.zeros(50), folds=5, seed=0, holdout=share)
