"""Laws of encodings: only training rows enter, shapes never change, everything is finite."""

import json
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import QuantileTransformer
from tests.strategies import frames

from evenfit.data.encodings import (
    INPUT_CHOICES,
    Encoding,
    InputShape,
    balanced_weights,
    fit_encoding,
    input_choices,
    target_choices,
)
from evenfit.data.quantiles import fit_quantiles, from_normal, to_normal
from evenfit.data.splits import make_splits
from evenfit.data.table import understand
from evenfit.data.target_encodings import TARGET_CHOICES
from evenfit.errors import ConfigError, DataError

TASKS = st.sampled_from(["classification", "regression"])
INPUTS = st.sampled_from(INPUT_CHOICES)


def same(one, other):
    one, other = one.to_arrays(), other.to_arrays()
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def table_of(**columns):
    rows = len(next(iter(columns.values())))
    columns.setdefault("target", [0.5, 1.5] * (rows // 2) + [2.5] * (rows % 2))
    return understand(pl.DataFrame(columns), target="target")


@given(data=st.data(), task=TASKS, inputs=INPUTS, target=st.sampled_from(["standard", "quantile"]))
@settings(max_examples=40)
def test_nothing_of_the_rows_it_is_judged_by_enters_an_encoding(data, task, inputs, target):
    frame = data.draw(frames(task=task))
    table = understand(frame, target="target")
    split = make_splits(table, folds=2, seed=data.draw(st.integers(0, 9)))[0]
    encoding = fit_encoding(table, split.train, inputs=inputs, target=target)
    table.numeric[split.validate] = data.draw(st.sampled_from([np.nan, 0.0, 7.5, -1e29]))
    table.codes[split.validate] = -1
    table.target[split.validate] = 0
    assert same(encoding, fit_encoding(table, split.train, inputs=inputs, target=target))


@given(data=st.data(), task=TASKS, inputs=INPUTS)
@settings(max_examples=40)
def test_shapes_do_not_depend_on_the_split_and_all_inputs_are_finite(data, task, inputs):
    table = understand(data.draw(frames(task=task)), target="target")
    shapes = set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for split in make_splits(table, folds=3, seed=0):
            encoding = fit_encoding(table, split.train, inputs=inputs)
            encoded = encoding.inputs(table)
            shapes.add(encoding.shape)
            assert encoded.values.shape == (table.rows, encoding.shape.features)
            assert encoded.codes.shape == (table.rows, len(encoding.shape.cardinalities))
            assert encoded.values.dtype == np.float32
            assert encoded.codes.dtype == np.int32
            assert np.isfinite(encoded.values).all()
            assert np.abs(encoded.values).max() <= 5
            assert (encoded.codes < np.array(encoding.shape.cardinalities, int)).all()
            assert (encoded.codes >= -1).all()
    assert len(shapes) == 1


@given(data=st.data(), task=TASKS, inputs=INPUTS, target=st.sampled_from(["none", "standard", "quantile"]))
@settings(max_examples=40)
def test_an_encoding_comes_out_of_its_arrays_equal(data, task, inputs, target):
    table = understand(data.draw(frames(task=task)), target="target")
    encoding = fit_encoding(table, np.arange(table.rows - 1), inputs=inputs, target=target)
    arrays = encoding.to_arrays()
    assert all(array.dtype.kind in "fiub" for array in arrays.values())
    again = Encoding.from_arrays(arrays)
    assert same(encoding, again)
    assert again.shape == encoding.shape
    assert np.array_equal(again.inputs(table).values, encoding.inputs(table).values)
    assert np.array_equal(again.target(table.target), encoding.target(table.target))


@given(data=st.data(), choice=st.sampled_from(TARGET_CHOICES))
@settings(max_examples=40)
def test_a_target_of_the_training_rows_comes_back_as_it_was(data, choice):
    table = understand(data.draw(frames(task="regression", least=4)), target="target", task="regression")
    if choice == "log":
        table.target[:] = np.abs(table.target)
    rows = np.arange(1, table.rows)
    encoding = fit_encoding(table, rows, target=choice)
    encoded = encoding.target(table.target)
    assert np.isfinite(encoded).all()
    size = np.abs(table.target[rows]).max()
    np.testing.assert_allclose(encoding.restore(encoded)[rows], table.target[rows], rtol=1e-7, atol=1e-9 * size + 1e-12)


@given(seed=st.integers(0, 99), choice=st.sampled_from(["log", "quantile"]))
@settings(max_examples=40)
def test_smeared_predictions_have_the_mean_of_the_target(seed, choice):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=4000)
    table = table_of(x=x, target=np.exp(0.5 * x + generator.normal(size=4000) * 0.7))
    encoding = fit_encoding(table, np.arange(4000), target=choice)
    encoded = encoding.target(table.target)
    predictions = np.polyval(np.polyfit(x, encoded, 3), x)
    smeared = encoding.restore(predictions, encoded - predictions)
    assert abs(smeared.mean() / table.target.mean() - 1) < 0.06
    assert encoding.restore(predictions).mean() < 0.9 * table.target.mean()  # the plain inverse is biased


def test_smearing_a_logarithm_is_duans_factor():
    target = np.exp(np.random.default_rng(0).normal(size=500))
    table = table_of(x=np.arange(500) * 0.5, target=target)
    encoding = fit_encoding(table, np.arange(500), target="log")
    residuals = np.array([-0.4, 0.1, 0.3])
    predictions = np.linspace(-1, 0.5, 7)
    factor = np.exp(residuals * encoding.target_encoding.deviation).mean()
    expected = (encoding.restore(predictions) + encoding.target_encoding.offset) * factor
    actual = encoding.restore(predictions, residuals) + encoding.target_encoding.offset
    np.testing.assert_allclose(actual, expected, rtol=1e-4)


def test_a_restored_row_does_not_depend_on_the_rows_beside_it_nor_on_the_shape():
    table = table_of(x=np.arange(60) * 0.5, target=np.exp(np.arange(60) / 9))
    for choice in TARGET_CHOICES:
        encoding = fit_encoding(table, np.arange(60), target=choice)
        predictions = np.linspace(-4, 4, 24)
        residuals = np.linspace(-0.5, 0.5, 9)
        together = encoding.restore(predictions, residuals)
        assert np.array_equal(encoding.restore(predictions.reshape(4, 6), residuals), together.reshape(4, 6))
        assert [encoding.restore(predictions[row : row + 1], residuals)[0] for row in range(24)] == list(together)
        assert encoding.restore(np.zeros(0), residuals).shape == (0,)


def test_predictions_that_are_no_numbers_stay_so_and_the_widest_stay_in_range():
    table = table_of(x=np.arange(60) * 0.5, target=np.exp(np.arange(60) / 9))
    for choice in ("log", "quantile"):
        encoding = fit_encoding(table, np.arange(60), target=choice)
        for predictions in ([np.nan], [np.nan, 0.5], [-50.0], [50.0], [-8.0], [8.0], [-np.inf, np.inf]):
            restored = encoding.restore(np.array(predictions), np.linspace(-0.5, 0.5, 9))
            assert np.array_equal(np.isnan(restored), np.isnan(predictions))
            assert (np.isnan(restored) | ((restored >= 1) & (restored <= table.target.max()))).all()


def test_predictions_are_clipped_to_the_range_of_the_training_rows():
    table = table_of(x=np.arange(60) * 0.5, target=np.exp(np.arange(60) / 9))
    rows = np.arange(10, 50)
    for choice in ("standard", "log", "quantile"):
        restored = fit_encoding(table, rows, target=choice).restore(np.array([-1e9, 1e9]))
        np.testing.assert_allclose(restored, table.target[[10, 49]])


def test_weights_weigh_in_the_standardised_target():
    frame = pl.DataFrame({"x": [1.5, 2.5, 3.5, 4.0], "w": [1.0, 1.0, 0.0, 2.0], "y": [1.0, 2.0, 99.0, 4.5]})
    encoding = fit_encoding(understand(frame, target="y", weight="w", task="regression"), np.arange(4))
    assert encoding.target_encoding.mean == pytest.approx((1 + 2 + 9) / 4)


def test_robust_inputs_are_realmlps():
    x = np.array([0.0, 1.0, 2.0, 3.0, 40.0, np.nan])
    table = table_of(x=x, target=[1.5, 2.0, 3.0, 1.0, 2.5, 7.0])
    encoded = fit_encoding(table, np.arange(6)).inputs(table).values[:, 0]
    scaled = (x - 2) / (3 - 1)  # median 2, quartiles 1 and 3
    np.testing.assert_allclose(encoded[:5], (scaled / np.sqrt(1 + (scaled / 3) ** 2))[:5], rtol=1e-6)
    assert encoded[5] == 0


def test_the_smallest_numbers_there_are_are_scaled_without_a_warning():
    table = table_of(a=np.arange(20) * 5e-324)
    assert np.isfinite(fit_encoding(table, np.arange(20)).inputs(table).values).all()


def test_a_column_whose_quartiles_agree_is_scaled_by_its_range():
    x = np.array([5.0] * 8 + [6.0, 9.0])
    table = table_of(x=x)
    encoded = fit_encoding(table, np.arange(10)).inputs(table).values[:, 0]
    scaled = (x - 5) * 2 / (9 - 5)
    np.testing.assert_allclose(encoded, scaled / np.sqrt(1 + (scaled / 3) ** 2), rtol=1e-6)
    assert not fit_encoding(table, np.arange(8)).inputs(table).values[:8].any()  # they agree altogether


def test_the_order_of_inputs_is_many_two_missing_levels():
    table = table_of(
        word=["a", "b", "c", None, "a", "b"],
        two=["u", "v", None, "u", "v", "u"],
        flag=[True, False, True, True, False, None],
        many=[1.5, None, 3.5, 4.5, 6.5, 9.0],
    )
    encoding = fit_encoding(table, np.arange(6))
    values = encoding.inputs(table).values
    assert encoding.shape == InputShape(numeric=1, features=1 + 1 + 2 + 3 + 1, cardinalities=())
    assert values[1, 0] == 0
    assert values[5, 1] == 0
    assert values[:, 2:4].tolist() == [[0, 0], [0, 1], [0, 0], [0, 0], [0, 0], [1, 0]]
    assert values[:, 4:7].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert values[:, 7].tolist() == [-1, 1, 0, -1, 1, -1]


def test_a_level_that_the_training_rows_lack_is_all_zeros_and_has_no_code():
    words = ["a", "b", "c"] * 10
    many = [f"level {number}" for number in range(15)] * 2
    table = table_of(words=words, many=many)
    train = np.flatnonzero((np.array(words) != "c") & (np.array(many) != "level 3"))
    encoded = fit_encoding(table, train).inputs(table)
    assert not encoded.values[np.array(words) == "c"].any()
    assert (encoded.codes[np.array(many) == "level 3"] == -1).all()
    assert (encoded.codes[train] >= 0).all()
    assert fit_encoding(table, train).shape.cardinalities == (15,)


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=40))
def test_quantiles_keep_the_order_and_come_back(values):
    values = np.array(values)
    knots = fit_quantiles(values)
    normal = to_normal(values, knots)
    order = np.argsort(values, kind="stable")
    assert (np.diff(normal[order]) >= -1e-12).all()
    assert np.abs(normal).max() < 5
    np.testing.assert_allclose(from_normal(normal, knots), values, rtol=1e-9, atol=1e-6)


