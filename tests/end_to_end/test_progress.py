"""What a fit says of how far it is."""

import pytest

from evenfit.runs.fit import fit
from evenfit.runs.options import request_from


@pytest.mark.parametrize("racing", ["halving", "forgiving"])
def test_epochs_rise_to_what_the_trials_have_trained(here, racing):
    told = []
    options = {"table": "shop.csv", "target": "sold", "workers": 1, "folds": 3, "racing": racing}
    outcome = fit(request_from(options | {"budget": "1200 epochs"}), progress=told.append)
    told = [moment for moment in told if not moment.line]
    done = [moment.epochs_done for moment in told]
    assert done == sorted(done)
    assert done[-1] == outcome.json()["expected"]["happened"]["epochs"] <= 1200
    assert all(moment.epochs_done + moment.epochs_left == 1200 for moment in told)
    assert len(set(done)) > 20, "not only when a trial has ended"
    assert told[-1].share() == done[-1] / 1200


def test_epochs_are_not_counted_down_where_they_are_not_limited(here):
    told = []
    fit(
        request_from({"table": "shop.csv", "target": "sold", "workers": 1, "folds": 2, "budget": "1 trials"}),
        progress=told.append,
    )
    assert {moment.epochs_left for moment in told} == {None}
