"""The model of memory: it grows with all that there is more of."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.data.arrays import from_memory
from evenfit.data.encodings import InputShape
from evenfit.data.splits import make_splits
from evenfit.errors import BudgetError
from evenfit.experiments.cross_validation import cross_validate
from evenfit.experiments.footprint import Footprint, footprint_of
from evenfit.experiments.heat import Finished
from evenfit.experiments.here import Here
from evenfit.experiments.problem import Problem, prepare
from evenfit.experiments.room import Room
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.layout import layout
from evenfit.fleet.member import Member
from evenfit.results.trial import COMPLETE, DROPPED
from evenfit.specs.config import Config
from evenfit.specs.memory import MIB
from evenfit.specs.space import Choice, Space

CONFIG = Config(width=32, depth=2, epochs=40, batch_rows=64, numeric_embedding="none")
KNOWN = Footprint(
    rows=10_000,
    training=8_000,
    judged=20_000,
    splits=5,
    repeats=1,
    outputs=3,
    columns=1,
    precision=4,
    numeric=6,
    categorical=2,
    shape=InputShape(numeric=6, features=12, cardinalities=(40,)),
)
NAMES = ("rows", "training", "judged", "splits", "repeats", "outputs", "columns", "precision")


def problem_of(rows, columns, *, task="regression"):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, columns))
    y = X[:, 0] if task == "regression" else np.array(["a", "b", "c"])[rng.integers(3, size=rows)]
    table = from_memory(X, y)
    metric = "rmse" if task == "regression" else "log_loss"
    return Problem(
        table=table, splits=make_splits(table, folds=4, repeats=1, seed=0, holdout=None), metric=metric, seed=0
    )


@given(name=st.sampled_from(NAMES), times=st.integers(2, 5), entries=st.integers(1, 9))
def test_more_of_anything_never_takes_less(name, times, entries):
    more = replace(KNOWN, **{name: times * getattr(KNOWN, name)})
    for held in (Footprint.main, Footprint.worker, Footprint.samples, Footprint.table):
        assert held(more) >= held(KNOWN)
    assert more.heat(CONFIG, entries) >= KNOWN.heat(CONFIG, entries)
    assert more.trial(CONFIG) >= KNOWN.trial(CONFIG)
    assert more.peak(CONFIG, entries=8, workers=2, trials=9) > KNOWN.peak(CONFIG, entries=8, workers=2, trials=9)


@given(entries=st.integers(1, 20), width=st.sampled_from([8, 32, 128]), epochs=st.integers(1, 200))
def test_a_fleet_takes_more_with_every_config_and_with_every_unit(entries, width, epochs):
    config = CONFIG.with_values(width=width, epochs=epochs)
    assert KNOWN.heat(config, entries + 1) > KNOWN.heat(config, entries)
    assert KNOWN.heat(config.with_values(width=2 * width), entries) > KNOWN.heat(config, entries)
    assert KNOWN.trial(config, complete=False) < KNOWN.trial(config)


@given(entries=st.integers(1, 20), width=st.sampled_from([8, 32, 128]))
def test_every_config_of_a_fleet_takes_its_networks_and_its_record(entries, width):
    config = CONFIG.with_values(width=width)
    weights = 24 * KNOWN.splits * layout(config, KNOWN.shape, KNOWN.outputs).parameters  # with gradients and moments
    assert KNOWN.heat(config, entries + 1) - KNOWN.heat(config, entries) >= weights + KNOWN.trial(config)


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize(("rows", "columns"), [(300, 3), (90, 40)])
def test_the_arrays_that_there_are_take_what_the_model_says(task, rows, columns):
    problem = problem_of(rows, columns, task=task)
    space = Space(default=CONFIG, values={"inputs": Choice(values=("robust", "quantile"))})
    known = footprint_of(problem, space=space)
    assert known.encodings == 2
    assert known.table() >= problem.table.numeric.nbytes + problem.table.codes.nbytes
    assert known.table() >= 3 * problem.table.numeric.nbytes  # and what is known of its columns' values
    samples = prepare(problem, inputs="robust", target="standard").samples
    held = sum(array.nbytes for array in (samples.values, samples.codes, samples.target, samples.row_weights))
    assert known.samples() >= 2 * (held + samples.balanced_weights.nbytes)
    fleet = Fleet([Member(config=CONFIG, split=split, seed=0) for split in range(4)], samples)
    state = sum(array.nbytes for array in fleet.state().values())
    assert state < known.heat(CONFIG, 1) < 40 * state + 40 * rows * columns * 8
    (finished,) = [event for event in cross_validate(CONFIG, workers=Here(problem)) if isinstance(event, Finished)]
    kept = finished.trial.row_values.nbytes + finished.trial.predictions.nbytes + finished.state["weights"].nbytes
    assert known.trial(CONFIG) == pytest.approx(kept, rel=0.02)
    assert known.kept([finished.trial, replace(finished.trial, status=DROPPED)]) > known.trial(CONFIG)
    assert finished.trial.status == COMPLETE


@given(megabytes=st.integers(600, 20_000), more=st.integers(1, 5_000), width=st.sampled_from([16, 64, 512, 2048]))
def test_more_memory_never_gives_smaller_fleets_or_fewer_workers_or_trials(megabytes, more, width):
    less, richer = (Room(memory=size * MIB, footprint=KNOWN, default=CONFIG) for size in (megabytes, megabytes + more))
    config = CONFIG.with_values(width=width)
    assert less.entries(config, 8) <= richer.entries(config, 8)
    assert less.kept() <= richer.kept()
    assert less.fleet() <= richer.fleet()
    assert less.entries(CONFIG, 8) >= 1


@given(megabytes=st.integers(600, 20_000), wanted=st.integers(1, 16))
def test_what_is_shared_out_is_no_more_than_there_is(megabytes, wanted):
    room = Room(memory=megabytes * MIB, footprint=KNOWN, default=CONFIG)
    workers = room.workers(wanted)
    assert 1 <= workers <= wanted
    assert KNOWN.heat(CONFIG, room.entries(CONFIG, 8)) <= room.fleet()
    trained = KNOWN.samples() + room.fleet() if workers == 1 else workers * (KNOWN.worker() + room.fleet())
    assert KNOWN.main() + trained + room.kept() <= room.memory


def test_where_the_default_does_not_fit_it_is_said_how_much_it_needs_and_that_is_enough():
    with pytest.raises(BudgetError, match=r"memory of 100 MiB is too little.* takes \d+ MiB; give as much") as caught:
        Room(memory=100 * MIB, footprint=KNOWN, default=CONFIG)
    assert "\n" not in str(caught.value)
    huge = Room(memory=2**40, footprint=KNOWN, default=CONFIG)
    assert Room(memory=huge.needed(), footprint=KNOWN, default=CONFIG).entries(CONFIG, 8) >= 1
    with pytest.raises(BudgetError):
        Room(memory=huge.needed() - 1, footprint=KNOWN, default=CONFIG)


@given(megabytes=st.integers(600, 4_000), width=st.sampled_from([64, 256, 512, 1024, 2048]))
def test_a_fleet_has_as_many_configs_as_fit_and_not_one_more(megabytes, width):
    room, config = Room(memory=megabytes * MIB, footprint=KNOWN, default=CONFIG), CONFIG.with_values(width=width)
    entries = room.entries(config, 8)
    assert entries == 0 or KNOWN.heat(config, entries) <= room.fleet()
    assert entries == 8 or KNOWN.heat(config, entries + 1) > room.fleet()


def test_networks_that_do_not_fit_have_no_entries():
    room = Room(memory=700 * MIB, footprint=KNOWN, default=CONFIG)
    assert room.entries(CONFIG.with_values(width=8192), 8) == 0