def test_quantiles_are_scikit_learns_but_for_the_ends():
    generator = np.random.default_rng(0)
    values = np.round(generator.lognormal(size=5000), 1)  # with ties
    theirs = QuantileTransformer(output_distribution="normal", n_quantiles=1000, subsample=None)
    expected = theirs.fit_transform(values[:, None])[:, 0]
    inner = np.abs(expected) < 2.5
    assert np.abs(to_normal(values, fit_quantiles(values)) - expected)[inner].max() < 0.01


def test_target_choices_are_more_than_one_where_the_target_is_skewed():
    generator = np.random.default_rng(0)
    normal = generator.normal(size=400)
    assert target_choices(table_of(x=normal, target=normal)) == ("standard",)
    assert target_choices(table_of(x=normal, target=np.exp(normal))) == ("standard", "log", "quantile")
    assert target_choices(table_of(x=normal, target=-np.exp(normal))) == ("standard", "quantile")
    assert target_choices(table_of(x=normal, target=np.exp(normal) - 1)) == ("standard", "quantile")
    assert target_choices(table_of(x=normal, target=[f"c{x > 0}" for x in normal])) == ("standard",)


def test_input_choices_are_both_where_a_number_has_more_than_two_values():
    assert input_choices(table_of(x=[1.5, 2.5, 3.5])) == ("robust", "quantile")
    assert input_choices(table_of(x=[True, False, True])) == ("robust",)


