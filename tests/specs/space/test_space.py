"""Spaces: names are checked at once, and searched only while their conditions hold."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.errors import ConfigError
from evenfit.specs.config import Config
from evenfit.specs.space import Above, Beta, Choice, Constant, LogNormal, Normal, Range, Space

NESTED = Space(
    default=Config(width=64, dropout=0.1, second_momentum=0.9),
    values={
        "momentum": Range(low=0.5, high=0.99),
        "dropout_kind": Choice(values=("elementwise", "gaussian")),
        "optimiser": Choice(
            values=("adamw", "sgd"),
            branches={
                "adamw": {"second_momentum": Choice(values=(0.95, 0.999))},
                "sgd": {"nesterov": Choice(values=(True, False)), "schedule": Choice(values=("cosine", "constant"))},
            },
        ),
        "dropout": Range(low=0.05, high=0.5, zero=0.5),
        "input_noise": Range(low=0.01, high=0.1),
    },
    when={"dropout_kind": {"dropout": Above(0.0)}, "input_noise": {"schedule": "constant", "nesterov": True}},
)
quantiles = st.fixed_dictionaries({name: st.floats(0, 1, exclude_max=True) for name in NESTED.values})


@given(quantiles=quantiles)
def test_a_name_has_the_defaults_value_unless_its_condition_holds(quantiles):
    config, default = NESTED.config_at(quantiles), NESTED.default
    assert config.optimiser == "sgd" or (not config.nesterov and config.schedule == default.schedule)
    assert config.optimiser == "adamw" or config.second_momentum == default.second_momentum
    assert config.dropout > 0 or config.dropout_kind == "elementwise"
    if config.input_noise:
        assert (config.optimiser, config.nesterov, config.schedule) == ("sgd", True, "constant")
    assert 0.5 <= config.momentum <= 0.99


@given(first=quantiles, second=quantiles)
def test_configs_that_differ_only_where_nothing_is_searched_are_one(first, second):
    if NESTED.config_at(first).optimiser == "adamw":
        idle = {name: second[name] for name in ("nesterov", "schedule", "input_noise")}
        assert NESTED.config_at(first) == NESTED.config_at(first | idle)


@given(quantiles=quantiles)
def test_the_config_at_a_configs_quantiles_is_the_config(quantiles):
    config = NESTED.config_at(quantiles)
    places = NESTED.quantiles(config)
    assert places.keys() == NESTED.values.keys()
    again = NESTED.config_at(places)
    assert again.to_json() == pytest.approx(config.to_json())


def test_all_that_is_searched_is_found_sooner_or_later():
    generator = np.random.default_rng(0)
    found = [NESTED.config_at({name: generator.random() for name in NESTED.values}) for _ in range(400)]
    assert any(config.input_noise for config in found)
    assert {config.schedule for config in found} == {"flat-cosine", "cosine", "constant"}
    assert {config.second_momentum for config in found} == {0.9, 0.95, 0.999}


def test_parents_come_before_what_depends_on_them():
    order = NESTED.order
    assert set(order) == set(NESTED.values)
    for name, needs in NESTED.when.items():
        assert all(order.index(parent) < order.index(name) for parent in needs)


def test_a_space_with_conditions_comes_back_equal_from_json():
    assert Space.from_json(json.loads(json.dumps(NESTED.to_json()))) == NESTED


def test_a_space_of_an_earlier_version_is_read():
    stored = {
        "default": {"width": 32},
        "values": {
            "width": {"choices": [16, 32], "first": 0.0},
            "l1": {"low": 0.001, "high": 0.3, "log": True, "whole": False, "zero": 0.6},
        },
    }
    assert Space.from_json(stored) == Space(
        default=Config(width=32),
        values={"width": Choice(values=(16, 32)), "l1": Range(low=0.001, high=0.3, log=True, zero=0.6)},
    )


def test_a_part_of_a_space_keeps_what_can_be_searched_without_the_rest():
    part = NESTED.part({"momentum", "dropout_kind", "nesterov", "second_momentum"})
    assert set(part.values) == {"momentum", "dropout_kind", "second_momentum"}  # the default has dropout and is adamw
    assert set(NESTED.part({"input_noise", "nesterov"}).values) == set()


def test_a_constant_is_the_defaults_too_and_a_condition_may_rest_on_the_default():
    space = Space(
        values={"optimiser": Constant(value="sgd"), "nesterov": Choice(values=(False, True))},
        when={"nesterov": {"optimiser": "sgd"}},
    )
    assert space.default.optimiser == "sgd"
    assert space.config_at({"nesterov": 0.9}).nesterov


def test_whole_numbers_stay_whole_and_bells_end_where_a_config_does():
    space = Space(
        values={
            "width": Range(low=16, high=100),
            "depth": Normal(centre=2, width=3),
            "dropout": Normal(centre=0.5, width=2.0),
            "learning_rate": LogNormal(centre=1e-3, width=10.0),
            "swa_share": Beta(a=0.5, b=0.5),
        }
    )
    for quantile in np.linspace(0, np.nextafter(1, 0), 101):
        config = space.config_at(dict.fromkeys(space.values, float(quantile)))
        assert config.width == int(config.width)


def test_a_prior_is_centred_on_the_default():
    known = Range(low=1e-4, high=1.0, log=True, width=2.0)
    space = Space(default=Config(learning_rate=0.01), values={"learning_rate": known})
    assert space.values["learning_rate"].at(0.5) == pytest.approx(0.01, rel=1e-3)
    assert space.values["learning_rate"].at(0.84) == pytest.approx(0.02, rel=0.02)


def test_values_of_a_choice_are_those_of_a_config():
    space = Space(values={"width": Choice(values=(16.0, 32)), "unit_norm": Choice(values=(0, 1))})
    assert space.values["width"].values == (16, 32)
    assert space.values["unit_norm"].values == (False, True)
    assert isinstance(space.values["unit_norm"].values[0], bool)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"values": {"drop_out": Range(low=0, high=1)}}, "named 'drop_out'; did you mean 'dropout'"),
        ({"values": {"dropout": Range(low=0, high=1)}}, r"dropout must be in \[0.0, 1.0\), got 1"),
        ({"values": {"dropout": Range(low=-0.5, high=0.5)}}, "got -0.5"),
        ({"values": {"learning_rate": Range(low=0.1, high=0.5, zero=0.5)}}, "learning_rate must be above 0"),
        ({"values": {"activation": Choice(values=("relu", "tanh"))}}, "activation must be one of relu"),
        ({"values": {"activation": Range(low=0, high=1)}}, "activation is a word; give a Choice"),
        ({"values": {"dropout": Choice(values=(0.1, "half"))}}, "dropout must be a number, got 'half'"),
        ({"values": {"nesterov": Range(low=0, high=7)}}, "nesterov is true or false"),
        ({"values": {"width": Choice(values=(16, 16.5))}}, "width must be a whole number"),
        ({"values": {"unit_norm": Choice(values=(1, True))}}, "unit_norm: a choice has each value once"),
        ({"values": {"dropout": (0.0, 0.5)}}, "dropout must have a distribution such as Range"),
        ({"values": {"dropout": Normal(centre=50.0, width=0.1)}}, "dropout: its centre is so far outside"),
        ({"when": {"dropout": {"width": 3}}}, "dropout has a condition and no distribution"),
        ({"values": {"dropout": Range(low=0, high=0.5)}, "when": {"dropout": {"widht": 3}}}, "did you mean 'width'"),
        (
            {"values": {"dropout": Range(low=0, high=0.5)}, "when": {"dropout": "width"}},
            "the condition of dropout must",
        ),
        (
            {"values": {"nesterov": Choice(values=(True, False))}, "when": {"nesterov": {"optimiser": "sgd"}}},
            "nesterov is searched when optimiser is sgd, which can never hold: optimiser is not searched, and always",
        ),
        (
            {
                "values": {"dropout": Range(low=0.1, high=0.5), "mixup": Range(low=0.1, high=0.5)},
                "when": {"mixup": {"dropout": Above(0.5)}},
            },
            "dropout is above 0.5, which can never hold: dropout is 0.1 to 0.5",
        ),
        (
            {
                "values": {"dropout": Range(low=0, high=0.5), "mixup": Range(low=0.0, high=0.5)},
                "when": {"mixup": {"dropout": Above(0)}, "dropout": {"mixup": Above(0)}},
            },
            "go round in a circle: dropout -> mixup -> dropout",
        ),
        (
            {"values": {"dropout": Range(low=0, high=0.5)}, "when": {"dropout": {"dropout": Above(0)}}},
            "go round in a circle: dropout -> dropout",
        ),
        (
            {
                "values": {
                    "optimiser": Choice(values=("adamw", "sgd")),
                    "nesterov": Choice(values=(True, False)),
                    "mixup": Range(low=0.1, high=0.5),
                },
                "when": {"nesterov": {"optimiser": "sgd"}, "mixup": {"optimiser": "adamw", "nesterov": True}},
            },
            "the condition of mixup can never hold: optimiser is adamw and optimiser is sgd",
        ),
        (
            {
                "values": {
                    "dropout": Range(low=0, high=0.5),
                    "optimiser": Choice(values=("adamw", "sgd"), branches={"sgd": {"dropout": Range(low=0, high=0.1)}}),
                }
            },
            "dropout is searched in more than one way",
        ),
    ],
)
def test_what_can_never_be_searched_is_refused_at_once(given, said):
    with pytest.raises(ConfigError, match=said):
        Space(**given)


def test_a_name_may_be_in_several_branches_with_one_distribution():
    momentum = {"mixup": Range(low=0.1, high=0.5)}
    space = Space(values={"depth": Choice(values=(1, 2, 3), branches={1: momentum, 3: momentum})})
    assert [bool(space.config_at({"depth": at, "mixup": 0.5}).mixup) for at in (0.1, 0.5, 0.9)] == [True, False, True]
