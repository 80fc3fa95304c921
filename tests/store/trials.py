"""Trials for tests of the store: made of a seed, so that two processes agree on what was written."""

import numpy as np

from evenfit.results.trial import Trial
from evenfit.specs.config import Config


def trial_of(number, *, rows=40, seed=0):
    chance = np.random.default_rng((seed, number))
    epochs, splits, repeats, classes = 3, 5, 1, 2
    row_values = chance.normal(size=(epochs, repeats, rows, 1)).astype(np.float16)
    row_values[:, :, 0] = np.nan  # a row that is never validated
    return Trial(
        number=number,
        round=number // 4,
        config=Config(learning_rate=float(chance.uniform(1e-4, 1e-1)), dropout=float(chance.uniform(0, 0.5))),
        status="complete",
        epochs=np.array([1, 2, 4]),
        training_loss=chance.normal(size=(epochs, splits)),
        validation_loss=chance.normal(size=(epochs, splits)),
        selection_loss=chance.normal(size=(epochs, splits)),
        row_values=row_values,
        best=int(chance.integers(epochs)),
        predictions=chance.normal(size=(repeats, rows, classes)).astype(np.float32),
        seconds=float(chance.uniform(0, 9)),
    )


def state_of(number, *, rows=40, seed=0):
    chance = np.random.default_rng((seed, number, 1))
    return {"weights": chance.normal(size=(5, rows)).astype(np.float32), "epoch": np.array(number)}


def assert_same_arrays(one, two):
    assert one.dtype == two.dtype
    assert one.shape == two.shape
    assert one.tobytes() == two.tobytes()


def assert_same_trials(one, two):
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray):
            assert_same_arrays(value, getattr(two, name))
        else:
            assert value == getattr(two, name), name
