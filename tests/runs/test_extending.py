"""Runs that are extended, and runs that begin with another's configs, from table to report."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.end_to_end import killed

from evenfit.errors import BudgetError, ConfigError, StoreError
from evenfit.runs.fit import fit, resume
from evenfit.runs.options import request_from
from evenfit.runs.progress import ignore
from evenfit.specs.budget import Budget
from evenfit.store import open_store

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a table of numbers, another of the same columns, and one of classes."""
    folder = tmp_path_factory.mktemp("extending")
    generator = np.random.default_rng(0)
    for name in ("numbers", "others", "classes"):
        values = generator.normal(size=(90, 3))
        target = values[:, 0] * values[:, 1] + 0.3 * generator.normal(size=90)
        shown = np.where(target > 0, "yes", "no") if name == "classes" else target
        rows = ["a,b,c,target", *(f"{a},{b},{c},{y}" for (a, b, c), y in zip(values, shown, strict=True))]
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def here(home, monkeypatch):
    monkeypatch.chdir(home)


def fitted(name, *, table="numbers.csv", **options):
    asked = {"table": table, "target": "target", "name": name, "workers": 1, "folds": 3} | options
    return fit(request_from(asked), progress=ignore)


def bits(name):
    with open_store(Path("runs")) as store:
        trials = store.trials(store.run(name))
    return [
        (
            trial.config,
            trial.status,
            trial.epochs.tobytes(),
            trial.selection_loss.tobytes(),
            trial.predictions.tobytes(),
        )
        for trial in trials
    ]


def test_a_run_that_is_extended_equals_one_that_had_the_larger_budget_at_once(here):
    fitted("half", budget="18 trials")
    model = Path("runs/half/model")
    outcome = resume("half", runs="runs", progress=ignore, extend=Budget(trials=12))
    whole = fitted("whole", budget="30 trials", workers=2)
    assert bits("half") == bits("whole")
    said, wanted = outcome.json(), whole.json()
    for name in ("selected", "estimate", "comparison", "ensemble", "optimism", "stopped"):
        assert said[name] == wanted[name]
    for path in sorted(model.rglob("*.safetensors")):
        assert path.read_bytes() == (Path("runs/whole/model") / path.relative_to(model)).read_bytes()
    assert said["extended"][0]["trials"] == 18
    assert "by 12 trials, after 18 configs" in " ".join(outcome.text().split())
    with open_store(Path("runs")) as store:
        assert store.run("half").request["budget"]["trials"] == 30


def test_a_run_begins_with_the_configs_of_another_and_says_what_that_means(here):
    fitted("first", budget="12 trials")
    outcome = fitted("second", budget="8 trials", from_run="first")
    with open_store(Path("runs")) as store:
        best = min((t for t in store.trials(store.run("first")) if t.status == "complete"), key=lambda t: t.loss)
    assert best.config in [trial.config for trial in outcome.study.trials[:4]]
    assert any("run first, which were chosen on the same rows" in note for note in outcome.study.notes)
    other = fitted("third", table="others.csv", budget="3 trials", from_run="runs/first")
    assert any("run first, of another table" in note for note in other.study.notes)
    assert 'from-run = "first"' in Path("runs/second/request.toml").read_text()
    assert json.loads(Path("runs/second/metrics.json").read_text())["stopped"] == "trials"


def test_what_cannot_be_extended_or_begun_with_is_refused(here):
    with pytest.raises(StoreError, match="did you mean first"):
        fitted("none", budget="2 trials", from_run="fist")
    with pytest.raises(ConfigError, match="'first' is of regression, but this table's target is for classification"):
        fitted("none", table="classes.csv", budget="2 trials", from_run="first")
    with pytest.raises(BudgetError, match="by trials alone"):
        resume("first", runs="runs", progress=ignore, extend=Budget(seconds=60))
    with pytest.raises(StoreError, match="--extend"):
        resume("first", runs="runs", progress=ignore)


def test_a_target_that_is_reached_is_noted_with_what_fresh_rows_will_bring(here):
    outcome = fitted("reached", budget="60 trials", target_loss=5.0)
    assert outcome.study.stopped == "target"
    assert any("on fresh rows" in note and "reached" in note for note in outcome.study.notes)


def spent(name):
    with open_store(Path("runs")) as store:
        run = store.run(name)
        return run.seconds_spent, run.request["budget"], run.status


def test_an_extension_in_seconds_keeps_every_trial_and_spends_the_sum_at_most(here):
    first = fitted("timed", budget="6s")
    before, budget, _ = spent("timed")
    known = bits("timed")
    assert budget["seconds"] == 6
    outcome = resume("timed", runs="runs", progress=ignore, extend=Budget(seconds=8.0))
    after, budget, status = spent("timed")
    assert (budget["seconds"], status) == (14, "done")
    assert bits("timed")[: len(known)] == known
    assert len(outcome.study.trials) > len(first.study.trials)
    assert before < after < before + 14  # the rest is a busy machine's
    said = outcome.json()
    [past] = said["extended"]
    assert (past["budget"], past["by"], past["stopped"], past["trials"]) == ("6s", "8s", "seconds", len(known))
    assert past["selected"] == first.json()["selected"]["trial"]
    assert past["estimate"]["mean"] == first.json()["estimate"]["mean"]


def strike(moment, count, *words):
    """Kill a command at a moment, in a process of its own."""
    program = [sys.executable, killed.__file__, moment, str(count), "SIGKILL", *words]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode < 0, done.stderr


@pytest.mark.parametrize(
    ("moment", "count"),
    [("after a heat is stored", 1), ("after a trial is stored", 5), ("after selecting", 1), ("before it is done", 1)],
)
def test_a_run_that_is_killed_in_its_extension_goes_on_to_what_it_was_extended_to(here, moment, count):
    name = f"struck {moment}"
    fitted(name, budget="18 trials", workers=2)
    strike(moment, count, "resume", name, "--extend", "12 trials")
    with open_store(Path("runs")) as store:
        assert store.run(name).status == "interrupted"
    outcome = resume(name, runs="runs", progress=ignore)
    if not Path("runs/larger").exists():
        fitted("larger", budget="30 trials")
    assert bits(name) == bits("larger")
    assert [one["by"] for one in outcome.json()["extended"]] == ["12 trials"]


def test_a_run_with_nested_searches_is_not_extended(here):
    fitted("nest", budget="6 trials", nested=2)
    with pytest.raises(StoreError, match="is nested"):
        resume("nest", runs="runs", progress=ignore, extend=Budget(trials=6))
    assert spent("nest")[1:] == ({"seconds": None, "trials": 6, "epochs": None}, "done")
