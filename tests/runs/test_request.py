"""A request: checked once, when made, and the same after JSON."""

import json

import pytest

from evenfit.errors import ConfigError
from evenfit.results.metrics import METRICS as RESULTS_METRICS
from evenfit.runs.request import METRICS, FitRequest
from evenfit.specs.budget import Budget


def request(**values):
    return FitRequest(**{"table": "a.csv", "target": "y"} | values)


def test_a_request_comes_out_of_json_equal():
    full = request(
        budget=Budget(trials=40),
        categorical=("a", "b,c"),
        drop=("d",),
        metric="auc",
        task="classification",
        require=0.5,
    )
    assert FitRequest.from_json(json.loads(json.dumps(full.to_json()))) == full


def test_the_metrics_are_those_of_results():
    tasks = {
        name: "regression" if metric.tasks == ("regression",) else "classification"
        for name, metric in RESULTS_METRICS.items()
    }
    assert tasks == METRICS


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"folds": 1}, "folds must be at least 2, got 1"),
        ({"repeats": 0}, "repeats must be at least 1, got 0"),
        ({"workers": 0}, "workers must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"task": "guess"}, "task must be one of classification, regression; got 'guess'"),
        ({"selection": "worst"}, "selection must be one of one-se, best; got 'worst'"),
        ({"metric": "luck"}, "metric must be one of .*; got 'luck'"),
        ({"metric": "auc", "task": "regression"}, "metric auc is for classification, but task is regression"),
        ({"drop": ("y",)}, "column 'y' is the target, so it cannot be in drop too"),
        ({"group": "y"}, "column 'y' is the target, so it cannot be the group too"),
        ({"group": ""}, "group must name a column"),
        ({"categorical": ("a",), "drop": ("a",)}, "column 'a' is in categorical and in drop"),
        ({"categorical": ("y",)}, "to predict classes, use task classification"),
        ({"delimiter": "ab"}, "delimiter must be one character, got 'ab'"),
        ({"name": "../x"}, "name must be fit for a folder"),
        ({"name": ""}, "name must be fit for a folder"),
        ({"require": float("nan")}, "require must be a finite loss"),
        ({"target": ""}, "target must not be empty"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_line(values, message):
    with pytest.raises(ConfigError, match=message) as caught:
        request(**values)
    assert "\n" not in str(caught.value)
