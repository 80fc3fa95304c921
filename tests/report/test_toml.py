"""A config as TOML."""

import tomllib
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.errors import ConfigError
from evenfit.report.toml import MEANINGS, read, toml
from evenfit.specs.config import CHOICES, Config

numbers = st.floats(0, 1e300)
shares = st.floats(0, 1, exclude_max=True)
configs = st.builds(
    Config,
    learning_rate=st.floats(1e-300, 1e300),
    l1=numbers,
    l2=numbers,
    dropout=shares,
    momentum=shares,
    epochs=st.integers(1, 10**6),
    nesterov=st.booleans(),
    **{name: st.sampled_from(choices) for name, choices in CHOICES.items()},
)


@given(configs)
def test_a_config_comes_back_equal(config):
    assert read(toml(config, title="two\nlines")) == config


def test_every_value_is_explained():
    explained = [name for meanings in MEANINGS.values() for name in meanings]
    assert sorted(explained) == sorted(field.name for field in fields(Config))
    for line in toml(Config()).splitlines():
        if "=" in line and not line.startswith("#"):
            assert "#" in line


def test_it_is_flat_toml():
    assert tomllib.loads(toml(Config(width=7)))["width"] == 7


def test_a_title_cannot_break_out_of_its_comment():
    assert read(toml(Config(), title="x\rwidth = 3\x00")) == Config()


@pytest.mark.parametrize("text", ["width = ", "breadth = 3", "width = -1"])
def test_what_is_no_config_is_refused_in_one_line(text):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert "\n" not in str(caught.value)
