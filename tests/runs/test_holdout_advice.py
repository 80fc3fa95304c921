"""What is said where folds cost a search of many rows too much."""

import numpy as np
import pytest

from evenfit.data.arrays import from_memory
from evenfit.data.splits import make_splits
from evenfit.errors import BudgetError
from evenfit.experiments.here import Here
from evenfit.runs.holdout_advice import few_configs, or_holdout
from evenfit.runs.search import Found, plan_search, run_search
from evenfit.specs.budget import Budget


def test_few_complete_configs_of_many_rows_by_folds_are_a_note():
    assert "2 complete configs" in few_configs(2, rows=50_000, splits=5)[0]
    assert few_configs(4, rows=50_000, splits=5) == ()


@pytest.mark.parametrize(("rows", "splits"), [(50_000, 1), (5_000, 5)])
def test_nothing_is_said_where_rows_are_held_out_already_or_are_few(rows, splits):
    assert or_holdout(rows, splits=splits) == ""
    assert few_configs(1, rows=rows, splits=splits) == ()


def test_a_search_of_many_rows_without_an_answer_names_the_holdout():
    draw = np.random.default_rng(0)
    table = from_memory(draw.normal(size=(20_000, 2)), draw.normal(size=20_000))
    for holdout, said in ((None, True), (0.25, False)):
        search = plan_search(
            table,
            make_splits(table, folds=5, seed=0, holdout=holdout),
            metric="rmse",
            budget=Budget(seconds=1.0),
            workers=1,
            seed=0,
            selection="best",
        )
        with pytest.raises(BudgetError) as told:
            run_search(search, Here(search.problem), stop_at=0.0, found=Found(), tell=lambda _: None)
        assert ("holdout 0.25" in str(told.value)) is said
