"""What all distributions of a space have in common: quantiles and values are each other's inverse; JSON keeps them."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evenfit.errors import ConfigError
from evenfit.specs.space import Beta, Choice, Constant, LogNormal, Normal, Range
from evenfit.specs.space.distribution import distribution_from_json, distribution_to_json, has

NUMBERS = [
    Range(low=0.0, high=2.0),
    Range(low=1e-4, high=10.0, log=True),
    Range(low=1e-4, high=10.0, log=True, zero=0.7),
    Range(low=1, high=9, whole=True),
    Range(low=1, high=300, whole=True, log=True),
    Range(low=3, high=3, whole=True, zero=0.9),
    Range(low=0.5, high=0.5),
    Range(low=0.1, high=0.75, step=0.2, zero=0.1),
    Range(low=16, high=256, step=16, whole=True, log=True),
    Range(low=0.05, high=1.0, step=0.1, log=True),
    Range(low=0.0, high=0.6, centre=0.3, width=0.1, zero=0.2),
    Range(low=5e-4, high=2e-2, log=True, centre=3e-3, width=3.0),
    Range(low=16, high=512, log=True, centre=128, width=2.0, whole=True),
    Range(low=0.0, high=1.0, width=0.2),
    Normal(centre=0.3, width=0.1),
    Normal(centre=0.3, width=0.4, low=0.0, high=0.9, step=0.05),
    Normal(centre=60, width=30, low=1, high=128, whole=True, zero=0.3),
    LogNormal(centre=0.01, width=10.0),
    LogNormal(centre=0.01, width=3.0, high=0.1, zero=0.5),
    LogNormal(centre=64, width=2.0, low=1, high=256, step=16, whole=True),
    Beta(a=2, b=5),
    Beta(a=0.5, b=0.5, low=-1.0, high=0.6, step=0.1),
    Beta(a=1, b=3, low=0.0, high=0.6, zero=0.4),
]
CHOICES = [
    Choice(values=("a", "b", "c")),
    Choice(values=("a", "b", "c"), first=0.8),
    Choice(values=("a", "b", "c"), probabilities=(0.2, 0.0, 0.8)),
    Choice(values=(16,)),
    Choice(values=(False, 0, "", 0.5, True, 1)),
    Constant(value=0.9),
]


@pytest.mark.parametrize("known", NUMBERS + CHOICES, ids=repr)
@given(quantile=st.floats(0.0, 1.0, exclude_max=True))
def test_the_value_at_a_values_quantile_is_the_value(known, quantile):
    value = known.at(quantile)
    place = known.quantile_of(value)
    assert 0 <= place < 1
    again = known.at(place)
    if isinstance(value, float):  # in the tails of a bell, one value is as good as another
        assert again == pytest.approx(value, rel=1e-6, abs=1e-9) or abs(known.quantile_of(again) - place) < 1e-9
    else:
        assert again == value
    assert isinstance(again, bool) == isinstance(value, bool)
    assert has(known, value)


@pytest.mark.parametrize("known", NUMBERS, ids=repr)
@given(first=st.floats(0.0, 0.999), second=st.floats(0.0, 0.999))
def test_greater_quantiles_have_no_smaller_values_but_for_zeros_before_all(known, first, second):
    low, high = sorted([max(first, known.zero), max(second, known.zero)])
    assert known.at(low) <= known.at(high) + 1e-12
    assert known.low <= known.at(low) <= known.high


@pytest.mark.parametrize("known", NUMBERS + CHOICES, ids=repr)
def test_all_values_are_those_that_quantiles_lead_to(known):
    drawn = [known.at(place / 20_000) for place in range(20_000)]
    values = known.values_or_none()
    kinds = {(isinstance(value, bool), value) for value in drawn}
    if values is None:
        assert len(kinds) > 500
    else:
        assert kinds == {(isinstance(value, bool), value) for value in values}
        assert len(values) == len(kinds)


@pytest.mark.parametrize("known", NUMBERS + CHOICES, ids=repr)
def test_a_distribution_comes_back_equal_from_json(known):
    assert distribution_from_json(json.loads(json.dumps(distribution_to_json(known)))) == known


def test_zero_has_its_probability():
    for known in NUMBERS:
        drawn = [known.at(place / 1000) for place in range(1000)]
        if known.zero:
            assert drawn.count(0) >= 1000 * known.zero - 1


def drawn(known, count=4000):
    generator = np.random.default_rng(7)
    return [known.at(u) for u in generator.random(count)]


@pytest.mark.statistical  # error rate 0.001 each, seed fixed
@pytest.mark.parametrize(
    ("known", "of"),
    [
        (Range(low=1.0, high=3.0), stats.uniform(1.0, 2.0)),
        (Range(low=1e-3, high=10.0, log=True), stats.loguniform(1e-3, 10.0)),
        (Normal(centre=0.3, width=0.1), stats.norm(0.3, 0.1)),
        (Normal(centre=0.3, width=0.2, low=0.0, high=0.4), stats.truncnorm(-1.5, 0.5, 0.3, 0.2)),
        (Range(low=0.0, high=0.4, centre=0.3, width=0.2), stats.truncnorm(-1.5, 0.5, 0.3, 0.2)),
        (LogNormal(centre=0.01, width=3.0), stats.lognorm(s=math.log(3.0), scale=0.01)),
        (Beta(a=2, b=5, low=1.0, high=3.0), stats.beta(2, 5, 1.0, 2.0)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_numbers_follow_the_distribution_that_is_named(known, of):
    assert stats.kstest(drawn(known), of.cdf).pvalue > 0.001


@pytest.mark.parametrize(
    ("known", "shares"),
    [
        (Range(low=0.0, high=0.3, step=0.1), {0.0: 0.25, 0.1: 0.25, 0.2: 0.25, 0.3: 0.25}),
        (Range(low=1, high=4, step=2, whole=True), {1: 0.5, 3: 0.5}),
        (
            Range(low=1, high=2, log=True, whole=True),
            {1: math.log(1.5 / 0.5) / math.log(2.5 / 0.5), 2: math.log(2.5 / 1.5) / math.log(2.5 / 0.5)},
        ),
        (Choice(values=("a", "b", "c"), probabilities=(0.2, 0.5, 0.3)), {"a": 0.2, "b": 0.5, "c": 0.3}),
        (Choice(values=("a", "b", "c"), first=0.8), {"a": 0.8, "b": 0.1, "c": 0.1}),
    ],
    ids=repr,
)
def test_values_in_steps_have_the_shares_of_what_lies_nearest_to_them(known, shares):
    values = [known.at(place / 10_000) for place in range(10_000)]
    assert {value: values.count(value) / 10_000 for value in set(values)} == pytest.approx(shares, abs=2e-4)


def test_what_a_distribution_does_not_have_is_near_what_it_has():
    assert Range(low=1.0, high=2.0).quantile_of(5.0) < 1
    assert Range(low=1.0, high=2.0, log=True).quantile_of(0.0) == 0
    assert Choice(values=("a", "b")).quantile_of("z") == 0.5
    assert Range(low=0.0, high=1.0, step=0.25).at(Range(low=0.0, high=1.0, step=0.25).quantile_of(0.3)) == 0.25


def test_false_zero_and_the_empty_text_are_values_of_their_own():
    known = Choice(values=(False, 0, ""))
    assert [known.at(known.quantile_of(value)) for value in (False, 0, "")] == [False, 0, ""]
    assert known.at(known.quantile_of(0)) is not False
    assert known.at(known.quantile_of(False)) is False


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Range(low=2, high=1), "low <= high, got 2 and 1"),
        (lambda: Range(low=0, high=1, log=True), "bounds above 0, got 0"),
        (lambda: Range(low=0, high=1, zero=1.0), r"zero must be in \[0, 1\), got 1.0"),
        (lambda: Range(low="0", high=1), "low of a range must be a number, got '0'"),
        (lambda: Range(low=0, high=math.inf), "high of a range must be finite"),
        (lambda: Range(low=0, high=1, step=0), "step of a range must be above 0, got 0"),
        (lambda: Range(low=1, high=9, step=1.5, whole=True), "step of a range of whole numbers must be whole"),
        (lambda: Range(low=0.5, high=9, whole=True), "needs whole bounds, got 0.5 and 9"),
        (lambda: Range(low=0, high=1, centre=0.5), "a centre needs a width"),
        (lambda: Range(low=0, high=1, width=-1.0), "width of a range must be above 0; got -1.0"),
        (lambda: Range(low=1, high=9, log=True, width=0.5), "must be above 1, since it is a factor; got 0.5"),
        (lambda: Range(low=0, high=1, centre=50.0, width=1.0), "nothing lies between"),
        (lambda: Range(low=0, high=1, log="yes"), "log of a range must be true or false"),
        (lambda: Normal(centre=0, width=0), "width of a normal distribution must be above 0"),
        (lambda: Normal(centre=0, width=1, low=0.1, high=0.2, step=0.5), "no multiple of 0.5 between 0.1 and 0.2"),
        (lambda: LogNormal(centre=0, width=2), "centre of a lognormal distribution must be above 0; got 0"),
        (lambda: LogNormal(centre=1, width=1), "above 1, since it is a factor"),
        (lambda: Beta(a=0, b=1), "a of a beta distribution must be above 0, got 0"),
        (lambda: Choice(values=()), "at least one value"),
        (lambda: Choice(values="abc"), "values of a choice must be a list, got 'abc'"),
        (lambda: Choice(values=(1, 2, 1.0)), "each value once, got 1.0 twice"),
        (lambda: Choice(values=(1, 2), probabilities=(0.5, 0.4)), "sum to 1, got 0.9"),
        (lambda: Choice(values=(1, 2), probabilities=(1.5, -0.5)), "at least 0, got -0.5"),
        (lambda: Choice(values=(1, 2), probabilities=(1.0,)), "2 values has 1 probabilities"),
        (lambda: Choice(values=(1, 2), first=0.5, probabilities=(0.5, 0.5)), "not both"),
        (lambda: Choice(values=(1, 2), branches={3: {}}), "no value 3 to branch at"),
    ],
)
def test_a_distribution_that_makes_no_sense_is_refused(make, said):
    with pytest.raises(ConfigError, match=said):
        make()


def test_a_choice_of_an_earlier_version_keeps_the_weight_of_a_value_that_came_twice():
    known = distribution_from_json({"choices": ["pbld", "pbld", "none"], "first": 0.0})
    assert known.values == ("pbld", "none")
    assert known.probabilities == pytest.approx((2 / 3, 1 / 3))
    assert distribution_from_json({"low": 1, "high": 1, "log": False, "whole": True, "zero": 0.98}).at(0.99) == 1
