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


class _Past(tuple):
    """As many trials as one says, none of which may be looked at."""

    def __new__(cls, count):
        made = super().__new__(cls)
        made.count = count
        return made

    def __len__(self):
        return self.count


def test_a_grid_of_ten_thousand_values_is_walked_without_looking_back():
    sweep = _sweep("grid", x={"values": list(range(10_000))})
    found = [grid(sweep, _Past(place), 0) for place in range(10_001)]
    assert [each["x",] for each in found[:-1]] == list(range(10_000))
    assert found[-1] is None


def test_a_grid_beyond_all_memory_is_walked_lazily():
    sweep = _sweep("grid", **{name: {"min": 0, "max": 999} for name in "abcdef"})
    place = 123_456_789_012_345_678
    assert [str(value) for value in grid(sweep, _Past(place), 0).values()] == ["123", "456", "789", "12", "345", "678"]
    assert grid(sweep, _Past(10**18), 0) is None


def test_values_that_come_twice_are_one_point_of_a_grid():
    sweep = _sweep("grid", x={"values": [1, 2, 1.0, True, 2]})
    found = [grid(sweep, _Past(place), 0) for place in range(4)]
    assert [repr(each["x",]) for each in found[:3]] == ["1", "2", "True"]
    assert found[3] is None


def test_what_is_expected_of_running_trials_moves_bayes_away_from_them():
    sweep = _sweep("bayes", x={"min": 0.0, "max": 1.0})
    known = [Tried(chosen={("x",): place / 4}, loss=(place / 4 - 0.6) ** 2) for place in range(5)]
    alone = bayes(sweep, known, 0)
    running = bayes(sweep, [*known, Tried(chosen=alone, loss=None, running=True)], 0)
    assert abs(running["x",] - alone["x",]) > 1e-3


def test_a_scheduler_of_optuna_learns_from_its_history_and_random_search_does_not():
    keys = {"program": "a.py", "metric": {"name": "m"}, "parameters": {"x": {"min": 0.0, "max": 1.0}}}
    learning = make_sweep(keys | {"method": "custom", "scheduler": {"engine": "optuna"}})
    blind = make_sweep(keys | {"method": "random"})

    def means(sweep):
        """The mean of what is proposed where low values were good, and where high ones were."""
        for sign in (1, -1):
            tried = [Tried(chosen={("x",): place / 20}, loss=sign * place / 20) for place in range(20)]
            yield sum(PROPOSALS[sweep.method](sweep, tried, seed)["x",] for seed in range(10)) / 10

    low, high = means(learning)
    assert low < 0.3
    assert high > 0.7
    low, high = means(blind)
    assert low == high


def test_a_name_may_hold_slashes_as_those_of_nested_configs_do():
    sweep = _sweep("grid", **{"model/optimiser/lr": {"values": [0.1]}})
    assert grid(sweep, [], 0) == {("model/optimiser/lr",): 0.1}
