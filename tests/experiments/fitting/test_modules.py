"""A user's modules fitted many times: each is what it would be alone, and one that fails takes none with it."""

import random

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from evenfit.data.splits import Split, make_splits
from evenfit.errors import ConfigError, DataError
from evenfit.experiments.fitting import pool
from evenfit.experiments.fitting.fits import Fit
from evenfit.experiments.fitting.modules import fit_modules
from evenfit.runs.measures.subject import make_subject
from evenfit.specs.training import Training

SHORT = Training(epochs=4, batch_rows=16, learning_rate=0.02)


def two_classes():
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))


def number():
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))


def rows(*, count=90, classes=True, X=None, weights=None):
    generator = np.random.default_rng(0)
    given = generator.normal(size=(count, 3))
    y = np.where(given[:, 0] > 0, "yes", "no") if classes else 100 + 20 * given[:, 0]
    return make_subject(two_classes, [(given if X is None else X, y)], sample_weight=weights).rows


def halves(count=90, *, judged=30):
    return Split(train=np.arange(count - judged), validate=np.arange(count - judged, count), repeat=0, fold=0)


def fitted(known, variants, fits, splits, **options):
    return {one.number: one for one in fit_modules(known, variants, fits, splits, **options)}


def alone(known, factory, training=SHORT, **options):
    return fitted(known, [(factory, training)], [Fit(variant=0, split=0, seed=1)], [halves(len(known))], **options)[0]


VARIANTS = [
    (two_classes, SHORT),
    (two_classes, SHORT.with_values(mixup=0.3, input_noise=0.1)),
    (two_classes, SHORT.with_values(dropout_shift=0.3)),
]


@settings(max_examples=6, deadline=None)
@given(st.permutations(list(range(6))), st.integers(1, 6))
def test_a_module_is_not_changed_by_those_fitted_beside_it(order, count):
    known = rows()
    splits = make_splits(known.target, folds=2, seed=3)
    fits = [Fit(variant=place % 3, split=place % 2, seed=place) for place in range(6)]
    each = fitted(known, VARIANTS, fits, splits)
    beside = fitted(known, VARIANTS, [fits[place] for place in order[:count]], splits)
    for new, old in enumerate(order[:count]):
        np.testing.assert_array_equal(beside[new].predictions, each[old].predictions)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [True, False])
def test_any_number_of_workers_gives_the_same(monkeypatch, classes):
    monkeypatch.setattr(pool, "WORTH_PROCESSES", 0.0)
    known = rows(classes=classes)
    variants = [
        (two_classes if classes else number, SHORT),
        (two_classes if classes else number, SHORT.with_values(l1=0.01)),
    ]
    splits = make_splits(known.target, folds=3, seed=1)
    fits = [Fit(variant=v, split=s, seed=s) for v in range(2) for s in range(3)]
    one, two = (fitted(known, variants, fits, splits, workers=workers, checkpoints=2) for workers in (1, 2))
    assert one.keys() == two.keys() == set(range(6))
    for place, found in one.items():
        np.testing.assert_array_equal(found.predictions, two[place].predictions)
        np.testing.assert_array_equal(found.curve.training, two[place].curve.training)


def test_global_generators_are_left_as_they_were():
    np.random.seed(1)  # noqa: NPY002 - the one that is to be left alone
    expected = np.random.get_state()[1].copy(), random.getstate(), torch.get_rng_state()  # noqa: NPY002 - as above
    alone(rows(), two_classes)
    np.testing.assert_array_equal(np.random.get_state()[1], expected[0])  # noqa: NPY002 - as above
    assert random.getstate() == expected[1]
    assert torch.equal(torch.get_rng_state(), expected[2])


def test_a_bootstrap_is_a_fit_to_the_repeated_rows():
    known = rows()
    drawn = np.sort(np.random.default_rng(4).choice(60, 60))
    order = np.concatenate([drawn, np.arange(60, 90)])
    copied = make_subject(two_classes, [(known.X[order], known.labels[order])]).rows
    bootstrap = Split(train=drawn, validate=np.arange(60, 90), repeat=0, fold=0)
    fits = [Fit(variant=0, split=0, seed=1)]
    one = fitted(known, [(two_classes, SHORT)], fits, [bootstrap])[0]
    other = fitted(copied, [(two_classes, SHORT)], fits, [halves()])[0]
    np.testing.assert_array_equal(one.predictions, other.predictions)


def test_a_row_of_weight_zero_teaches_nothing():
    weights = np.ones(90)
    weights[:30] = 0
    wrong = rows(weights=weights)
    flipped = make_subject(
        two_classes,
        [(wrong.X, np.where(weights == 0, np.where(wrong.labels == "yes", "no", "yes"), wrong.labels))],
        sample_weight=weights,
    ).rows
    np.testing.assert_array_equal(alone(wrong, two_classes).predictions, alone(flipped, two_classes).predictions)


