"""Bounds hold after every step, groups leave together, noise has its distribution, averages are means."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize
from tests.fleet.networks import make_samples

from evenfit.data.encodings import InputShape
from evenfit.fleet import averaging, chance
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.kernels.activations import ALPHA, GAUSSIAN, SELU, activate
from evenfit.fleet.kernels.optimisers import sgd
from evenfit.fleet.kernels.weights import AT_MOST, bound_stretch, bound_units, drop_weights, shrink_groups
from evenfit.fleet.member import Member
from evenfit.fleet.samples import Samples
from evenfit.specs.config import Config

SAMPLES = make_samples()
SMALL = {"width": 8, "depth": 2, "batch_rows": 100, "activation": "relu"}  # an epoch is one step


def trained(config, *, epochs, samples=SAMPLES, seed=1):
    """Yield the fleet after each of its epochs."""
    fleet = Fleet([Member(config=config, split=0, seed=seed)], samples, precision=np.float64)
    for _ in range(epochs):
        fleet.train_epoch()
        yield fleet


def matrices(fleet):
    return [fleet.weights[0, block.start : block.stop].reshape(block.shape) for block in fleet.layout.weights()]


# bounds


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_norms_of_incoming_weights_are_within_their_bound_after_every_step(optimiser):
    config = Config(**SMALL, optimiser=optimiser, learning_rate=0.05, max_norm=0.7, epochs=20)
    for fleet in trained(config, epochs=20):
        norms = np.concatenate([np.linalg.norm(matrix, axis=0) for matrix in matrices(fleet)])
        assert norms.max() <= 0.7 * (1 + 1e-9)
    assert (norms > 0.7 * (1 - 1e-9)).any()


def test_units_have_norm_one_after_every_step_and_outputs_any():
    for fleet in trained(Config(**SMALL, learning_rate=0.05, unit_norm=True, epochs=10), epochs=10):
        *hidden, last = (np.linalg.norm(matrix, axis=0) for matrix in matrices(fleet))
        np.testing.assert_allclose(np.concatenate(hidden), 1.0, rtol=1e-9)
    assert (np.abs(last - 1) > 1e-3).all()


def test_no_layer_stretches_a_vector_by_more_than_its_bound_after_every_step():
    config = Config(**SMALL, learning_rate=0.05, spectral_bound=0.9, epochs=20)
    for fleet in trained(config, epochs=20):
        stretches = [np.linalg.norm(matrix, ord=2) for matrix in matrices(fleet)]
        assert max(stretches) <= 0.9 * (1 + 1e-9)
    assert max(stretches) > 0.9 * (1 - 1e-9)


@given(seed=st.integers(0, 2**32 - 1), bound=st.floats(0.1, 3.0), shape=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_projections_are_the_nearest_matrices_within_their_bounds(seed, bound, shape):
    random = np.random.default_rng(seed)
    matrix = random.standard_normal(shape)
    norms, stretch = matrix.copy().ravel(), matrix.copy().ravel()
    bound_units(norms, bound, *shape, np.empty(shape[1]), AT_MOST)
    bound_stretch(stretch, bound, *shape)
    for _ in range(20):  # the angle to any point within the bounds is not acute, or it would be nearer
        other = random.standard_normal(shape)
        for found, inside in (
            (norms, other * np.minimum(1, bound / np.linalg.norm(other, axis=0))),
            (stretch, other * min(1, bound / np.linalg.norm(other, ord=2))),
        ):
            within = found.reshape(shape)
            assert ((matrix - within) * (inside - within)).sum() <= 1e-9


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_a_clipped_step_of_sgd_is_no_longer_than_rate_times_bound(optimiser):
    config = Config(
        **SMALL, optimiser=optimiser, momentum=0.0, learning_rate=0.1, gradient_clip=0.05, schedule="constant",
        input_scale_rate=0.0, epochs=5,
    )  # fmt: skip
    before, lengths = None, []
    for fleet in trained(config, epochs=5):
        if before is not None:
            lengths.append(np.linalg.norm(fleet.weights - before))
        before = fleet.weights.copy()
    if optimiser == "sgd":
        np.testing.assert_allclose(lengths, 0.1 * 0.05, rtol=1e-3)
    else:  # its steps do not know how long gradients are
        assert min(lengths) > 0.1


def test_a_sharpness_aware_step_has_the_gradient_from_uphill():
    values = {**SMALL, "optimiser": "sgd", "momentum": 0.0, "learning_rate": 1.0, "schedule": "constant", "epochs": 1}
    values |= {"numeric_embedding": "none", "input_scale_rate": 0.0}

    def gradient(start, **more):
        fleet = Fleet([Member(config=Config(**values, **more), split=0, seed=1)], SAMPLES, precision=np.float64)
        before = fleet.weights.copy() if start is None else start
        fleet.load(fleet.state() | {"weights": before})
        fleet.train_epoch()
        return before, before - fleet.weights

    at, plain = gradient(None)
    _, aware = gradient(None, sam_radius=0.3)
    _, uphill = gradient(at + 0.3 * plain / np.linalg.norm(plain))
    np.testing.assert_allclose(aware, uphill, rtol=1e-9, atol=1e-12)
    assert not np.allclose(aware, plain, rtol=1e-3)


# groups


def test_group_lasso_takes_whole_columns_away_and_leaves_others_whole():
    random = np.random.default_rng(3)
    samples = make_samples(rows=203, numeric=4, hot=0, outputs=1)
    target = np.sin(2 * samples.values[:, :, 0]) + 0.01 * random.standard_normal(samples.values.shape[:2])
    config = Config(
        width=16, depth=1, batch_rows=32, epochs=100, optimiser="sgd", learning_rate=1e-2, group_lasso=0.2,
        schedule="constant",
    )  # fmt: skip
    *_, fleet = trained(config, epochs=100, samples=_with_target(samples, target))
    first = matrices(fleet)[0]
    sources = fleet._plan.network.source_of
    zeros = np.array([(first[sources == column] == 0).mean() for column in range(5)])
    assert zeros[0] == 0
    assert (zeros[1:] == 1).sum() >= 2
    assert set(zeros) <= {0.0, 1.0}  # the four numbers of a numeric column, and an embedding, go together


def _with_target(samples: Samples, target):
    return replace(samples, target=target)


@given(
    seed=st.integers(0, 2**32 - 1), l1=st.floats(0, 1), l2=st.floats(0, 1), group=st.floats(0, 2), rate=st.floats(0, 1)
)
def test_the_steps_of_all_penalties_together_are_the_proximal_operator_of_their_sum(seed, l1, l2, group, rate):
    random = np.random.default_rng(seed)
    start = random.standard_normal((4, 3))
    w, none = start.copy().ravel(), np.zeros(12)
    shrink = 1 / (1 + 2 * rate * l2)
    sgd(w, none, none.copy(), 0.0, 0.0, False, rate * l1, shrink)
    sources = np.array([0, 0, 1, 2])
    shrink_groups(w, rate * group * shrink, 4, 3, sources, True)

    def objective(x):
        norms = [np.linalg.norm(x.reshape(4, 3)[sources == source]) for source in range(3)]
        return 0.5 * ((x - start.ravel()) ** 2).sum() + rate * (
            l1 * np.abs(x).sum() + l2 * (x**2).sum() + group * sum(norms)
        )

    best = objective(w)
    for _ in range(20):  # it is convex: no better neighbour, no better point
        step = random.standard_normal(12) * 10 ** random.uniform(-6, 0)
        assert objective(w + step) >= best - 1e-12
        assert objective(w * (1 + step[0])) >= best - 1e-12
    if rate * (l1 + l2 + group) > 0:
        assert best <= minimize(objective, w + 1e-3, method="Nelder-Mead", options={"maxiter": 300}).fun + 1e-12


# zero


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_kinds_and_schedules_of_nothing_change_nothing(optimiser):
    base = Config(width=6, epochs=3, batch_rows=5, optimiser=optimiser)
    kinds = [{"dropout_kind": kind} for kind in ("gaussian", "alpha")]
    schedules = [{"penalty_schedule": name, "dropout_schedule": name} for name in ("linear", "early", "late")]
    members = [Member(config=base.with_values(**values), split=0, seed=1) for values in ({}, *kinds, *schedules)]
    fleet = Fleet(members, SAMPLES)
    for _ in range(3):
        fleet.train_epoch()
    for row in fleet.learnt()[1:]:
        np.testing.assert_array_equal(row, fleet.learnt()[0])


@pytest.mark.parametrize("name", ["max_norm", "spectral_bound", "gradient_clip"])
def test_a_bound_that_is_never_reached_changes_nothing(name):
    base = Config(width=6, epochs=3, batch_rows=5)
    members = [Member(config=base.with_values(**values), split=0, seed=1) for values in ({}, {name: 1e9})]
    fleet = Fleet(members, SAMPLES)
    for _ in range(3):
        fleet.train_epoch()
    np.testing.assert_array_equal(fleet.learnt()[1], fleet.learnt()[0])


@pytest.mark.parametrize(
    "late", [{"dropout": 0.5, "dropout_schedule": "late"}, {"l1": 0.5, "penalty_schedule": "late"}]
)
def test_what_comes_late_changes_nothing_before(late):
    base = Config(width=6, epochs=4, batch_rows=5)
    members = [Member(config=base.with_values(**values), split=0, seed=1) for values in ({}, late)]
    fleet = Fleet(members, SAMPLES)
    for epoch in range(4):
        fleet.train_epoch()
        assert np.array_equal(fleet.learnt()[0], fleet.learnt()[1]) == (epoch < 2)


# averages


def test_the_plain_average_is_the_mean_of_the_last_epochs():
    config = Config(**SMALL, epochs=10, swa_share=0.3, weight_averaging=0.5)
    ends = []
    for fleet in trained(config, epochs=10):
        ends.append(fleet.weights[0].copy())
        if len(ends) == 7:  # before it begins, the moving average counts
            shares = 0.5 ** np.arange(7)[::-1]
            np.testing.assert_allclose(fleet.learnt()[0], shares @ np.array(ends) / shares.sum(), rtol=1e-9)
    np.testing.assert_allclose(fleet.learnt()[0], np.mean(ends[-3:], axis=0), rtol=1e-9)


@given(epochs=st.integers(1, 50), share=st.floats(0.001, 1.0))
def test_the_last_epoch_always_counts_and_all_do_where_the_share_is_one(epochs, share):
    config = Config(epochs=epochs, swa_share=share)
    counted = [epoch for epoch in range(epochs) if averaging.correction(config, epoch + 1) > 0]
    assert counted
    assert counted[-1] == epochs - 1
    assert abs(len(counted) - share * epochs) <= 1
    assert averaging.decay(config, counted[0]) == 0
    assert len(counted) == epochs or share < 1


# chance


def test_no_two_purposes_share_a_stream():
    layers = range(65)
    single = [chance.WEIGHTS, chance.ORDER, chance.INPUT_MASK, chance.NOISE, chance.MIXTURE]
    many = [first + i for first in (chance.HIDDEN_MASK, chance.WEIGHT_MASK, chance.WEIGHT_NOISE_STREAM) for i in layers]
    purposes = single + many + [purpose + chance.SECOND_PASS for purpose in single + many]
    assert len(set(purposes)) == len(purposes)


COUNT = 200_000


def _activated(kind, threshold, units):
    z = units.reshape(400, -1).copy()
    h, words = np.empty_like(z), np.empty(z.size // 8 + 1, dtype=np.uint64)
    activate(z, np.zeros(z.shape[1]), h, SELU, kind, threshold, 256 / (256 - threshold), np.uint64(7), words)
    return h.ravel(), z.ravel()


@pytest.mark.statistical  # five standard errors, with fixed seeds
@pytest.mark.parametrize("threshold", [26, 77, 154])
def test_gaussian_dropout_multiplies_by_numbers_of_mean_one_and_the_variance_of_dropout(threshold):
    rate = threshold / 256
    h, slope = _activated(GAUSSIAN, threshold, np.ones(COUNT))
    factors = h / 1.0507009873554805
    np.testing.assert_allclose(slope, h, rtol=1e-12)
    assert abs(factors.mean() - 1) < 5 * math.sqrt(rate / (1 - rate) / COUNT)
    assert abs(factors.var() / (rate / (1 - rate)) - 1) < 5 * math.sqrt(2 / COUNT)
    assert stats.kstest((factors - 1) / math.sqrt(rate / (1 - rate)), "norm").pvalue > 1e-3


@pytest.mark.statistical  # five standard errors, with fixed seeds
@pytest.mark.parametrize("threshold", [26, 77, 154])
def test_alpha_dropout_keeps_the_mean_and_variance_of_self_normalising_units(threshold):
    units = np.random.default_rng(1).standard_normal(COUNT)
    h, slope = _activated(ALPHA, threshold, units)
    assert abs(h.mean()) < 5 / math.sqrt(COUNT)
    assert abs(h.var() - 1) < 5 * math.sqrt((stats.kurtosis(h) + 2) / COUNT)
    share = (slope == 0).mean()
    assert abs(share - threshold / 256) < 5 * math.sqrt(share * (1 - share) / COUNT)
    dropped = h[slope == 0]
    np.testing.assert_allclose(dropped, dropped[0])


def test_alpha_dropout_is_that_of_torch_given_the_same_units():
    h, slope = _activated(ALPHA, 64, np.linspace(-3, 3, 4000))
    whole = torch.nn.functional.selu(torch.linspace(-3, 3, 4000, dtype=torch.float64))
    torch.manual_seed(0)
    theirs = torch.nn.functional.alpha_dropout(whole, p=0.25, training=True).numpy()
    ours_kept, theirs_kept = slope != 0, theirs != theirs.min()
    both = ours_kept & theirs_kept
    np.testing.assert_allclose(h[both], theirs[both], rtol=1e-6)
    np.testing.assert_allclose(h[~ours_kept].mean(), theirs[~theirs_kept].mean(), rtol=1e-6)


@pytest.mark.statistical  # five standard errors, with a fixed seed
def test_weights_are_dropped_at_their_rate_and_rescaled_to_their_mean():
    w = np.ones(COUNT)
    drop_weights(w, 77.0, 256 / 179, np.uint64(5))
    assert set(np.unique(w)) == {0.0, 256 / 179}
    assert abs((w == 0).mean() - 77 / 256) < 5 * math.sqrt(77 / 256 * 179 / 256 / COUNT)
    assert abs(w.mean() - 1) < 5 * w.std() / math.sqrt(COUNT)
    dropped = (w == 0).astype(float)
    assert abs(np.corrcoef(dropped[1:], dropped[:-1])[0, 1]) < 5 / math.sqrt(COUNT)


@pytest.mark.statistical  # fails by chance once in a thousand, but the seed is fixed
@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 4.0])
def test_shares_of_mixtures_have_their_beta_distribution(alpha):
    shares = chance.mixtures(3, 0, 20_000, alpha)
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 1e-3
    assert not np.array_equal(shares, chance.mixtures(3, 1, 20_000, alpha))
    np.testing.assert_array_equal(shares[:7], chance.mixtures(3, 0, 7, alpha))


@pytest.mark.statistical  # five standard errors, of 9 numbers, with fixed seeds
def test_noise_on_the_weights_of_a_line_leaves_its_mean_gradient():
    # the loss is quadratic: noise moves the mean of the gradient nowhere, and spreads it by 2 s X'X / n
    random = np.random.default_rng(0)
    x = random.standard_normal((60, 8))
    y = x[:, 0] + 0.3 * random.standard_normal(60)
    ones, count = np.ones((1, 60)), 3000
    samples = Samples(
        shape=InputShape(numeric=8, features=8, cardinalities=()), outputs=1, classification=False, values=x[None],
        codes=np.zeros((1, 60, 0), dtype=np.int32), target=y[None], row_weights=ones, balanced_weights=ones,
        prior=np.zeros((1, 1)), training=[np.arange(60)], validation=[np.arange(60)],
    )  # fmt: skip
    config = Config(
        depth=0, batch_rows=60, numeric_embedding="none", input_scale_rate=0.0, optimiser="sgd", schedule="constant",
        momentum=0.0, learning_rate=1.0, epochs=1, weight_noise=0.2,
    )  # fmt: skip
    fleet = Fleet([Member(config=config, split=0, seed=i) for i in range(count)], samples, precision=np.float64)
    start = fleet.weights[0].copy()
    fleet.load(fleet.state() | {"weights": np.tile(start, (count, 1))})
    fleet.train_epoch()
    weight = fleet.layout.block("weight_out")
    drawn = (start - fleet.weights)[:, weight.start : weight.stop]
    wanted = 2 * x.T @ (x @ start[weight.start : weight.stop] + start[-1] - y) / 60
    assert (np.abs(drawn.mean(axis=0) - wanted) < 5 * drawn.std(axis=0) / math.sqrt(count)).all()
    spread = 2 * 0.2 * np.linalg.norm(x.T @ x / 60, axis=1)
    np.testing.assert_allclose(drawn.std(axis=0), spread, rtol=5 / math.sqrt(2 * count))
