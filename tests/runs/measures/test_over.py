"""Values of a hyperparameter and sizes, as a user writes them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.errors import ConfigError
from evenfit.runs.measures.over import WHOLE, parse_over
from evenfit.runs.measures.sizes import parse_sizes
from evenfit.specs.config import Config

WIDTHS = st.tuples(st.integers(1, 2000), st.integers(1, 2000)).filter(lambda ends: ends[0] < ends[1])
SCALES = st.sampled_from(["l1", "l2", "learning_rate", "input_noise", "max_norm"])


@given(WIDTHS)
def test_widths_between_two_ends_are_both_and_the_powers_of_two_between(ends):
    values = parse_over(f"width={ends[0]}..{ends[1]}", base=Config()).values
    assert (values[0], values[-1]) == ends
    assert set(values) - set(ends) == {2**power for power in range(12) if ends[0] < 2**power < ends[1]}
    assert all(isinstance(value, int) for value in values)


@given(SCALES, st.floats(1e-6, 1.0), st.floats(1.5, 1e5))
def test_scales_rise_from_one_end_to_the_other_by_about_equal_factors(name, low, factor):
    values = parse_over(f"{name}={low!r}..{low * factor!r}", base=Config()).values
    assert (values[0], values[-1]) == (low, low * factor)
    assert list(values) == sorted(set(values))
    steps = [after / before for before, after in itertools.pairwise(values)]
    assert max(steps) < 3 * min(steps)


@pytest.mark.parametrize("name", ["dropout", "label_smoothing", "beta", "weight_averaging"])
@pytest.mark.parametrize("high", [0.3, 0.5, 0.6, 0.8])
def test_rates_rise_by_equal_steps(name, high):
    values = parse_over(f"{name}=0..{high}", base=Config()).values
    steps = [after - before for before, after in itertools.pairwise(values)]
    assert max(steps) == pytest.approx(min(steps), rel=0.25)
    assert 5 <= len(values) <= 9


def test_a_scale_that_begins_at_0_has_it_and_then_factors():
    assert parse_over("l2=0..1", base=Config()).values == (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def test_values_one_by_one_are_kept_in_their_order_and_kind():
    assert parse_over("activation=selu,relu", base=Config()).values == ("selu", "relu")
    assert parse_over("unit-norm=true,false", base=Config()).values == (True, False)
    assert parse_over("epochs=32,4", base=Config()).values == (32, 4)


@pytest.mark.parametrize("name", sorted(set(WHOLE) - {"rows"}))
def test_whole_numbers_stay_whole(name):
    assert all(isinstance(value, int) for value in parse_over(f"{name}=1..9", base=Config()).values)


def test_training_rows_are_swept_only_where_they_can_be():
    assert parse_over("rows=100..400", base=Config(), others=("rows",)).values == (100, 128, 256, 400)
    with pytest.raises(ConfigError, match="no value named 'rows'"):
        parse_over("rows=100..400", base=Config())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("widht=4..8", "did you mean 'width'"),
        ("width", "NAME=LOW..HIGH"),
        ("width=", "NAME=LOW..HIGH"),
        ("width=4", "at least 2 values"),
        ("width=4,4", "at least 2 values"),
        ("width=8..4", "lower value to a higher"),
        ("width=a..b", "'a'"),
        ("width=4.5..9", "whole numbers"),
        ("width=0..9", "width must be"),
        ("dropout=0..1.5", "dropout must be in"),
        ("dropout=0,x", "'x'"),
        ("l2=0..nan", "'nan'"),
        ("l2=-1..1", "l2 must be in"),
        ("activation=relu..selu", "has no range"),
        ("activation=relu,tanh", "activation must be one of"),
        ("unit_norm=yes,no", "true or false"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_line_that_says_why(text, message):
    with pytest.raises(ConfigError, match=message) as error:
        parse_over(text, base=Config())
    assert "\n" not in str(error.value)


def test_sizes_are_rows_or_shares():
    assert parse_sizes("100, 200,400") == (100, 200, 400)
    assert [type(size) for size in parse_sizes("1,1.0")] == [int, float]


@pytest.mark.parametrize("text", ["", "a", "100,", "-5", "0", "nan", "inf"])
def test_sizes_that_are_no_numbers_are_refused(text):
    with pytest.raises(ConfigError, match="sizes must be numbers"):
        parse_sizes(text)
