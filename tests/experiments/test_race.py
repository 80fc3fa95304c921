"""Races: who is dropped and when, who is not, and what is left when time runs out."""

import numpy as np
import polars as pl
import pytest

from evenfit.data.splits import make_splits
from evenfit.data.table import understand
from evenfit.experiments.heat import Entry, Epoch, Finished, Heat
from evenfit.experiments.problem import Problem, prepare
from evenfit.experiments.race import race
from evenfit.experiments.record import Record
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.member import Member
from evenfit.results.logits import log_softmax
from evenfit.specs.config import Config

CONFIG = Config(width=16, depth=1, epochs=8, batch_rows=16, numeric_embedding="none", learning_rate=0.01)


@pytest.fixture(scope="module")
def problem():
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 90))
    frame = pl.DataFrame({"a": a, "b": b, "y": np.where(a + generator.normal(size=90) > 0, "up", "down")})
    table = understand(frame, target="y")
    return Problem(table=table, splits=make_splits(table, folds=3, seed=0), metric="log_loss", seed=0)


@pytest.fixture(scope="module")
def prepared(problem):
    return prepare(problem, inputs=CONFIG.inputs, target=CONFIG.target)


class Clock:
    """A clock that moves by so much whenever it is asked."""

    def __init__(self, step=0.0):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


def heat_of(*configs, protected=(), **others):
    entries = tuple(
        Entry(number=number, config=config, protected=number in protected) for number, config in enumerate(configs)
    )
    return Heat(round=1, entries=entries, **others)


def raced(problem, prepared, heat, clock=None):
    events = list(race(problem, prepared, heat, clock=clock or Clock()))
    found = {event.trial.number: event for event in events if isinstance(event, Finished)}
    return found, [event for event in events if isinstance(event, Epoch)]


def rates(*values):
    return [CONFIG.with_values(learning_rate=value) for value in values]


def test_at_each_rung_the_worse_half_is_dropped_with_all_its_folds(problem, prepared):
    found, epochs = raced(problem, prepared, heat_of(*rates(0.01, 1e-6, 0.02, 1e-7)))
    assert [event.running for event in epochs] == [4, 2, 2, 1, 1, 1, 1, 1]
    statuses = {number: event.trial.status for number, event in found.items()}
    assert statuses[1] == statuses[3] == "dropped"
    assert sorted(statuses.values()) == ["complete", "dropped", "dropped", "dropped"]
    for event in found.values():
        complete = event.trial.status == "complete"
        assert (event.state is not None) == complete
        assert (event.trial.predictions.size > 0) == complete
        assert event.trial.epochs[-1] == 8 if complete else event.trial.epochs[-1] in (2, 4)


def test_the_default_is_never_dropped(problem, prepared):
    found, _ = raced(problem, prepared, heat_of(*rates(1e-7, 0.01, 0.02, 0.01), protected=(0,)))
    assert found[0].trial.status == "complete"
    assert found[0].trial.epochs[-1] == 8


def test_a_survivor_is_what_it_would_have_been_alone(problem, prepared):
    together, _ = raced(problem, prepared, heat_of(*rates(1e-6, 1e-7, 0.01, 1e-5)))
    alone, _ = raced(problem, prepared, heat_of(*rates(0.01)))
    assert together[2].trial.status == "complete"
    np.testing.assert_array_equal(together[2].trial.predictions, alone[0].trial.predictions)
    np.testing.assert_array_equal(together[2].state["weights"], alone[0].state["weights"])


def test_losses_that_are_no_numbers_end_a_config_at_once(problem, prepared):
    found, _ = raced(problem, prepared, heat_of(*rates(0.01, 1e30), rungs=()))
    assert found[0].trial.status == "complete"
    assert found[1].trial.status == "diverged"
    assert found[1].state is None
    assert len(found[1].trial.epochs) < 8


def test_where_time_runs_out_the_default_keeps_the_epochs_that_it_reached(problem, prepared):
    clock = Clock(step=1.0)
    found, epochs = raced(problem, prepared, heat_of(*rates(0.01, 0.02), protected=(0,), rungs=(), stop_at=40.0), clock)
    reached = epochs[-1].epoch
    assert 1 <= reached < 8
    assert (found[0].trial.status, found[0].trial.epochs[-1]) == ("complete", reached)
    assert (found[1].trial.status, found[1].state) == ("dropped", None)


def test_no_epoch_begins_whose_validation_would_end_too_late(problem, prepared, monkeypatch):
    clock, plain = Clock(), Record.validate

    def slow(self, *details):
        clock.now += 10.0
        plain(self, *details)

    monkeypatch.setattr(Record, "validate", slow)
    found, epochs = raced(problem, prepared, heat_of(*rates(0.01), protected=(0,), stop_at=35.0), clock)
    assert [event.epoch for event in epochs] == [1, 2]
    assert clock.now <= 35.0 - 10.0, "a third validation, and what ends a trial, would have taken 20 more"
    assert found[0].trial.status == "complete"


def test_where_no_epoch_was_judged_there_is_no_trial(problem, prepared):
    found, epochs = raced(problem, prepared, heat_of(*rates(0.01), protected=(0,), stop_at=-1.0))
    assert (found, epochs) == ({}, [])


def test_weights_and_predictions_are_those_of_the_best_epoch(problem, prepared):
    found, _ = raced(problem, prepared, heat_of(*rates(0.3)))
    trial, weights = found[0].trial, found[0].state["weights"]
    means = trial.selection_loss.mean(axis=1)
    assert trial.best == means.argmin() < len(means) - 1, "the rate is high enough to overfit"
    members = [Member(config=trial.config, split=number, seed=0) for number in range(3)]
    rows = [split.validate for split in problem.splits]
    for judged, outputs in zip(rows, Fleet(members, prepared.samples).outputs(rows, weights), strict=True):
        np.testing.assert_allclose(trial.predictions[0, judged], log_softmax(outputs), rtol=1e-5)


def test_training_scores_are_those_of_the_best_epoch(problem, prepared):
    found, _ = raced(problem, prepared, heat_of(*rates(0.01)))
    accuracy, auc = found[0].trial.training_scores
    assert 0.5 < accuracy <= 1
    assert 0.5 < auc <= 1
