"""What W&B's own sweeps package proposes and stops, written to a file that the tests compare with.

It needs sweeps 0.3.0, which wants an older numpy than evenfit does, so an environment of its own:

    python -m venv /tmp/sweeps && /tmp/sweeps/bin/pip install sweeps==0.3.0 "numpy<2" "scikit-learn<1.6"
    /tmp/sweeps/bin/python benchmarks/sweep_reference.py tests/sweeps/reference.json
"""

import json
import random
import sys
import warnings
from pathlib import Path

import numpy as np
from sweeps.run import RunState, SweepRun

import sweeps

warnings.filterwarnings("ignore")

KINDS = {
    "z": {"values": [1, "a", None, True]},
    "c": {"value": 3},
    "u": {"min": 0.5, "max": 2},
    "i": {"min": 1, "max": 9},
    "lu": {"distribution": "log_uniform_values", "min": 1e-5, "max": 0.1},
    "qlu": {"distribution": "q_log_uniform_values", "min": 1, "max": 500, "q": 4},
    "ilu": {"distribution": "inv_log_uniform_values", "min": 1e-3, "max": 1},
    "n": {"distribution": "normal", "mu": 2, "sigma": 3},
    "qn": {"distribution": "q_normal", "q": 0.5},
    "ln": {"distribution": "log_normal"},
    "qln": {"distribution": "q_log_normal", "q": 2},
    "b": {"distribution": "beta", "a": 2, "b": 5},
    "qb": {"distribution": "q_beta", "q": 0.1},
    "qu": {"distribution": "q_uniform", "min": 0.3, "max": 0.9, "q": 0.5},
    "w": {"values": ["a", "b", "c"], "probabilities": [0.2, 0.5, 0.3]},
    "lu1": {"distribution": "log_uniform", "min": -5, "max": 2},
    "il1": {"distribution": "inv_log_uniform", "min": -5, "max": 2},
    "ql1": {"distribution": "q_log_uniform", "min": 0, "max": 5},
    "o": {"parameters": {"lr": {"min": 0.0, "max": 1.0}, "in": {"parameters": {"k": {"values": [1, 2]}}}}},
    "o-a": {"min": 0.0, "max": 1.0},
}
GRID = {
    "b": {"values": [3, 1]},
    "a": {"distribution": "q_uniform", "min": 0.1, "max": 1, "q": 0.3},
    "i": {"min": 0, "max": 1},
    "c": {"value": 7},
    "a-b": {"values": [True, False]},
    "o": {"parameters": {"l": {"values": ["x", "y"]}}},
    "q": {"distribution": "q_uniform", "min": 0, "max": 4, "q": 2},
}
PLANE = {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}}
MIXED = {
    "x": {"min": 0.0, "max": 1.0},
    "y": {"min": 1, "max": 5},
    "c": {"value": 7},
    "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1},
    "k": {"values": ["a", "b", "c"]},
    "q": {"distribution": "q_uniform", "min": 1, "max": 9, "q": 2},
}


def plain(run):
    return {name: each["value"] for name, each in run.config.items()}


def drawn():
    random.seed(7)
    config = {"method": "random", "parameters": KINDS}
    return {"parameters": KINDS, "seed": 7, "found": [plain(sweeps.next_run(config, [])) for _ in range(25)]}


def gridded():
    config, runs = {"method": "grid", "parameters": GRID}, []
    while (run := sweeps.next_run(config, runs)) is not None:
        runs.append(run)
    return {"parameters": GRID, "found": [plain(run) for run in runs]}


def optimised(parameters, count, **metric):
    """Each trial's values, what it logged and how it ended; some fail, some are killed, some still run."""
    config = {"method": "bayes", "parameters": parameters, "metric": {"name": "m", **metric}}
    runs, found = [], []
    for number in range(count):
        np.random.seed([5, number])  # noqa: NPY002 - the package draws from it
        run = sweeps.next_run(config, runs)
        values = plain(run)
        loss = (values["x"] - 0.3) ** 2 + (values["y"] - 0.6) ** 2
        history = [loss + 1, loss, loss + 0.5] if number % 7 else [loss]
        if number % 11 == 5:
            history = []
        if metric["goal"] == "maximize":
            history = [-value for value in history]
        state = {3: "failed", 4: "killed"}.get(number % 10, "finished")
        if number % 12 == 10:
            state = "running"
        found.append({"chosen": values, "history": history, "state": state})
        runs.append(
            SweepRun(name=str(number), config=run.config, state=RunState(state), history=[{"m": h} for h in history])
        )
    return {"parameters": parameters, "metric": metric, "seed": 5, "found": found}


def stopped(count):
    """Histories at random, and which of the running runs each rule stops."""
    chance, cases = np.random.default_rng(0), []
    rules = [{"min_iter": 3}, {"min_iter": 2, "eta": 2}, {"min_iter": 1, "eta": 1.5}, {"max_iter": 27, "s": 2}]
    rules += [{"max_iter": 20, "s": 4, "eta": 2}, {"max_iter": 9, "s": 5, "min_iter": 7}]
    for number in range(count):
        rule = {"type": "hyperband", **rules[number % len(rules)]}
        if number % 3:
            rule["strict"] = bool(number % 3 == 1)
        goal = ["minimize", "maximize"][number // 2 % 2]
        runs = []
        for _ in range(int(chance.integers(1, 12))):
            values = [round(float(each), 2) for each in chance.normal(size=int(chance.integers(0, 40)))]
            runs.append({"running": bool(chance.random() < 0.6), "history": values})
        given = [
            SweepRun(
                name=str(place),
                config={},
                state=RunState.running if run["running"] else RunState.finished,
                history=[{"m": value} for value in run["history"]],
            )
            for place, run in enumerate(runs)
        ]
        config = {"method": "random", "metric": {"name": "m", "goal": goal}, "early_terminate": dict(rule)}
        config["parameters"] = {"x": {"min": 0.0, "max": 1.0}}
        ended = [int(run.name) for run in sweeps.stop_runs(config, given)]
        cases.append({"rule": rule, "goal": goal, "runs": runs, "stopped": ended})
    return cases


def main(path):
    found = {
        "random": drawn(),
        "grid": gridded(),
        "bayes": [
            optimised(PLANE, 30, goal="minimize"),
            optimised(PLANE, 20, goal="maximize", impute="best"),
            optimised(MIXED, 20, goal="minimize", impute="latest", impute_while_running="latest"),
            optimised(MIXED, 16, goal="maximize", impute_while_running="worst"),
        ],
        "hyperband": stopped(72),
    }
    Path(path).write_text(json.dumps(found, default=lambda value: value.item()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
