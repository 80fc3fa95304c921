"""Numbers as text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.studies import interval

from evenfit.report.digits import count, decimals, duration, fixed, interval_decimals, short, with_interval


@pytest.mark.parametrize(
    ("mean", "half", "shown"),
    [
        (0.25134, 0.0083, "0.251 (0.243 to 0.260)"),
        (0.25134, 0.015, "0.251 (0.236 to 0.266)"),
        (123456.7, 2300.0, "123,500 (121,200 to 125,800)"),
        (0.5, 0.4, "0.5 (0.1 to 0.9)"),
        (3.1e-9, 2e-10, "3.10e-9 (2.90e-9 to 3.30e-9)"),
        (-0.0001, 0.01, "0.000 (-0.010 to 0.010)"),
        (4.0, 0.0, "4.000 (4.000 to 4.000)"),
        (0.3, math.inf, "0.3000"),
        (math.nan, math.nan, "not known"),
        (2.5e12, 1e11, "2.50e12 (2.40e12 to 2.60e12)"),
    ],
)
def test_a_mean_has_the_digits_that_its_interval_allows(mean, half, shown):
    assert with_interval(interval(mean, half)) == shown


@given(st.floats(1e-300, 1e300))
def test_an_uncertainty_keeps_one_or_two_digits(half):
    units = half * 10.0 ** decimals(half) if abs(decimals(half)) < 300 else 5
    assert 2.9 <= units <= 30.1


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(-12, 12))
def test_no_number_breaks_the_words(value, places):
    assert fixed(value, places)
    assert short(value)


def test_a_row_of_intervals_shares_decimals_that_the_narrowest_can_be_told_apart_with():
    assert interval_decimals(interval(0.2, 0.0033), interval(0.2, 0.0016)) == 3
    assert interval_decimals(interval(0.2, 0.5), interval(0.2, 0.003)) == 3


def test_rounding_noise_is_no_interval():
    assert interval_decimals(interval(0.25, 1e-17)) == 4


def test_times_and_counts_read_like_speech():
    assert (duration(125), duration(7300)) == ("2 min 5 s", "2 h 1 min")
    assert (count(1, "class"), count(2, "class"), count(0, "row")) == ("1 class", "2 classes", "0 rows")
