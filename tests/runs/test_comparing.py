"""Two runs are compared fold by fold where they share folds, and never where they do not."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.studies import make_study

from evenfit.errors import ConfigError, StoreError
from evenfit.results.intervals import corrected_interval
from evenfit.results.json import to_json
from evenfit.results.run_difference import implied_factor, paired_difference, unpaired_difference
from evenfit.results.summary import side
from evenfit.runs.comparing import compare
from evenfit.store import open_store

REQUEST = {"table": "bank.csv", "target": "y", "group": None, "time": None, "folds": 5, "repeats": 1, "seed": 0}
LOSSES = st.lists(st.floats(0.01, 100), min_size=2, max_size=12)


def store_run(folder, name, study, *, fingerprint="f00d", status="done", **request):
    with open_store(folder) as store:
        run = store.create_run(REQUEST | request, name=name, fingerprint=fingerprint)
        for trial in study.trials:
            store.add_trial(run, trial, state=None)
        store.finish(run, json.loads(json.dumps(to_json(study))), status, report="")


def shifted(study, by):
    """The same study, but that what it selected loses more in every split, and by not quite the same."""
    trials = tuple(
        replace(trial, selection_loss=trial.selection_loss + by + 0.001 * np.arange(5)) for trial in study.trials
    )
    selected = side(study.truth, trials[study.selected.trial])
    return replace(study, trials=trials, selected=selected)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs"


def compared(folder, one="one", two="two"):
    return compare((one, str(folder)), (two, str(folder)))


def test_where_all_is_shared_the_difference_is_paired_and_corrected(folder):
    study = make_study(rows=60, trials=4, epochs=(1, 2, 4))
    other = shifted(study, 0.05)
    store_run(folder, "one", study)
    store_run(folder, "two", other)
    found = compared(folder)
    assert found.paired
    rows = study.truth.training_rows
    wanted = corrected_interval(-0.05 - 0.001 * np.arange(5), training_rows=rows, validation_rows=60 - rows)
    np.testing.assert_allclose(
        [found.difference.mean, found.difference.low, found.difference.high], [wanted.mean, wanted.low, wanted.high]
    )
    assert found.better == "one"
    assert "paired, fold by fold" in found.text()
    assert "one has the lower loss" in found.text()


def test_the_order_of_the_runs_turns_the_sign_alone(folder):
    study = make_study(rows=60, trials=4, epochs=(1, 2, 4))
    store_run(folder, "one", study)
    store_run(folder, "two", shifted(study, 0.05))
    found, turned = compared(folder), compared(folder, "two", "one")
    assert found.difference.mean == -turned.difference.mean
    assert found.difference.low == pytest.approx(-turned.difference.high)
    assert found.better == turned.better == "one"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fingerprint": "other"}, "their tables differ (bank.csv, which has changed in between)"),
        ({"fingerprint": "other", "table": "new.csv"}, "their tables differ (bank.csv and new.csv)"),
        ({"seed": 1}, "their seed differs (0 and 1)"),
        ({"folds": 4}, "their number of folds differs (5 and 4)"),
        ({"repeats": 2}, "their number of repeats differs (1 and 2)"),
        ({"group": "client"}, "their group differs (- and client)"),
        ({"time": "day"}, "their time differs (- and day)"),
        ({"weight": "visits"}, "their weight column differs (- and visits)"),
        ({"target": "z"}, "their target differs (y and z)"),
    ],
)
def test_where_something_is_not_shared_it_is_said_and_nothing_is_paired(folder, changes, said):
    study = make_study(rows=60, trials=4, epochs=(1, 2, 4))
    store_run(folder, "one", study)
    store_run(folder, "two", shifted(study, 0.05), **changes)
    found = compared(folder)
    assert not found.paired
    assert said in found.text()
    assert "not paired" in found.text()
    assert found.difference.high - found.difference.low > 0.01  # the splits' own spread is in it
    assert found.json()["unshared"] == list(found.unshared)


def test_other_numbers_of_rows_are_not_paired(folder):
    store_run(folder, "one", make_study(rows=60, trials=4, epochs=(1, 2, 4)))
    store_run(folder, "two", make_study(rows=80, trials=4, epochs=(1, 2, 4)))
    assert "their number of rows differs (60 and 80)" in compared(folder).text()


def test_options_that_do_not_touch_the_splits_leave_them_paired(folder):
    study = make_study(rows=60, trials=4, epochs=(1, 2, 4))
    store_run(folder, "one", study, drop=[], weight=None)
    store_run(folder, "two", shifted(study, 0.05), drop=["age"], budget={"seconds": 9.0, "trials": None})
    assert compared(folder).paired


def test_runs_of_different_metrics_are_compared_by_the_loss_that_both_have(folder):
    store_run(folder, "one", make_study(rows=60, trials=4, epochs=(1, 2, 4), metric="auc"), metric="auc")
    store_run(folder, "two", make_study(rows=60, trials=4, epochs=(1, 2, 4)))
    found = compared(folder)
    assert found.metric == "log_loss"
    assert "corrected for that" not in found.text()  # estimates of different metrics are no pair


def test_classes_and_numbers_are_not_compared(folder):
    store_run(folder, "one", make_study(rows=60, trials=4, epochs=(1, 2, 4)))
    store_run(folder, "two", make_study("regression", rows=60, trials=4, epochs=(1, 2, 4)))
    with pytest.raises(ConfigError, match="one is binary and two is regression: their losses cannot be compared"):
        compared(folder)


def test_a_run_is_not_compared_with_itself_nor_one_that_is_not_done(folder):
    study = make_study(rows=60, trials=4, epochs=(1, 2, 4))
    store_run(folder, "one", study)
    store_run(folder, "two", study, status="interrupted")
    with pytest.raises(ConfigError, match="got one twice"):
        compared(folder, "one", "one")
    with pytest.raises(StoreError, match="'two' is interrupted"):
        compared(folder)


def test_hyperparameters_that_differ_are_shown(folder):
    study, other = (make_study(rows=60, trials=4, epochs=(1, 2, 4), seed=seed) for seed in (0, 1))
    store_run(folder, "one", study)
    store_run(folder, "two", other)
    found = compared(folder)
    configs = [study.selected.config.to_json(), other.selected.config.to_json()]
    assert found.changed == {
        name: (value, configs[1][name]) for name, value in configs[0].items() if value != configs[1][name]
    }


@given(losses=LOSSES, factor=st.floats(0.01, 3))
def test_paired_with_nothing_it_is_the_interval_of_the_mean(losses, factor):
    values = np.array(losses)
    found = paired_difference(values, np.zeros(len(values)), factor=factor)
    rows = np.full(len(values), 1000)
    ratio = factor - 1 / len(values)
    if ratio > 0:
        wanted = corrected_interval(values, training_rows=rows, validation_rows=rows * ratio)
        np.testing.assert_allclose([found.low, found.high], [wanted.low, wanted.high], rtol=1e-9, atol=1e-9)


@given(losses=LOSSES, factor=st.floats(0.01, 3))
def test_the_factor_behind_an_interval_is_found_again(losses, factor):
    values = np.array(losses)
    found = implied_factor(values, paired_difference(values, np.zeros(len(values)), factor=factor), otherwise=-1.0)
    if np.std(values) > 1e-3:
        assert found == pytest.approx(factor, rel=1e-6)


@given(one=LOSSES, two=LOSSES, factors=st.tuples(st.floats(0.1, 1), st.floats(0.1, 1)))
def test_unpaired_the_interval_holds_its_mean_and_is_no_narrower_than_either(one, two, factors):
    first, second = np.array(one), np.array(two)
    found = unpaired_difference(first, second, factors=factors)
    assert found.low <= found.mean <= found.high
    assert found.mean == pytest.approx(first.mean() - second.mean())


@pytest.mark.statistical
def test_without_a_difference_five_percent_are_said_to_differ():
    # 2,000 pairs of five independent splits: a rate of 0.05 has a standard error of 0.005; five of them are allowed.
    chance = np.random.default_rng(0)
    first, second = chance.normal(size=(2, 2000, 5)) + chance.normal(size=(2000, 1))
    false = 0
    for one, two in zip(first, second, strict=True):
        found = paired_difference(one, two, factor=1 / 5)
        false += not found.low <= 0 <= found.high
    assert abs(false / 2000 - 0.05) < 0.025


def test_one_split_alone_has_no_bounds():
    found = unpaired_difference(np.array([1.0]), np.array([0.5]), factors=(1.0, 1.0))
    assert (found.mean, found.low, found.high) == (0.5, -np.inf, np.inf)
