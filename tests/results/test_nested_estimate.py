"""What outer folds come to together."""

import math
from dataclasses import replace

import numpy as np
import pytest

from evenfit.results.intervals import corrected_interval
from evenfit.results.nested_estimate import OuterFold, nested_estimate
from evenfit.results.study import Interval
from evenfit.specs.config import Config

FOLD = OuterFold(
    fold=0,
    training_rows=80,
    rows=20,
    trials=10,
    config=Config(width=32),
    same=False,
    members_loss=0.5,
    deployed_loss=0.4,
    default_loss=0.6,
    plain=0.45,
    estimate=Interval(mean=0.5, low=0.4, high=0.6, level=0.9),
    seconds=1.0,
    constant_loss=2.0,
)


def folds(losses, defaults=None):
    defaults = losses if defaults is None else defaults
    return [
        replace(FOLD, fold=fold, members_loss=loss, default_loss=default)
        for fold, (loss, default) in enumerate(zip(losses, defaults, strict=True))
    ]


def test_intervals_know_that_the_training_rows_of_outer_folds_overlap():
    losses = np.array([0.3, 0.5, 0.4, 0.6, 0.45])
    found = nested_estimate(folds(losses), level=0.9)
    rows = np.full(5, 80)
    assert found.members == corrected_interval(losses, training_rows=rows, validation_rows=rows // 4, level=0.9)


def test_the_difference_to_the_default_is_paired_by_fold():
    losses = np.array([0.1, 0.9, 0.5])
    found = nested_estimate(folds(losses, losses + 0.05))
    assert found.difference.mean == pytest.approx(0.05)
    assert found.difference.low == pytest.approx(0.05)
    assert found.better
    assert not nested_estimate(folds(losses, losses[::-1])).better


@pytest.mark.parametrize(("low", "high", "agrees"), [(0.0, 0.3, False), (0.4, 0.6, True), (0.9, 1.0, False)])
def test_estimates_agree_where_their_intervals_meet(low, high, agrees):
    found = nested_estimate(folds([0.49, 0.51, 0.5]))
    assert found.agrees(Interval(mean=(low + high) / 2, low=low, high=high)) is agrees


def test_to_beat_the_default_is_no_claim_where_the_constant_prediction_is_not_beaten():
    losses = np.array([0.3, 0.5, 0.4])
    lower = folds(losses, losses + 0.05)
    assert nested_estimate(lower).better
    for constant in (losses - 0.01, losses + [0.2, -0.3, 0.1], np.full(3, math.nan)):
        same = [replace(fold, constant_loss=float(loss)) for fold, loss in zip(lower, constant, strict=True)]
        assert not nested_estimate(same).better


def test_a_claim_has_an_interval_of_its_own_level():
    found = nested_estimate(folds([0.4, 0.5, 0.6], [0.5, 0.55, 0.8]), level=0.9, claim_level=0.95)
    assert (found.members.level, found.difference.level) == (0.9, 0.95)


def test_a_default_that_could_not_be_completed_makes_no_claim():
    found = nested_estimate(folds([0.4, 0.5, 0.6], [0.9, math.nan, 0.9]))
    assert math.isnan(found.difference.mean)
    assert not found.better


def test_a_fold_is_kept_as_json_and_comes_back():
    assert OuterFold.from_json(FOLD.to_json()) == FOLD
