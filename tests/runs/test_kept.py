"""What a run keeps of its request, and what an extension makes of it."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from evenfit.errors import BudgetError, StoreError
from evenfit.runs.extending import check_open, extended
from evenfit.runs.kept import Kept
from evenfit.runs.options import request_from
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.space import Space


def kept(budget="20 trials", **options):
    request = request_from({"table": "a.csv", "target": "y", "budget": budget, "runs": "there"} | options)
    return Kept(request=request, space=Space(), workers=2, warm=(Config(width=8),), warm_note="of another")


def run(status="done", stopped="trials"):
    summary = {"stopped": stopped, "estimate": {"mean": 0.5, "low": 0.4, "high": 0.6}, "selected": {"trial": 3}}
    return SimpleNamespace(
        name="a",
        status=status,
        summary=summary if status == "done" else None,
        trials=20,
        seconds_spent=9.0,
        folder=Path("there/a"),
    )


def test_what_is_kept_comes_back_and_the_folder_of_runs_may_have_moved():
    before = kept()
    after = Kept.from_json(json.loads(json.dumps(before.to_json())), runs="there")
    assert after == before
    assert Kept.from_json(before.to_json(), runs="here").request.runs == "here"


def test_a_run_of_before_there_were_extensions_can_be_read():
    stored = kept().to_json()
    for name in ("warm", "warm_note", "target_loss", "stop_when_settled", "from_run"):
        del stored[name]
    del stored["budget"]["epochs"]
    found = Kept.from_json(stored, runs="there")
    assert (found.warm, found.extended, found.request.target_loss) == ((), (), None)
    assert found.request.budget == Budget(trials=20)


def test_an_extension_adds_to_the_budget_and_remembers_what_was():
    once = extended(kept(target_loss=0.3, stop_when_settled=True), run(), Budget(trials=5))
    twice = extended(once, run(), Budget(trials=7))
    assert twice.request.budget == Budget(trials=32)
    assert twice.request.target_loss is None
    assert not twice.request.stop_when_settled
    assert [before["budget"] for before in twice.extended] == ["20 trials", "25 trials"]
    assert twice.extended[0]["estimate"]["mean"] == 0.5
    assert json.loads(json.dumps(twice.to_json())) == twice.to_json()


def test_a_run_is_not_extended_by_what_its_budget_does_not_have():
    with pytest.raises(BudgetError, match="by trials alone; got 300s"):
        extended(kept(), run(), Budget.parse("5m"))
    with pytest.raises(BudgetError, match="limit of 20 trials; extend it by trials"):
        extended(kept("60s, 20 trials"), run(), Budget.parse("5m"))
    assert extended(kept("60s, 20 trials"), run(stopped="target"), Budget.parse("5m")).request.budget.seconds == 360


def test_what_failed_is_not_extended_and_what_is_done_not_resumed():
    with pytest.raises(StoreError, match="failed"):
        extended(kept(), run("failed"), Budget(trials=5))
    with pytest.raises(StoreError, match="--extend"):
        check_open(run("done"))
    check_open(run("interrupted"))
