"""Against what W&B's own code, sweeps 0.3.0, proposed and stopped; benchmarks/sweep_reference.py writes the file."""

import json
from pathlib import Path

import pytest

from evenfit.sweeps.proposals import bayes, draw_random, grid, nested
from evenfit.sweeps.stopping import Hyperband
from evenfit.sweeps.sweep import make_sweep
from evenfit.sweeps.trial import Run, Trial

REFERENCE = json.loads((Path(__file__).parent / "reference.json").read_text())


def _sweep(method, parameters, **metric):
    return make_sweep({"method": method, "program": "a.py", "parameters": parameters, "metric": {"name": "m"} | metric})


def _flat(config):
    return {
        (name, *inner): value
        for name, held in config.items()
        for inner, value in (_flat(held).items() if isinstance(held, dict) else [((), held)])
    }


def _same(ours, theirs):
    """Numbers to nine digits (62 and 62.0 are one, as they are on W&B's server), all else exactly."""
    ours, theirs = _flat(ours), _flat(theirs)
    return ours.keys() == theirs.keys() and all(
        ours[name] == pytest.approx(value, rel=1e-9)
        if type(value) in {int, float}
        else ours[name] is value
        if isinstance(value, bool | None)
        else ours[name] == value
        for name, value in theirs.items()
    )


def test_random_draws_are_those_of_wandbs_code_with_the_same_seed_for_every_distribution():
    known = REFERENCE["random"]
    sweep = _sweep("random", known["parameters"])
    for place, theirs in enumerate(known["found"]):
        assert _same(nested(draw_random(sweep, [None] * place, known["seed"])), theirs)


def test_a_grid_has_wandbs_values_in_wandbs_order():
    known = REFERENCE["grid"]
    sweep = _sweep("grid", known["parameters"])
    found = []
    while (chosen := grid(sweep, [None] * len(found), 0)) is not None:
        found.append(nested(chosen))
    assert [json.dumps(each, sort_keys=True) for each in found] == [
        json.dumps(each, sort_keys=True) for each in known["found"]
    ]


@pytest.mark.parametrize("known", REFERENCE["bayes"], ids=lambda known: json.dumps(known["metric"]))
def test_bayes_proposes_what_wandbs_code_does_after_the_same_history(known):
    sweep = _sweep("bayes", known["parameters"], **known["metric"])
    tried = []
    for place, theirs in enumerate(known["found"]):
        assert _same(nested(bayes(sweep, tried, known["seed"])), theirs["chosen"]), place
        trial = Trial(number=place, chosen=_flat(theirs["chosen"]))
        live = []
        if theirs["state"] == "running":
            live = [theirs["history"]]
        else:
            trial.runs[0, 0] = Run(status=theirs["state"], history=tuple(theirs["history"]))
            trial.ended = True
        tried.append(trial.tried(sweep, live=live))


@pytest.mark.parametrize("case", range(len(REFERENCE["hyperband"])))
def test_hyperband_stops_the_runs_that_wandbs_code_stops(case):
    known = REFERENCE["hyperband"][case]
    rule = Hyperband.parse(known["rule"])
    sign = -1 if known["goal"] == "maximize" else 1
    histories = [[sign * value for value in run["history"]] for run in known["runs"]]
    found = [
        place
        for place, (run, history) in enumerate(zip(known["runs"], histories, strict=True))
        if run["running"] and rule.stops(history, histories)
    ]
    assert found == known["stopped"]
