"""Races: who is dropped and when, who is not, and what is left when time runs out."""

from dataclasses import replace

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


@pytest.mark.parametrize("first", [0.0, 0.4])
def test_what_is_left_has_trained_as_many_epochs_as_it_says(problem, prepared, first):
    heat = heat_of(*rates(0.01, 1e-6, 0.02), rungs=() if first else (0.25, 0.5), first=first, bar=1.0)
    _, epochs = raced(problem, prepared, heat)
    told = [event.trained for event in epochs]
    if first:  # one split of three, then the two others
        assert told == [3 * epoch for epoch in range(1, 9)] + [3 * (8 + 2 * epoch) for epoch in range(1, 9)]
    else:
        assert told == [3 * event.running * event.epoch for event in epochs]


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


# with some splits first


def of_splits(trial, number):
    return trial.validation_loss[:, number], trial.selection_loss[:, number], trial.training_loss[:, number]


@pytest.mark.parametrize("metric", ["log_loss", "auc"])
@pytest.mark.parametrize("first", [0.3, 0.6])
def test_a_config_that_passes_the_bar_is_what_it_would_have_been_on_all_splits_at_once(
    problem, prepared, first, metric
):
    problem = Problem(table=problem.table, splits=problem.splits, metric=metric, seed=0)
    rising = rates(0.01, 0.3, 0.02)
    apart, epochs = raced(problem, prepared, heat_of(*rising, rungs=(), first=first, bar=1e9))
    together, _ = raced(problem, prepared, heat_of(*rising, rungs=()))
    assert [event.epoch for event in epochs] == [*range(1, 9)] * 2
    for number, wanted in together.items():
        found = apart[number]
        for name in vars(wanted.trial):
            if name != "seconds":
                np.testing.assert_array_equal(getattr(found.trial, name), getattr(wanted.trial, name), err_msg=name)
        assert found.state.keys() == wanted.state.keys()
        for name, array in wanted.state.items():
            np.testing.assert_array_equal(found.state[name], array)


def test_numbers_to_predict_come_out_the_same_with_some_splits_first():
    generator = np.random.default_rng(1)
    a = generator.normal(size=80)
    table = understand(pl.DataFrame({"a": a, "y": 1e3 + 50 * a + generator.normal(size=80)}), target="y")
    problem = Problem(table=table, splits=make_splits(table, folds=2, repeats=2, seed=0), metric="rmse", seed=0)
    prepared = prepare(problem, inputs=CONFIG.inputs, target=CONFIG.target)
    together, _ = raced(problem, prepared, heat_of(*rates(0.01), rungs=()))
    apart, _ = raced(problem, prepared, heat_of(*rates(0.01), rungs=(), first=0.4, bar=1e9))
    np.testing.assert_array_equal(apart[0].trial.predictions, together[0].trial.predictions)
    np.testing.assert_array_equal(apart[0].trial.row_values, together[0].trial.row_values)
    np.testing.assert_array_equal(apart[0].state["residuals"], together[0].state["residuals"])
    np.testing.assert_array_equal(apart[0].state["weights"], together[0].state["weights"])


def test_a_config_above_the_bar_is_dropped_with_the_splits_that_it_had(problem, prepared):
    whole, _ = raced(problem, prepared, heat_of(*rates(0.01, 1e-6), rungs=()))
    seen = [0, 1]
    means = [event.trial.selection_loss[:, seen].mean(axis=1).min() for event in whole.values()]
    assert means[0] < means[1]
    found, epochs = raced(problem, prepared, heat_of(*rates(0.01, 1e-6), rungs=(), first=0.6, bar=sum(means) / 2))
    assert [event.running for event in epochs] == [2] * 8 + [1] * 8
    trial = found[1].trial
    assert (found[0].trial.status, trial.status, found[1].state) == ("complete", "dropped", None)
    assert trial.seen.tolist() == [True, True, False]
    assert trial.loss == pytest.approx(means[1])
    assert trial.epochs.tolist() == list(range(1, 9))
    for number in seen:
        np.testing.assert_array_equal(of_splits(trial, number), of_splits(whole[1].trial, number))
    assert np.isnan(of_splits(trial, 2)).all()
    unseen = problem.truth.split_of[0] == 2
    assert np.isnan(trial.row_values[:, 0, unseen]).all()
    np.testing.assert_array_equal(trial.row_values[:, 0, ~unseen], whole[1].trial.row_values[:, 0, ~unseen])


