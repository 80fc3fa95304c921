"""What goes into the store comes out equal, and what cannot be done is said in one line."""

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.store.trials import assert_same_arrays, assert_same_trials, state_of, trial_of

from evenfit.errors import StoreError
from evenfit.results.trial import Trial
from evenfit.specs.config import Config
from evenfit.store import open_store
from evenfit.store.trial_rows import ARRAYS

FLOATS = st.sampled_from([np.float16, np.float32, np.float64])
ANY_NUMBER = st.floats(allow_nan=True, allow_infinity=True)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "runs") as opened:
        yield opened


@pytest.fixture
def run(store):
    return store.create_run({"table": "bank.csv", "seed": 7}, name="monday", fingerprint="f00d")


def _array(dtypes, dimensions):
    return dtypes.flatmap(
        lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=dimensions, max_dims=dimensions, min_side=0))
    )


@st.composite
def any_trial(draw):
    return Trial(
        number=draw(st.integers(0, 2**40)),
        round=draw(st.integers(0, 1000)),
        config=Config(
            learning_rate=draw(st.floats(1e-300, 1e300)),
            l1=draw(st.floats(0, 1e300)),
            dropout=draw(st.floats(0, 1, exclude_max=True)),
            width=draw(st.integers(1, 65536)),
        ),
        status=draw(st.sampled_from(["complete", "dropped", "diverged"])),
        epochs=draw(_array(st.sampled_from([np.int32, np.int64]), 1)),
        training_loss=draw(_array(FLOATS, 2)),
        validation_loss=draw(_array(FLOATS, 2)),
        selection_loss=draw(_array(FLOATS, 2)),
        row_values=draw(_array(FLOATS, 4)),
        best=draw(st.integers(0, 100)),
        predictions=draw(_array(FLOATS, 3)),
        seconds=draw(st.floats(0, allow_infinity=True, allow_nan=False)),
    )


@given(trial=any_trial(), state=st.dictionaries(st.text(max_size=9), _array(FLOATS, 2), max_size=3))
def test_a_trial_and_its_state_come_out_equal_bit_for_bit(tmp_path_factory, trial, state):
    with open_store(tmp_path_factory.mktemp("runs")) as store:
        run = store.create_run({}, name=None, fingerprint="")
        store.add_trial(run, trial, state=state)
        assert_same_trials(store.trials(run)[0], trial)
        found = store.state(run, trial.number)
    assert found.keys() == state.keys()
    for name, array in state.items():
        assert_same_arrays(found[name], array)


def test_every_value_of_a_trial_is_stored():
    scalars = {"number", "round", "config", "status", "best", "seconds"}
    assert set(Trial.__dataclass_fields__) == scalars | set(ARRAYS)


def test_arrays_that_are_not_contiguous_come_out_equal(store, run):
    weights = np.arange(24.0).reshape(4, 6)[::2, ::-1]
    store.add_trial(run, trial_of(0), state={"weights": weights, "turned": weights.T})
    np.testing.assert_array_equal(store.state(run, 0)["weights"], weights)
    np.testing.assert_array_equal(store.state(run, 0)["turned"], weights.T)


def test_a_trial_added_again_replaces_the_first(store, run):
    store.add_trial(run, trial_of(3), state=state_of(3))
    store.add_trial(run, trial_of(3, seed=1), state=state_of(3, seed=1))
    (found,) = store.trials(run)
    assert_same_trials(found, trial_of(3, seed=1))
    assert_same_arrays(store.state(run, 3)["weights"], state_of(3, seed=1)["weights"])


def test_trials_come_in_the_order_of_their_numbers(store, run):
    for number in (2, 0, 1):
        store.add_trial(run, trial_of(number), state=None)
    assert [trial.number for trial in store.trials(run)] == [0, 1, 2]
    assert store.run("monday").trials == 3


def test_trials_of_one_run_are_not_seen_in_another(store, run):
    other = store.create_run({}, name="tuesday", fingerprint="")
    store.add_trial(run, trial_of(0), state=None)
    assert store.trials(other) == ()


def test_pruning_deletes_all_states_but_the_kept(store, run):
    for number in range(4):
        store.add_trial(run, trial_of(number), state=state_of(number))
    store.prune_states(run, {1, 3})
    assert_same_arrays(store.state(run, 3)["weights"], state_of(3)["weights"])
    with pytest.raises(StoreError, match=r"trials/0\.safetensors is missing"):
        store.state(run, 0)
    assert len(store.trials(run)) == 4


@given(
    configs=st.lists(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.floats() | st.text()))
)
def test_the_proposals_of_a_round_come_out_equal(tmp_path_factory, configs):
    with open_store(tmp_path_factory.mktemp("runs")) as store:
        run = store.create_run({}, name=None, fingerprint="")
        store.add_round(run, 0, [Config().to_json()], "default")
        store.add_round(run, 1, configs, "tpe")
        default, proposed = store.rounds(run)
    assert (default.number, default.kind, Config.from_json(default.configs[0])) == (0, "default", Config())
    assert repr(list(proposed.configs)) == repr(configs)  # as text: NaN differs from itself


