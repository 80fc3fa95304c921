"""What an extension makes of a request, and what it refuses, before anything is trained."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from evenfit.errors import BudgetError, StoreError
from evenfit.runs.extending import check_open, extended, keep_extension
from evenfit.runs.kept import Kept
from evenfit.runs.options import request_from
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.space import Space
from evenfit.store import Round


def kept_of(**options):
    request = request_from({"table": "a.csv", "target": "y", "budget": "40 trials"} | options)
    return Kept(request=request, space=Space(default=Config()), workers=1)


def run_of(*, status="done", stopped="trials"):
    summary = {"stopped": stopped, "estimate": {"mean": 0.3}, "selected": {"trial": 7}}
    return SimpleNamespace(
        name="first", folder="runs/first", status=status, summary=summary, trials=40, seconds_spent=12.34
    )


def test_an_extension_adds_to_the_budget_and_remembers_what_the_run_was():
    found = extended(kept_of(), run_of(), Budget(trials=20))
    assert found.request.budget == Budget(trials=60)
    assert found.extended == (
        {
            "budget": "40 trials",
            "by": "20 trials",
            "trials": 40,
            "seconds": 12.3,
            "stopped": "trials",
            "estimate": {"mean": 0.3},
            "selected": 7,
        },
    )
    twice = extended(found, run_of(), Budget(trials=5))
    assert twice.request.budget == Budget(trials=65)
    assert [one["by"] for one in twice.extended] == ["20 trials", "5 trials"]
    assert Kept.from_json(twice.to_json(), runs="runs") == twice


def test_a_budget_in_seconds_is_extended_by_seconds():
    found = extended(kept_of(budget="60s"), run_of(stopped="seconds"), Budget.parse("5m"))
    assert found.request.budget == Budget(seconds=360.0)
    assert found.extended[0]["budget"] == "60s"


def test_what_ended_the_run_for_other_reasons_than_its_budget_does_not_end_it_again():
    asked = kept_of(target_loss=0.2, stop_when_settled=True)
    found = extended(asked, run_of(stopped="target"), Budget(trials=1)).request
    assert (found.target_loss, found.stop_when_settled) == (None, False)


def test_a_run_that_was_stopped_can_be_extended_by_any_limit_that_it_has():
    asked = kept_of(budget="60s, 40 trials")
    found = extended(asked, run_of(status="interrupted", stopped=None), Budget(trials=5))
    assert found.request.budget == Budget(seconds=60.0, trials=45)


@pytest.mark.parametrize(
    ("options", "run", "more", "error", "message"),
    [
        ({"nested": 3}, {}, Budget(trials=20), StoreError, "'first' is nested: .* cannot be extended; fit anew"),
        ({}, {"status": "failed"}, Budget(trials=20), StoreError, "'first' failed"),
        ({}, {}, Budget(seconds=9.0), BudgetError, "40 trials can be extended by trials alone; got 9s"),
        (
            {"budget": "60s, 40 trials"},
            {"stopped": "seconds"},
            Budget(trials=20),
            BudgetError,
            "ended by its limit of 60s; extend it by seconds, got 20 trials",
        ),
    ],
)
def test_what_cannot_be_extended_is_refused(options, run, more, error, message):
    with pytest.raises(error, match=message):
        extended(kept_of(**options), run_of(**run), more)


class FakeStore:
    """A store of rounds, which remembers what was to be forgotten."""

    def __init__(self, *rounds):
        self.known = [Round(number=number, kind="", configs=configs) for number, configs in enumerate(rounds)]

    def rounds(self, run):
        return self.known

    def lock(self, run):
        return nullcontext()

    def extend(self, run, request, *, without):
        self.forgotten = None if without is None else without.number
        return run


def forgotten(*rounds, by_rounds=True):
    """The first round that an extension races anew; eight configs make a good fleet."""
    store = FakeStore(*rounds)
    search = SimpleNamespace(rounds=by_rounds, racing="halving", costs=SimpleNamespace(entries=8))
    keep_extension(store, run_of(), kept_of(), search)
    return store.forgotten


def heat(count, **marked):
    return tuple({"number": number, "config": {}, "protected": False} | marked for number in range(count))


def test_an_extension_forgets_the_first_heat_that_a_limit_had_cut():
    whole, short = heat(8, cut=False), heat(1, cut=False)
    assert forgotten(short, short, whole) is None, "a portfolio's heats are small"
    assert forgotten(short, whole, heat(8, cut=True), whole) == 2
    assert forgotten(short, heat(3, cut=True), by_rounds=False) is None, "where seconds are limited all trials stay"


def test_of_runs_of_earlier_versions_a_small_heat_is_taken_to_be_cut():
    assert forgotten(heat(1), heat(8), heat(8)) is None
    assert forgotten(heat(1), heat(8), heat(5), heat(8)) == 2


@pytest.mark.parametrize(("status", "message"), [("done", "for more: --extend 5m"), ("failed", "fit anew")])
def test_a_run_that_has_ended_is_not_resumed_without_more(status, message):
    with pytest.raises(StoreError, match=message):
        check_open(run_of(status=status))
    check_open(run_of(status="interrupted"))
