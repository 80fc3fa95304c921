"""With the real wandb package: offline, without a key and without a home."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("wandb", reason="needs wandb, of the extra of that name")


@pytest.fixture
def sweep(tmp_path):
    """Run `evenfit sweep` as a user without an account would."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    environment = kept | {"HOME": str(home), "VIRTUAL_ENV": ""}

    def call(program, *, keys=None, options=()):
        (tmp_path / "a.py").write_text(program)
        if keys is not None:
            (tmp_path / "s.yaml").write_text(json.dumps({"program": "a.py", **keys}))
        file = "a.py" if keys is None else "s.yaml"
        command = [sys.executable, "-m", "evenfit", "sweep", file, "--json", *options]
        return subprocess.run(
            command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200
        )

    return call


def _trials(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["trials"]


EVERY_CALL = """
import argparse
import wandb
parser = argparse.ArgumentParser()
parser.add_argument("--x", type=float)
parser.add_argument("--outer")
wandb.login(key="0" * 40)
run = wandb.init(project="p", config=vars(parser.parse_args()) | {"default": 1}, mode="online")
assert run.sweep_id == "s" and wandb.config.x == run.config["x"] and wandb.config.outer["inner"] == 0, run.config
wandb.config.update({"x": 99, "more": 2}, allow_val_change=True)
assert wandb.config.x != 99 and wandb.config.more == 2 and wandb.config.default == 1
run.define_metric("val.loss", step_metric="epoch")
for epoch in range(3):
    table = wandb.Table(columns=["a"], data=[[1]])
    wandb.log({"epoch": epoch, "table": table, "bars": wandb.Histogram([1, 2])}, commit=False)
    wandb.log({"val": {"loss": 9.0}}, commit=False)
    wandb.log({"val": {"loss": wandb.config.x + 1 / (epoch + 1)}, "text": "words"})
for step in (10, 11, 12):
    run.log({"stepped": -1}, step=step)
    run.log({"stepped": step}, step=step)
run.log({"stepped": 0}, step=3)
run.summary["best"] = 2 * wandb.config.x
wandb.finish()
"""
KEYS = {
    "method": "grid",
    "parameters": {"x": {"values": [1.5, 0.5]}, "outer": {"parameters": {"inner": {"values": [0]}}}},
}


@pytest.mark.parametrize(
    ("metric", "values", "logged"),
    [
        ("val.loss", [1.5 + 1 / 3, 0.5 + 1 / 3], 3),
        pytest.param("stepped", [12, 12], 3, marks=pytest.mark.slow),
        pytest.param("best", [3.0, 1.0], 1, marks=pytest.mark.slow),
    ],
)
def test_whatever_way_wandb_is_told_a_metric_it_is_heard(sweep, metric, values, logged):
    found = _trials(sweep(EVERY_CALL, keys=KEYS | {"metric": {"name": metric}}, options=["--jobs", "2"]))
    assert [trial["value"] for trial in found] == pytest.approx(values)
    assert {run["logged"] for trial in found for run in trial["runs"]} == {logged}


DEFINED = """
import sys
import wandb
sweep_id = wandb.sweep(
    {"method": "grid", "metric": {"name": "loss"}, "parameters": {"x": {"values": [3, 1, 2]}}}, project="p"
)
def train():
    with wandb.init(config={"y": 1}) as run:
        for value in (9, run.config.x + run.config.y + int(sys.argv[2] if sys.argv[1:] else 0)):
            run.log({"loss": value})
wandb.agent(sweep_id, function=train, count=2)
print("after the agent")
wandb.agent(wandb.sweep({"method": "random"}), function=lambda: wandb.init().log({"loss": -1}))
"""


def test_a_program_that_defines_its_sweep_itself_is_run_once_for_each_trial(sweep, tmp_path):
    done = sweep(DEFINED)
    assert [trial["value"] for trial in _trials(done)] == [4, 2]
    assert json.loads(done.stdout)["command"] == ""
    assert "after the agent" in (tmp_path / "sweeps" / "a" / "00000" / "output.log").read_text()


def test_the_summary_of_a_run_that_the_program_never_finishes_is_heard(sweep):
    program = """
import wandb
run = wandb.init()
run.define_metric("score", summary="max")
for value in (1, 5, 3):
    run.log({"score": value})
run.summary["last"] = run.config.x
"""
    keys = {
        "method": "grid",
        "parameters": {"x": {"values": [7]}},
        "command": ["python", "${program}"],
        "project": None,
    }
    (first,) = _trials(sweep(program, keys=keys | {"metric": {"name": "last"}}, options=["--folder", "one"]))
    (second,) = _trials(sweep(program, keys=keys | {"metric": {"name": "score"}}, options=["--folder", "two"]))
    assert (first["value"], second["value"]) == (7, 5)


def test_what_follows_two_hyphens_is_given_to_a_program_that_defines_its_sweep(sweep):
    done = sweep(DEFINED, options=["--", "--more", "10"])
    assert [trial["value"] for trial in _trials(done)] == [14, 12]


def test_a_program_that_defines_no_sweep_is_refused(sweep):
    done = sweep("print('no sweep here')")
    assert (done.returncode, "is to call wandb.sweep" in done.stderr) == (2, True)


WORKERS = """
import multiprocessing, os, wandb
def fold(place, config):
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            del os.environ[name]
    run = wandb.init(project="folds", config=config, name=f"fold-{place}")
    run.log({"score": -100})
    run.finish()
if __name__ == "__main__":
    workers = multiprocessing.get_context("spawn")
    run = wandb.init()
    for place in range(2):
        worker = workers.Process(target=fold, args=(place, dict(run.config)))
        worker.start()
        worker.join()
        assert worker.exitcode == 0
    run.log({"score": run.config.x})
"""


@pytest.mark.slow
def test_runs_that_a_program_makes_beside_the_sweeps_own_do_not_count(sweep):
    keys = {"method": "grid", "metric": {"name": "score"}, "parameters": {"x": {"values": [7]}}}
    keys["command"] = ["${env}", "${interpreter}", "${program}"]
    (trial,) = _trials(sweep(WORKERS, keys=keys))
    assert (trial["value"], trial["runs"][0]["logged"]) == (7, 1)


SLOW = """
import time, wandb
with wandb.init() as run:
    for epoch in range(200):
        run.log({"loss": run.config.x}, step=epoch)
        time.sleep(0.05)
        if run.config.x == 0 and epoch == 8:
            break
"""


@pytest.mark.slow
def test_a_run_of_wandbs_is_stopped_while_it_runs(sweep):
    keys = {"method": "grid", "metric": {"name": "loss"}, "parameters": {"x": {"values": [0, 1]}}}
    keys |= {"early_terminate": {"type": "hyperband", "min_iter": 3}, "command": ["python", "${program}"]}
    found = _trials(sweep(SLOW, keys=keys))
    assert [trial["status"] for trial in found] == ["finished", "stopped"]
    assert found[1]["runs"][0]["logged"] < 100
