"""Racing: who of a heat goes on, as shares; the laws of every way to race, and what each is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.errors import ConfigError
from evenfit.specs.racing import RACING, RACINGS, Racing, hyperband, racing_of, survivors

COUNTS = st.integers(1, 60)
HEATS = st.integers(1, 200)
NAMES = st.sampled_from(sorted(RACINGS))


def left_at_the_end(racing, configs):
    for _ in racing.rungs_of(configs):
        configs = survivors(configs, racing.thinning)
    return configs


@given(name=NAMES, heat=HEATS, configs=COUNTS)
def test_a_race_leaves_somebody_and_trains_no_more_than_all(name, heat, configs):
    racing = RACINGS[name](heat)
    assert 1 <= left_at_the_end(racing, configs) <= configs
    assert 0 < racing.trained(configs) <= 1
    assert 1 <= racing.entries(configs) <= configs


@given(name=NAMES, heat=HEATS, configs=COUNTS)
def test_no_rung_is_for_nobody(name, heat, configs):
    racing = RACINGS[name](heat)
    rungs = racing.rungs_of(configs)
    assert rungs == racing.rungs[len(racing.rungs) - len(rungs) :]
    for _ in rungs:
        assert configs > 1
        configs = survivors(configs, racing.thinning)


@given(name=NAMES, heat=HEATS)
def test_a_way_to_race_is_a_function_of_the_heat_s_number(name, heat):
    assert RACINGS[name](heat) == RACINGS[name](heat)


@given(heat=HEATS, most=st.integers(9, 40))
def test_the_brackets_of_hyperband_cost_about_the_same(heat, most):
    costs = [
        racing.entries(most) * racing.trained(racing.entries(most)) for racing in map(hyperband, range(heat, heat + 3))
    ]
    assert max(costs) < 1.7 * min(costs)
    sizes = sorted(hyperband(number).entries(most) for number in range(heat, heat + 3))
    assert sizes[0] < sizes[1] < sizes[2] == most


def test_the_more_configs_a_bracket_has_the_earlier_they_are_dropped():
    brackets = [hyperband(heat) for heat in (1, 2, 3)]
    assert [racing.entries(9) for racing in brackets] == [9, 5, 3]
    assert [racing.rungs[:1] for racing in brackets] == [(1 / 9,), (1 / 3,), ()]


def test_nothing_is_dropped_where_nothing_is_to_be():
    racing = RACINGS["none"](7)
    assert (racing.rungs_of(40), racing.first, racing.trained(40), racing.entries(40)) == ((), 0.0, 1.0, 40)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rungs": (0.5, 0.25)}, "rungs must be rising"),
        ({"rungs": (0.0,)}, "rungs must be rising"),
        ({"rungs": (1.0,)}, "rungs must be rising"),
        ({"thinning": 1.0}, "thinning must be above 1, got 1.0"),
        ({"first": 1.0}, "shares must lie between 0 and 1"),
        ({"configs": 0.0}, "shares must lie between 0 and 1"),
    ],
)
def test_a_race_that_is_none_is_refused(wrong, said):
    with pytest.raises(ConfigError, match=said):
        Racing(**wrong)


def test_a_name_that_is_none_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"racing must be one of halving, hyperband, .*; got 'halfing'"):
        racing_of("halfing")
    assert racing_of(RACING) is RACINGS[RACING]
