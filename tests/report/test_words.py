"""Configs and comparisons in words."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from tests.report.studies import interval, make_facts, make_ranking, make_study

from evenfit.report.configs import configs
from evenfit.report.findings import deployed, held_out
from evenfit.report.methods import methods
from evenfit.report.side_by_side import side_by_side
from evenfit.report.words import (
    METRIC_WORDS,
    VALUE_WORDS,
    better,
    judged_by_less,
    mattered,
    network,
    optimism,
    regularisation,
    takeaway,
    tried,
)
from evenfit.results.metrics import METRICS
from evenfit.results.ranking import Ranking
from evenfit.results.study import Comparison
from evenfit.specs.config import Config


def compare(mean, half, **values):
    return Comparison(**({"difference": interval(mean, half), "better": mean - half > 0, "same": False} | values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "none: no dropout, no L1, no L2"),
        (
            {"dropout": 0.18, "l2": 3.1e-4, "label_smoothing": 0.05},
            "dropout 0.18, L2 3.1e-4, label smoothing 0.05; no L1",
        ),
        ({"elastic_net": 1e-3, "beta": 0.25}, "elastic net 0.001 (L1 share 0.25); no dropout"),
        ({"elastic_net": 1e-3, "beta": 1.0}, "elastic net 0.001 (L1 share 1); no dropout and no L2"),
        ({"input_dropout": 0.1, "l1": 1e-5, "l2": 1e-5}, "input dropout 0.1, L1 1e-5, L2 1e-5"),
        (
            {"dropout": 0.2, "dropout_kind": "gaussian", "unit_norm": True, "mixup": 0.4},
            "dropout 0.2, mixup 0.4, unit norm, kind of dropout gaussian; no L1 and no L2",
        ),
        ({"weight_averaging": 0.9}, "weight averaging 0.9; no dropout and no L1 and no L2"),
    ],
)
def test_regularisation_is_said_in_words(values, words):
    assert regularisation(Config(**values), task="binary") == words


def test_label_smoothing_is_not_said_of_a_regression():
    assert "smoothing" not in regularisation(Config(label_smoothing=0.1, l1=1e-3), task="regression")


def test_a_network_without_hidden_layers_is_called_linear():
    assert network(Config(depth=0), task="binary").startswith("a linear model")
    assert "1 hidden layer of 1 GELU unit;" in network(Config(depth=1, width=1, activation="gelu"), task="binary")
    assert "target as its logarithm" in network(Config(target="log"), task="regression")


def test_better_is_said_only_where_the_whole_interval_is_above_zero():
    assert better(compare(0.02, 0.01), metric="log_loss").startswith("Tuning beats the default")
    for comparison in (compare(0.01, 0.02), compare(-0.02, 0.01), compare(math.nan, math.nan)):
        assert better(comparison, metric="log_loss").startswith("Tuning is not shown to beat the default")
    assert "higher by 0.020 (0.010 to 0.030)" in better(compare(-0.02, 0.01), metric="log_loss")


def test_a_gain_over_the_default_alone_is_not_called_better():
    said = better(compare(0.02, 0.01, better=False), metric="log_loss")
    assert said.startswith("Tuning is not shown to find anything")


def test_a_selected_default_is_called_so():
    assert better(compare(0.0, 0.0, same=True), metric="log_loss").startswith("The default config was selected")


def test_optimism_says_which_way_the_plain_mean_errs():
    study = make_study(rows=60, trials=2)
    estimate = replace(study.estimate, mean=0.5, low=0.45, high=0.55, plain=0.48, optimism=0.02)
    assert optimism(estimate) == "plain cross-validation mean 0.48, too low by 0.020"
    assert "too high by 0.020" in optimism(replace(estimate, plain=0.52, optimism=-0.02))
    assert optimism(replace(estimate, plain=math.nan, optimism=math.nan)).endswith("not known")


def test_every_metric_and_every_value_of_a_config_has_words():
    assert METRIC_WORDS.keys() == METRICS.keys()
    assert VALUE_WORDS.keys() == {field.name for field in fields(Config)}


def test_a_regression_is_said_as_squared_error_and_as_rmse():
    study = make_study("regression", rows=100, trials=3)
    said = takeaway(study, make_facts(study))
    assert "squared error" in said
    assert "RMSE" in said
    names = [row[0] for row in side_by_side(study).rows]
    assert names[:3] == ["training squared error", "validation squared error", "gap"]
    assert {"training RMSE", "validation RMSE", "training R²", "validation R²"} <= set(names)


def test_the_metric_of_selection_has_its_own_row_where_it_is_not_the_loss():
    study = make_study(rows=100, trials=3, metric="auc")
    assert "validation 1 - AUC" in [row[0] for row in side_by_side(study).rows]


def test_a_selected_default_fills_one_column():
    study = make_study(rows=60, trials=1)
    assert side_by_side(study).columns == ("", "default, selected")
    assert tried(study) == "1 config: 1 complete"


def test_splits_in_order_of_time_deploy_what_has_seen_all_rows():
    for time in (False, True):
        study = make_study(rows=100, trials=2, time=time)
        facts = make_facts(study, time="day" if time else "")
        assert ("trained again on all rows" in deployed(study, facts)) == time


@pytest.mark.parametrize(
    ("mean", "half", "shown"),
    [
        (0.038, 0.75, "0.038 (-0.712 to 0.788)"),
        (4956.0, 1e5, "5,000 (-95,000 to 105,000)"),
        (1e-9, 0.5, "0.0000 (-0.5000 to 0.5000)"),
    ],
)
def test_a_loss_is_never_rounded_away_however_little_is_known_of_it(mean, half, shown):
    study = make_study(rows=60, trials=2)
    wide = replace(study, selected=replace(study.selected, training_loss=interval(mean, half)))
    [row] = [row for row in side_by_side(wide).rows if row[0] == "training log loss"]
    assert row[-1] == shown


def test_what_mattered_is_said_by_verdict():
    assert mattered(make_ranking()) == (
        "gradient clipping (training diverges without it), dropout (without it the loss rises by 0.021); "
        "harms: mixup (without it the loss falls by 0.013); not shown to matter: L2; "
        "not measured, for lack of time: weight averaging"
    )


def test_without_an_ablation_the_search_speaks_and_without_both_nobody():
    leant = replace(make_ranking(), effects=(), unmeasured=())
    assert mattered(leant) == (
        "not measured one by one; in the search: dropout (in 92% of the best configs, in 60% of all), "
        "L1 (in 41% of the best configs, in 40% of all)"
    )
    assert mattered(Ranking()) == ""


def test_a_regulariser_that_does_nothing_alone_is_not_said_to_help():
    idle = tuple(effect for effect in make_ranking().effects if effect.name == "l2")
    assert mattered(Ranking(effects=idle)) == "none is shown to help; not shown to matter: L2"


def on_some_splits(trial):
    """A dropped trial as if it had been tried on the first two splits alone."""
    if trial.status != "dropped":
        return trial
    names = ("training_loss", "validation_loss", "selection_loss")
    return replace(
        trial,
        **{
            name: np.where(np.arange(getattr(trial, name).shape[1]) < 2, getattr(trial, name), np.nan) for name in names
        },
    )


def test_a_report_says_by_how_much_less_dropped_configs_were_judged():
    study = make_study()
    some = replace(study, trials=tuple(map(on_some_splits, study.trials)))
    mixed = replace(study, trials=some.trials[:5] + study.trials[5:])
    none = replace(study, trials=tuple(trial for trial in study.trials if trial.status == "complete"))
    assert judged_by_less(study) == "at fewer epochs"
    assert judged_by_less(some) == "on fewer splits"
    assert judged_by_less(mixed) == "at fewer epochs or on fewer splits"
    assert judged_by_less(none) == ""
    assert "dropped" not in " ".join(methods(none, make_facts(none)))
    assert "dropped, judged on fewer splits." in " ".join(methods(some, make_facts(some)))


def test_the_table_of_configs_has_losses_of_those_that_had_some_splits():
    study = make_study()
    table, _ = configs(replace(study, trials=tuple(map(on_some_splits, study.trials))))
    place = table.columns.index("validation loss")
    assert all(math.isfinite(float(cell)) for row in table.rows for cell in row[place : place + 3])


def test_rows_that_are_held_out_are_no_rows_in_time():
    study = make_study(rows=100, trials=2, time=True)
    said = " ".join(methods(study, make_facts(study)))
    assert "judged by rows that are held out" in said
    assert "Splits follow time" not in said
    assert "Splits follow time" in " ".join(methods(study, make_facts(study, time="day")))


def test_the_report_says_which_rows_judge_where_not_all_of_them_do():
    study = make_study(rows=100, trials=2, time=True)
    known = int((study.truth.split_of >= 0).any(axis=0).sum())
    assert held_out(study, make_facts(study)).startswith(f"{known} of 100 rows judge:")
    assert held_out(study, make_facts(study, time="day")) == ""
    every = make_study(rows=100, trials=2)
    assert held_out(every, make_facts(every)) == ""
