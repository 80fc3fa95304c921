"""Schedules: names, ends, and what is no schedule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.errors import RegularizeError
from evenfit.regularize.schedules import SCHEDULES, check_schedule, share_at

ENDS = {  # at the start, at a quarter, at three quarters, just before the end
    "constant": (1.0, 1.0, 1.0, 1.0),
    "cosine": (1.0, 0.853553, 0.146447, 0.0),
    "curriculum": (0.0, 0.917915, 0.999447, 0.999955),
    "early": (1.0, 0.5, 0.0, 0.0),
    "flat-cosine": (1.0, 1.0, 0.5, 0.0),
    "late": (0.0, 0.0, 1.0, 1.0),
    "linear": (1.0, 0.75, 0.25, 0.0),
    "rising": (0.0, 0.25, 0.75, 1.0),
}


def test_the_table_is_sorted():
    assert list(SCHEDULES) == sorted(ENDS)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_goes_where_its_name_says(name):
    for progress, share in zip((0.0, 0.25, 0.75, 1 - 1e-12), ENDS[name], strict=True):
        assert share_at(name, progress) == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
@given(progress=st.floats(0, 1, exclude_max=True))
def test_a_share_is_in_zero_to_one(name, progress):
    assert 0 <= share_at(name, progress) <= 1


@pytest.mark.parametrize("progress", [-0.1, 1.0, float("nan")])
def test_progress_is_below_one(progress):
    with pytest.raises(RegularizeError, match=r"progress must be in \[0, 1\), got"):
        share_at("linear", progress)


def test_a_function_of_progress_is_a_schedule_and_must_give_strengths():
    assert share_at(lambda progress: 3 * progress, 0.5) == 1.5
    for wrong in (-0.1, float("nan"), float("inf")):
        with pytest.raises(RegularizeError, match=r"must be a number of at least 0; the schedule <lambda> gave"):
            share_at(lambda progress, share=wrong: share, 0.5)


def test_an_unknown_name_is_refused():
    with pytest.raises(RegularizeError, match=r"one of constant, cosine, curriculum, .*; got 'sudden'"):
        check_schedule("schedule", "sudden")
