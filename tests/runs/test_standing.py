"""How far a search is: of its own limits in trials and epochs, and of the seconds of the whole run."""

from types import SimpleNamespace

import pytest

from evenfit.runs.standing import standing
from evenfit.runs.tally import Tally
from evenfit.specs.budget import Budget

SEARCH = SimpleNamespace(budget=Budget(trials=4), problem=SimpleNamespace(metric="rmse", task="regression"))


def found(*losses, status="complete"):
    trials = {number: SimpleNamespace(loss=loss, status=status) for number, loss in enumerate(losses)}
    return SimpleNamespace(trials=trials)


def stand(search=SEARCH, trials=(), seconds=None, spent=0.0):
    return standing(search, found(*trials), Tally(), seconds=seconds, spent=spent, note="")


def test_seconds_left_are_those_of_the_whole_run_and_not_of_the_search():
    search = SimpleNamespace(budget=Budget(seconds=10), problem=SEARCH.problem)
    assert stand(search, seconds=60.0, spent=20.0).seconds_left == 40.0


def test_nothing_is_left_below_zero():
    known = stand(trials=(9.0,) * 6, seconds=1.0, spent=2.0)
    assert (known.seconds_left, known.trials_left) == (0.0, 0)


def test_a_limit_that_is_not_set_has_nothing_left_to_show():
    known = stand()
    assert (known.seconds_left, known.epochs_left, known.best_loss) == (None, None, None)


def test_the_best_loss_is_in_the_units_of_the_target_where_the_metric_is_rmse():
    assert stand(trials=(9.0, 4.0)).best_loss == pytest.approx(2.0)


def test_a_trial_that_was_dropped_is_not_the_best():
    dropped = standing(SEARCH, found(1.0, status="dropped"), Tally(), seconds=None, spent=0.0, note="")
    assert (dropped.best_loss, dropped.trials_done) == (None, 1)
