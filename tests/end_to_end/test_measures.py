"""The measuring commands on a small table: what they print, what they leave, and what they refuse."""

import json
import re

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import evenfit as package

NETWORK = "width = 8\ndepth = 1\nepochs = 5\nbatch_rows = 16\nnumeric_embedding = 'none'\n"
COMMANDS = {
    "bias-variance": ("--replicates", 4),
    "learning-curve": ("--folds", 3, "--repeats", 2),
    "validation-curve": ("--over", "dropout=0,0.3", "--folds", 3, "--repeats", 1),
    "diagnose": ("--budget", "20s"),
}


@pytest.fixture
def small(here):
    """A table and a network that trains at once."""
    (here / "small.toml").write_text(NETWORK)
    return here


def measured(evenfit, command, *words, target="sold"):
    options = (*COMMANDS[command], "--config", "small.toml", "--drop", "patient,day,weight", *words)
    return evenfit(command, "shop.csv", "--target", target, *options)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_prints_80_columns_and_leaves_a_folder_that_its_json_repeats(small, evenfit, command):
    said = measured(evenfit, command)
    assert said.code == 0, said.err
    assert max(map(len, said.out.splitlines())) <= 80
    [folder] = (small / "runs").iterdir()
    assert sorted(each.name for each in folder.iterdir()) == ["README.md", "config.toml", "numbers.json", "report.html"]
    numbers = json.loads((folder / "numbers.json").read_text())
    assert numbers["network"]["config"]["width"] == 8
    page = (folder / "report.html").read_text()
    assert "<script" not in page
    assert page.count("<figure>") == page.count("<summary>Numbers</summary>") >= 1


@pytest.mark.parametrize("command", ["bias-variance", "learning-curve"])
def test_the_same_seed_gives_the_same_numbers_on_one_core_and_on_two(small, evenfit, command):
    one, two = (measured(evenfit, command, "--json", "--workers", workers).json["result"] for workers in (1, 2))
    assert one == two


def test_a_second_measurement_does_not_overwrite_the_first(small, evenfit):
    for _ in range(2):
        measured(evenfit, "bias-variance")
    assert len(list((small / "runs").iterdir())) == 2


def test_folders_of_measurements_are_no_runs(small, evenfit):
    measured(evenfit, "bias-variance")
    assert evenfit("runs", "--json").json == []


def test_the_parts_that_are_printed_add_up(small, evenfit):
    parts = measured(evenfit, "bias-variance", "--json", target="price").json["result"]["parts"]
    for kind in ("plain", "mean"):
        assert parts["loss"][kind] == pytest.approx(parts["bias_squared"][kind] + parts["variance"][kind], rel=1e-9)


def test_test_rows_that_are_training_rows_are_said(small, evenfit):
    said = measured(evenfit, "bias-variance", "--test", "shop.csv")
    assert said.code == 0
    assert re.search(r"120\s.*(training|trained)", " ".join(said.out.split()))


def test_test_rows_unlike_the_tables_are_an_unrepresentative_split(small, evenfit):
    rng = np.random.default_rng(0)
    for name, shift in (("like.csv", 0.0), ("other.csv", 3.0), ("known.csv", 0.0)):
        x = rng.normal(size=(150, 2)) + shift
        y = x[:, 0] ** 2 + 0.2 * rng.normal(size=150)
        lines = [f"{one:.5f},{other:.5f},{value:.5f}" for (one, other), value in zip(x, y, strict=True)]
        (small / name).write_text("a,b,y\n" + "\n".join(lines) + "\n")
    options = ("--target", "y", "--budget", "20s", "--config", "small.toml", "--json")
    other = evenfit("diagnose", "known.csv", *options, "--test", "other.csv").json["result"]
    assert other["regime"]["name"] == "unrepresentative split"
    like = evenfit("diagnose", "known.csv", *options, "--test", "like.csv").json["result"]
    assert like["regime"]["name"] != "unrepresentative split"


@pytest.mark.parametrize(
    ("command", "words", "fault"),
    [
        ("bias-variance", ("--replicates", 1), "at least 2"),
        ("bias-variance", ("--over", "widht=4..8"), "width"),
        ("bias-variance", ("--loss", "squared", "--sampling", "disjoint", "--rows", 80), "80"),
        ("bias-variance", ("--sampling", "twice"), "sampling"),
        ("learning-curve", ("--sizes", "5000"), "5000"),
        ("validation-curve", ("--over", "dropout=0..1.5"), "dropout"),
        ("diagnose", ("--error", "little"), "error"),
        ("diagnose", ("--budget", "soon"), "soon"),
        ("diagnose", ("--config", "nowhere"), "nowhere"),
        ("diagnose", ("--target", "nothing"), "nothing"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(small, evenfit, command, words, fault):
    words = ("--target", "sold", *words) if "--target" not in words else words
    given = ("--over", "dropout=0,0.3") if command == "validation-curve" and "--over" not in words else ()
    said = evenfit(command, "shop.csv", *given, *words)
    assert said.code == 2
    assert len(said.errors) == 1
    assert fault in said.errors[0]
    assert "Traceback" not in said.err


def test_a_loss_of_classes_does_not_fit_a_number(small, evenfit):
    said = measured(evenfit, "bias-variance", "--loss", "log", target="price")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "log" in said.errors[0]


def test_results_are_printed_in_a_few_lines():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    y = X[:, 0] + 0.1 * rng.normal(size=80)
    found = (
        package.bias_variance(Ridge(), X, y, replicates=4, workers=1),
        package.bias_variance(Ridge(), X, y, replicates=4, over={"alpha": [0.1, 1.0]}, workers=1),
        package.learning_curve(Ridge(), X, y, workers=1),
        package.validation_curve(Ridge(), X, y, name="alpha", values=[0.1, 1.0], workers=1),
    )
    for one in found:
        assert len(repr(one)) < 600
        assert repr(one).startswith(f"<{type(one).__name__}")
