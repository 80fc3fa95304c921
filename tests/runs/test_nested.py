"""Whole searches on parts of the rows: what they see, what they share, and what an end in the middle leaves."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evenfit.errors import BudgetError, ConfigError
from evenfit.runs import nested
from evenfit.runs.fit import fit, resume
from evenfit.runs.functions import tune
from evenfit.runs.options import request_from
from evenfit.runs.progress import ignore
from evenfit.specs.budget import Budget


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(90, 3))
    y = np.where(x[:, 0] + 0.5 * draw.normal(size=90) > 0, "yes", "no")
    path = tmp_path_factory.mktemp("data") / "small.csv"
    pd.DataFrame(x, columns=["a", "b", "c"]).assign(y=y).to_csv(path, index=False)
    return path


def asked(table, folder, **options):
    return request_from(
        {
            "table": str(table),
            "target": "y",
            "runs": str(folder),
            "folds": 2,
            "workers": 1,
            "budget": "9 trials",
            "nested": 2,
        }
        | options
    )


def without_seconds(found):
    folds = [{name: value for name, value in fold.items() if name != "seconds"} for fold in found["folds"]]
    return found | {"folds": folds}


def test_the_budget_is_divided_equally_over_all_searches(table, tmp_path):
    outcome = fit(asked(table, tmp_path), progress=ignore)
    found = outcome.json()["nested"]
    assert [fold["trials"] for fold in found["folds"]] == [3, 3]
    assert len(outcome.study.trials) == 3
    assert [fold["rows"] + fold["training_rows"] for fold in found["folds"]] == [90, 90]
    json.dumps(found, allow_nan=False)


def test_two_workers_give_the_same_as_one(table, tmp_path):
    one = fit(asked(table, tmp_path / "one"), progress=ignore).json()["nested"]
    two = fit(asked(table, tmp_path / "two", workers=2), progress=ignore).json()["nested"]
    assert without_seconds(one) == without_seconds(two)


def test_what_the_left_out_rows_hold_has_no_part_in_a_search(table, tmp_path):
    request = asked(table, tmp_path / "first")
    first = fit(request, progress=ignore).json()["nested"]["folds"]
    from evenfit.runs.source import read_source

    source = read_source(request)
    split = nested.outer_splits(source.table, nested.Nesting(folds=2, seed=0, budget=Budget(trials=9)))[0]
    frame = pd.read_csv(table)
    moved = frame.copy()
    moved.loc[split.validate, "a"] = -5 * frame.loc[split.validate, "a"]  # the labels stay, and with them the folds
    other = tmp_path / "other.csv"
    moved.to_csv(other, index=False)
    second = fit(asked(other, tmp_path / "second"), progress=ignore).json()["nested"]["folds"]
    for name in ("config", "plain", "estimate", "trials"):
        assert first[0][name] == second[0][name]
    assert first[0]["members_loss"] != second[0]["members_loss"]
    assert first[1]["plain"] != second[1]["plain"]


def test_a_search_that_was_done_is_not_done_again(table, tmp_path, monkeypatch):
    whole = fit(asked(table, tmp_path / "whole"), progress=ignore).json()["nested"]
    done = []
    outer = nested._outer_fold

    def until_the_second(table, number, split, **rest):
        if number == 1 and done == [0]:
            raise KeyboardInterrupt
        done.append(number)
        return outer(table, number, split, **rest)

    monkeypatch.setattr(nested, "_outer_fold", until_the_second)
    from evenfit.errors import Interrupted

    with pytest.raises(Interrupted):
        fit(asked(table, tmp_path / "killed", name="killed"), progress=ignore)
    done.append("again")
    found = resume("killed", runs=str(tmp_path / "killed"), progress=ignore).json()["nested"]
    assert done == [0, "again", 1]
    assert without_seconds(found) == without_seconds(whole)


def test_fewer_trials_than_searches_are_refused():
    with pytest.raises(BudgetError, match="5 trials are too few for 6 searches"):
        nested.share_of(Budget(trials=5), 5)


def test_rows_in_time_are_refused(table, tmp_path):
    with pytest.raises(ConfigError, match="nested cannot be had with time"):
        asked(table, tmp_path, time="a")


def test_one_outer_fold_is_none(table, tmp_path):
    with pytest.raises(ConfigError, match="nested must be at least 2"):
        asked(table, tmp_path, nested=1)


def test_the_rows_of_a_group_are_on_one_side(table, tmp_path):
    frame = pd.read_csv(table).assign(g=np.arange(90) // 6)
    grouped = tmp_path / "grouped.csv"
    frame.to_csv(grouped, index=False)
    request = asked(grouped, tmp_path, group="g")
    from evenfit.runs.source import read_source

    rows = read_source(request).table
    for split in nested.outer_splits(rows, nested.Nesting(folds=2, seed=0, budget=Budget(trials=9))):
        assert not set(rows.groups[split.train]) & set(rows.groups[split.validate])


def test_the_budget_of_a_share_keeps_its_unit():
    assert nested.share_of(Budget(seconds=12.0), 3) == Budget(seconds=3.0)
    assert nested.share_of(replace(Budget(trials=8), seconds=8.0), 3) == Budget(trials=2, seconds=2.0)
    assert nested.share_of(Budget(trials=8), None) == Budget(trials=8)


@pytest.mark.parametrize("stored", [False, True])
def test_tune_gives_the_study_its_nested_estimate(table, tmp_path, stored):
    frame = pd.read_csv(table)
    store = tmp_path / "runs" if stored else None
    study = tune("mlp", frame[["a", "b", "c"]], frame["y"], budget="4 trials", folds=2, nested=3, store=store)
    assert len(study.trials) == 1
    assert [fold.trials for fold in study.nested.folds] == [1, 1, 1]
    assert np.isfinite(study.nested.members.mean)


def test_a_share_that_is_too_small_names_the_seconds_of_all_searches(table, tmp_path):
    with pytest.raises(
        BudgetError, match=r"too small for 5 nested searches.*its share.*give all 6 searches (\d+)s"
    ) as told:
        fit(asked(table, tmp_path, nested=5, budget="0.02s"), progress=ignore)
    assert int(str(told.value).split("searches ")[-1].removesuffix("s")) % 6 == 0


def test_more_outer_folds_than_groups_are_refused(table, tmp_path):
    grouped = tmp_path / "few.csv"
    pd.read_csv(table).assign(g=np.arange(90) // 30).to_csv(grouped, index=False)
    with pytest.raises(ConfigError, match="nested must be at most the number of groups, 3; got 4"):
        fit(asked(grouped, tmp_path, group="g", nested=4), progress=ignore)


def test_claims_of_outer_folds_are_made_at_the_level_of_claims(table, tmp_path):
    found = fit(asked(table, tmp_path, budget="3 trials"), progress=ignore).json()
    assert found["nested"]["difference"]["level"] == found["comparison"]["difference"]["level"] == 0.95
    assert found["nested"]["members"]["level"] == 0.9
