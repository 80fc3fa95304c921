"""Fronts: no dominated point is on one, every other point is dominated, and areas are those reckoned by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.results.conftest import search_of

from evenfit.results.bbc import out_of_bag
from evenfit.results.front import Prices, hypervolume, make_front, non_dominated, ranks
from evenfit.results.selection import choose, knees, select
from evenfit.results.summary import summarise
from evenfit.results.trial import DROPPED

NUMBERS = st.one_of(st.sampled_from([1.0, 2.0, 3.0]), st.floats(0.01, 100), st.just(np.inf), st.just(np.nan))
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=12).map(lambda pairs: np.array(pairs).T)


def beats(one, other):
    return (one <= other).all() and (one < other).any()


@given(POINTS)
def test_a_front_has_no_dominated_point_and_all_others_are_dominated(points):
    front = non_dominated(*points)
    finite = np.isfinite(points).all(axis=0)
    for place, own in enumerate(points.T):
        dominated = any(beats(other, own) for other in points.T[finite])
        assert front[place] == (finite[place] and not dominated)


@given(POINTS)
def test_ranks_are_an_order_in_which_nothing_comes_after_what_it_beats(points):
    found = ranks(*points)
    finite = np.isfinite(points).all(axis=0)
    assert sorted(found[finite]) == list(range(finite.sum()))
    for one in np.flatnonzero(finite):
        for other in np.flatnonzero(finite):
            if beats(points[:, one], points[:, other]):
                assert found[one] < found[other]
    assert (found[~finite] > found[finite].max(initial=-1)).all()


def test_an_area_is_that_reckoned_by_hand():
    # 3 x 1 below the first step, 2 x 2 more at the second, and 1 x 1 at the third
    losses, prices = np.array([1.0, 2.0, 4.0]), np.array([3.0, 2.0, 1.0])
    assert hypervolume(losses, prices, reference=(5.0, 4.0)) == pytest.approx(1 * 4 + 1 * 3 + 1 * 1)
    assert hypervolume(np.array([1.0]), np.array([1.0]), reference=(3.0, 4.0)) == 6.0
    assert hypervolume(np.array([5.0, np.nan]), np.array([1.0, 1.0]), reference=(5.0, 4.0)) == 0.0


@given(POINTS)
def test_an_area_is_that_of_its_front_and_grows_with_points(points):
    reference = (50.0, 50.0)
    whole = hypervolume(*points, reference=reference)
    inside = (points < 50).all(axis=0)
    front = points[:, inside & non_dominated(*np.where(inside, points, np.inf))]
    assert whole == pytest.approx(hypervolume(*front, reference=reference))
    assert whole >= hypervolume(*points[:, 1:], reference=reference) - 1e-9


def test_the_ends_of_a_front_come_first_and_then_what_holds_most_area():
    losses = np.array([1.0, 2.0, 2.1, 5.0, 9.0])
    prices = np.exp([4.0, 2.0, 1.9, 0.0, 9.0])
    assert np.argsort(ranks(losses, prices)).tolist() == [0, 3, 2, 1, 4]


def test_a_knee_is_the_point_farthest_below_the_line_between_the_ends():
    means = np.array([[1.0, 1.05, 2.0, 3.0], [1.0, 2.9, 2.95, 3.0], [1.0, 4.0, 4.0, 4.0], [2.0, 2.0, 2.0, 2.0]])
    prices = np.array([1000.0, 100.0, 10.0, 1.0])
    assert knees(means, prices, otherwise=np.full(4, 9)).tolist() == [1, 0, 0, 3]
    assert knees(np.full((1, 4), np.inf), prices, otherwise=np.array([2])).tolist() == [2]


def test_a_knee_does_not_change_with_the_units_of_either():
    draw = np.random.default_rng(0)
    means, prices = draw.random((50, 9)), np.exp(draw.random(9) * 5)
    nothing = np.zeros(50, dtype=int)
    found = knees(means, prices, otherwise=nothing)
    assert (knees(7 * means + 3, prices * 1000, otherwise=nothing) == found).all()


def test_small_takes_the_cheapest_of_those_that_cannot_be_told_from_the_best():
    noise = np.array([0.3, -0.3, 0.2, -0.2])
    losses = np.stack([1.0 + noise, 1.02 + noise[::-1], 1.03 - noise, 3.0 + noise])[None]
    taken = {
        place: int(choose(losses, np.zeros((1, 4)), np.ones(4, bool), rule="small", factor=0.4, prices=prices)[0])
        for place, prices in enumerate(([9.0, 5.0, 2.0, 1.0], [9.0, 2.0, 5.0, 1.0], [1.0, 5.0, 2.0, 1.0]))
    }
    assert taken == {0: 2, 1: 1, 2: 0}


def test_small_takes_the_lower_loss_where_prices_are_equal():
    noise = np.array([0.3, -0.3, 0.2, -0.2])
    losses = np.stack([1.0 + noise, 1.03 + noise[::-1], 1.02 - noise])[None]
    assert choose(losses, np.zeros((1, 3)), np.ones(3, bool), rule="small", factor=0.4, prices=[9, 2, 2])[0] == 2


@pytest.mark.parametrize("rule", ["small", "knee"])
def test_the_bootstrap_repeats_the_rule_with_its_prices(rule):
    truth, trials = search_of(trials=6, noise=0.4)
    prices = [float(10 ** (6 - place)) for place in range(6)]
    found = out_of_bag(
        truth,
        trials,
        rule=rule,
        baseline=np.zeros((len(truth.target), 1)),
        searched=(6,),
        resamples=40,
        seed=0,
        prices=prices,
    )
    by_loss = out_of_bag(
        truth,
        trials,
        rule="best",
        baseline=np.zeros((len(truth.target), 1)),
        searched=(6,),
        resamples=40,
        seed=0,
    )
    assert (found.winners != by_loss.winners).any()
    assert np.isfinite(found.selected).all()


@pytest.mark.parametrize("rule", ["best", "small", "knee"])
def test_a_study_has_a_front_of_complete_trials_and_the_selected_one_is_what_the_rule_takes(rule):
    truth, trials = search_of(trials=9, noise=0.5)
    trials = [replace(trial, status=DROPPED) if trial.number in (4, 7) else trial for trial in trials]
    values = tuple(float(np.exp(trial.number)) for trial in trials)
    prices = Prices(objective="size", values=values, how="counted", networks=4, left={2: 5.0})
    study = summarise(truth, trials, selection=rule, seed=0, seconds=0.0, stopped="trials", resamples=50, prices=prices)
    numbers = [point.trial for point in study.front.points]
    assert not {4, 7} & set(numbers)
    losses = np.array([trial.loss for trial in trials])
    complete = [number for number in range(9) if number not in (4, 7)]
    for number in complete:
        dominated = any(
            beats(np.array([losses[other], values[other]]), np.array([losses[number], values[number]]))
            for other in complete
        )
        assert (number in numbers) == (not dominated)
    assert [values[number] for number in numbers] == sorted(values[number] for number in numbers)
    expected = {"best": numbers[-1], "small": study.front.small, "knee": study.front.knee}
    assert study.selected.trial == expected[rule] == trials[select(truth, trials, rule=rule, prices=values)].number
    assert study.front.prefer == {"best": "loss"}.get(rule, rule)
    assert not (rule != "best" and study.ensemble.used)


def test_what_is_left_of_a_network_is_told_where_it_is_known():
    truth, trials = search_of(trials=3)
    prices = Prices(objective="size", values=(3.0, 2.0, 1.0), how="counted", networks=4, left={2: 0.5})
    front = make_front(truth, trials, prices, rule="best")
    assert {point.trial: point.left for point in front.points}[2] == 0.5


@pytest.mark.parametrize(("rule", "mixed"), [("best", True), ("small", False), ("knee", False)])
def test_a_config_that_was_chosen_for_its_price_is_deployed_alone(rule, mixed):
    truth, trials = search_of(trials=6, noise=1.5, rows=200)
    prices = Prices(objective="size", values=(6.0, 5.0, 4.0, 3.0, 2.0, 1.0), how="counted", networks=4)
    study = summarise(truth, trials, selection=rule, seed=0, seconds=0.0, stopped="trials", resamples=20, prices=prices)
    assert study.ensemble.used == mixed
