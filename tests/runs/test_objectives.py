"""The options --objectives and --prefer: asked for, refused, kept, and the same on any number of workers."""

import json

import numpy as np
import pytest

import evenfit
from evenfit.cli.main import build_app
from evenfit.data.arrays import from_memory
from evenfit.errors import ConfigError
from evenfit.results.json import to_json
from evenfit.runs.memory import plan_in_memory
from evenfit.runs.options import request_from, to_toml
from evenfit.runs.request import FitRequest
from evenfit.specs.budget import Budget

X = np.random.default_rng(0).normal(size=(80, 3))
Y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]
ASKED = {"table": "a.csv", "target": "y"}


@pytest.mark.parametrize("written", ["loss,size", "size, loss", ["loss", "size"], "Loss,SIZE"])
def test_objectives_are_read_in_any_order(written):
    request = request_from(ASKED | {"objectives": written, "prefer": "knee"})
    assert request.objectives == ("loss", "size")
    assert FitRequest.from_json(json.loads(json.dumps(request.to_json()))) == request
    assert 'objectives = ["loss", "size"]' in to_toml(request)
    assert 'prefer = "knee"' in to_toml(request)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"objectives": "loss,sise"}, "got 'sise'; did you mean 'size'"),
        ({"objectives": "loss,speed"}, "got 'speed'"),
        ({"objectives": "loss"}, "got loss; for the loss alone, leave the option out"),
        ({"objectives": "size"}, "got size"),
        ({"objectives": "size,latency"}, "got size,latency"),
        ({"objectives": "loss,size,latency"}, "got loss,latency,size|got loss,size,latency"),
        ({"objectives": ""}, "empty"),
        ({"objectives": 3}, "objectives"),
        ({"prefer": "small"}, "prefer small needs objectives"),
        ({"objectives": "loss,size", "prefer": "smal"}, "did you mean 'small'"),
        ({"objectives": "loss,size", "prefer": "small", "selection": "one-se"}, "both choose"),
        ({"objectives": "loss,size", "prefer": "small", "holdout": 0.3}, "repeats"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(options, said):
    with pytest.raises(ConfigError, match=said) as raised:
        request_from(ASKED | options)
    assert "\n" not in str(raised.value)


def test_a_request_of_before_there_were_objectives_can_be_read():
    stored = FitRequest(**ASKED).to_json()
    del stored["objectives"], stored["prefer"]
    assert FitRequest.from_json(stored) == FitRequest(**ASKED)


def test_help_names_both(capsys):
    build_app()(["fit", "--help"], exit_on_error=False, result_action="return_value")
    said = capsys.readouterr().out
    assert "--objectives" in said
    assert "--prefer" in said


@pytest.mark.parametrize("objective", ["size", "latency"])
def test_a_study_with_a_budget_in_trials_has_the_same_front_twice(objective):
    found = [
        evenfit.tune("mlp", X, Y, budget="14 trials", folds=3, objectives=("loss", objective), seed=1) for _ in range(2)
    ]
    assert found[0].front == found[1].front
    assert found[0].front.how == {"size": "counted", "latency": "by the cost model"}[objective]
    assert to_json(found[0])["front"]["objective"] == objective


def test_much_smaller_networks_are_searched_where_they_are_wanted():
    table = from_memory(X, Y, task=None, groups=None, sample_weight=None)
    options = {"metric": None, "budget": Budget(trials=4), "folds": 3, "seed": 0, "workers": 1}
    plain = plan_in_memory(table, **options).space
    small = plan_in_memory(table, objectives=("loss", "size"), **options).space
    assert min(small.values["width"].values) == 4 < min(plain.values["width"].values)
    assert set(plain.values["width"].values) < set(small.values["width"].values)
    assert small.default == plain.default


def test_without_objectives_there_is_no_front():
    study = evenfit.tune("mlp", X, Y, budget="2 trials", folds=2)
    assert study.front is None
    assert to_json(study)["front"] is None


@pytest.mark.slow
def test_one_worker_and_two_give_the_same_trials():
    one, two = (
        evenfit.tune("mlp", X, Y, budget="24 trials", folds=3, objectives=("loss", "size"), workers=workers)
        for workers in (1, 2)
    )
    assert [t.config for t in one.trials] == [t.config for t in two.trials]
    assert one.front == two.front