def test_curves_are_clean_and_end_at_the_losses():
    known = rows()
    found = alone(known, two_classes, checkpoints=4)
    assert found.curve.epochs.tolist() == [1, 2, 3, 4]
    assert found.curve.training[-1] == found.training_loss
    own = -found.predictions[np.arange(30), known.target[60:]]
    assert found.curve.validation[-1] == pytest.approx(own.mean())
    np.testing.assert_allclose(np.exp(found.predictions).sum(1), 1)


def test_a_quantity_is_predicted_in_its_own_units():
    found = alone(rows(classes=False), number, SHORT.with_values(epochs=60))
    assert found.training_loss < 0.2 * 20**2


class FailsOnRepeat(nn.Module):
    """Fails where a batch in training lacks positive rows; else it is linear."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        if self.training and not bool((x[:, 0] > 0).any()):
            raise ValueError("no row is above 0\nand a second line")
        return self.layer(x)


def test_a_module_that_fails_is_told_with_its_reason_and_the_others_go_on():
    known = rows()
    low = np.flatnonzero(known.X[:, 0] < 0)
    splits = [halves(), Split(train=low, validate=np.arange(5), repeat=0, fold=1)]
    fits = [Fit(variant=0, split=split, seed=0) for split in (1, 0)]
    found = fitted(known, [(FailsOnRepeat, SHORT)], fits, splits)
    assert [found[place].failure for place in range(2)] == ["ValueError: no row is above 0", ""]


def test_what_diverges_or_has_missing_inputs_says_so():
    wild = SHORT.with_values(optimiser="sgd", learning_rate=1e9)
    assert "a lower learning_rate may help" in alone(rows(classes=False), number, wild).failure
    X = np.random.default_rng(0).normal(size=(90, 3))
    X[3, 1] = np.nan
    assert "inputs must be finite numbers" in alone(rows(X=X), two_classes).failure


def images():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells, self.head = nn.GRU(3, 5, batch_first=True), nn.Linear(5, 1)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1]).squeeze()


def lazy():
    return nn.Sequential(nn.LazyLinear(6), nn.LazyBatchNorm1d(), nn.ReLU(), nn.LazyLinear(2))


def embedded():
    return nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(12, 2))


def doubled():
    return two_classes().double()


@pytest.mark.parametrize(
    ("factory", "shape", "whole"),
    [
        (images, (90, 1, 8, 8), False),
        (Recurrent, (90, 7, 3), False),
        (lazy, (90, 3), False),
        (embedded, (90, 3), True),
        (two_classes, (90, 3), True),
        (doubled, (90, 3), False),
    ],
)
def test_inputs_of_any_number_of_axes_and_of_whole_numbers_can_be_learnt_from(factory, shape, whole):
    generator = np.random.default_rng(0)
    X = generator.integers(9, size=shape) if whole else generator.normal(size=shape)
    found = [alone(rows(X=X), factory) for _ in range(2)]
    assert found[0].failure == ""
    assert found[0].predictions.shape == (30, 2)
    np.testing.assert_array_equal(found[0].predictions, found[1].predictions)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_data_frames_of_numbers_are_matrices_and_words_are_refused(kind):
    X = np.random.default_rng(0).normal(size=(90, 3))
    frame = kind({name: X[:, place] for place, name in enumerate("abc")})
    np.testing.assert_array_equal(
        alone(rows(X=frame), two_classes).predictions, alone(rows(X=X), two_classes).predictions
    )
    with pytest.raises(DataError, match="modules take numbers"):
        alone(rows(X=kind({"a": ["x"] * 90, "b": X[:, 0], "c": X[:, 1]})), two_classes)


def test_wrong_outputs_are_refused_before_anything_is_trained():
    with pytest.raises(ConfigError, match=r"logits \[8, 2\].*got the shape \[8, 5\]"):
        fit_modules(rows(), [(lambda: nn.Linear(3, 5), SHORT)], [Fit(variant=0, split=0, seed=0)], [halves()])
    with pytest.raises(ConfigError, match="return the tensor alone"):
        fit_modules(rows(), [(lambda: nn.GRU(3, 2), SHORT)], [Fit(variant=0, split=0, seed=0)], [halves()])


def test_a_module_that_is_stopped_in_training_is_not_told():
    asked = iter([False] * 3 + [True] * 99)
    assert (
        fitted(
            rows(), [(two_classes, SHORT)], [Fit(variant=0, split=0, seed=0)] * 2, [halves()], stop=lambda: next(asked)
        )
        == {}
    )
