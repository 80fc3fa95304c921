"""Spaces in TOML: what is read is what is meant, what is written is read back, and what is wrong is named."""

import tomllib

import pytest

from evenfit.errors import ConfigError
from evenfit.specs.config import Config
from evenfit.specs.space import Above, Beta, Choice, Constant, LogNormal, Normal, Range, Space, SpaceRequest
from evenfit.specs.space.toml import read_space, write_space

ALL = SpaceRequest(
    values={
        "width": Choice(values=(32, 64)),
        "optimiser": Choice(values=("adamw", "sgd"), probabilities=(0.8, 0.2)),
        "schedule": Choice(values=("cosine", "constant"), first=0.9),
        "nesterov": Choice(values=(True, False)),
        "l1": Range(low=1e-4, high=1.0, log=True, zero=0.3),
        "learning_rate": Range(low=1e-4, high=1.0, log=True, width=3.0),
        "dropout": Range(low=0.0, high=0.5, step=0.1),
        "input_dropout": Normal(centre=0.1, width=0.05),
        "mixup": Normal(centre=0.1, width=0.05, low=0.0, high=0.4, zero=0.5),
        "l2": LogNormal(centre=0.01, width=10.0),
        "swa_share": Beta(a=2, b=5, high=0.5),
        "momentum": Constant(value=0.85),
        "beta": Constant(value=0.5),
    },
    when={"nesterov": {"optimiser": ("sgd",)}, "beta": {"width": (32, 64), "dropout": Above(0.2)}},
    only=True,
)


def test_a_space_that_is_written_is_read_back_equal():
    again = read_space(tomllib.loads(write_space(ALL))["space"], where="a.toml")
    assert again == ALL
    assert SpaceRequest.from_json(ALL.to_json()) == ALL


def test_nested_tables_are_branches():
    tables = tomllib.loads(
        """
        width = [32, 64]
        batch-rows = 64
        [optimiser]
        values = ["adamw", "sgd"]
        [optimiser.sgd]
        momentum = {low = 0.5, high = 0.99}
        nesterov = {values = [true, false], true = {mixup = [0.0, 0.2]}}
        [depth]
        values = [1, 2]
        [depth.2]
        dropout = {low = 0.1, high = 0.5, when = {width = 64}}
        """
    )
    asked = read_space(tables, where="a.toml")
    assert asked.when == {
        "momentum": {"optimiser": ("sgd",)},
        "nesterov": {"optimiser": ("sgd",)},
        "mixup": {"nesterov": (True,), "optimiser": ("sgd",)},
        "dropout": {"width": (64,), "depth": (2,)},
    }
    assert asked.values["batch_rows"] == Constant(value=64)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dropuot = [0.1]", r"a.toml: a config has no value named 'dropuot'; did you mean 'dropout'\?"),
        ("dropout = {low = 0.5, high = 0.1}", "a.toml: dropout: a range needs low <= high, got 0.5 and 0.1"),
        ("dropout = {low = 0.5}", "a.toml: dropout needs low and high; it has low"),
        ("dropout = {}", "dropout needs low and high, values, value, or a distribution; it has none"),
        (
            "dropout = {low = 0.1, high = 0.5, zerro = 0.1}",
            "a.toml: dropout has an unknown key 'zerro'; did you mean 'zero'",
        ),
        ("l1 = {low = 0, high = 0.5, log = true}", "a.toml: l1: a logarithmic range needs bounds above 0, got 0"),
        ("l1 = {distribution = 'nromal', centre = 1}", "unknown distribution 'nromal'; did you mean 'normal'"),
        (
            "l1 = {distribution = 'normal', centre = 1}",
            "a.toml: l1 needs centre and width; it has distribution, centre",
        ),
        ("width = [32, 32]", "a.toml: width: a choice has each value once, got 32 twice"),
        ("width = []", "a.toml: width: a choice needs at least one value"),
        ("width = {values = 32}", "a.toml: width.values must be a list, got 32"),
        ("width = {values = [32, 64], probabilities = [0.5, 0.6]}", "width: probabilities of a choice must sum to 1"),
        ("width = '64'", "a.toml: width must be a number, got '64'"),
        ("width = {low = '1', high = 9}", "a.toml: width: low of a range must be a number, got '1'"),
        ("dropout = {low = 0.1, high = 1.0}", r"a.toml: dropout must be in \[0.0, 1.0\), got 1.0"),
        ("only = 1", "a.toml: only must be true or false, got 1"),
        ("mixup = {low = 0.1, high = 0.5, when = 3}", "a.toml: mixup.when must be a table"),
        ("mixup = {low = 0.1, high = 0.5, when = {l1 = {abvoe = 3}}}", "mixup.when.l1 has an unknown key 'abvoe'"),
        ("mixup = {low = 0.1, high = 0.5, when = {l3 = 3}}", "a.toml: a config has no value named 'l3'"),
        ("optimiser = {values = ['adamw', 'sgd'], sdg = {}}", "optimiser has an unknown key 'sdg'; did you mean 'sgd'"),
        ("optimiser = {values = ['adamw', 'sgd'], sgd = 3}", "optimiser.sgd must be a table of distributions, got 3"),
        (
            "optimiser = {values = ['adamw', 'sgd'], sgd = {x = 3}}",
            "a.toml: optimiser.sgd: a config has no value named",
        ),
        ("width = 1979-05-27", "width must be a number"),
    ],
)
def test_what_is_wrong_is_named_with_its_file_and_key(text, said):
    with pytest.raises(ConfigError, match=said):
        read_space(tomllib.loads(text), where="a.toml")


OWN = Space(
    default=Config(width=128, dropout=0.3),
    values={
        "width": Choice(values=(64, 128)),
        "dropout": Range(low=0.0, high=0.5),
        "optimiser": Choice(values=("adamw", "sgd"), first=0.9),
        "nesterov": Choice(values=(True, False)),
    },
    when={"nesterov": {"optimiser": "sgd"}},
)


def test_names_that_are_asked_for_replace_those_of_the_table_and_others_stay():
    asked = SpaceRequest(values={"dropout": Range(low=0.4, high=0.6), "mixup": Range(low=0.0, high=1.0)}).over(OWN)
    assert set(asked.values) == {*OWN.values, "mixup"}
    assert asked.values["dropout"] == Range(low=0.4, high=0.6)
    assert asked.when == OWN.when
    assert asked.default == OWN.default.with_values(dropout=0.4)


def test_with_only_nothing_else_is_searched():
    asked = SpaceRequest(values={"mixup": Range(low=0.0, high=1.0)}, only=True).over(OWN)
    assert set(asked.values) == {"mixup"}
    assert asked.default == OWN.default


def test_the_default_moves_into_what_is_asked_for():
    asked = SpaceRequest(
        values={
            "width": Choice(values=(16, 32)),
            "optimiser": Choice(values=("sgd",)),
            "l1": Range(low=0.01, high=0.1, log=True),
        }
    )
    default = asked.over(OWN).default
    assert (default.width, default.optimiser, default.l1) == (32, "sgd", pytest.approx(0.01))


def test_what_can_no_longer_be_searched_is_left_out():
    assert "nesterov" not in SpaceRequest(values={"optimiser": Constant(value="adamw")}).over(OWN).values


def test_a_condition_that_cannot_hold_in_the_tables_space_is_refused():
    asked = SpaceRequest(values={"mixup": Range(low=0.1, high=0.5)}, when={"mixup": {"depth": 7}})
    with pytest.raises(ConfigError, match="mixup is searched when depth is 7, which can never hold"):
        asked.over(OWN)