def test_a_round_added_again_replaces_the_first(store, run):
    store.add_round(run, 0, [{"width": 1}], "random")
    store.add_round(run, 0, [{"width": 2}], "tpe")
    (found,) = store.rounds(run)
    assert (found.kind, found.configs) == ("tpe", ({"width": 2},))


def test_a_run_remembers_what_was_asked_and_what_came_of_it(store, run):
    assert (run.name, run.folder, run.seed) == ("monday", store.path.parent / "monday", 7)
    assert (run.fingerprint, run.request, run.summary) == ("f00d", {"table": "bank.csv", "seed": 7}, None)
    assert run.folder.is_dir()
    store.spend(run, 12.5)
    store.finish(run, {"estimate": {"mean": 0.25}}, "done", report="It went well.\n")
    found = store.run("monday")
    assert found.report == "It went well.\n"
    assert (found.status, found.seconds_spent, found.summary) == ("done", 12.5, {"estimate": {"mean": 0.25}})


def test_seconds_spent_never_fall(store, run):
    store.add_trial(run, trial_of(0), state=None, seconds_spent=30.0)
    store.spend(run, 20.0)
    assert store.run("monday").seconds_spent == 30.0


def test_what_is_stored_is_there_when_the_store_is_opened_again(tmp_path):
    with open_store(tmp_path) as store:
        run = store.create_run({}, name="monday", fingerprint="")
        store.add_trial(run, trial_of(0), state=state_of(0))
    with open_store(tmp_path, create=False) as store:
        assert_same_trials(store.trials(store.run("monday"))[0], trial_of(0))


def test_runs_are_listed_newest_first(store):
    for name in ("first", "second", "third"):
        store.create_run({}, name=name, fingerprint="")
    assert [run.name for run in store.runs()] == ["third", "second", "first"]


def test_a_run_without_a_name_is_named_after_its_table(store):
    tables = ["in/Bank data.csv.gz", "Bank data.csv", "bank-data.parquet", "日本.csv", None]
    names = [store.create_run({"table": table}, name=None, fingerprint="").name for table in tables]
    assert names == ["bank-data", "bank-data-2", "bank-data-3", "run", "run-2"]


def test_a_run_remembers_when_it_began(tmp_path):
    with open_store(tmp_path, now=lambda: datetime(2026, 11, 22, 14, 32, 5, tzinfo=UTC)) as store:
        assert store.create_run({}, name=None, fingerprint="").created == "2026-11-22T14:32:05+00:00"


def test_finishes_are_in_the_order_in_which_trials_were_stored(store, run):
    for number, seconds in ((2, 1.5), (0, 2.5), (1, None)):
        store.add_trial(run, trial_of(number), state=None, seconds_spent=seconds)
    finishes = store.finishes(run)
    assert [finish.trial for finish in finishes] == [2, 0, 1]
    assert [finish.loss for finish in finishes] == [trial_of(number).loss for number in (2, 0, 1)]
    np.testing.assert_equal([finish.seconds for finish in finishes], [1.5, 2.5, np.nan])


def test_a_name_that_is_taken_is_refused(store, run):
    with pytest.raises(StoreError, match="a run named monday is there already"):
        store.create_run({}, name="monday", fingerprint="")
    assert len(store.runs()) == 1


def test_a_folder_with_files_is_not_taken_over(store):
    (store.path.parent / "mine").mkdir()
    (store.path.parent / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(StoreError, match="a run named mine is there already"):
        store.create_run({}, name="mine", fingerprint="")


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a\\b", "-x", " x", "x\n", "x\x00y", "x" * 201, "\ud800"])
def test_a_name_that_cannot_be_a_folder_is_refused(store, name):
    with pytest.raises(StoreError, match="must be a folder's name"):
        store.create_run({}, name=name, fingerprint="")


@pytest.mark.parametrize("name", ["<script>", "montag 🎉", "a.b", "x' OR 1=1 --", "%"])
def test_names_are_text(store, name):
    assert store.create_run({}, name=name, fingerprint="").folder.name == name
    assert store.run(name).name == name


def test_a_run_is_found_by_its_name_or_its_folder(store, run):
    for name in ("monday", "runs/monday", "runs/monday/", run.folder):
        assert store.run(name) == run


def test_a_name_that_is_not_known_brings_the_nearest(store, run):
    with pytest.raises(StoreError, match=r"no run named mondya in .*; did you mean monday\?"):
        store.run("mondya")


def test_looking_for_runs_makes_nothing(tmp_path):
    with pytest.raises(StoreError, match="there are no runs in"):
        open_store(tmp_path / "runs", create=False)
    assert not (tmp_path / "runs").exists()


def test_a_status_that_is_not_known_is_refused(store, run):
    with pytest.raises(StoreError, match="must be one of running, done, interrupted, failed; got 'finished'"):
        store.finish(run, None, "finished")


def test_the_store_imports_nothing_slow():
    slow = ("torch", "polars", "optuna", "pydantic", "rich", "sklearn")
    code = f"import sys, evenfit.store; sys.exit(any(name in sys.modules for name in {slow}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