def test_a_config_whose_mean_is_the_bar_goes_on(problem, prepared):
    whole, _ = raced(problem, prepared, heat_of(*rates(0.01), rungs=()))
    bar = whole[0].trial.selection_loss[:, :1].mean(axis=1).min()
    found, _ = raced(problem, prepared, heat_of(*rates(0.01), rungs=(), first=0.3, bar=bar))
    assert found[0].trial.status == "complete"


def test_losses_that_are_no_numbers_end_a_config_on_the_first_splits(problem, prepared):
    found, epochs = raced(problem, prepared, heat_of(*rates(1e30), rungs=(), first=0.3, bar=1e9))
    assert (found[0].trial.status, found[0].state) == ("diverged", None)
    assert len(epochs) < 8


def test_where_time_runs_out_every_config_that_was_validated_is_told_of(problem, prepared):
    reached = set()
    for stop_at in range(1, 200):
        heat = heat_of(*rates(0.01, 0.02), rungs=(), first=0.3, bar=1e9, stop_at=float(stop_at))
        found, epochs = raced(problem, prepared, heat, Clock(step=1.0))
        reached.add(len(epochs))
        assert bool(found) == bool(epochs)
        if epochs:
            assert set(found) == {0, 1}
        for event in found.values():
            complete = len(epochs) == 16
            assert event.trial.status == ("complete" if complete else "dropped")
            assert event.trial.seen.sum() == (1 if len(epochs) <= 8 else 3)
            assert np.isfinite(event.trial.loss)
            assert len(event.trial.epochs) == (len(epochs) - 1) % 8 + 1
    assert reached == set(range(17))


def test_all_splits_are_trained_at_once_where_the_first_would_show_too_much_to_hold(problem, prepared, monkeypatch):
    from evenfit.experiments import race as module

    monkeypatch.setattr(module, "_MOST_NUMBERS", 10)
    found, epochs = raced(problem, prepared, heat_of(*rates(0.01, 1e-6), rungs=(), first=0.6, bar=0.0))
    assert len(epochs) == 8
    assert {event.trial.status for event in found.values()} == {"complete"}


def test_splits_that_no_metric_could_judge_do_not_come_first(problem):
    order = np.argsort(problem.target, kind="stable")  # the first split has one class
    parts = np.array_split(order, 3)
    splits = tuple(
        replace(split, train=np.sort(np.setdiff1d(order, part)), validate=np.sort(part))
        for split, part in zip(problem.splits, parts, strict=True)
    )
    sorted_out = Problem(table=problem.table, splits=splits, metric="auc", seed=0)
    prepared = prepare(sorted_out, inputs=CONFIG.inputs, target=CONFIG.target)
    found, epochs = raced(sorted_out, prepared, heat_of(*rates(0.01), rungs=(), first=0.3, bar=1.0))
    assert (found[0].trial.status, len(epochs)) == ("complete", 8)


def test_one_split_alone_does_not_come_first(problem):
    held_out = Problem(table=problem.table, splits=problem.splits[:1], metric="log_loss", seed=0)
    prepared = prepare(held_out, inputs=CONFIG.inputs, target=CONFIG.target)
    found, epochs = raced(held_out, prepared, heat_of(*rates(0.01), rungs=(), first=0.9, bar=0.0))
    assert (found[0].trial.status, len(epochs)) == ("complete", 8)


def test_rungs_hold_for_all_splits_where_some_come_first(problem, prepared):
    found, epochs = raced(problem, prepared, heat_of(*rates(0.01, 1e-6), rungs=(0.5,), first=0.3, bar=1e9))
    assert [event.running for event in epochs] == [2] * 8 + [2] * 3 + [1] * 5
    assert found[1].trial.seen.all()
