"""The validation curve of a finished run: asked from the command line, and left beside the run."""

import json

import pytest


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with enough trials to ask."""
    from tests.end_to_end.conftest import write_table

    from evenfit.cli.main import main

    home = tmp_path_factory.mktemp("searched")
    table = write_table(home / "shop.csv")
    words = ["fit", str(table), "--target", "price", "--budget", "16 trials", "--workers", "1", "--folds", "2"]
    assert main([*words, "--runs", str(home / "runs"), "--json"]) == 0
    return home / "runs" / "shop"


def test_the_trials_of_a_run_are_asked_and_said_to_be_no_controlled_comparison(run, evenfit):
    said = evenfit("validation-curve", run, "--over", "learning-rate", "--json")
    assert said.code == 0, said.err
    found = said.json
    assert found["result"]["controlled"] is False
    assert found["result"]["trials"] == 16
    assert found["data"]["target"] == "price"
    assert found["network"]["epoch"] == json.loads((run / "metrics.json").read_text())["selected"]["epoch"]
    assert (run.parent / "shop-validation-curve" / "report.html").is_file()
    assert any("controlled" in note for note in found["notes"])


def test_a_run_is_measured_by_its_name_too_and_is_not_changed(run, evenfit):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    said = evenfit("validation-curve", "shop", "--over", "learning_rate", "--runs", run.parent)
    assert said.code == 0, said.err
    assert "average over the 16 configs" in " ".join(said.out.split())
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert [known["run"] for known in evenfit("runs", "--runs", run.parent, "--json").json] == ["shop"]


@pytest.mark.parametrize(
    ("over", "fault"),
    [("momentum", "momentum"), ("widht", "did you mean 'width'"), ("width=4..8", "values of their own")],
)
def test_what_the_trials_cannot_say_is_one_line_and_exit_code_2(run, evenfit, over, fault):
    said = evenfit("validation-curve", run, "--over", over)
    assert (said.code, len(said.errors)) == (2, 1)
    assert fault in said.errors[0]


def test_a_run_that_does_not_exist_is_one_line(run, evenfit):
    said = evenfit("validation-curve", run.parent / "shoe", "--over", "width")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "did you mean 'shop'" in said.errors[0]


def test_the_selected_network_of_a_run_is_measured_at_its_epoch(run, evenfit):
    table = run.parent.parent / "shop.csv"
    words = ("--replicates", 3, "--config", run, "--out", run.parent.parent / "answer", "--json")
    said = evenfit("bias-variance", table, "--target", "price", *words)
    assert said.code == 0, said.err
    selected = json.loads((run / "metrics.json").read_text())["selected"]
    assert said.json["network"]["epoch"] == selected["epoch"]
    assert said.json["network"]["config"] == selected["config"]
