"""Rehearsals: what a search comes to where losses and seconds are imagined."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.experiments.fakes import COSTS, SPACE, FakeWorkers

from evenfit.experiments.heat import Finished
from evenfit.experiments.rehearsal import Imagined, rehearse
from evenfit.experiments.spending import trained_epochs
from evenfit.experiments.tuning import Limits, Terms, tune
from evenfit.proposals.draws import draw_random
from evenfit.proposals.near import draw_near
from evenfit.specs.racing import RACINGS
from evenfit.specs.space import Choice, Space

few = settings(max_examples=20)
EVEN = Space(default=SPACE.default, values={"learning_rate": SPACE.values["learning_rate"]})  # all cost the same
ONE = COSTS.config(SPACE.default)
SIZES = Space(default=SPACE.default, values=SPACE.values | {"width": Choice(values=(8, 16, 32, 64, 128, 256))})


def terms_of(*, trials=None, epochs=None, seconds=None, space=SPACE, propose=draw_random, racing="halving", weighed=1):
    limits = Limits(trials=trials, epochs=epochs, stop_at=seconds, seconds=seconds)
    return Terms(
        space=space,
        propose=propose,
        limits=limits,
        costs=COSTS,
        seed=5,
        racing=RACINGS[racing],
        weighed=weighed,
    )


def imagined(*, speed=1.0, heat_seconds=0.0, leaning=0.0, seed=0):
    return Imagined(speed=speed, heat_seconds=heat_seconds, leaning=leaning, seed=seed)


@few
@given(
    trials=st.integers(min_value=1, max_value=60),
    workers=st.integers(min_value=1, max_value=3),
    racing=st.sampled_from(sorted(RACINGS)),
)
def test_a_rehearsal_tries_as_many_configs_as_the_limit_says(trials, workers, racing):
    assert rehearse(terms_of(trials=trials, racing=racing), imagined(), workers=workers).trials == trials


@few
@given(
    epochs=st.integers(min_value=80, max_value=3000),
    racing=st.sampled_from(sorted(RACINGS)),
    heats=st.integers(min_value=2, max_value=30),
)
def test_a_rehearsal_does_not_train_more_epochs_than_the_limit_says(epochs, racing, heats):
    found = rehearse(terms_of(epochs=epochs, racing=racing), imagined(), workers=2, most_heats=heats)
    assert 80 <= found.epochs <= epochs + 1e-6


@few
@given(
    costs=st.floats(min_value=0.5, max_value=100.0),
    racing=st.sampled_from(sorted(RACINGS)),
    heat=st.floats(min_value=0.0, max_value=2.0),
)
def test_a_rehearsal_ends_in_time(costs, racing, heat):
    terms = terms_of(seconds=costs * ONE, racing=racing)
    found = rehearse(terms, imagined(heat_seconds=heat * ONE), workers=2)
    assert found.seconds <= (costs + heat) * ONE * (1 + 1e-9)
    assert found.trials >= 1


@few
@given(speed=st.floats(min_value=0.1, max_value=50.0), racing=st.sampled_from(sorted(RACINGS)))
def test_where_trials_are_limited_a_machine_of_half_the_speed_takes_twice_as_long_for_the_same(speed, racing):
    terms = terms_of(trials=50, racing=racing, propose=draw_near)
    one = rehearse(terms, imagined(speed=speed, heat_seconds=0.1), workers=2)
    two = rehearse(terms, imagined(speed=2 * speed, heat_seconds=0.2), workers=2)
    assert two.seconds == pytest.approx(2 * one.seconds)
    assert (one.trials, one.epochs) == (two.trials, two.epochs)


@few
@given(seconds=st.floats(min_value=1.0, max_value=60.0))
def test_a_faster_machine_tries_no_fewer_configs_where_all_cost_the_same(seconds):
    terms = terms_of(seconds=seconds * ONE, space=EVEN)
    found = [rehearse(terms, imagined(speed=speed), workers=2).trials for speed in (2.0, 1.0, 0.5)]
    assert found == sorted(found)


@pytest.mark.parametrize("racing", ["halving", "hyperband", "finish-best", "none"])
def test_a_search_that_learns_nothing_is_rehearsed_to_the_epoch(racing):
    terms = terms_of(trials=41, racing=racing)
    found = rehearse(terms, imagined(), workers=2)
    acted = [event.trial for event in tune(terms, _Whole(2)) if isinstance(event, Finished)]
    assert found.trials == len(acted) == 41
    if racing == "none":
        assert found.epochs == trained_epochs(acted)
    else:
        assert 0 < found.epochs < trained_epochs(acted)


class _Whole(FakeWorkers):
    """Workers whose trials all train to their end, on five splits."""

    def trial(self, heat, entry):
        found = super().trial(heat, entry)
        losses = found.selection_loss[:, :1].repeat(COSTS.splits, axis=1)
        return replace(found, epochs=found.epochs * entry.config.epochs, selection_loss=losses)


def _dear_first(space, history, count, *, shared, seed):
    """Configs of 32 times the width while little was tried."""
    drawn = draw_random(space, history, count, shared=shared, seed=seed)
    return tuple(config.with_values(width=256 if len(history) < 12 else 8) for config in drawn)


@pytest.mark.parametrize(
    ("limit", "propose"), [("seconds", draw_random), ("seconds", _dear_first), ("epochs", draw_random)]
)
def test_what_is_not_rehearsed_goes_on_as_the_later_half_of_what_is(limit, propose):
    terms = terms_of(**{limit: 150 * ONE if limit == "seconds" else 12_000}, propose=propose)
    whole = rehearse(terms, imagined(heat_seconds=0.2 * ONE), workers=2, most_heats=10_000)
    part = rehearse(terms, imagined(heat_seconds=0.2 * ONE), workers=2, most_heats=20)
    assert whole.trials > 250
    assert part.trials == pytest.approx(whole.trials, rel=0.15)
    assert part.epochs == pytest.approx(whole.epochs, rel=0.15)
    assert part.seconds == pytest.approx(whole.seconds, rel=0.1)


@pytest.mark.parametrize(("propose", "weighed"), [(draw_near, 1), (draw_random, 3)])
def test_more_configs_are_tried_where_small_networks_are_best(propose, weighed):
    terms = terms_of(seconds=200 * ONE, space=SIZES, propose=propose, weighed=weighed)
    found = [
        sum(rehearse(terms, imagined(leaning=leaning, seed=seed), workers=2).trials for seed in range(3))
        for leaning in (-2.0, 0.0, 2.0)
    ]
    assert found == sorted(found)
    assert found[2] > 1.5 * found[0]


def test_a_rehearsal_is_a_function_of_what_it_is_told():
    terms = terms_of(seconds=50 * ONE, propose=draw_near, weighed=3)
    assert rehearse(terms, imagined(seed=3), workers=2) == rehearse(terms, imagined(seed=3), workers=2)
    assert rehearse(terms, imagined(seed=3), workers=2) != rehearse(terms, imagined(seed=4), workers=2)
