"""A sweep's search as a space: the same numbers, written as TOML that fit reads back."""

import json
import math

import numpy as np
import pytest
import yaml
from scipy import stats

from evenfit.errors import ConfigError
from evenfit.runs.spaces import read_space_file
from evenfit.specs.space import Choice, Constant, Range
from evenfit.specs.space.toml import write_space
from evenfit.sweeps.parameters import parse_parameters
from evenfit.sweeps.to_space import space_of

PARAMETERS = {
    "learning_rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 0.1},
    "l1": {"distribution": "log_uniform", "min": -7, "max": -2},
    "l2": {"distribution": "inv_log_uniform_values", "min": 1e-4, "max": 0.1},
    "elastic_net": {"distribution": "inv_log_uniform", "min": 1, "max": 4},
    "dropout": {"distribution": "uniform", "min": 0.0, "max": 0.5},
    "input_dropout": {"distribution": "q_uniform", "min": 0.0, "max": 0.5, "q": 0.1},
    "width": {"distribution": "int_uniform", "min": 16, "max": 64},
    "batch_rows": {"distribution": "q_log_uniform_values", "min": 16, "max": 256, "q": 16},
    "mixup": {"distribution": "normal", "mu": 0.3, "sigma": 0.05},
    "input_noise": {"distribution": "log_normal", "mu": -3, "sigma": 0.5},
    "swa_share": {"distribution": "beta", "a": 2, "b": 5},
    "optimiser": {"values": ["adamw", "sgd"], "probabilities": [0.7, 0.3]},
    "nesterov": {"values": [True, False]},
    "depth": {"value": 2},
}


def test_what_is_written_of_a_sweep_is_read_back_as_the_same_space(tmp_path):
    found, left = space_of(parse_parameters(PARAMETERS))
    assert left == {}
    assert set(found.values) == set(PARAMETERS)
    (tmp_path / "space.toml").write_text(write_space(found))
    assert read_space_file(str(tmp_path / "space.toml")) == found


@pytest.mark.parametrize("suffix", ["yaml", "yml", "json"])
def test_a_sweep_file_is_a_space(tmp_path, suffix):
    text = json.dumps if suffix == "json" else yaml.safe_dump
    (tmp_path / f"sweep.{suffix}").write_text(
        text({"program": "train.py", "method": "bayes", "parameters": PARAMETERS})
    )
    found = read_space_file(str(tmp_path / f"sweep.{suffix}"))
    assert found == space_of(parse_parameters(PARAMETERS))[0]
    assert found.values["depth"] == Constant(value=2)
    assert found.values["optimiser"] == Choice(values=("adamw", "sgd"), probabilities=(0.7, 0.3))
    assert found.values["width"] == Range(low=16, high=64, whole=True)


@pytest.mark.statistical  # error rate 0.001 each, seed fixed
@pytest.mark.parametrize(
    "name", [name for name, spec in PARAMETERS.items() if "distribution" in spec and "q" not in spec]
)
def test_a_space_draws_what_the_sweep_draws(name):
    parameters = parse_parameters({name: PARAMETERS[name]})
    [sweeps] = parameters.values()
    [ours] = space_of(parameters)[0].values.values()
    places = np.random.default_rng(3).random((2, 3000))
    first, second = [sweeps.at(u) for u in places[0]], [ours.at(u) for u in places[1]]
    assert stats.ks_2samp(first, second).pvalue > 0.001


def test_steps_are_the_multiples_that_a_sweep_rounds_to():
    [sweeps], ours = parse_parameters({"l1": PARAMETERS["input_dropout"]}).values(), None
    ours = space_of(parse_parameters({"input_dropout": PARAMETERS["input_dropout"]}))[0].values["input_dropout"]
    drawn = {round(sweeps.at(place / 1000), 9) for place in range(1, 1000)}
    assert drawn == {round(value, 9) for value in ours.values_or_none()}


def test_what_a_space_cannot_hold_is_said():
    parameters = parse_parameters(
        {"lr": {"min": 0.1, "max": 0.2}, "dropout": {"min": 0.5, "max": 1.5}, "depth": {"value": 3}}
    )
    found, left = space_of(parameters)
    assert set(found.values) == {"depth"}
    assert "no value of this name" in left["lr"]
    assert "dropout must be in" in left["dropout"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "s.yaml",
            "parameters: {learning_rat: {min: 0.1, max: 0.2}}",
            "s.yaml: learning_rat cannot be searched: ",
        ),
        ("s.yaml", "parameters: {dropout: {min: 0.3, max: 0.2}}", "s.yaml: parameters.dropout: min must be below max"),
        ("s.yaml", "method: grid", "s.yaml is no sweep file: it has no parameters"),
        ("s.yaml", "a: [", "s.yaml"),
        ("s.toml", "a = [", "s.toml is not TOML"),
        ("s.toml", "space = 3", r"s.toml, \[space\] must be a table"),
        (
            "s.toml",
            "[space]\ndropot = 3",
            r"s.toml, \[space\]: a config has no value named .dropot.; did you",
        ),
        ("missing.toml", None, "missing.toml cannot be read: no such file"),
    ],
)
def test_a_file_that_is_no_space_is_named(tmp_path, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_space_file(str(tmp_path / name))


def test_bounds_of_the_deprecated_logarithms_are_exponents():
    found, _ = space_of(parse_parameters({"l1": PARAMETERS["l1"], "elastic_net": PARAMETERS["elastic_net"]}))
    assert found.values["l1"] == Range(low=math.exp(-7), high=math.exp(-2), log=True)
    assert found.values["elastic_net"] == Range(low=math.exp(-4), high=math.exp(-1), log=True)
