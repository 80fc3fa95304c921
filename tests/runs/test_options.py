"""Options: what a user writes in flags and in TOML is the same request."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.errors import ConfigError
from evenfit.runs.options import read_options, request_from, to_toml
from evenfit.runs.request import FitRequest
from evenfit.specs.budget import Budget

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(
    request=st.builds(
        FitRequest,
        table=names,
        target=names.map(lambda name: "target " + name),
        budget=st.one_of(
            st.floats(1e-3, 1e9).map(lambda seconds: Budget(seconds=seconds)),
            st.integers(1, 10**6).map(lambda trials: Budget(trials=trials)),
        ),
        categorical=st.lists(names, unique=True, max_size=3).map(
            lambda columns: tuple("categorical " + c for c in columns)
        ),
        drop=st.lists(names, unique=True, max_size=3).map(lambda columns: tuple("drop " + c for c in columns)),
        metric=st.sampled_from([None, "auc", "log_loss"]),
        class_weights=st.booleans(),
        seed=st.integers(0, 2**40),
        delimiter=st.sampled_from([None, ";", "\t", '"']),
        require=st.none() | st.floats(-1e30, 1e30),
    )
)
def test_a_request_comes_out_of_toml_equal(request):
    assert request_from(tomllib.loads(to_toml(request))) == request


def test_columns_may_be_one_text_with_commas_and_quotes():
    columns = request_from({"table": "a.csv", "target": "y", "drop": 'id, name,"last, first",id'}).drop
    assert columns == ("id", "name", "last, first")


def test_a_list_of_columns_is_taken_as_it_is():
    assert request_from({"table": "a.csv", "target": "y", "drop": ["last, first"]}).drop == ("last, first",)


@pytest.mark.parametrize("spelling", ["log_loss", "log-loss", "Log Loss", "logloss"])
def test_metrics_go_by_their_usual_spellings(spelling):
    assert request_from({"table": "a.csv", "target": "y", "metric": spelling}).metric == "log_loss"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"foldz": 3}, "there is no option 'foldz'; did you mean 'folds'?"),
        ({"class-wieghts": True}, "did you mean 'class-weights'?"),
        ({"zzz": 3}, "there is no option 'zzz'$"),
        ({"folds": "many"}, "folds must be a whole number, got 'many'"),
        ({"folds": True}, "folds must be a whole number, got True"),
        ({"require": "low"}, "require must be a number, got 'low'"),
        ({"class-weights": "yes"}, "class-weights must be true or false, got 'yes'"),
        ({"drop": 3}, "drop must be names of columns, got 3"),
        ({"drop": [3]}, "drop must be a text, got 3"),
        ({"budget": True}, "budget must be a text"),
        ({"target": 3}, "target must be a text, got 3"),
    ],
)
def test_an_option_of_the_wrong_name_or_type_is_one_clear_line(options, message):
    with pytest.raises(ConfigError, match=message):
        request_from({"table": "a.csv", "target": "y"} | options)


@pytest.mark.parametrize("missing", ["table", "target"])
def test_table_and_target_are_needed(missing):
    given_options = {"table": "a.csv", "target": "y"}
    del given_options[missing]
    with pytest.raises(ConfigError, match=f"{missing} is missing"):
        request_from(given_options)


def test_a_config_file_that_cannot_be_read_is_one_clear_line(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: no such file"):
        read_options(str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="cannot be read: is a directory"):
        read_options(str(tmp_path))
    broken = tmp_path / "broken.toml"
    broken.write_text("folds = = 3")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_options(str(broken))
    broken.write_bytes(b"\xff\x00")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_options(str(broken))
