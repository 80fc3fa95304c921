"""Rates follow training as their schedule says, in layers of any library, and from progress alone."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import evenfit.regularize as er
from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.droppers import dropout_rates, droppers, set_dropout_rates_
from evenfit.regularize.dropout.rate_schedule import RateSchedule
from evenfit.regularize.schedules import SCHEDULES, curriculum, early, flat_cosine, late


class DropPath(nn.Module):
    """As in other libraries."""

    def __init__(self, drop_prob=0.1):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        return x


class MyDropout(nn.Module):
    """Does not say its rate."""

    def forward(self, x):
        return x


class DropoutNet(nn.Module):
    """Named after dropout, but a model."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Dropout(0.5)


def many():
    shared = nn.Dropout(0.5)
    return nn.ModuleDict(
        {
            "own": er.Dropout(0.25),
            "torch": shared,
            "again": shared,
            "maps": nn.Dropout2d(0.2),
            "lstm": nn.LSTM(2, 2, num_layers=2, dropout=0.4),
            "without": nn.GRU(2, 2),
            "attention": nn.MultiheadAttention(2, 1, dropout=0.3),
            "path": DropPath(),
            "silent": MyDropout(),
            "net": DropoutNet(),
            "dense": nn.Linear(2, 2),
        }
    )


RATES = {"own": 0.25, "torch": 0.5, "maps": 0.2, "lstm": 0.4, "attention": 0.3, "path": 0.1, "net.layer": 0.5}


def test_all_that_drops_is_found_once_with_its_rate():
    assert dropout_rates(many()) == RATES
    assert {name for name, _ in droppers(many())} == {*RATES, "silent"}


def test_rates_are_set_where_they_are_read():
    model = many()
    set_dropout_rates_(model, {name: rate / 2 for name, rate in RATES.items()})
    assert model["own"].rate == 0.125
    assert model["torch"].p == 0.25
    assert model["lstm"].dropout == 0.2
    assert model["attention"].dropout == 0.15
    assert model["path"].drop_prob == 0.05
    set_dropout_rates_(model, {"lstm": 0.0})
    set_dropout_rates_(model, {"lstm": 0.4})  # what does not drop for now can be set again
    assert model["lstm"].dropout == 0.4


@pytest.mark.parametrize(
    ("rates", "says"),
    [
        ({"own": 0.1, "torch": 1.0}, "rate of 'torch', the probability that a unit is dropped"),
        ({"own": 0.1, "dense": 0.1}, "no dropout layer 'dense'; it has: own, torch, maps, lstm, attention, path"),
        ({"own": 0.1, "silent": 0.1}, "no dropout layer 'silent'"),
    ],
)
def test_rates_that_cannot_be_set_are_refused_and_none_is(rates, says):
    model = many()
    with pytest.raises(RegularizeError, match=says):
        set_dropout_rates_(model, rates)
    assert dropout_rates(model) == RATES


@given(progress=st.floats(0, 1))
def test_every_schedule_gives_a_share(progress):
    for name, schedule in SCHEDULES.items():
        assert 0 <= schedule(progress) <= 1, name


@given(early_on=st.floats(0, 1), later=st.floats(0, 1))
def test_schedules_go_the_way_that_they_say(early_on, later):
    early_on, later = sorted((early_on, later))
    for name in ("early", "linear", "flat-cosine"):
        assert SCHEDULES[name](early_on) >= SCHEDULES[name](later)
    for name in ("late", "rising", "curriculum"):
        assert SCHEDULES[name](early_on) <= SCHEDULES[name](later)


def test_schedules_pass_through_their_points():
    assert [early(x, until=0.2) for x in (0, 0.1, 0.2, 0.9)] == [1, 0.5, 0, 0]
    assert [late(x, start=0.3) for x in (0, 0.29, 0.3, 1)] == [0, 0, 1, 1]
    assert [flat_cosine(x) for x in (0, 0.49, 0.5)] == [1, 1, 1]
    assert flat_cosine(0.75) == pytest.approx(0.5)
    assert flat_cosine(1.0) == pytest.approx(0.0)
    assert [SCHEDULES["linear"](x) for x in (0, 0.25, 1)] == [1, 0.75, 0]
    assert curriculum(0) == 0
    assert curriculum(0.1) == pytest.approx(1 - torch.e**-1)  # gamma is 10 over the length of training


def test_a_schedule_sets_the_rates_and_remembers_the_full_ones():
    model = many()
    schedule = RateSchedule(model, "linear")
    for progress in (0.0, 0.5, 1.0, 0.25):
        schedule.set(progress)
        assert dropout_rates(model).get("own", 0.0) == 0.25 * (1 - progress)
        assert model["torch"].p == 0.5 * (1 - progress)
        assert model["lstm"].dropout == 0.4 * (1 - progress)
    assert schedule.rates == RATES


def test_a_schedule_resumes_from_its_rates_and_progress():
    model = many()
    schedule = RateSchedule(model, "early")
    schedule.set(0.3)
    kept, before = json.loads(json.dumps(schedule.rates)), dropout_rates(model)
    resumed = many()
    set_dropout_rates_(resumed, before)  # as a copy of the model that was stopped
    RateSchedule(resumed, "early", rates=kept).set(0.3)
    assert dropout_rates(resumed) == pytest.approx(before)
    again = RateSchedule(resumed, "early", rates=kept)
    again.set(0.0)
    assert dropout_rates(resumed) == RATES


def test_a_schedule_may_be_any_function_of_progress():
    model = nn.Sequential(nn.Dropout(0.5))
    schedule = er.RateSchedule(model, lambda progress: progress**2)
    schedule.set(0.5)
    assert model[0].p == 0.125


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda model: RateSchedule(model, "sudden"), "schedule must be a function of progress or one of constant, "),
        (lambda model: RateSchedule(nn.Linear(2, 2), "early"), "Linear has no dropout layer whose rate"),
        (lambda model: RateSchedule(model, "early", rates={"1": 0.5}), "no dropout layer '1'; it has: 0"),
        (lambda model: RateSchedule(model, "early").set(1.1), r"must be in \[0, 1\]; got 1.1"),
        (
            lambda model: RateSchedule(model, "early").set(float("nan")),
            "progress, the share of training that is behind",
        ),
        (lambda model: RateSchedule(model, lambda _: 2).set(0.5), r"a share of the rate in \[0, 1\]; got 2 at 0.5"),
    ],
)
def test_what_cannot_be_scheduled_is_refused(call, says):
    model = nn.Sequential(nn.Dropout(0.5))
    with pytest.raises(RegularizeError, match=says):
        call(model)
    assert model[0].p == 0.5
