import pytest

from evenfit.sweeps.proposals import PROPOSALS, Tried, bayes, draw_random, grid
from evenfit.sweeps.sweep import make_sweep


def _sweep(method, **parameters):
    return make_sweep({"method": method, "program": "a.py", "parameters": parameters, "metric": {"name": "m"}})


def test_a_grid_goes_through_sorted_names_the_last_the_fastest_and_ends():
    sweep = _sweep("grid", b={"values": [0, False]}, a={"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.5})
    tried = []
    while (chosen := grid(sweep, tried, 0)) is not None:
        tried.append(Tried(chosen=chosen, loss=None))
    found = [(trial.chosen["a",], trial.chosen["b",]) for trial in tried]
    assert [(a, repr(b)) for a, b in found] == [(0.0, "0"), (0.0, "False"), (0.5, "0"), (0.5, "False")]


@pytest.mark.parametrize("engine", ["random", "bayes", "optuna"])
def test_the_same_seed_and_history_give_the_same_values(engine):
    sweep = _sweep("random", x={"min": 0.0, "max": 1.0}, y={"values": [0, False, "", 2]})
    tried = []
    for place in range(12):
        chosen = PROPOSALS[engine](sweep, tried, 3)
        assert chosen == PROPOSALS[engine](sweep, tried, 3)
        tried.append(Tried(chosen=chosen, loss=float(place % 5)))


def test_bayes_finds_a_minimum_closer_than_random_search_does():
    sweep = _sweep("bayes", x={"min": 0.0, "max": 1.0}, y={"min": 0.0, "max": 1.0})

    def best(propose):
        tried = []
        for _ in range(20):
            chosen = propose(sweep, tried, 0)
            loss = (chosen["x",] - 0.31) ** 2 + (chosen["y",] - 0.77) ** 2
            tried.append(Tried(chosen=chosen, loss=loss))
        return min(trial.loss for trial in tried)

    assert best(bayes) < best(draw_random)
