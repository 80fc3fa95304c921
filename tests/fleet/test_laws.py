"""The laws of fleets: alone, neighbours, resume; dropout included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fleet.networks import EXAMPLES, configs, make_samples

from evenfit.fleet import plain
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.member import Member
from evenfit.specs.config import REGULARISERS, Config

TASKS = {"classes": make_samples(), "numbers": make_samples(outputs=1, hot=0), "levels": make_samples(numeric=0, hot=0)}
TASK = st.sampled_from(sorted(TASKS))
SMALL = {"width": 8, "depth": 2, "activation": "selu", "epochs": 3, "batch_rows": 6}


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
    if not (np.abs(alone) < 1e6).all():  # diverging multiplies rounding errors, too
        assert not (np.abs(fleet.learnt()) < 1e5).all()
        return
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


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
@pytest.mark.parametrize("task", sorted(TASKS))
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_member_with_one_regulariser_equals_plain_torch(name, task, optimiser):
    config = Config(**SMALL, **EXAMPLES[name], optimiser=optimiser)
    member = Member(config=config, split=1, seed=5)
    fleet = trained([member], TASKS[task], epochs=3)
    alone = plain.train(member, TASKS[task], epochs=3)
    np.testing.assert_allclose(fleet.learnt()[0], alone, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_regulariser_changes_what_is_learnt(name):
    task = "numbers" if name == "target" else "classes"
    plainly, held = (
        trained([Member(config=Config(**SMALL, **values), split=0, seed=1)], TASKS[task], epochs=3).learnt()
        for values in ({}, EXAMPLES[name])
    )
    assert not np.allclose(plainly, held)


@settings(max_examples=40)
@given(made=configs(), seed=st.integers(0, 2**62))
def test_a_tidied_config_trains_the_same_network(made, seed):
    config = made[0] if made[0].dropout_kind != "alpha" else made[0].with_values(dropout_kind="elementwise")
    weights = [
        trained([Member(config=each, split=0, seed=seed)], TASKS["classes"], epochs=2).learnt()
        for each in (config, config.tidied())
    ]
    np.testing.assert_allclose(*weights, rtol=1e-9, atol=1e-12)


def test_the_examples_are_of_all_regularisers():
    used = {name for values in EXAMPLES.values() for name in Config(**values).regularisers()}
    assert used == set(REGULARISERS)


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_regularised_neighbours_do_not_change_a_bit_of_float32_training(optimiser):
    base = Config(**SMALL, optimiser=optimiser)
    members = [Member(config=base.with_values(**values), split=0, seed=3) for values in ({}, *EXAMPLES.values(), {})]
    together = Fleet(members, TASKS["classes"])
    for _ in range(3):
        together.train_epoch()
    for position, member in enumerate(members):
        alone = Fleet([member], TASKS["classes"])
        for _ in range(3):
            alone.train_epoch()
        np.testing.assert_array_equal(together.learnt()[position], alone.learnt()[0])


def test_stopping_between_two_steps_is_said():
    member = Member(config=Config(width=4, batch_rows=4), split=0, seed=1)
    fleet = Fleet([member], TASKS["classes"], precision=np.float64)
    assert not fleet.train_epoch(lambda: True)
    assert fleet.epoch == 0
