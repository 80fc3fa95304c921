"""The option --proposals: every way can be asked for, and what cannot be is refused in one line."""

from dataclasses import replace

import numpy as np
import pytest

import evenfit
from evenfit.cli.main import build_app
from evenfit.data.arrays import from_memory
from evenfit.errors import ConfigError
from evenfit.proposals.ways import WAYS
from evenfit.runs.memory import plan_in_memory
from evenfit.runs.options import request_from
from evenfit.runs.request import PROPOSALS, FitRequest
from evenfit.runs.search import PROPOSALS as DEFAULT
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Range, Space

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0] + 0.1 * X[:, 1]
SPACE = Space(
    default=Config(width=8, epochs=2, batch_rows=32, numeric_embedding="none"),
    values={"dropout": Choice(values=(0.0, 0.1, 0.2)), "l2": Choice(values=(0.0, 0.1))},
)


def test_the_options_are_the_ways_there_are_and_have_one_default():
    assert tuple(WAYS) == PROPOSALS
    assert FitRequest(table="a.csv", target="y").proposals == DEFAULT == evenfit.EvenfitRegressor().proposals


@pytest.mark.parametrize("name", PROPOSALS)
def test_help_names_every_way(name, capsys):
    build_app()(["fit", "--help"], exit_on_error=False, result_action="return_value")
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["gird", "", "grid=", "grid=1", "grid=x", "random=3", "grid=1000"])
def test_other_proposals_are_refused(wrong):
    with pytest.raises(ConfigError, match="proposals"):
        request_from({"table": "a.csv", "target": "y", "proposals": wrong})


def test_a_request_of_before_proposals_had_names_goes_on_as_it_began():
    stored = FitRequest(table="a.csv", target="y").to_json()
    del stored["proposals"]
    assert FitRequest.from_json(stored).proposals == "mixed"  # as it had been


def test_a_grid_over_the_space_that_is_made_for_a_table_is_refused_before_anything_is_trained():
    options = {"metric": None, "budget": Budget(trials=2), "folds": 2, "seed": 0, "workers": 1}
    with pytest.raises(ConfigError, match="a grid may have 10,000 points"):
        plan_in_memory(from_memory(X, Y), **options, proposals="grid")
    with pytest.raises(ConfigError, match="a grid may have 10,000 points"):
        evenfit.tune("mlp", X, Y, budget="2 trials", proposals="grid")


def test_a_study_of_a_grid_ends_with_the_grid():
    study = evenfit.tune("mlp", X, Y, budget="50 trials", space=SPACE, folds=2, proposals="grid")
    assert study.stopped == "exhausted"
    assert len({trial.config for trial in study.trials}) == len(study.trials) == 6


@pytest.mark.parametrize("name", PROPOSALS)
def test_one_and_two_workers_give_the_same_trials(name):
    studies = [
        evenfit.tune("mlp", X, Y, budget="6 trials", space=SPACE, folds=2, proposals=name, workers=workers)
        for workers in (1, 2)
    ]
    first, second = ([(t.number, t.config, t.status, t.loss) for t in study.trials] for study in studies)
    assert first == second


def test_a_default_that_learns_nothing_is_followed_by_long_training_without_regularisers():
    space = Space(
        default=Config(width=8, epochs=2, batch_rows=32, numeric_embedding="none", dropout=0.5, learning_rate=1e-3),
        values={
            "dropout": Choice(values=(0.0, 0.1, 0.5)),
            "epochs": Choice(values=(2, 16, 64)),
            "learning_rate": Range(low=1e-4, high=1e-2, log=True),
        },
    )
    options = {"budget": "6 trials", "space": space, "folds": 2, "seed": 0}
    noise = np.random.default_rng(1).normal(size=60)
    tried = [trial.config for trial in evenfit.tune("mlp", X, noise, **options).trials]
    assert [(config.epochs, config.dropout) for config in tried[1:4]] == [(16, 0.0)] * 3
    assert len({config.learning_rate for config in tried[1:4]}) == 3
    learns = replace(space, default=space.default.with_values(epochs=64, learning_rate=1e-2, dropout=0.1))
    tried = [trial.config for trial in evenfit.tune("mlp", X, Y, **options | {"space": learns}).trials]
    assert [(config.epochs, config.dropout) for config in tried[1:4]] != [(64, 0.0)] * 3
