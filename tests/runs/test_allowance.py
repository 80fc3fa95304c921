"""A run's allowance: what is kept back for its end."""

from types import SimpleNamespace

import pytest

from evenfit.runs.allowance import allowance_of
from evenfit.runs.options import request_from


def stop_at(*, rows, test=None, seconds=60, spent=0.0, **options):
    """The moment when training ends, of a run that begins at 0."""
    request = request_from({"table": "a.csv", "target": "y", "budget": f"{seconds}s"} | options)
    tested = None if test is None else SimpleNamespace(rows=test)
    source = SimpleNamespace(table=SimpleNamespace(rows=rows), test=tested)
    return allowance_of(request, source, started=0.0, before=spent).stop_at()


def test_the_more_there_is_to_do_at_the_end_the_earlier_training_ends():
    usual = stop_at(rows=1000)
    assert 50 < usual < 60
    assert stop_at(rows=200_000) < usual
    assert stop_at(rows=1000, time="day") < usual
    assert stop_at(rows=1000, spent=20.0) == pytest.approx(usual - 20)


def test_time_to_score_test_rows_is_kept_beside_the_rest_not_out_of_it():
    for rows in (1000, 2_000_000):  # the second would keep all that may be kept for the end
        assert stop_at(rows=rows, test=100_000) == pytest.approx(stop_at(rows=rows) - 10)


@pytest.mark.parametrize("seconds", [5, 30, 600])
def test_some_of_the_budget_is_left_to_train_however_much_there_is_to_do(seconds):
    assert stop_at(rows=10**8, test=10**8, seconds=seconds, time="day") >= 0.29 * seconds
