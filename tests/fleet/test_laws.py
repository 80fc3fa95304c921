"""The laws of fleets: alone, neighbours, resume; dropout included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fleet.networks import configs, make_samples

from evenfit.fleet import plain
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.member import Member
from evenfit.specs.config import Config

TASKS = {"classes": make_samples(), "numbers": make_samples(outputs=1, hot=0), "levels": make_samples(numeric=0, hot=0)}
TASK = st.sampled_from(sorted(TASKS))


def trained(members, samples, epochs=4):
    fleet = Fleet(members, samples, precision=np.float64)
    for _ in range(epochs):
        assert fleet.train_epoch()
    return fleet


@settings(max_examples=60)
@given(made=configs(count=1), task=TASK, seed=st.integers(0, 2**62))
def test_a_fleet_of_one_equals_plain_torch(made, task, seed):
    samples = TASKS[task]
    member = Member(config=made[0], split=seed % 3, seed=seed)
    fleet = trained([member], samples)
    alone = plain.train(member, samples, epochs=4)
    np.testing.assert_allclose(fleet.learnt()[0], alone, rtol=1e-6, atol=1e-8)
    rows = samples.validation[member.split]
    predicted = fleet.outputs([rows], fleet.learnt())[0]
    np.testing.assert_allclose(predicted, plain.predict(alone, member, samples, rows), rtol=1e-6, atol=1e-7)


@settings(max_examples=25)
@given(made=configs(count=4), task=TASK, order=st.permutations(range(4)), seed=st.integers(0, 2**62))
def test_a_member_is_not_changed_by_its_neighbours(made, task, order, seed):
    samples = TASKS[task]
    members = [Member(config=config, split=(seed + i) % 3, seed=seed + i) for i, config in enumerate(made)]
    together = trained([members[i] for i in order], samples)
    for position, i in enumerate(order):
        alone = trained([members[i]], samples)
        np.testing.assert_allclose(together.learnt()[position], alone.learnt()[0], rtol=1e-9, atol=1e-12)


@settings(max_examples=25)
@given(made=configs(count=3), task=TASK, stop=st.integers(0, 4), seed=st.integers(0, 2**62))
def test_a_fleet_that_was_stopped_and_loaded_equals_one_that_was_not(made, task, stop, seed):
    samples = TASKS[task]
    members = [Member(config=config, split=i, seed=seed + i) for i, config in enumerate(made)]
    whole = trained(members, samples)
    first = trained(members, samples, epochs=stop)
    second = Fleet(members, samples, precision=np.float64)
    second.load(first.state())
    for _ in range(4 - stop):
        second.train_epoch()
    np.testing.assert_array_equal(second.learnt(), whole.learnt())


@settings(max_examples=20)
@given(made=configs(count=4), task=TASK, kept=st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True))
def test_survivors_train_on_as_if_the_others_had_stayed(made, task, kept):
    samples = TASKS[task]
    members = [Member(config=config, split=i % 3, seed=i) for i, config in enumerate(made)]
    whole = trained(members, samples)
    fleet = trained(members, samples, epochs=2)
    fleet.keep(kept)
    for _ in range(2):
        fleet.train_epoch()
    np.testing.assert_allclose(fleet.learnt(), whole.learnt()[kept], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["dropout", "input_dropout", "input_noise", "label_smoothing", "l1", "l2"])
def test_every_regulariser_changes_what_is_learnt(name):
    made = {"width": 8, "depth": 2, "epochs": 2}
    samples = TASKS["classes"]
    plainly, held = (
        trained([Member(config=Config(**made, **values), split=0, seed=1)], samples, epochs=2).learnt()
        for values in ({}, {name: 0.3})
    )
    assert not np.allclose(plainly, held)


def test_stopping_between_two_steps_is_said():
    member = Member(config=Config(width=4, batch_rows=4), split=0, seed=1)
    fleet = Fleet([member], TASKS["classes"], precision=np.float64)
    assert not fleet.train_epoch(lambda: True)
    assert fleet.epoch == 0
