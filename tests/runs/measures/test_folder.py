"""The folder that a measurement leaves, the network that it measures, and the line that repeats it."""

import json
import shlex

import pytest

from evenfit.cli.main import build_app
from evenfit.errors import BudgetError, ConfigError, StoreError
from evenfit.report.toml import toml
from evenfit.runs.measures.folder import folder_for
from evenfit.runs.measures.network import read_network
from evenfit.runs.measures.request import COMMANDS, measure_request
from evenfit.specs.config import Config


def asked(command="diagnose", *, out=None, network=None, budget=None, more=None, **options):
    known = {"table": "data/Bank calls.csv", "target": "y", **options}
    return measure_request(command, known, network=network, budget=budget, out=out, asked=more or {})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_is_named_after_the_table_and_the_question_and_counted_where_it_exists(command, tmp_path):
    request = asked(command, runs=str(tmp_path))
    first = folder_for(request)
    assert first.name == f"bank-calls-{COMMANDS[command]}"
    first.mkdir()
    assert folder_for(request).name == f"bank-calls-{COMMANDS[command]}-2"


def test_a_folder_that_was_asked_for_must_be_empty(tmp_path):
    assert folder_for(asked(out=str(tmp_path))) == tmp_path
    (tmp_path / "mine.txt").write_text("mine")
    for out in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(StoreError, match="new folder or an empty one"):
            folder_for(asked(out=str(out)))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_line_that_repeats_a_measurement_parses(command):
    more = {"over": "width=4..8"} if command in ("validation-curve", "bias-variance") else {}
    request = asked(
        command,
        drop="a b,c",
        seed=3,
        workers=1,
        network="runs/bank",
        out="some where",
        budget="90s" if command in ("diagnose", "bias-variance") else None,
        more=more,
    )
    words = shlex.split(request.line())
    assert words[:3] == ["evenfit", command, "data/Bank calls.csv"]
    build_app().parse_args(words[1:], exit_on_error=False, print_error=False)
    assert "--drop" in words
    assert words[words.index("--drop") + 1] == "a b,c"


def test_a_budget_of_a_measurement_is_a_time():
    with pytest.raises(BudgetError, match="90s"):
        asked(budget="40 trials")


def test_a_runs_config_and_its_selected_epoch_are_read(tmp_path):
    (tmp_path / "config.toml").write_text(toml(Config(width=24)))
    assert (read_network(str(tmp_path)).config.width, read_network(str(tmp_path)).epoch) == (24, None)
    (tmp_path / "numbers.json").write_text(json.dumps({"network": {"epoch": 7}}))
    assert read_network(str(tmp_path)).epoch == 7
    (tmp_path / "metrics.json").write_text(json.dumps({"selected": {"epoch": 48}}))
    assert read_network(str(tmp_path)).epoch == 48


def test_a_file_of_some_values_keeps_the_defaults_of_the_others(tmp_path):
    (tmp_path / "own.toml").write_text("width = 16\n")
    assert read_network(str(tmp_path / "own.toml")).config == Config(width=16)


@pytest.mark.parametrize("text", ["width = ", "widht = 3\n", "width = 'many'\n", "dropout = 2\n", "\xff"])
def test_a_file_that_is_no_config_is_refused_with_its_name(text, tmp_path):
    file = tmp_path / "own.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"own\.toml") as error:
        read_network(str(file))
    assert "\n" not in str(error.value)
