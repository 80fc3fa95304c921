"""Training sets, and what is gathered from models that were fitted to them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfit.errors import ConfigError, DataError
from evenfit.experiments.bias_variance import (
    bootstrap,
    disjoint,
    gather,
    hold_out,
    out_of_bag,
    plan_fits,
    shortened,
    silent,
)
from evenfit.experiments.bias_variance import (
    given as given_sets,
)
from evenfit.experiments.fitting.fits import Fitted

POOL, JUDGED = np.arange(60), np.arange(60, 80)


@settings(max_examples=30, deadline=None)
@given(replicates=st.integers(2, 12), seed=st.integers(0, 99), rows=st.none() | st.integers(2, 5))
def test_disjoint_training_sets_share_no_row_and_never_judge(replicates, seed, rows):
    sets = disjoint(POOL, JUDGED, replicates=replicates, rows=rows, seed=seed)
    trained = np.concatenate([split.train for split in sets.splits])
    assert len(trained) == len(set(trained.tolist()))
    assert set(trained.tolist()) <= set(POOL.tolist())
    assert {len(split.train) for split in sets.splits} == {rows or 60 // replicates}
    assert all((split.validate == JUDGED).all() for split in sets.splits)


def test_bootstraps_draw_as_many_rows_as_there_are_about_63_percent_of_them_distinct():
    sets = bootstrap(np.arange(1000), JUDGED, replicates=40, rows=None, seed=1)
    distinct = np.mean([len(np.unique(split.train)) / 1000 for split in sets.splits])
    assert {len(split.train) for split in sets.splits} == {1000}
    assert distinct == pytest.approx(1 - np.exp(-1), abs=0.01)


def test_a_replicate_is_judged_out_of_bag_by_the_rows_that_it_did_not_draw():
    sets = out_of_bag(POOL, replicates=5, rows=None, seed=0)
    for split in sets.splits:
        assert set(split.validate.tolist()) == set(POOL.tolist()) - set(split.train.tolist())


@pytest.mark.parametrize("draw", ["disjoint", "bootstrap", "out-of-bag"])
def test_groups_stay_whole(draw):
    groups = np.arange(80) // 4
    options = {"replicates": 5, "rows": None, "seed": 0, "groups": groups}
    if draw == "out-of-bag":
        sets = out_of_bag(POOL, **options)
    else:
        sets = (disjoint if draw == "disjoint" else bootstrap)(POOL, JUDGED, **options)
    for split in sets.splits:
        names, counts = np.unique(groups[split.train], return_counts=True)
        assert (counts % 4 == 0).all()
        assert not set(names.tolist()) & set(groups[split.validate].tolist())


def test_a_training_set_does_not_depend_on_how_many_there_are():
    few, many = (bootstrap(POOL, JUDGED, replicates=count, rows=None, seed=3).splits for count in (2, 9))
    assert all((one.train == other.train).all() for one, other in zip(few, many, strict=False))


def test_a_quarter_is_held_out_with_classes_in_their_shares():
    target = np.repeat([0, 1, 2], [80, 40, 40])
    pool, judged = hold_out(target, seed=4)
    assert sorted([*pool.tolist(), *judged.tolist()]) == list(range(160))
    assert np.bincount(target[judged]).tolist() == [20, 10, 10]


def test_a_quarter_of_a_quantity_is_held_out_by_chance_alone():
    target = np.arange(400.0)
    spreads = [hold_out(target, seed=seed)[1].mean() for seed in range(200)]
    alone = 400 / np.sqrt(12) / np.sqrt(100) * np.sqrt(0.75)  # of a mean of 100 rows, of 400 without replacement
    assert np.std(spreads) == pytest.approx(alone, rel=0.2)


def test_shortened_training_sets_are_nested():
    sets = bootstrap(POOL, JUDGED, replicates=3, rows=None, seed=0)
    small, large = shortened(sets, 10), shortened(sets, 20)
    for one, other in zip(small.splits, large.splits, strict=True):
        assert (other.train[:10] == one.train).all()


def test_training_sets_that_are_given_follow_one_another():
    sets = given_sets([3, 2], np.array([5, 6]))
    assert [split.train.tolist() for split in sets.splits] == [[0, 1, 2], [3, 4]]


@pytest.mark.parametrize("rows", [None, 40])
def test_disjoint_training_sets_that_need_more_rows_than_there_are_are_refused(rows):
    with pytest.raises(ConfigError, match="there are 60 to train on"):
        disjoint(POOL, JUDGED, replicates=31 if rows is None else 2, rows=rows, seed=0)


def test_sizes_larger_than_a_replicate_are_refused():
    with pytest.raises(ConfigError, match="between 2 and 60"):
        shortened(bootstrap(POOL, JUDGED, replicates=3, rows=None, seed=0), 61)


def test_too_few_rows_to_hold_any_out_are_refused():
    with pytest.raises(DataError, match="at least 8 rows"):
        hold_out(np.zeros(7), seed=0)


def test_seeds_differ_by_replicate_and_number_and_are_the_same_at_every_point():
    fits = plan_fits([0, 1], [range(3), range(3)], seeds=2, seed=5)
    assert len({fit.seed for fit in fits}) == 6
    assert [fit.seed for fit in fits[:6]] == [fit.seed for fit in fits[6:]]
    assert {fit.variant for fit in fits[6:]} == {1}


def gathered(fitted, *, replicates=4, seeds=1, points=1, told=silent):
    sets = bootstrap(POOL, JUDGED, replicates=replicates, rows=None, seed=0)
    fits = plan_fits(range(points), [range(replicates)] * points, seeds=seeds, seed=0)
    return gather(fitted, fits, sets.splits, points=points, seeds=seeds, judged=JUDGED, width=1, tell=told)


def fitted(number, *, failure=""):
    predictions = np.empty((0, 0)) if failure else number + np.arange(20.0)[:, None]
    return Fitted(
        number=number, predictions=predictions, failure=failure, notes=("it did not converge",) * (number == 0)
    )


def test_predictions_are_gathered_in_any_order():
    found = gathered([fitted(number) for number in (5, 0, 7, 2, 1, 3, 6, 4)], seeds=2)
    np.testing.assert_array_equal(found.predictions[0, :, :, 0, 0], np.arange(8.0).reshape(4, 2))
    assert found.notes == ("it did not converge (1 of 8 fits)",)


def test_fits_that_fail_are_said_and_the_rest_is_kept():
    found = gathered([fitted(number, failure="ValueError: no" if number == 3 else "") for number in range(8)], seeds=2)
    assert np.isnan(found.predictions[0, 1]).all()  # both seeds of the second replicate
    assert not np.isnan(found.predictions[0, [0, 2, 3]]).any()
    assert found.failures == (("replicate 2: ValueError: no",),)
    assert found.complete == (3,)


def test_fewer_than_two_good_replicates_are_refused_with_the_reason():
    with pytest.raises(DataError, match="1 of 4 were: replicate 2: ValueError: no"):
        gathered([fitted(number, failure="ValueError: no" if number else "") for number in range(4)])


def test_what_was_not_done_is_said():
    found = gathered([fitted(number) for number in range(3)])
    assert "stopped after 3 of 4 fits" in found.notes


def test_fits_that_predict_the_same_everywhere_are_counted():
    same = [Fitted(number=number, predictions=np.full((20, 1), float(number))) for number in range(4)]
    assert gathered(same).constant == (4,)


def test_progress_is_told():
    told = []
    gathered([fitted(number) for number in range(4)], told=lambda done, whole: told.append((done, whole)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
