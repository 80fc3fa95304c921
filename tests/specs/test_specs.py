"""Configs, budgets and spaces: checked once, when made, and equal after a round trip through JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fleet.networks import configs

from evenfit.errors import BudgetError, ConfigError
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Range, Space


@given(made=configs())
def test_a_config_comes_back_equal_from_json(made):
    assert Config.from_json(json.loads(json.dumps(made[0].to_json()))) == made[0]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("dropout", 1.0, r"dropout must be in \[0.0, 1.0\), got 1.0"),
        ("dropout", -0.1, r"dropout must be in \[0.0, 1.0\), got -0.1"),
        ("beta", 1.1, r"beta must be in \[0.0, 1.0\], got 1.1"),
        ("l1", -1e-3, r"l1 must be in"),
        ("l2", float("nan"), r"l2 must be in"),
        ("learning_rate", 0.0, r"learning_rate must be above 0"),
        ("learning_rate", float("inf"), r"learning_rate must be in"),
        ("width", 0, r"width must be a whole number between 1 and 65536, got 0"),
        ("width", 2.5, r"width must be a whole number"),
        ("epochs", True, r"epochs must be a whole number"),
        ("unit_norm", 0.5, r"unit_norm must be true or false, got 0.5"),
        ("mixup", -0.1, r"mixup must be in \[0.0, 1000.0\], got -0.1"),
        ("dropout_kind", "spatial", r"dropout_kind must be one of elementwise, gaussian, alpha; got 'spatial'"),
        ("activation", "tanh", r"activation must be one of relu, selu, mish, silu, gelu; got 'tanh'"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_range(name, value, said):
    with pytest.raises(ConfigError, match=said):
        Config(**{name: value})


@given(made=configs())
def test_a_tidied_config_is_tidy_and_without_a_regulariser_has_it_not(made):
    tidy = made[0].tidied()
    assert tidy.tidied() == tidy
    assert set(tidy.regularisers()) <= set(made[0].regularisers())
    for name in tidy.regularisers():
        less = tidy.without(name)
        assert set(less.regularisers()) == set(tidy.regularisers()) - {name}
        assert type(getattr(less, name)) is type(getattr(tidy, name))


def test_tidying_takes_away_what_could_do_nothing():
    assert Config(depth=0, dropout=0.5, r_drop=1.0, unit_norm=True, activity_l1=1.0).tidied() == Config(depth=0)
    kept = Config(dropout=0.5, dropout_kind="gaussian", dropout_schedule="early", r_drop=1.0)
    assert kept.tidied() == kept
    assert Config(dropout=0.5, dropout_kind="alpha").tidied() == Config(dropout=0.5)
    alpha = Config(dropout=0.5, dropout_kind="alpha", activation="selu")
    assert alpha.tidied() == alpha
    assert Config(penalty_schedule="late", max_norm=1.0).tidied() == Config(max_norm=1.0)


def test_an_unknown_value_is_named():
    with pytest.raises(ConfigError, match="no value named 'drop_out'"):
        Config.from_json({"drop_out": 0.1})


def test_whole_numbers_of_any_type_become_ints():
    config = Config(width=64.0, epochs=3)
    assert isinstance(config.width, int)
    assert isinstance(config.dropout, float)


@pytest.mark.parametrize(
    ("text", "seconds", "trials"),
    [
        ("60s", 60, None),
        ("90", 90, None),
        ("1.5m", 90, None),
        ("2 minutes", 120, None),
        ("1h", 3600, None),
        ("40 trials", None, 40),
        ("1 trial", None, 1),
        (" 5M ", 300, None),
    ],
)
def test_a_budget_is_read_as_a_user_writes_it(text, seconds, trials):
    assert Budget.parse(text) == Budget(seconds=seconds, trials=trials)


@pytest.mark.parametrize("text", ["0", "0s", "-5s", "soon", "", "5 weeks", "0 trials", "2.5 trials", "1e999"])
def test_a_budget_that_cannot_be_spent_says_what_one_looks_like(text):
    with pytest.raises(BudgetError, match="a budget is a time such as 60s"):
        Budget.parse(text)


@given(
    quantile=st.floats(0, 1, exclude_max=True), low=st.floats(1e-6, 1), width=st.floats(0, 10), zero=st.floats(0, 0.9)
)
def test_a_range_gives_values_within_its_bounds_or_zero(quantile, low, width, zero):
    for log in (False, True):
        value = Range(low=low, high=low + width, log=log, zero=zero).at(quantile)
        if quantile < zero:
            assert value == 0
        else:
            assert low * (1 - 1e-9) <= value <= (low + width) * (1 + 1e-9)


def test_a_whole_range_includes_both_ends_equally_often():
    values = [Range(low=1, high=3, whole=True).at(quantile / 300) for quantile in range(300)]
    assert [values.count(x) for x in (1, 2, 3)] == [100, 100, 100]


@pytest.mark.parametrize(
    "values", [{"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True}, {"low": 0, "high": 1, "zero": 1.0}]
)
def test_a_range_that_makes_no_sense_is_refused(values):
    with pytest.raises(ConfigError):
        Range(**values)


def test_a_choice_gives_its_first_value_with_its_probability_and_the_others_equally_often():
    drawn = [Choice(values=("a", "b", "c"), first=0.8).at(quantile / 1000) for quantile in range(1000)]
    assert [drawn.count(value) for value in "abc"] == [800, 100, 100]
    assert Choice(values=("a",), first=0.5).at(0.9) == "a"
    with pytest.raises(ConfigError, match="probability of the first value"):
        Choice(values=("a", "b"), first=1.0)


def test_what_is_usual_is_likelier_than_all_others_together():
    assert Choice(values=("a", "b", "c"), first=0.8).usual == 0.8
    assert Choice(values=("a", "b", "c")).usual == 0
    assert Range(low=0.1, high=1, zero=0.9).usual == 0.9
    assert Range(low=0.1, high=1, zero=0.4).usual == 0


def test_a_space_comes_back_equal_from_json_and_refuses_unknown_names():
    space = Space(
        default=Config(width=32),
        values={
            "width": Choice(values=(16, 32)),
            "schedule": Choice(values=("cosine", "constant"), first=0.8),
            "dropout": Range(low=0.1, high=0.5, zero=0.2),
        },
    )
    assert Space.from_json(json.loads(json.dumps(space.to_json()))) == space
    with pytest.raises(ConfigError, match="no value named 'layers'"):
        Space(values={"layers": Choice(values=(1, 2))})
    with pytest.raises(ConfigError, match="at least one value"):
        Choice(values=())
