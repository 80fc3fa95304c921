import pytest

from evenfit.sweeps.stopping import Hyperband


def test_bands_are_those_that_were_observed_in_wandb():
    assert Hyperband.parse({"type": "hyperband", "max_iter": 27, "s": 2, "eta": 3}).bands == (3, 9)
    assert Hyperband.parse({"type": "hyperband", "min_iter": 3}).bands[:4] == (3, 9, 27, 81)


@pytest.mark.parametrize("strict", [True, False])
def test_a_late_improver_is_stopped_only_under_the_strict_rule(strict):
    rule = Hyperband(bands=(2,), strict=strict)
    late, others = [5.0, 5.0, 0.0], [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    assert rule.stops(late, [late, *others]) is strict


def test_the_worst_three_of_six_stop_and_one_alone_never():
    rule = Hyperband(bands=(1,))
    runs = [[float(value)] for value in range(6)]
    assert [rule.stops(run, runs) for run in runs] == [False, False, False, True, True, True]
    assert not rule.stops([9.0], [[9.0]])