def test_a_logarithm_of_negative_targets_is_refused():
    table = table_of(x=[1.5, 2.5, 3.5], target=[-1.5, 2.0, 3.5])
    with pytest.raises(DataError, match=r"'log' needs a target that is never negative, got -1\.5; use 'quantile'"):
        fit_encoding(table, np.arange(3), target="log")


def test_unknown_choices_are_refused():
    table = table_of(x=[1.5, 2.5, 3.5])
    with pytest.raises(ConfigError, match="input encoding must be one of robust, quantile; got 'rank'"):
        fit_encoding(table, np.arange(3), inputs="rank")
    with pytest.raises(ConfigError, match="target encoding must be one of none, standard, log, quantile; got 'sqrt'"):
        fit_encoding(table, np.arange(3), target="sqrt")
    with pytest.raises(DataError, match="at least one row"):
        fit_encoding(table, np.arange(0))


def test_damaged_arrays_are_refused():
    arrays = fit_encoding(table_of(x=[1.5, 2.5, 3.5]), np.arange(3)).to_arrays()
    for name in arrays:
        with pytest.raises(DataError, match="the arrays must be those of an encoding"):
            Encoding.from_arrays({other: array for other, array in arrays.items() if other != name})
    about = json.dumps({"choice": "robust"}).encode()
    with pytest.raises(DataError, match="KeyError: 'layout'"):
        Encoding.from_arrays(arrays | {"about": np.frombuffer(about, np.uint8)})


@given(codes=st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_balanced_weights_make_classes_weigh_the_same(codes):
    codes = np.array(codes)
    weights = balanced_weights(codes, np.arange(len(codes)), 5)
    sums = np.bincount(codes, weights[codes], minlength=5)
    present = np.bincount(codes, minlength=5) > 0
    np.testing.assert_allclose(sums[present], sums[present][0])
    assert weights[codes].mean() == pytest.approx(1)
    assert (weights[~present] == 1).all()
