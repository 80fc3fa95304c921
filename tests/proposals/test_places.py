"""Places: the inverse of drawing a value at a quantile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.proposals.places import place_of
from evenfit.specs.space import Choice, Range

DISTRIBUTIONS = [
    Range(low=0.0, high=2.0),
    Range(low=1e-4, high=10.0, log=True),
    Range(low=1e-4, high=10.0, log=True, zero=0.7),
    Range(low=1, high=9, whole=True),
    Range(low=3, high=3, whole=True, zero=0.9),
    Range(low=0.5, high=0.5),
    Choice(values=("a", "b", "c")),
    Choice(values=("a", "b", "c"), first=0.8),
    Choice(values=(16,)),
    Choice(values=(False, True, 0.5)),
]


@pytest.mark.parametrize("known", DISTRIBUTIONS, ids=repr)
@given(quantile=st.floats(0.0, 1.0, exclude_max=True))
def test_the_value_at_a_values_place_is_the_value(known, quantile):
    value = known.at(quantile)
    place = place_of(known, value)
    assert 0 <= place < 1
    assert known.at(place) == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize("known", DISTRIBUTIONS[:4], ids=repr)
@given(first=st.floats(0.0, 0.999), second=st.floats(0.0, 0.999))
def test_greater_values_have_no_smaller_places(known, first, second):
    low, high = sorted([known.at(first), known.at(second)])
    assert place_of(known, low) <= place_of(known, high)


def test_what_a_distribution_does_not_have_is_near_what_it_has():
    assert place_of(Range(low=1.0, high=2.0), 5.0) < 1
    assert place_of(Range(low=1.0, high=2.0, log=True), 0.0) == 0
    assert place_of(Choice(values=("a", "b")), "z") == 0.5
