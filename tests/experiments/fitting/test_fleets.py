"""Networks fitted in fleets: each is what it would be alone, whoever trains beside it, on however many cores."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfit.data.arrays import from_memory
from evenfit.data.splits import Split, make_splits
from evenfit.errors import DataError
from evenfit.experiments.fitting.fits import Fit, never
from evenfit.experiments.fitting.fleets import Variant, fit_fleets
from evenfit.specs.config import Config

SMALL = Config(width=8, depth=1, batch_rows=16, epochs=4, dropout=0.2, numeric_embedding="none")


def table(*, rows=90, classes=True, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(rows, 3))
    signal = X[:, 0] + 0.5 * X[:, 1] ** 2 + 0.3 * generator.normal(size=rows)
    return from_memory(X, np.where(signal > 0.4, "yes", "no") if classes else 100 * signal)


def fitted(known, variants, fits, splits, **options):
    options = {"checkpoints": 0, "workers": 1, "stop": never} | options
    found = list(fit_fleets(known, variants, fits, splits, **options))
    return {one.number: one for one in found}


@pytest.mark.parametrize("classes", [True, False])
def test_any_number_of_workers_gives_the_same_predictions(classes):
    known = table(classes=classes)
    splits = make_splits(known, folds=3, seed=1)
    variants = [Variant(config=SMALL), Variant(config=SMALL.with_values(width=12)), Variant(config=SMALL, epoch=2)]
    fits = [Fit(variant=v, split=s, seed=7 * s) for v in range(3) for s in range(3)]
    one, two = (fitted(known, variants, fits, splits, workers=workers) for workers in (1, 2))
    assert one.keys() == two.keys() == set(range(9))
    for number, found in one.items():
        np.testing.assert_array_equal(found.predictions, two[number].predictions)
        assert found.predictions.shape == (30, 2 if classes else 1)


@settings(max_examples=10, deadline=None)
@given(st.permutations(list(range(6))), st.integers(1, 6))
def test_a_network_is_not_changed_by_those_fitted_beside_it(order, count):
    known = table()
    splits = make_splits(known, folds=2, seed=3)
    variants = [Variant(config=SMALL.with_values(l2=0.1 * v)) for v in range(3)]
    fits = [Fit(variant=number % 3, split=number % 2, seed=number) for number in range(6)]
    alone = fitted(known, variants, fits, splits)
    chosen = order[:count]
    beside = fitted(known, variants, [fits[number] for number in chosen], splits)
    for place, number in enumerate(chosen):
        np.testing.assert_array_equal(beside[place].predictions, alone[number].predictions)


def test_a_variant_that_ends_early_is_what_the_whole_one_was_at_that_epoch():
    known = table(classes=False)
    splits = make_splits(known, folds=2, seed=0)
    fits = [Fit(variant=v, split=0, seed=5) for v in range(2)]
    whole, early = (
        fitted(known, [Variant(config=SMALL), Variant(config=SMALL, epoch=2)], fits, splits, checkpoints=4)[n]
        for n in range(2)
    )
    assert whole.curve.epochs.tolist() == [1, 2, 3, 4]
    assert early.curve.epochs.tolist() == [1, 2]
    np.testing.assert_allclose(early.curve.validation, whole.curve.validation[:2])
    assert early.curve.validation[-1] != whole.curve.validation[-1]


def test_a_row_that_is_drawn_twice_is_two_rows():
    generator = np.random.default_rng(4)
    X, y = generator.normal(size=(90, 3)), generator.normal(size=90)
    drawn = np.sort(generator.choice(60, 60))
    bootstrap = Split(train=drawn, validate=np.arange(60, 90), repeat=0, fold=0)
    rows = np.concatenate([drawn, np.arange(60, 90)])
    copied = Split(train=np.arange(60), validate=np.arange(60, 90), repeat=0, fold=0)
    fits = [Fit(variant=0, split=0, seed=1)]
    one = fitted(from_memory(X, y), [Variant(config=SMALL)], fits, [bootstrap])[0]
    other = fitted(from_memory(X[rows], y[rows]), [Variant(config=SMALL)], fits, [copied])[0]
    np.testing.assert_array_equal(one.predictions, other.predictions)


def test_networks_that_diverge_are_told_with_the_reason_and_the_others_go_on():
    known = table(classes=False)
    splits = make_splits(known, folds=2, seed=0)
    wild = SMALL.with_values(optimiser="sgd", learning_rate=1e6, momentum=0.9, epochs=6)
    tame = wild.with_values(learning_rate=1e-3)
    fits = [Fit(variant=v, split=0, seed=0) for v in range(2)]
    found = fitted(known, [Variant(config=wild), Variant(config=tame)], fits, splits)
    assert "learning_rate" in found[0].failure
    assert found[1].failure == ""
    assert np.isfinite(found[1].predictions).all()


def test_nothing_is_told_of_what_was_stopped():
    known = table()
    splits = make_splits(known, folds=2, seed=0)
    fits = [Fit(variant=0, split=0, seed=0)]
    assert fitted(known, [Variant(config=SMALL)], fits, splits, stop=lambda: True) == {}


def test_the_training_loss_is_that_of_rows_that_were_trained_on():
    known = table(rows=60)
    splits = [Split(train=np.arange(40), validate=np.arange(40, 60), repeat=0, fold=0)]
    memorising = SMALL.with_values(width=64, epochs=300, dropout=0.0, learning_rate=0.02)
    found = fitted(known, [Variant(config=memorising)], [Fit(variant=0, split=0, seed=0)], splits, checkpoints=1)[0]
    assert found.training_loss < 0.05 < found.curve.validation[-1]


def test_a_split_without_training_rows_is_refused():
    known = table()
    splits = [Split(train=np.arange(1), validate=np.arange(1, 9), repeat=0, fold=0)]
    with pytest.raises(DataError, match="at least 2 training rows, got 1"):
        fitted(known, [Variant(config=SMALL)], [Fit(variant=0, split=0, seed=0)], splits)


def test_a_consumer_that_goes_away_ends_the_fleets():
    known = table()
    splits = make_splits(known, folds=2, repeats=30, seed=0)
    fits = [Fit(variant=0, split=split, seed=split) for split in range(60)]
    learner = partial(fit_fleets, known, [Variant(config=SMALL)])
    told = learner(fits, splits, checkpoints=0, workers=2, stop=never)
    assert next(told).failure == ""
    told.close()
