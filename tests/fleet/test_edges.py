"""Members at the edge of what can be trained, and their neighbours."""

from dataclasses import replace

import numpy as np
import pytest
from tests.fleet.networks import make_samples

from evenfit.fleet import plain
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.member import Member
from evenfit.specs.config import Config

SAMPLES = make_samples()


def trained(members, samples=SAMPLES, epochs=3, precision=np.float32):
    fleet = Fleet(members, samples, precision=precision)
    for _ in range(epochs):
        fleet.train_epoch()
    return fleet


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_a_diverged_member_does_not_harm_its_neighbours(optimiser):
    values = {"width": 8, "batch_rows": 4, "optimiser": optimiser, "epochs": 20, "schedule": "constant"}
    sane = Member(config=Config(**values), split=0, seed=1)
    wild = [Member(config=Config(**values, learning_rate=rate), split=0, seed=1) for rate in (1e6, 1e30)]
    together = trained([wild[0], sane, wild[1]], epochs=20)
    alone = trained([sane], epochs=20)
    np.testing.assert_array_equal(together.learnt()[1], alone.learnt()[0])
    assert not np.isfinite(together.learnt()[2]).all()
    rows = SAMPLES.validation[0]
    outputs = together.outputs([rows] * 3, together.learnt())
    np.testing.assert_array_equal(outputs[1], alone.outputs([rows], alone.learnt())[0])
    assert not np.isfinite(outputs[2]).any()


def test_members_that_rest_stay_as_they_are():
    short, long = (Config(width=8, batch_rows=3, epochs=epochs, weight_averaging=0.5) for epochs in (1, 4))
    fleet = Fleet([Member(config=short, split=0, seed=1), Member(config=long, split=1, seed=2)], SAMPLES)
    fleet.train_epoch()
    before = fleet.state()
    learnt = fleet.learnt().copy()
    for _ in range(3):
        fleet.train_epoch()
    after = fleet.state()
    for name in ("weights", "first", "second", "average", "steps"):
        np.testing.assert_array_equal(after[name][0], before[name][0])
        assert not np.array_equal(after[name][1], before[name][1])
    np.testing.assert_array_equal(fleet.learnt()[0], learnt[0])


def test_neighbours_do_not_change_a_bit_of_float32_training():
    configs = [Config(width=24, batch_rows=5, dropout=rate, epochs=epochs) for rate, epochs in ((0.1, 3), (0.4, 2))]
    members = [Member(config=config, split=split, seed=split) for config in configs for split in range(3)]
    together = trained(members)
    for position, member in enumerate(members):
        np.testing.assert_array_equal(trained([member]).learnt()[0], together.learnt()[position])


@pytest.mark.parametrize("batch_rows", [1, 13, 1000])
def test_batches_of_one_row_and_of_all_rows_are_those_of_plain_torch(batch_rows):
    config = Config(width=5, batch_rows=batch_rows, epochs=3, dropout=0.2, activation="silu")
    member = Member(config=config, split=1, seed=4)
    fleet = trained([member], precision=np.float64)
    np.testing.assert_allclose(fleet.learnt()[0], plain.train(member, SAMPLES, epochs=3), rtol=1e-7, atol=1e-9)


def test_a_split_of_one_training_row_trains():
    samples = replace(SAMPLES, training=[rows[:1] for rows in SAMPLES.training])
    fleet = trained([Member(config=Config(width=5), split=0, seed=4)], samples)
    assert fleet.epoch_steps[0] == 1
    assert np.isfinite(fleet.learnt()).all()


@pytest.mark.parametrize("activation", ["relu", "selu", "mish", "silu", "gelu"])
def test_float32_stays_close_to_float64(activation):
    config = Config(width=32, activation=activation, batch_rows=8, epochs=3, learning_rate=1e-3, l2=0.01, dropout=0.1)
    member = Member(config=config, split=0, seed=2)
    low, high = trained([member]), trained([member], precision=np.float64)
    assert low.learnt().dtype == np.float32
    rows = SAMPLES.validation[0]
    np.testing.assert_allclose(low.learnt(), high.learnt(), atol=2e-3)
    np.testing.assert_allclose(low.outputs([rows], low.learnt())[0], high.outputs([rows], high.learnt())[0], atol=1e-2)


def test_rows_are_predicted_whatever_their_number():
    fleet = trained([Member(config=Config(width=5), split=split, seed=split) for split in range(3)])
    rows = np.arange(23)
    whole = fleet.outputs([rows, rows[:1], rows[:0]], fleet.learnt())
    assert [one.shape for one in whole] == [(23, 3), (1, 3), (0, 3)]
    many = fleet.outputs([np.tile(rows, 40), rows[:1], rows[:0]], fleet.learnt())
    np.testing.assert_allclose(many[0].reshape(40, 23, 3), np.broadcast_to(whole[0], (40, 23, 3)), atol=1e-6)


def test_data_may_be_read_only():
    values = SAMPLES.values.copy()
    values.flags.writeable = False
    member = Member(config=Config(width=5), split=0, seed=1)
    np.testing.assert_array_equal(
        trained([member], replace(SAMPLES, values=values)).learnt(), trained([member]).learnt()
    )


def test_warming_up_compiles_what_a_fleet_uses():
    from evenfit.fleet.kernels import steps
    from evenfit.fleet.warm import warm

    warm()
    known = [len(steps.train.signatures), len(steps.predict.signatures)]
    trained([Member(config=Config(width=5, optimiser="sgd"), split=0, seed=1)])
    fleet = trained([Member(config=Config(width=5, numeric_embedding="none"), split=0, seed=1)])
    fleet.keep([0])
    fleet.load(fleet.state())
    fleet.train_epoch()
    fleet.outputs([SAMPLES.validation[0]], fleet.learnt())
    assert [len(steps.train.signatures), len(steps.predict.signatures)] == known
